"""The files of CelebA to arrays, once: the arrays are kept in the cache."""

import os
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from benchmark.datasets.base import Preparation
from benchmark.datasets.cached_tensors import save_in_cache
from benchmark.datasets.image_files import check_file, dataset_root
from benchmark.datasets.places import cache_directory
from benchmark.errors import UsageError, first_line, tell

__all__ = ["CelebAFiles", "load_celeba", "to_decode"]

SPLITS = ("train", "valid", "test")

SQUARE = 178
"""The side of the square in the middle of a file's image of 178 x 218 pixels."""

IMAGES_PER_SECOND = 700
"""Nominal rate of decoding."""

IMAGES_PER_MESSAGE = 10_000


@dataclass(frozen=True, eq=False)
class CelebAFiles:
    """The images of CelebA.

    Attributes:
        splits: Images by split, uint8, shape $(N, 3, S, S)$.
        digest: SHA-256 of all of it.
    """

    splits: dict[str, Tensor]
    digest: str


def load_celeba(original: bool, side: int) -> CelebAFiles:
    """The images of CelebA: from the data root if there is one, else from the cache, where they are
    downloaded to if need be.

    Arguments:
        original: Whether to refuse lists that differ from the original distribution.
        side: The side of an image in pixels.

    Raises:
        UsageError: If a file is missing, damaged or foreign, or cannot be downloaded.
    """
    return _load(original, side, _root())


def to_decode(original: bool, side: int) -> Preparation | None:
    """What it takes to decode the images; `None` if the cache has them."""
    sources = _sources(original, _root())
    if _decoded(sources, side).exists():
        return None
    images = sum(len(source) for source in sources.values())
    return Preparation("the photographs are decoded", images / IMAGES_PER_SECOND)


def _root() -> Path:
    from torchvision.datasets import CelebA

    return dataset_root("CelebA", Path(CelebA.base_folder), ["list_eval_partition.txt"])


def _sources(original: bool, root: Path) -> dict[str, Any]:
    """The files' splits, as torchvision reads them."""
    from torchvision.datasets import CelebA

    for _, md5, name in CelebA.file_list:
        if name.endswith(".txt"):
            check_file(root / CelebA.base_folder / name, md5 if original else None, "CelebA")

    class Files(CelebA):
        """CelebA whose lists are checked already."""

        def _check_integrity(self) -> bool:
            return True

    folder = root / CelebA.base_folder
    try:
        return {split: Files(str(root), split, target_type=[]) for split in SPLITS}
    except Exception as error:  # a foreign list can break the reader in any way
        raise UsageError(f"{folder}: its lists are not CelebA's ({first_line(error)})") from error


@lru_cache(maxsize=1)
def _load(original: bool, side: int, root: Path) -> CelebAFiles:
    sources = _sources(original, root)
    file = _decoded(sources, side)
    splits = _read(file)
    if splits is None:
        splits = {split: _decode(source, side) for split, source in sources.items()}
        save_in_cache("the images", file, splits)
    digest = sha256()
    for split in SPLITS:
        digest.update(splits[split].numpy().tobytes())
    return CelebAFiles(splits, digest.hexdigest())


def _decoded(sources: dict[str, Any], side: int) -> Path:
    """The file in the cache for these images, which is named after their names and sizes on disk."""
    digest = sha256(str(side).encode())
    for split, source in sources.items():
        folder = Path(source.root, source.base_folder, "img_align_celeba")
        for name in source.filename:
            try:
                size = os.stat(folder / name).st_size
            except OSError as error:
                raise UsageError(
                    f"{folder / name}: {error.strerror}; give a --data-root that holds it"
                ) from None
            digest.update(f"{split}/{name}/{size}\n".encode())
    return cache_directory() / f"celeba-{digest.hexdigest()[:16]}.safetensors"


def _decode(source: Any, side: int) -> Tensor:
    """The images of a split, shape $(N, 3, S, S)$."""
    from torchvision.transforms.functional import center_crop, pil_to_tensor, resize

    images = torch.empty(len(source), 3, side, side, dtype=torch.uint8)
    for index in range(len(source)):
        if index % IMAGES_PER_MESSAGE == 0:
            tell(f"decoding CelebA (once; it is cached): {index} of {len(source)} images of {source.split}")
        try:
            picture, _ = source[index]
            square = center_crop(picture.convert("RGB"), [SQUARE, SQUARE])
            images[index] = pil_to_tensor(resize(square, [side, side]))
        except Exception as error:  # a damaged image can break the decoder in any way
            file = Path(source.root, source.base_folder, "img_align_celeba", source.filename[index])
            raise UsageError(f"{file}: is not a whole image ({first_line(error)})") from error
    return images


def _read(file: Path) -> dict[str, Tensor] | None:
    """The arrays in a file of the cache; `None` if there is none, or not a whole one."""
    try:
        return load_file(file)
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError):
        tell(f"{file}: is damaged; the images have to be decoded again")
        return None
