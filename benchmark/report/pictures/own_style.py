"""The style of all pictures, whatever a user's matplotlibrc says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context, rcdefaults, rcParams

__all__ = ["own_style"]


@contextmanager
def own_style(settings: dict[Any, Any] | None = None) -> Iterator[None]:
    """Within it, matplotlib has its own settings and these: no font and no LaTeX that may be absent."""
    with rc_context():
        rcdefaults()
        rcParams.update(settings or {})
        yield
