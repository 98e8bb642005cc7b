"""The mode-collapse benchmark: it tells which training method covers the data distribution, at equal compute.

`run` and `load_results` are Python's way to what the command line does; they import the heavy libraries when
they are first used.
"""

from typing import TYPE_CHECKING, Any

from benchmark.version import __version__

if TYPE_CHECKING:
    from benchmark.commands.api import Run, load_results, run

__all__ = ["Run", "__version__", "load_results", "run"]


def __getattr__(name: str) -> Any:
    if name in ("Run", "load_results", "run"):
        from benchmark.commands.system import require_unix

        require_unix()
        from benchmark.commands import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
