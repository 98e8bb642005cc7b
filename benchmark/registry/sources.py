"""Which code an entry is: the files that it is made of, and the distribution that it is installed with."""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from benchmark.registry.packages import OWN_PACKAGES

__all__ = ["LOADED", "Sources", "file_of", "imports_of", "sources_of"]

Sources = dict[str, str]
"""SHA-256 by file, named by its module; or version and SHA-256 by distribution."""


LOADED: dict[str, Sources] = {}
"""What plug-ins were made of when they were loaded, by the names of their modules."""

PYTHON_FOLDERS = ("stdlib", "platstdlib", "purelib", "platlib")


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
        if not _is_installed(file):
            sources[_title(name, file)] = sha256(file.read_bytes()).hexdigest()
            waiting += imports_of(file, name)
    return sources or _distribution(module)


def file_of(module: str) -> Path | None:
    """The file of a module.

    `None` for one of the standard library or of this program, whose version is in every manifest, and for
    what has no file or is no module.
    """
    top = module.partition(".")[0]
    if top in OWN_PACKAGES or top in sys.stdlib_module_names:
        return None
    if module in sys.modules:
        path = getattr(sys.modules[module], "__file__", None)
    elif top == module:  # to look for a submodule would run its package
        spec = importlib.util.find_spec(module)
        path = spec.origin if spec is not None and spec.has_location else None
    else:
        return None
    return Path(path) if path is not None and Path(path).is_file() else None


def imports_of(file: Path, module: str) -> Iterator[str]:
    """The names of what may be modules in the import statements of a module's file."""
    if file.suffix != ".py":
        return
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if node.level:
                base = importlib.util.resolve_name(base, package)
            yield from _with_parents(base)
            for alias in node.names:
                yield f"{base}.{alias.name}"


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


def _is_installed(file: Path) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in _python_folders())


@cache
def _python_folders() -> list[Path]:
    return [Path(sysconfig.get_path(name)).resolve() for name in PYTHON_FOLDERS]


def _distribution(module: str) -> Sources:
    """The distribution that installed a module: its version, and the digest of the list of its files."""
    top = module.partition(".")[0]
    sources = {}
    for name in packages_distributions().get(top, []):
        installed = distribution(name)
        files = sha256((installed.read_text("RECORD") or "").encode()).hexdigest()
        sources[name] = f"{installed.version} {files}"
    return sources
