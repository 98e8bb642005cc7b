"""What is kept of a trial for pictures."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.metric import Evaluation

__all__ = ["exhibits", "kept"]

MOST_NUMBERS = 1_000_000
"""Numbers that are kept of a trial's samples; of large data that is a part of them."""

SHOWN = 12
"""Images beside which something is shown."""


def kept(data: Dataset, samples: Tensor) -> Tensor:
    """Those of the samples (N, *) that are kept."""
    return samples[: max(1, MOST_NUMBERS // math.prod(data.shape))]


def exhibits(
    evaluation: Evaluation, index: int, reconstruct: Callable[[Tensor], Tensor] | None = None
) -> dict[str, np.ndarray]:
    """Arrays by name.

    `samples` are packed samples, shape (N, *). Images have, besides: `mode_counts` (K,), where there are modes; `nearest`, the
    training images nearest to the first samples; and `reconstructions` of held-out images, shape (2, n, *), first the images
    and then what encoder and generator make of them.

    Arguments:
        evaluation: What was scored.
        index: Which of its seeds.
        reconstruct: Maps data $(n, *)$ to reconstructions by that seed's encoder and generator; `None` for a method without an encoder.
    """
    data, samples = evaluation.data, evaluation.samples[index]
    arrays = {"samples": kept(data, samples)}
    if isinstance(data, Images):
        if data.modes:
            arrays["mode_counts"] = evaluation.counts[index].long()
        arrays["nearest"] = data.nearest_training(samples[:SHOWN])
        if reconstruct is not None:
            images = evaluation.held_out.x[:SHOWN]
            arrays["reconstructions"] = torch.stack([images, data.pack(reconstruct(data.unpack(images)))])
    return {name: array.cpu().numpy() for name, array in arrays.items()}
