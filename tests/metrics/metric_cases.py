"""Data, samples and scores that several tests of metrics use."""

from functools import cache
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.datasets.stacked import StackedMNIST
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS

__all__ = [
    "NEIGHBOURHOODS",
    "POINTS",
    "SEEDS",
    "Case",
    "N",
    "agrees",
    "evaluate",
    "make_case",
    "normal",
    "score",
]

SEEDS = (3, 1, 2)
N = 240
"""Samples of each seed of a case, and its held-out data."""

NEIGHBOURHOODS = ("precision", "recall", "density", "coverage")
POINTS = {data.name: data for data in (Ring(), HighDimensional(std=0.3))}


class Case(NamedTuple):
    """A dataset, samples (S, N, *) of three seeds, and as many held-out data (N, *)."""

    data: Dataset
    samples: Tensor
    held_out: Tensor


@cache
def make_case(name: str) -> Case:
    """One seed's samples are real data, one's are noisy, one's lack modes."""
    rng = torch.Generator().manual_seed(0)
    if name == "stacked-mnist":
        data = StackedMNIST(original=False, digits=2)
        noise = torch.randint(60, (N, *data.shape), generator=rng, dtype=torch.uint8)
    else:
        data = POINTS[name]
        noise = data.std * torch.randn(N, *data.shape, generator=rng)
    held_out = data.draw(N, data.stream("all", "held-out"), "held-out")
    real, noisy, few = (data.draw(N, data.stream(seed, "samples")) for seed in SEEDS)
    if data.kind == "images":
        noisy = noisy.clamp(max=190)
    few = few[data.assign(few).mode < data.modes // 2]
    samples = torch.stack([real, noisy + noise, few[torch.arange(N) % len(few)]])
    return Case(data, samples, held_out)


def evaluate(data, samples, held_out=None, generator=None, seeds=SEEDS):
    """The evaluation of samples (S, N, *), by default against the first seed's samples."""
    held_out = samples[0] if held_out is None else held_out
    return Evaluation(data, samples, HeldOut(held_out), seeds[: len(samples)], generator)


def score(name, data, samples, held_out=None, generator=None, seeds=SEEDS, **settings):
    """One number per seed of samples (S, N, *)."""
    metric = METRICS.get(name)(**settings).on(data)
    return metric.score(evaluate(data, samples, held_out, generator, seeds))


def normal(*shape, seed=0):
    """Standard normal numbers in float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def agrees(scores, expected, rel=1e-5):
    """As precisely as features in float32 allow; undefined where that is expected."""
    assert scores.tolist() == pytest.approx(expected.tolist(), rel=rel, abs=1e-9, nan_ok=True)
