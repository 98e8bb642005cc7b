"""Image files on disk to arrays, through torchvision, with every file checked before it is used."""

import hashlib
import io
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.places import DATA_ROOT, cache_directory, data_root
from benchmark.errors import UsageError, first_line

__all__ = [
    "ImageFiles",
    "check_file",
    "dataset_root",
    "expect",
    "image_files",
    "load_cifar10",
    "load_digits",
]

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

MD5 = {
    "MNIST": dict(
        zip(
            IDX_FILES,
            (
                "6bbc9ace898e44ae57da46a324031adb",
                "a25bea736e30d166cdddb491f175f624",
                "2646ac647ad5339dbf082846283269ea",
                "27ae3e4e09519cfbb04c329615203637",
            ),
            strict=True,
        )
    )
}
"""The unpacked files of the original distributions, as far as they are known."""


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """A labelled dataset of images.

    Attributes:
        train: Training images, uint8, shape $(N, C, H, W)$.
        train_labels: Their classes, int64, shape $(N,)$.
        test: Test images, uint8, shape $(M, C, H, W)$.
        test_labels: Their classes, int64, shape $(M,)$.
        digest: SHA-256 of all of it.
    """

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    digest: str


def load_digits(source: str, original: bool) -> ImageFiles:
    """The images of a dataset in the format of MNIST: one channel of 28 x 28 pixels, ten classes.

    They come from the data root if there is one, else from the cache, where they are downloaded to if need
    be.

    Arguments:
        source: `MNIST` or `FashionMNIST`.
        original: Whether to refuse files that are known to differ from the original distribution.

    Raises:
        UsageError: If a file is missing, damaged or foreign, or cannot be downloaded.
    """
    return _load_digits(source, original, dataset_root(source, Path(source, "raw"), IDX_FILES))


def load_cifar10(original: bool) -> ImageFiles:
    """The images of CIFAR-10: three channels of 32 x 32 pixels, ten classes. Arguments and errors are those
    of `load_digits`.
    """
    from torchvision.datasets import CIFAR10

    names = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    return _load_cifar10(original, dataset_root("CIFAR10", Path(CIFAR10.base_folder), names))


@lru_cache(maxsize=2)
def _load_digits(source: str, original: bool, root: Path) -> ImageFiles:
    import torchvision

    folder = root / source / "raw"
    for name in IDX_FILES:
        check_file(folder / name, MD5.get(source, {}).get(name) if original else None, source)

    def split(train: bool) -> tuple[Tensor, Tensor]:
        files = [folder / name for name in IDX_FILES if name.startswith("train") == train]
        try:
            dataset = getattr(torchvision.datasets, source)(str(root), train=train)
            images, labels = dataset.data, dataset.targets
        except Exception as error:  # a damaged file can break the reader in any way
            names = " or ".join(file.name for file in files)
            raise UsageError(
                f"{folder}: {names} is not a whole file of {source} ({first_line(error)})"
            ) from error
        expect(
            images.shape[1:] == (28, 28) and images.dtype == torch.uint8,
            files[0],
            f"images of shape {tuple(images.shape[1:])}, not (28, 28)",
        )
        expect(len(images) == len(labels) >= 10, files[1], f"{len(labels)} labels for {len(images)} images")
        expect(set(labels.unique().tolist()) == set(range(10)), files[1], "labels other than all of 0 to 9")
        return images[:, None], labels.long()

    return image_files(*split(train=True), *split(train=False))


@lru_cache(maxsize=2)
def _load_cifar10(original: bool, root: Path) -> ImageFiles:
    from torchvision.datasets import CIFAR10

    def split(batches: list[list[str]]) -> tuple[Tensor, Tensor]:
        images, labels = [], []
        for name, md5 in batches:
            file = root / CIFAR10.base_folder / name
            check_file(file, md5 if original else None, "CIFAR-10")
            try:
                batch = _ArrayUnpickler(io.BytesIO(file.read_bytes()), encoding="latin1").load()
                data = np.asarray(batch["data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
                targets = np.asarray(batch["labels"], dtype=np.int64)
            except Exception as error:  # a damaged or foreign file can break the reader in any way
                raise UsageError(f"{file}: is not a whole batch of CIFAR-10 ({first_line(error)})") from error
            expect(len(data) == len(targets) >= 1, file, f"{len(targets)} labels for {len(data)} images")
            images.append(torch.from_numpy(data))
            labels.append(torch.from_numpy(targets))
        return torch.cat(images), torch.cat(labels)

    return image_files(*split(CIFAR10.train_list), *split(CIFAR10.test_list))


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of arrays, lists and bytes, and builds nothing else, whatever a file asks for."""

    def find_class(self, module: str, name: str) -> Any:
        root = module.replace("numpy._core", "numpy.core")
        if (root, name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"holds {module}.{name}, which no file of arrays needs")


def dataset_root(source: str, folder: Path, files: Iterable[str]) -> Path:
    """The directory that holds a dataset: the user's, else the cache, filled by a download first."""
    user_root = data_root()
    if user_root is not None:
        if not os.path.isdir(user_root):
            raise UsageError(
                f"--data-root {user_root}: is no directory; "
                f"give one with {folder / next(iter(files))} in it, or none for a download"
            )
        return user_root
    cache = cache_directory() / "data"
    if not os.path.isdir(cache / folder):
        _download(source, folder, cache)
    return cache


def _download(source: str, folder: Path, cache: Path) -> None:
    """Downloads a dataset into the cache, where it is whole or not at all."""
    import torchvision

    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            getattr(torchvision.datasets, source)(temporary, download=True)
            final = cache / folder.parts[0]
            shutil.rmtree(final, ignore_errors=True)
            os.replace(Path(temporary, folder.parts[0]), final)
    except Exception as error:  # the network can fail in any way
        raise UsageError(
            f"{source} is not in {cache} and cannot be downloaded ({first_line(error)}); "
            f"give --data-root DIR (or set {DATA_ROOT}), where DIR/{folder} holds its files"
        ) from error


def check_file(file: Path, md5: str | None, source: str) -> None:
    """Raises a `UsageError` unless the file is there, can be read and has the MD5, if one is known."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UsageError(
            f"{file}: is missing; give a --data-root that holds it, unpacked, or none for a download"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{file}: {error.strerror}; give a --data-root with files that can be read"
        ) from error
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 is not None and checksum != md5:
        raise UsageError(
            f"{file}: is not {source}'s (its MD5 is {checksum}, not {md5}); "
            "put the original file there, or --set DATASET.original=false"
        )


def expect(condition: bool, file: Path, found: str) -> None:
    """Raises a `UsageError` that says what a file holds unless the condition is met."""
    if not condition:
        raise UsageError(f"{file}: holds {found}")


def image_files(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> ImageFiles:
    """Images and labels with the checksum of all of it."""
    digest = hashlib.sha256()
    for tensor in (train, train_labels, test, test_labels):
        digest.update(tensor.numpy().tobytes())
    return ImageFiles(train, train_labels, test, test_labels, digest.hexdigest())
