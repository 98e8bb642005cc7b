"""CelebA."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor

from benchmark.datasets.base import Preparation, Split
from benchmark.datasets.celeba_files import load_celeba, to_decode
from benchmark.datasets.photographs import Photographs
from benchmark.registry import register_dataset

__all__ = ["CelebA"]

SPLITS: dict[Split, str] = {"train": "train", "held-out": "test", "calibration": "valid"}
"""The split of the files that each of ours comes from."""


@register_dataset("celeba")
@dataclass(frozen=True)
class CelebA(Photographs):
    """Photographs of faces, aligned: the square in the middle of each, of 178 pixels, made smaller. Their
    modes are not known, so that IvOM and Fréchet distances judge.

    Training data, held-out data and that of the `real-data` row come from the files' splits `train`, `test`
    and `valid`.

    References:
        Deep Learning Face Attributes in the Wild (Liu et al., 2015), arXiv:1411.7766.

    Arguments:
        original: Whether to refuse files that differ from the original distribution.
        side: The side of an image in pixels.
    """

    side: Annotated[int, Meta(ge=8, le=178)] = 32

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def digest(self) -> str:
        return load_celeba(self.original, self.side).digest

    @property
    def preparation(self) -> Preparation | None:
        return to_decode(self.original, self.side)

    def pool(self, split: Split) -> Tensor:
        return load_celeba(self.original, self.side).splits[SPLITS[split]]
