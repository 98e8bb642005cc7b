"""Which code an entry is: the files that it is made of, and the distribution that it is installed with."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from benchmark.registry.packages import OWN_PACKAGES

__all__ = ["LOADED", "PLUGIN", "Sources", "file_of", "imports_of", "sources_of"]

Sources = dict[str, str]
"""SHA-256 by file, named by its module; or version and SHA-256 by distribution."""

LOADED: dict[str, Sources] = {}
"""What plug-ins were made of when they were loaded, by the names of their modules."""

PLUGIN = "benchmark_plugin_"
"""Begins the names of the modules that plug-in files become."""

LIBRARIES = {"site-packages", "dist-packages"}
"""Folders of what is installed: for all, for one user, or in an environment."""


def sources_of(module: str) -> Sources:
    """What the code of an imported module is.

    These are its file and those of all modules that its import statements name, and these in turn, apart from
    the standard library, installed distributions and this program. A module of an installed distribution is
    that distribution.
    """
    sources: Sources = {}
    waiting = [module]
    seen = set()
    while waiting:
        name = waiting.pop()
        file = file_of(name)
        if file is None or name in seen:
            continue
        seen.add(name)
        if name.startswith(PLUGIN) or not LIBRARIES.intersection(file.parts):
            sources[_title(name, file)] = sha256(file.read_bytes()).hexdigest()
            waiting += imports_of(file, name)
    return sources or _distribution(module)


def file_of(module: str) -> Path | None:
    """The file of a module, whether it has been imported or not.

    `None` for one of the standard library or of this program, and for what has no file or is no module.
    """
    top = module.partition(".")[0]
    if top in OWN_PACKAGES or top in sys.stdlib_module_names:
        return None
    spec = _spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    file = Path(spec.origin)
    return file if file.is_file() else None


def _spec(module: str) -> ModuleSpec | None:
    """How a module would be imported. To ask Python for a submodule would import its package."""
    parent = module.rpartition(".")[0]
    if not parent:
        try:
            return importlib.util.find_spec(module)
        except ValueError:  # a module that was made by hand
            return None
    package = _spec(parent)
    if package is None or package.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, list(package.submodule_search_locations))


def imports_of(file: Path, module: str) -> list[str]:
    """The names of what may be modules in the import statements of a module's file.

    None of a file that cannot be read or is no Python: that is noticed where it is imported, if it is.
    """
    try:
        tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return []
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names += _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            names += _with_parents(base)
            names += [f"{base}.{alias.name}" for alias in node.names if base]
    return names


def _base(statement: ast.ImportFrom, package: str) -> str:
    """The module of `from ... import ...`; empty if it is relative to what is not there."""
    name = "." * statement.level + (statement.module or "")
    try:
        return importlib.util.resolve_name(name, package)
    except ImportError:
        return ""


def _with_parents(module: str) -> Iterator[str]:
    """A dotted name, and the packages that it lies in."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def _title(module: str, file: Path) -> str:
    """The name of a file as far as its module says it: no machine's folder is in it."""
    folders = module.split(".")
    if file.name != "__init__.py":
        folders.pop()
    return "/".join([*folders, file.name])


@cache
def _distribution(module: str) -> Sources:
    """The distribution that installed a module: its version, and the digest of the list of its files."""
    top = module.partition(".")[0]
    sources = {}
    for name in packages_distributions().get(top, []):
        installed = distribution(name)
        files = sha256((installed.read_text("RECORD") or "").encode()).hexdigest()
        sources[name] = f"{installed.version} {files}"
    return sources
