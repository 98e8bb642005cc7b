"""Where data, weights and the program's own cache are. Such places belong to a machine, and so to no
configuration.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["CACHE", "DATA_ROOT", "FID_WEIGHTS", "cache_directory", "data_root", "fid_weights", "using"]

DATA_ROOT = "BENCHMARK_DATA_ROOT"
"""The environment variable behind `--data-root`; worker processes inherit it."""

FID_WEIGHTS = "BENCHMARK_FID_WEIGHTS"
"""The environment variable behind `--fid-weights`."""

CACHE = "BENCHMARK_CACHE"
"""The environment variable that moves the cache."""


@contextmanager
def using(data_root: str | None, fid_weights: str | None) -> Iterator[None]:
    """Within it, the given places hold, here and in worker processes that are started."""
    before = dict(os.environ)
    for name, place in ((DATA_ROOT, data_root), (FID_WEIGHTS, fid_weights)):
        if place:
            os.environ[name] = str(Path(place).resolve())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def data_root() -> Path | None:
    """The directory of the user's datasets, if one was given."""
    return Path(os.environ[DATA_ROOT]) if os.environ.get(DATA_ROOT) else None


def fid_weights() -> Path | None:
    """The file with the weights of the Inception network, if one was given."""
    return Path(os.environ[FID_WEIGHTS]) if os.environ.get(FID_WEIGHTS) else None


def cache_directory() -> Path:
    """The program's cache: downloaded data and trained classifiers. It may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE) or Path(base) / "mode-collapse-benchmark")
