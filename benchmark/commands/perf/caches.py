"""Caches of compiled programs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from benchmark.training.compiled_cycles import forget_compiled_cycles

__all__ = ["empty_compile_cache"]


@contextmanager
def empty_compile_cache() -> Iterator[None]:
    """Within it, nothing is compiled yet, neither in this process nor on disk."""
    forget_compiled_cycles()
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=cache):
        yield
    forget_compiled_cycles()
