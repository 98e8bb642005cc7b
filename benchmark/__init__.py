"""The mode-collapse benchmark: it tells which training method covers the data distribution, at equal compute.

`run` and `load_results` are Python's way to what the command line does; they import the heavy libraries when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.api import Run, load_results, run

__all__ = ["Run", "__version__", "load_results", "run"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("Run", "load_results", "run"):
        from benchmark import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
