"""CIFAR-10."""

from dataclasses import dataclass

from torch import Tensor

from benchmark.datasets.base import Split
from benchmark.datasets.image_files import ImageFiles, load_cifar10
from benchmark.datasets.photographs import Photographs
from benchmark.registry import register_dataset

__all__ = ["CIFAR10"]


@register_dataset("cifar10")
@dataclass(frozen=True)
class CIFAR10(Photographs):
    """Photographs of 32 x 32 pixels. Their modes are not known, so that IvOM and Fréchet distances judge.

    Held-out data comes from the test images, each at most once. The `real-data` row shows training images,
    each at most once: the best that a generator can learn.

    References:
        Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009).
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.3.

    Arguments:
        original: Whether to refuse files that differ from the original distribution.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    @property
    def digest(self) -> str:
        return self._files.digest

    def pool(self, split: Split) -> Tensor:
        return self._files.test if split == "held-out" else self._files.train

    @property
    def _files(self) -> ImageFiles:
        return load_cifar10(self.original)
