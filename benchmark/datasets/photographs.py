"""Photographs from files, whose modes are not known."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.datasets.base import Split
from benchmark.datasets.images import Images, nearest_images
from benchmark.errors import UsageError
from benchmark.registry import SampleSize, Size

__all__ = ["Photographs"]

PICTURES_TOGETHER = 5000
"""Training images that are compared with samples at a time."""


@dataclass(frozen=True)
class Photographs(Images):
    """Images whose modes are not known, so that IvOM and Fréchet distances judge. Training images are drawn
    with replacement; a draw of another split has each image at most once.

    Arguments:
        original: Whether to refuse files that differ from the original distribution.
    """

    features = "inception"

    latent: Size = 128
    samples: SampleSize = 10_000
    original: bool = True

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of all images."""

    @abstractmethod
    def pool(self, split: Split) -> Tensor:
        """The images of a split, uint8, shape $(N, C, H, W)$, on the CPU."""

    @property
    def training_pool(self) -> Tensor:
        return self.pool("train")

    @property
    def fingerprint(self) -> str:
        return self.digest

    def prepare(self) -> Mapping[str, Any]:
        self._check_size("held-out", self.held_out)
        self._check_size("calibration", self.samples)
        return {"data": self.digest}

    def _check_size(self, split: Split, needed: int) -> None:
        available = len(self.pool(split))
        if needed > available:
            raise UsageError(
                f"{self.name}: {needed} {split} images were asked for, and there are {available}"
            )

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        pool, device = self.pool(split), rng.device
        if split == "train":
            index = torch.randint(len(pool), (n,), generator=rng, device=device)
        else:
            index = torch.randperm(len(pool), generator=rng, device=device)[:n]
        return pool[index.cpu()].to(device)

    def nearest_training(self, packed: Tensor) -> Tensor:
        return nearest_images(packed, self.pool("train"), chunk=PICTURES_TOGETHER)
