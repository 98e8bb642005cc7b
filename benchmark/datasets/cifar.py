"""CIFAR-10."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.datasets.base import Split
from benchmark.datasets.image_files import ImageFiles, load_cifar10
from benchmark.datasets.images import Images, nearest_images
from benchmark.errors import UsageError
from benchmark.registry import register_dataset

__all__ = ["CIFAR10"]


@register_dataset("cifar10")
@dataclass(frozen=True)
class CIFAR10(Images):
    """Photographs of 32 x 32 pixels. Their modes are not known, so that IvOM and Fréchet distances judge.

    Held-out data comes from the test images, each at most once. The `real-data` row shows training images,
    each at most once: the best that a generator can learn.

    References:
        Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009).
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.3.

    Arguments:
        original: Whether to refuse files that differ from the original distribution.
    """

    features = "inception"

    latent: int = 128
    samples: int = 10_000
    original: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    @property
    def fingerprint(self) -> str:
        return self._files.digest

    def prepare(self) -> Mapping[str, Any]:
        for split, needed in (("held-out", self.held_out), ("calibration", self.samples)):
            available = len(self._pool(split))  # type: ignore[arg-type]
            if needed > available:
                raise UsageError(
                    f"{self.name}: {needed} {split} images were asked for, and there are {available}"
                )
        return {"data": self._files.digest}

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        pool, device = self._pool(split), rng.device
        if split == "train":
            index = torch.randint(len(pool), (n,), generator=rng, device=device)
        else:
            index = torch.randperm(len(pool), generator=rng, device=device)[:n]
        return pool[index.cpu()].to(device)

    def nearest_training(self, packed: Tensor) -> Tensor:
        return nearest_images(packed, self._files.train, chunk=5000)

    @property
    def _files(self) -> ImageFiles:
        return load_cifar10(self.original)

    def _pool(self, split: Split) -> Tensor:
        return self._files.test if split == "held-out" else self._files.train
