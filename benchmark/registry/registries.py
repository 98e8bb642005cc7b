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
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from benchmark.errors import UsageError, in_one_line
from benchmark.registry.packages import ROOT, use_own_packages
from benchmark.registry.ranges import check_ranges
from benchmark.registry.sources import LOADED, Sources, sources_of
from benchmark.registry.values import convert, describe

__all__ = [
    "DATASETS",
    "METHODS",
    "METRICS",
    "REGISTRIES",
    "SUITES",
    "Registry",
    "check_different",
    "recorded_settings",
    "register_dataset",
    "register_method",
    "register_metric",
    "register_suite",
    "settings_of",
    "unknown",
]

T = TypeVar("T", bound=Callable[..., Any])

RESERVED_FIELDS = ("name", "source", "sources")
"""What a record says of every dataset, method and metric beside its settings."""


def recorded_settings(part: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in what a record says of a dataset, method or metric."""
    return {name: value for name, value in part.items() if name not in RESERVED_FIELDS}


class Registry:
    """The entries of one kind, by name.

    Arguments:
        kind: What an entry is: `method`, `dataset`, `metric` or `suite`.
        package: The built-in package, whose files hold the decorators.
        reserved: A pattern of names that the program uses itself.
    """

    def __init__(self, kind: str, package: str, reserved: str = "") -> None:
        self.kind = kind
        self.package = package
        self.reserved = re.compile(reserved)
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
            if not re.fullmatch(r"[a-z0-9][a-z0-9_.+-]*", name):
                raise UsageError(
                    f"{self.kind} name {name!r}: give lower-case letters, digits, and after the first - + _ ."
                )
            home = self._modules.get(name, entry.__module__)
            from_elsewhere = not f"{entry.__module__}.".startswith(f"{home}.")
            if self.reserved.fullmatch(name):
                raise UsageError(f"{self.kind} name {name!r} is used by the program; choose another name")
            if name in self._entries or from_elsewhere:
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

    def sources(self, name: str) -> Sources:
        """What the code of `name` is made of; nothing for what this program has itself.

        Raises:
            UsageError: If it is from a notebook or from the script that was started, which other processes
                cannot import.
        """
        module = self.get(name).__module__
        if module == "__main__":
            raise UsageError(
                f"{self.kind} {name!r}: is defined where other processes cannot find it; "
                "put it in a file and name that as a plug-in"
            )
        if module in LOADED:
            return LOADED[module]
        return {} if self.is_built_in(name) else sources_of(module)

    def check(self, name: str) -> None:
        """Raises a `UsageError` with the nearest names if `name` is unknown. Imports nothing."""
        if name in self.names():
            return
        raise UsageError(f"unknown {self.kind} {name!r}; {_hint(name, self.names())}")

    def check_names(self, names: Sequence[str]) -> None:
        """Raises a `UsageError` if one of the names is unknown, or is given twice. Imports nothing."""
        for name in names:
            self.check(name)
        check_different(f"{self.kind}s", names)

    def is_built_in(self, name: str) -> bool:
        """Whether the entry is one of this program's own."""
        return self._modules.get(name, "").startswith(f"{self.package}.")

    def get(self, name: str) -> Any:
        """The entry registered as `name`; its module is imported on the first call.

        Raises:
            UsageError: If the name is unknown, or its module does not import or does not register it, or
                another module is imported under the name of its package.
        """
        self.check(name)
        if name not in self._entries:
            self._import(name)
        return self._entries[name]

    def _import(self, name: str) -> None:
        module = self._modules[name]
        use_own_packages()
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # a third party's module may raise anything
            problem = in_one_line(error)
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
        cls = self.get_class(name)
        hints = get_type_hints(cls, include_extras=True)
        defaults = {field.name: field.default for field in settings_of(cls) if field.init}
        values = {}
        for key, value in settings.items():
            if key not in defaults:
                choices = ", ".join(defaults) or "no settings"
                raise UsageError(
                    f"--set {name}.{key}={value}: {self.kind} {name!r} has no such setting; it has {choices}"
                )
            if type(value) is type(defaults[key]) and value == defaults[key]:
                continue  # whatever its type
            try:
                values[key] = convert(value, hints[key])
            except ValueError:
                accepted = describe(hints[key])
                raise UsageError(f"--set {name}.{key}={value}: give {accepted}") from None
        try:
            instance = cls(**values)
            check_ranges(instance)  # a class may have a constructor of its own
            return instance
        except (Exception, SystemExit) as error:  # a class may be foreign code and raise anything
            if not isinstance(error, ValueError):
                raise UsageError(f"{self.kind} {name!r}: {in_one_line(error)}") from error
            # The settings that the class complains of, as far as it names them.
            culprits = [key for key in settings if re.search(rf"\b{key}\b", str(error))] or list(settings)
            options = " ".join(f"--set {name}.{key}={settings[key]}" for key in culprits)
            raise UsageError(f"{options or name}: {error}") from error

    def get_class(self, name: str) -> Any:
        """The class registered as `name`, a dataclass with all that it needs.

        Raises:
            UsageError: If there is none, or it cannot be built, or would not be built as it is written.
        """
        cls = self.get(name)
        who = f"{self.kind} {name!r}"
        missing = [*sorted(getattr(cls, "__abstractmethods__", ())), *_unset_attributes(cls)]
        if not is_dataclass(cls) or not _own_settings(cls) <= {field.name for field in fields(cls)}:
            missing.append("the decorator @dataclass(frozen=True)")
        if missing:
            raise UsageError(f"{who}: {cls.__name__} lacks {', '.join(missing)}")
        hints, plain_hints = get_type_hints(cls, include_extras=True), get_type_hints(cls)
        for field in fields(cls):
            if field.name in RESERVED_FIELDS:
                raise UsageError(f"{who}: a setting cannot be called {field.name}; give it another name")
            _check_type(who, field.name, hints[field.name])
            _check_default(who, cls, field, plain_hints[field.name])
        return cls


def _own_settings(cls: Any) -> set[str]:
    """What a class itself declares with a type, apart from what belongs to the class."""
    own = inspect.get_annotations(cls)
    return {name for name, hint in own.items() if "ClassVar" not in str(hint)}


def check_different(what: str, names: Sequence[str]) -> None:
    """Raises a `UsageError` if one of the names is given twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{what}: {', '.join(twice)} given twice; give each name once")


def settings_of(cls: Any) -> list[Field]:
    """The fields of a registered class: its own, and then those that all classes of its kind have."""
    return sorted(fields(cls), key=lambda field: "common" in field.metadata)


def unknown(name: str) -> UsageError:
    """The error for a name that no registry knows."""
    kinds, names = [], []
    for registry in REGISTRIES.values():
        kinds.append(registry.kind)
        names += registry.names()
    return UsageError(f"no {', '.join(kinds)} is called {name!r}; {_hint(name, names)}")


def _check_default(who: str, cls: Any, field: Field, hint: Any) -> None:
    """Refuses a field without a default, not among its choices, or that a subclass sets in vain."""
    if field.init and field.default is MISSING and field.default_factory is MISSING:
        raise UsageError(f"{who}: the setting {field.name} has no default; give it one")
    if get_origin(hint) is Literal and field.default not in (MISSING, *get_args(hint)):
        raise UsageError(f"{who}: the default of {field.name} is {field.default!r}; give {describe(hint)}")
    # A subclass of a dataclass that sets a field without its type is not heard.
    if field.default is MISSING or getattr(cls, field.name, field.default) == field.default:
        return
    type_name = getattr(hint, "__name__", hint)
    decorator = "" if "__dataclass_fields__" in vars(cls) else ", below @dataclass(frozen=True)"
    raise UsageError(
        f"{who}: the class sets {field.name} without a type; write {field.name}: {type_name} = ...{decorator}"
    )


def _check_type(who: str, setting: str, hint: Any) -> None:
    try:
        describe(hint)
    except TypeError:
        raise UsageError(
            f"{who}: the setting {setting} is of type {hint}; use bool, int, float, str, None, a Literal, "
            "an enumeration of texts or whole numbers, or a tuple or list with the type of its items"
        ) from None


def _unset_attributes(cls: Any) -> list[str]:
    """The class attributes that a contract declares and the class does not set."""
    hints = get_type_hints(cls) if isinstance(cls, type) else {}
    return [name for name, hint in hints.items() if get_origin(hint) is ClassVar and not hasattr(cls, name)]


def _hint(name: str, names: Sequence[str]) -> str:
    """The names that look like a misspelt one, or all of them."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(names)}"


COLUMNS = (
    "suite|dataset|method|seed|status|modes_total|fid_features|budget|flops|generator_steps|"
    "discriminator_steps|samples_seen|device_seconds|parameters|config_hash|width|diverged_at|group|"
    "compiled|peak_memory_bytes|sample_evaluations|sample_flops|settings"
)
"""The columns of `trials.csv` that are no metrics."""

ROWS = "real-data|collapsed|noise|gaussian-mixture|gaussian-mixture-bic|kernel-density"
"""The calibration rows, which stand in tables where methods do."""

METHODS = Registry("method", "baselines", reserved=f"{ROWS}|all")
DATASETS = Registry("dataset", "benchmark.datasets")
METRICS = Registry("metric", "metrics", reserved=f"{COLUMNS}|.*_large")
SUITES = Registry("suite", "benchmark.suites")

REGISTRIES = {f"{registry.kind}s": registry for registry in (METHODS, DATASETS, METRICS, SUITES)}
"""All registries, by what their entries are together: `methods`, `datasets`, `metrics`, `suites`."""

register_method = METHODS.register
register_dataset = DATASETS.register
register_metric = METRICS.register
register_suite = SUITES.register


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
