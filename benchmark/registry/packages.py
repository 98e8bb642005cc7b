"""Packages: the program's own and installed ones, whatever lies in the working directory."""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

from benchmark.errors import UsageError

__all__ = ["OWN_PACKAGES", "ROOT", "is_installed", "use_own_packages", "what_is_in_the_way"]

ROOT = Path(__file__).resolve().parents[2]
"""The directory of the program's packages."""

OWN_PACKAGES = ("benchmark", "baselines", "metrics")
"""What this program is made of. Many people have a file or a directory that is called so."""


def use_own_packages() -> None:
    """Imports the program's own packages by their place, so that `import metrics` cannot mean another one.

    Raises:
        UsageError: If this process has imported another module of that name.
    """
    for name in OWN_PACKAGES:
        if name not in sys.modules:
            _import_from_root(name)
        place = _place(sys.modules[name])
        if place.resolve() != ROOT / name / "__init__.py":
            raise UsageError(
                f"{place} is imported as {name!r}, the name of a package of this program; "
                "give the file another name"
            )


def what_is_in_the_way(error: ImportError) -> str:
    """An import that failed, in one line, with the file that was imported in place of another one."""
    name = str(error.name).partition(".")[0]
    if name not in sys.modules:
        return str(error)
    return f"{error}; {name!r} is {_place(sys.modules[name])} here"


def is_installed(name: str) -> bool:
    """Whether there is a library of that name. A directory without code is none."""
    spec = find_spec(name)
    return spec is not None and spec.origin is not None


def _import_from_root(name: str) -> None:
    spec = PathFinder.find_spec(name, [str(ROOT)])
    if spec is None or spec.loader is None:
        raise UsageError(f"{ROOT / name}: is missing; it is part of the program: install that again")
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def _place(module: ModuleType) -> Path:
    """The file of a module, or the directory of a package that has no file; `built-in` of another one."""
    file = getattr(module, "__file__", None)
    folders = getattr(module, "__path__", ())
    return Path(file or next(iter(folders), "built-in"))
