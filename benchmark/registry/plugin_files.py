"""Plug-ins: Python files that register methods, datasets, metrics and suites."""

import importlib.util
import sys
from hashlib import sha256
from pathlib import Path

from benchmark.errors import UsageError, in_one_line
from benchmark.registry.packages import use_own_packages
from benchmark.registry.registries import PLUGIN, REGISTRIES, Registry

__all__ = ["load_plugin"]


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
    use_own_packages()
    sys.modules[module_name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plug-in is foreign code and may raise anything
        del sys.modules[module_name]
        for registry in REGISTRIES.values():
            registry.forget(module_name)
        problem = f"does not import: {in_one_line(error)}"
        if isinstance(error, UsageError):
            problem = str(error)
        raise UsageError(f"--plugin {path}: {problem}") from error
