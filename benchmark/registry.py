"""Names to methods, datasets, metrics and suites, found lazily: decorators, entry points and plug-in files.

A name is known before its module is imported. Built-in names are read from the source of the built-in
packages, a third party's from its entry points, so that listing them costs no import of torch.

A class joins by its decorator, wherever it lives, and so does a function that returns a suite::

    @register_method("my-gan")
    class MyGAN(Method): ...
"""

import ast
import difflib
import importlib
import importlib.util
import inspect
import math
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
    "REGISTRIES",
    "RESERVED_FIELDS",
    "SUITES",
    "Registry",
    "load_plugin",
    "register_dataset",
    "register_method",
    "register_metric",
    "register_suite",
    "resolved",
]

T = TypeVar("T", bound=Callable[..., Any])

PLUGIN = "benchmark_plugin_"
"""Begins the names of the modules that plug-in files become."""

ROOT = Path(__file__).resolve().parent.parent

RESERVED_FIELDS = ("name", "source")
"""What a record says of every dataset, method and metric beside its settings."""


class Registry:
    """The entries of one kind, by name.

    Arguments:
        kind: What an entry is: `method`, `dataset`, `metric` or `suite`.
        package: The built-in package, whose files hold the decorators.
        reserved: Names that the program uses itself.
    """

    def __init__(self, kind: str, package: str, reserved: Iterable[str] = ()) -> None:
        self.kind = kind
        self.package = package
        self.reserved = frozenset(reserved)
        self._entries: dict[str, Any] = {}

    @cached_property
    def _modules(self) -> dict[str, str]:
        """The module of every name that is known without importing anything."""
        modules = {}
        folder = ROOT.joinpath(*self.package.split("."))
        for file in sorted(folder.glob("*.py")):
            for name in _decorated_names(file, f"register_{self.kind}"):
                modules[name] = f"{self.package}.{file.stem}"
        for entry in entry_points(group=f"mode_collapse_benchmark.{self.kind}s"):
            modules.setdefault(entry.name, entry.value.partition(":")[0])
        return modules

    def names(self) -> list[str]:
        """Every known name, sorted."""
        return sorted({*self._modules, *self._entries})

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that enters a class, or a function that returns a suite, under `name`.

        Raises:
            UsageError: If the name is taken or reserved.
        """

        def enter(entry: T) -> T:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
                raise UsageError(
                    f"{self.kind} name {name!r}: give lower-case letters, digits, and - _ . between them"
                )
            home = self._modules.get(name, entry.__module__)
            from_elsewhere = not f"{entry.__module__}.".startswith(f"{home}.")
            if name in self.reserved or name in self._entries or from_elsewhere:
                raise UsageError(f"{self.kind} name {name!r} is already taken; choose another name")
            if isinstance(entry, type):
                entry.name = name  # type: ignore[attr-defined]
            self._entries[name] = entry
            return entry

        return enter

    def of_module(self, module: str) -> list[str]:
        """The names that a module has registered."""
        return [name for name, entry in self._entries.items() if entry.__module__ == module]

    def forget(self, module: str) -> None:
        """Removes the names that a module has registered."""
        for name in self.of_module(module):
            del self._entries[name]

    def source(self, name: str) -> str:
        """SHA-256 of the plug-in file that registers `name`; empty for a name from elsewhere.

        Raises:
            UsageError: If it is from a notebook or from the script that was started, which other processes
                cannot import.
        """
        module = sys.modules[self.get(name).__module__]
        if module.__name__ == "__main__":
            raise UsageError(
                f"{self.kind} {name!r}: is defined where other processes cannot find it; "
                "put it in a file and name that as a plug-in"
            )
        if not module.__name__.startswith(PLUGIN):
            return ""
        return sha256(Path(str(module.__file__)).read_bytes()).hexdigest()

    def check(self, name: str) -> None:
        """Raises a `UsageError` with the nearest names if `name` is unknown. Imports nothing."""
        if name in self.names():
            return
        near = difflib.get_close_matches(name, self.names(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(self.names())}"
        raise UsageError(f"unknown {self.kind} {name!r}; {hint}")

    def get(self, name: str) -> Any:
        """The entry registered as `name`; its module is imported on the first call.

        Raises:
            UsageError: If the name is unknown, or its module does not import or does not register it.
        """
        self.check(name)
        if name not in self._entries:
            self._import(name)
        return self._entries[name]

    def _import(self, name: str) -> None:
        module = self._modules[name]
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # a third party's module may raise anything
            problem = f"{type(error).__name__}: {error}"
            raise UsageError(f"{self.kind} {name!r}: module {module} does not import: {problem}") from error
        if name not in self._entries:
            raise UsageError(f"{self.kind} {name!r}: module {module} does not register that name")

    def has_setting(self, name: str, setting: str) -> bool:
        """Whether the class registered as `name` has a field of that name."""
        cls = self.get(name)
        return is_dataclass(cls) and setting in {field.name for field in fields(cls)}

    def build(self, name: str, settings: Mapping[str, Any]) -> Any:
        """An instance of the class registered as `name`, with the given values for its fields.

        A value is a string from the command line or a typed value from a file.

        Raises:
            UsageError: If a field is unknown, or a value has the wrong type or is refused by the class.
        """
        cls = self.get(name)
        self._check_class(name, cls)
        hints = get_type_hints(cls)
        names = [field.name for field in fields(cls) if field.init]
        values = {}
        for key, value in settings.items():
            if key not in names:
                choices = ", ".join(names) or "no settings"
                raise UsageError(
                    f"--set {name}.{key}={value}: {self.kind} {name!r} has no such setting; it has {choices}"
                )
            try:
                values[key] = _convert(value, hints[key])
            except (KeyError, OverflowError, TypeError, ValueError):
                accepted = _describe(hints[key])
                raise UsageError(f"--set {name}.{key}={value}: give {accepted}") from None
        try:
            return cls(**values)
        except ValueError as error:
            # The settings that the class complains of, as far as it names them.
            culprits = [key for key in settings if re.search(rf"\b{key}\b", str(error))] or list(settings)
            options = " ".join(f"--set {name}.{key}={settings[key]}" for key in culprits)
            raise UsageError(f"{options or name}: {error}") from error

    def _check_class(self, name: str, cls: type) -> None:
        """Raises a `UsageError` if a class cannot be built, or would not be built as it is written."""
        who = f"{self.kind} {name!r}"
        if not is_dataclass(cls) or inspect.isabstract(cls):
            abstract = sorted(getattr(cls, "__abstractmethods__", ()))
            missing = ", ".join(abstract) or "the decorator @dataclass(frozen=True)"
            raise UsageError(f"{who}: {cls.__name__} lacks {missing}")
        for field in fields(cls):
            if field.name in RESERVED_FIELDS:
                raise UsageError(f"{who}: a setting cannot be called {field.name}; give it another name")
            # A subclass of a dataclass that sets a field without its type is not heard.
            if field.default is not MISSING and getattr(cls, field.name, field.default) != field.default:
                hint = getattr(field.type, "__name__", field.type)
                raise UsageError(
                    f"{who}: the class sets {field.name} without a type; write {field.name}: {hint} = ..."
                )


METHODS = Registry("method", "baselines", reserved=("real-data", "collapsed", "noise", "all"))
DATASETS = Registry("dataset", "benchmark.datasets")
METRICS = Registry("metric", "metrics")
SUITES = Registry("suite", "benchmark.suites")

REGISTRIES = {f"{registry.kind}s": registry for registry in (METHODS, DATASETS, METRICS, SUITES)}
"""All registries, by what their entries are together: `methods`, `datasets`, `metrics`, `suites`."""

register_method = METHODS.register
register_dataset = DATASETS.register
register_metric = METRICS.register
register_suite = SUITES.register


def load_plugin(path: Path) -> list[tuple[Registry, str]]:
    """Runs a plug-in file, once per process, and returns the names that it registered, each with its
    registry.

    A plug-in is code: it can do whatever the user who runs it can.

    Raises:
        UsageError: If the file is missing, does not import, registers nothing or takes an existing name.
    """
    module_name = f"{PLUGIN}{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    if module_name not in sys.modules:
        _execute(path, module_name)
    entries = []
    for registry in REGISTRIES.values():
        entries += [(registry, name) for name in registry.of_module(module_name)]
    if not entries:
        del sys.modules[module_name]
        decorators = ", ".join(f"register_{registry.kind}" for registry in REGISTRIES.values())
        raise UsageError(
            f"--plugin {path}: registers nothing; decorate a class or a function with {decorators}"
        )
    return entries


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
        for registry in REGISTRIES.values():
            registry.forget(module_name)
        problem = f"does not import: {type(error).__name__}: {error}"
        if isinstance(error, UsageError):
            problem = str(error)
        raise UsageError(f"--plugin {path}: {problem}") from error


def _decorated_names(file: Path, decorator: str) -> list[str]:
    """The names that the classes and functions in a source file are registered under, in order."""
    names = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names += [_argument(call) for call in node.decorator_list if _is_call_of(call, decorator)]
    return names


def _is_call_of(node: ast.expr, function: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def _argument(call: Any) -> str:
    """The text that a decorator is called with."""
    return str(call.args[0].value)


def resolved(instance: Any) -> dict[str, Any]:
    """All fields of a built instance, as JSON has them."""
    settings = {}
    for key, value in asdict(instance).items():
        settings[key] = list(value) if isinstance(value, tuple) else value
    return settings


def _convert(value: Any, hint: Any) -> Any:
    """A value as a field of that type has it.

    Raises:
        KeyError, OverflowError, TypeError, ValueError: If it is none of that type.
    """
    if get_origin(hint) is UnionType:
        if value in (None, "none"):
            if NoneType in get_args(hint):
                return None
            raise ValueError
        (hint,) = [part for part in get_args(hint) if part is not NoneType]
    if hint is bool:
        text = value.lower() if isinstance(value, str) else value
        return {"true": True, "false": False, True: True, False: False}[text]
    if isinstance(value, bool):
        raise TypeError
    if hint is int:
        return _whole_number(value)
    if hint is float:
        return _finite_number(value)
    if hint is str and isinstance(value, str):
        return value
    raise TypeError


def _whole_number(value: Any) -> int:
    number = value if isinstance(value, float) else int(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _finite_number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _describe(hint: Any) -> str:
    """The values that a field of that type accepts, in words."""
    words = {
        int: "a whole number",
        float: "a finite number",
        bool: "true or false",
        str: "a text",
        NoneType: "none",
    }
    parts = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return " or ".join(words.get(part, str(part)) for part in parts)
