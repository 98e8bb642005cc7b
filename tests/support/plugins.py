"""Plug-ins stay in a process; a test may want to begin as in a new one."""

import sys

from benchmark.registry import REGISTRIES
from benchmark.registry.sources import PLUGIN


def forget_plugins():
    """Removes the plug-ins that this process has loaded, and what they registered."""
    for module in [name for name in sys.modules if name.startswith(PLUGIN)]:
        del sys.modules[module]
        for registry in REGISTRIES.values():
            registry.forget(module)
