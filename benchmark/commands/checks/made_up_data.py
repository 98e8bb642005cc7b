"""Images without any file, to check and time methods and metrics on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Split
from benchmark.datasets.images import Images

__all__ = ["Pictures"]


@dataclass(frozen=True)
class Pictures(Images):
    """Small images: a bright row in one of three channels, on noise.

    Arguments:
        side: Pixels.
    """

    name = "pictures"

    side: int = 12

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        images = torch.randint(64, (n, *self.shape), generator=rng, device=rng.device, dtype=torch.uint8)
        rows = torch.randint(3 * self.side, (n,), generator=rng, device=rng.device)
        images.view(n, 3 * self.side, self.side)[torch.arange(n, device=images.device), rows] += 160
        return images

    def nearest_training(self, packed: Tensor) -> Tensor:
        raise NotImplementedError("every training image is drawn anew")
