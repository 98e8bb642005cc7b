"""Datasets of images."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.registry import OptionalSampleSize, Size

__all__ = ["Images", "nearest_images", "to_picture"]


@dataclass(frozen=True)
class Images(Dataset):
    """Images $(C, H, W)$: networks see pixels in $[-1, 1]$, and what is kept and scored has 8 bits, as image
    files have.

    This is the one range of floating-point pixels in the program; `score` converts others to 8 bits. Squared
    errors are those of pixels in $[0, 1]$. Unless a subclass knows better, the modes are not known.
    """

    kind = "images"
    span = 2.0
    packed_bytes = 1
    seeds_together = 1

    latent: Size = 64
    width: Size = 16
    samples_large: OptionalSampleSize = 0
    evaluations: Size = 5

    @abstractmethod
    def nearest_training(self, packed: Tensor) -> Tensor:
        """The training images nearest to packed images $(n, C, H, W)$ by Euclidean distance, of the same
        shape and type.
        """

    def pack(self, x: Tensor) -> Tensor:
        return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

    def unpack(self, packed: Tensor) -> Tensor:
        return packed.float() / 127.5 - 1


def nearest_images(packed: Tensor, pool: Tensor, chunk: int) -> Tensor:
    """The images of a pool that are nearest to others by Euclidean distance.

    Arguments:
        packed: Packed images, shape $(n, *)$.
        pool: The images to choose from, shape $(N, *)$, on the CPU.
        chunk: Images of the pool that are compared at a time.

    Returns:
        Images of the pool, shape $(n, *)$.
    """
    flat = packed.cpu().flatten(1).float()
    distances = [torch.cdist(flat, part.flatten(1).float()) for part in pool.split(chunk)]
    return pool[torch.cat(distances, dim=1).argmin(dim=1)]


def to_picture(packed: Tensor) -> Tensor:
    """Packed images $(n, C, H, W)$ for the eye, $(n, H, W', 3)$.

    Three channels are red, green and blue; others are grey, side by side.
    """
    if packed.shape[1] != 3:
        packed = torch.cat(list(packed.split(1, dim=1)), dim=3).expand(-1, 3, -1, -1)
    return packed.permute(0, 2, 3, 1)
