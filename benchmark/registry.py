"""Names to classes, found lazily: decorators, entry points and plug-in files.

A name is known before its module is imported. Built-in names are read from the source of the built-in packages, a
third party's from its entry points, so that listing them costs no import of torch.

A class joins by its decorator, wherever it lives::

    @register_method("my-gan")
    class MyGAN(Method): ...
"""

import ast
import difflib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from benchmark.errors import UsageError

__all__ = [
    "DATASETS",
    "METHODS",
    "METRICS",
    "Registry",
    "load_plugin",
    "register_dataset",
    "register_method",
    "register_metric",
    "resolved",
]

T = TypeVar("T", bound=type)

PLUGIN = "benchmark_plugin_"
ROOT = Path(__file__).resolve().parent.parent


class Registry:
    """The classes of one kind, by name.

    Arguments:
        kind: What the entries are, in the singular: `method`, `dataset` or `metric`.
        package: The built-in package, whose files hold the decorators.
        reserved: Names that the program uses itself.
    """

    def __init__(self, kind: str, package: str, reserved: Iterable[str] = ()) -> None:
        self.kind = kind
        self.package = package
        self.reserved = frozenset(reserved)
        self._classes: dict[str, type] = {}

    @cached_property
    def _modules(self) -> dict[str, str]:
        """The module of every name that is known without importing anything."""
        modules = {}
        folder = ROOT.joinpath(*self.package.split("."))
        for file in sorted(folder.glob("*.py")):
            for name in _decorated(file, f"register_{self.kind}"):
                modules[name] = f"{self.package}.{file.stem}"
        for entry in entry_points(group=f"mode_collapse_benchmark.{self.kind}s"):
            modules.setdefault(entry.name, entry.value.partition(":")[0])
        return modules

    def names(self) -> list[str]:
        """Every known name, sorted."""
        return sorted({*self._modules, *self._classes})

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that enters a class under `name`.

        Raises:
            UsageError: If the name is taken or reserved.
        """

        def enter(cls: T) -> T:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
                raise UsageError(
                    f"{self.kind} name {name!r}: give lower-case letters, digits, and - _ . between them"
                )
            home = self._modules.get(name, cls.__module__)
            taken = name in self._classes or not f"{cls.__module__}.".startswith(f"{home}.")
            if name in self.reserved or taken:
                raise UsageError(f"{self.kind} name {name!r} is already taken; choose another name")
            cls.name = name  # type: ignore[attr-defined]
            self._classes[name] = cls
            return cls

        return enter

    def of_module(self, module: str) -> list[str]:
        """The names that a module has registered."""
        return [name for name, cls in self._classes.items() if cls.__module__ == module]

    def source(self, name: str) -> str:
        """SHA-256 of the plug-in file that registers `name`; empty for a name from elsewhere.

        Raises:
            UsageError: If it is from a notebook or from the script that was started, which other processes cannot import.
        """
        module = sys.modules[self.get(name).__module__]
        if module.__name__ == "__main__":
            raise UsageError(
                f"{self.kind} {name!r}: is defined where other processes cannot find it; put it in a file and name that as a plug-in"
            )
        if not module.__name__.startswith(PLUGIN):
            return ""
        return sha256(Path(str(module.__file__)).read_bytes()).hexdigest()

    def check(self, name: str) -> None:
        """Raises a `UsageError` with the nearest names if `name` is unknown. Imports nothing."""
        if name not in self.names():
            near = difflib.get_close_matches(name, self.names(), n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(self.names())}"
            raise UsageError(f"unknown {self.kind} {name!r}; {hint}")

    def get(self, name: str) -> Any:
        """The class registered as `name`; its module is imported on the first call.

        Raises:
            UsageError: If the name is unknown, or its module does not import or does not register it.
        """
        self.check(name)
        if name not in self._classes:
            module = self._modules[name]
            try:
                importlib.import_module(module)
            except (Exception, SystemExit) as error:  # a third party's module may raise anything
                raise UsageError(
                    f"{self.kind} {name!r}: module {module} does not import: {type(error).__name__}: {error}"
                ) from error
        if name not in self._classes:
            raise UsageError(
                f"{self.kind} {name!r}: module {self._modules[name]} does not register that name"
            )
        return self._classes[name]

    def build(self, name: str, given: Mapping[str, Any]) -> Any:
        """An instance of the class registered as `name`, with the given values for its fields.

        A value is a string from the command line or a typed value from a file.

        Raises:
            UsageError: If a field is unknown, or a value has the wrong type or is refused by the class.
        """
        cls = self.get(name)
        if not is_dataclass(cls) or inspect.isabstract(cls):
            missing = (
                ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
                or "the decorator @dataclass(frozen=True)"
            )
            raise UsageError(f"{self.kind} {name!r}: {cls.__name__} lacks {missing}")
        hints = get_type_hints(cls)
        known = [f.name for f in fields(cls) if f.init]
        values = {}
        for key, value in given.items():
            if key not in known:
                choices = ", ".join(known) if known else "no settings"
                raise UsageError(
                    f"--set {name}.{key}={value}: {self.kind} {name!r} has no such setting; it has {choices}"
                )
            try:
                values[key] = _convert(value, hints[key])
            except (KeyError, OverflowError, TypeError, ValueError):
                raise UsageError(f"--set {name}.{key}={value}: give {_describe(hints[key])}") from None
        for f in fields(cls):
            # A subclass of a dataclass that sets a field without its type is not heard.
            if f.default is not MISSING and getattr(cls, f.name, f.default) != f.default:
                raise UsageError(
                    f"{self.kind} {name!r}: the class sets {f.name} without a type; write {f.name}: {getattr(f.type, '__name__', f.type)} = ..."
                )
        try:
            return self.get(name)(**values)
        except ValueError as error:
            named = [key for key in given if re.search(rf"\b{key}\b", str(error))] or given
            shown = " ".join(f"--set {name}.{key}={given[key]}" for key in named)
            raise UsageError(f"{shown or name}: {error}") from error


METHODS = Registry("method", "baselines", reserved=("real-data", "collapsed", "noise", "all"))
DATASETS = Registry("dataset", "benchmark.datasets")
METRICS = Registry("metric", "metrics")

register_method = METHODS.register
register_dataset = DATASETS.register
register_metric = METRICS.register


def load_plugin(path: Path) -> list[str]:
    """Runs a plug-in file, once per process, and returns the names that it registered, as `kind name`.

    A plug-in is code: it can do whatever the user who runs it can.

    Raises:
        UsageError: If the file is missing, does not import, registers nothing or takes an existing name.
    """
    module_name = f"{PLUGIN}{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    if module_name not in sys.modules:
        _execute(path, module_name)
    new = [f"{r.kind} {name}" for r in (METHODS, DATASETS, METRICS) for name in r.of_module(module_name)]
    if not new:
        del sys.modules[module_name]
        raise UsageError(
            f"--plugin {path}: registers nothing; decorate a class with register_method, register_dataset or register_metric"
        )
    return new


def _execute(path: Path, module_name: str) -> None:
    if not path.is_file():
        raise UsageError(f"--plugin {path}: no such file; give a Python file")
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file (its name must end in .py)")
    sys.modules[module_name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plug-in is foreign code and may raise anything
        del sys.modules[module_name]
        what = (
            str(error)
            if isinstance(error, UsageError)
            else f"does not import: {type(error).__name__}: {error}"
        )
        raise UsageError(f"--plugin {path}: {what}") from error


def _decorated(file: Path, decorator: str) -> list[str]:
    """The names that the classes in a source file are registered under, in order."""
    return [
        call.args[0].value
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == decorator
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def resolved(instance: Any) -> dict[str, Any]:
    """All fields of a built instance, as JSON has them."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in asdict(instance).items()
    }


def _convert(value: Any, hint: Any) -> Any:
    if get_origin(hint) is UnionType:
        if value in (None, "none"):
            if NoneType in get_args(hint):
                return None
            raise ValueError
        (hint,) = [arg for arg in get_args(hint) if arg is not NoneType]
    if hint is bool:
        return {"true": True, "false": False, True: True, False: False}[
            value.lower() if isinstance(value, str) else value
        ]
    if isinstance(value, bool):
        raise TypeError
    if hint is int:
        number = int(value) if not isinstance(value, float) else value
        if number != int(number):
            raise ValueError
        return int(number)
    if hint is float:
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError
        return number
    if hint is str and isinstance(value, str):
        return value
    raise TypeError


def _describe(hint: Any) -> str:
    names = {
        int: "a whole number",
        float: "a finite number",
        bool: "true or false",
        str: "a text",
        NoneType: "none",
    }
    return " or ".join(
        names.get(part, str(part)) for part in (get_args(hint) if get_origin(hint) is UnionType else (hint,))
    )
