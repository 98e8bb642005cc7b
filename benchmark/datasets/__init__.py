"""Datasets. Those who add one import these names from here; they come without torch until they are used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.datasets.base import Assignment, Dataset, Preparation, Split
    from benchmark.datasets.images import Images
    from benchmark.datasets.mixtures import Mixture

__all__ = ["Assignment", "Dataset", "Images", "Mixture", "Preparation", "Split"]

HOMES = {
    "Assignment": "base",
    "Dataset": "base",
    "Preparation": "base",
    "Split": "base",
    "Images": "images",
    "Mixture": "mixtures",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
