"""The arrays of a trial that are kept for pictures."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.metric import Evaluation

__all__ = ["kept_arrays", "kept_samples"]

MOST_KEPT_NUMBERS = 1_000_000
"""Numbers that are kept of a trial's samples; large samples are kept in part."""

COMPARED_IMAGES = 12
"""Images that are kept beside their nearest training image or their reconstruction."""


def kept_samples(data: Dataset, samples: Tensor) -> Tensor:
    """The first of the samples (N, *), as many as are kept."""
    return samples[: max(1, MOST_KEPT_NUMBERS // math.prod(data.shape))]


def kept_arrays(
    evaluation: Evaluation, index: int, reconstruct: Callable[[Tensor], Tensor] | None = None
) -> dict[str, np.ndarray]:
    """Arrays by name.

    `samples` are packed samples, shape (N, *). Images have three more: `mode_counts` (K,), if their modes are
    known; `nearest`, the training images nearest to the first samples; and `reconstructions` of held-out
    images, shape (2, n, *), first the images and then their reconstructions by encoder and generator.

    Arguments:
        evaluation: What was scored.
        index: Which of its seeds.
        reconstruct: Maps data $(n, *)$ to reconstructions by that seed's encoder and generator; `None` for a
            method without an encoder.
    """
    data, samples = evaluation.data, evaluation.samples[index]
    arrays = {"samples": kept_samples(data, samples)}
    if isinstance(data, Images):
        if data.modes:
            arrays["mode_counts"] = evaluation.counts[index].long()
        arrays["nearest"] = data.nearest_training(samples[:COMPARED_IMAGES])
        if reconstruct is not None:
            images = evaluation.held_out.x[:COMPARED_IMAGES]
            again = data.pack(reconstruct(data.unpack(images)))
            arrays["reconstructions"] = torch.stack([images, again])
    return {name: array.cpu().numpy() for name, array in arrays.items()}
