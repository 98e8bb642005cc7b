"""Plug-ins: Python files that register methods, datasets, metrics and suites."""

import importlib.util
import os
import sys
from hashlib import sha256
from pathlib import Path

from benchmark.errors import UsageError, in_one_line
from benchmark.registry.packages import OWN_PACKAGES, use_own_packages
from benchmark.registry.paths import as_text
from benchmark.registry.registries import REGISTRIES, Registry
from benchmark.registry.sources import LOADED, PLUGIN, file_of, imports_of, sources_of

__all__ = ["load_plugin"]


def load_plugin(path: Path) -> list[tuple[Registry, str]]:
    """Runs a plug-in file, once per process, and returns the names that it registered, each with its
    registry.

    A plug-in is code: it can do whatever the user who runs it can. It can import the files beside it.

    Raises:
        UsageError: If the file is missing, does not import, registers nothing or takes an existing name, or
            if it, or a file that it imports, was edited after it was loaded.
    """
    module_name = f"{PLUGIN}{path.stem}_{sha256(os.fsencode(path.resolve())).hexdigest()[:8]}"
    if module_name not in sys.modules:
        _execute(path, module_name)
    _check_unchanged(path, module_name)
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
    if as_text(path.name) != path.name:
        raise UsageError(f"--plugin {path}: its name is not UTF-8, so no record could have it; rename it")
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file (its name must end in .py)")
    use_own_packages()
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    sys.modules[module_name] = module = importlib.util.module_from_spec(spec)
    try:
        _check_neighbours(path, module_name)
        spec.loader.exec_module(module)
        LOADED[module_name] = sources_of(module_name)
    except (Exception, SystemExit) as error:  # a plug-in is foreign code and may raise anything
        del sys.modules[module_name]
        for registry in REGISTRIES.values():
            registry.forget(module_name)
        raise UsageError(f"--plugin {path}: {_problem(error)}") from error


def _problem(error: BaseException) -> str:
    if isinstance(error, UsageError):
        return str(error)
    if "attempted relative import" in str(error):
        return f"does not import: {error}; a file beside it is imported by its name alone: import helper"
    return f"does not import: {in_one_line(error)}"


def _check_neighbours(path: Path, module_name: str) -> None:
    """Raises a `UsageError` if a plug-in would import another module where it means the file beside it."""
    folder = path.resolve().parent
    importlib.invalidate_caches()
    for module in imports_of(path, module_name):
        if module in OWN_PACKAGES:
            continue
        file = file_of(module)
        for neighbour in (folder / f"{module}.py", folder / module / "__init__.py"):
            if neighbour.is_file() and (file is None or not neighbour.samefile(file)):
                other = file or "a module of Python"
                raise UsageError(
                    f"imports {module}, which is {other} and not that of its own folder; "
                    f"give {neighbour.relative_to(folder)} another name"
                )


def _check_unchanged(path: Path, module_name: str) -> None:
    now = sources_of(module_name)
    for file, digest in LOADED[module_name].items():
        if now.get(file) != digest:
            raise UsageError(f"--plugin {path}: {file} was edited after it was loaded; start Python anew")
