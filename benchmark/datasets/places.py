"""Where data, weights and the program's own cache are. Such places belong to a machine, and so to no
configuration.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.registry import user_path

__all__ = ["CACHE", "DATA_ROOT", "FID_WEIGHTS", "cache_directory", "data_root", "fid_weights", "using"]

DATA_ROOT = "BENCHMARK_DATA_ROOT"
"""The environment variable behind `--data-root`; worker processes inherit it."""

FID_WEIGHTS = "BENCHMARK_FID_WEIGHTS"
"""The environment variable behind `--fid-weights`."""

CACHE = "BENCHMARK_CACHE"
"""The environment variable that moves the cache."""


@contextmanager
def using(data_root: str | None, fid_weights: str | None) -> Iterator[None]:
    """Within it, the given places hold, here and in worker processes that are started.

    Raises:
        UsageError: If there is no such directory of data, or no such file of weights.
    """
    if data_root and not user_path(data_root).is_dir():
        raise UsageError(f"--data-root {data_root}: there is no such directory; give that of the datasets")
    if fid_weights and not user_path(fid_weights).is_file():
        raise UsageError(f"--fid-weights {fid_weights}: there is no such file; give Inception's weights")
    before = dict(os.environ)
    for name, place in ((DATA_ROOT, data_root), (FID_WEIGHTS, fid_weights)):
        if place:
            os.environ[name] = str(user_path(place).resolve())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def data_root() -> Path | None:
    """The directory of the user's datasets, if one was given."""
    return _given(DATA_ROOT)


def fid_weights() -> Path | None:
    """The file with the weights of the Inception network, if one was given."""
    return _given(FID_WEIGHTS)


def cache_directory() -> Path:
    """The program's cache: downloaded data and trained classifiers. It may not exist yet.

    Raises:
        UsageError: If there is no home directory to have it in, and no other place was given.
    """
    cache = _given(CACHE)
    if cache is not None:
        return cache
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return user_path(base) / "mode-collapse-benchmark"
    except UsageError:
        raise UsageError(f"there is no home directory for the cache; set {CACHE} to a directory") from None


def _given(name: str) -> Path | None:
    """The path in an environment variable."""
    return user_path(os.environ[name]) if os.environ.get(name) else None
