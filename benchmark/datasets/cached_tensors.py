"""Tensors in a file of the cache, where they are whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from benchmark.datasets.places import CACHE
from benchmark.errors import UsageError

__all__ = ["save_in_cache"]


def save_in_cache(
    what: str, file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Writes a safetensors file of the cache.

    Arguments:
        what: What the tensors are, for the error, such as `the images`.
        file: The file.
        tensors: The tensors by name.
        metadata: What is said about them.

    Raises:
        UsageError: If the cache cannot be written.
    """
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            temporary = Path(folder) / file.name
            save_file(contiguous, str(temporary), metadata)
            os.replace(temporary, file)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be kept in {file.parent} ({error.strerror}); make it writable or set {CACHE}"
        ) from error
