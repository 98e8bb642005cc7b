"""The costly metrics against what one would use instead, in one run."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.datasets.base import Assignment, Dataset, Split
from benchmark.datasets.images import Images
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METHODS
from benchmark.training.step import initialise, modules_of
from benchmark.training.trainer import TrainedGenerators
from metrics.fid import Moments, frechet_distance
from metrics.ivom import IvOM

__all__ = ["measure_metrics"]

CPU = torch.device("cpu")

T = TypeVar("T")


def measure_metrics(quick: bool = False) -> None:
    """Prints a line for each; `quick` takes fewer dimensions and images."""
    print("\nmetrics:", flush=True)
    _measure_frechet_distance(512 if quick else 2048)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _measure_ivom(*(32, 1) if quick else (IvOM().points, 4))
    finally:
        torch.set_num_threads(threads)


def _measure_frechet_distance(dimensions: int) -> None:
    """Both from means and covariances at hand, each with the threads that it finds."""
    theirs = _pytorch_fid()
    if isinstance(theirs, str):
        print(f"Fréchet distance: nothing to compare with: {theirs}")
        return
    a, b = (_statistics(dimensions, seed) for seed in range(2))
    own = [[torch.from_numpy(x) for x in statistics] for statistics in (a, b)]
    reference, their_seconds = _timed(lambda: theirs(*a, *b))
    # The fastest, since the first call sets up threads, and a call is short beside what else a shared machine does.
    results = [
        _timed(lambda: frechet_distance(*[Moments.of_covariance(*x) for x in own]).item()) for _ in range(5)
    ]
    distance, seconds = min(results, key=lambda result: result[1])
    print(
        f"Fréchet distance, {dimensions} dimensions: pytorch-fid {their_seconds:.2f} s, ours {seconds:.2f} s, "
        f"ratio {their_seconds / seconds:.1f}, relative difference {abs(distance / reference - 1):.0e}",
        flush=True,
    )


def _pytorch_fid() -> Callable[..., float] | str:
    """pytorch-fid's distance from two means and covariances, or why it cannot be had."""
    try:
        from pytorch_fid.fid_score import calculate_frechet_distance
    except ImportError as error:
        return f"pytorch-fid cannot be imported ({error})"

    def distance(*statistics: np.ndarray) -> float:
        with warnings.catch_warnings():
            # It names an argument of scipy's that is about to go.
            warnings.simplefilter("ignore", DeprecationWarning)
            return float(calculate_frechet_distance(*statistics))

    try:
        distance(np.zeros(2), np.eye(2), np.zeros(2), np.eye(2))
    except TypeError:
        return "this pytorch-fid does not work with this scipy (1.18 or later)"
    return distance


def _statistics(dimensions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of made-up features, correlated and not negative, as those of a network are."""
    random = np.random.default_rng(seed)
    mixing = (
        np.random.default_rng(9).normal(size=(dimensions, dimensions))
        / np.arange(1, dimensions + 1)[:, None] ** 0.5
    )
    features = np.maximum(random.normal(size=(dimensions * 3 // 2, dimensions)) @ mixing + 0.1 * seed, 0)
    return features.mean(axis=0), np.cov(features, rowvar=False)


@dataclass(frozen=True)
class _MadeUp(Images):
    """Random pixels: the cost of inference does not depend on what is in an image."""

    name = "made-up"

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 28, 28)

    @property
    def mode_weights(self) -> Tensor:
        return torch.empty(0)

    def draw(self, n: int, generator: torch.Generator, split: Split = "train") -> Tensor:
        return torch.randint(256, (n, *self.shape), generator=generator, dtype=torch.uint8)

    def assign(self, samples: Tensor) -> Assignment:
        raise NotImplementedError

    def nearest_training(self, packed: Tensor) -> Tensor:
        raise NotImplementedError


def _measure_ivom(points: int, images: int) -> None:
    """Ours on `points` images, between two measurements of the loop on `images` each, since a shared machine drifts."""
    torch.manual_seed(0)
    data, metric = _MadeUp(), replace(IvOM(), points=points)
    targets = data.draw(points, data.stream("all", "held-out"))
    method = METHODS.get("dcgan")()
    ours = TrainedGenerators(
        method,
        {name: net.eval() for name, net in modules_of(method, data.spec).items()},
        initialise(method, data, [0], CPU),
    )
    network = method.networks(data.spec)["generator"]
    network.load_state_dict(ours.tensors(0))
    network.eval().requires_grad_(False)

    def score(points: int) -> float:
        return float(
            replace(metric, points=points).score(
                Evaluation(data, targets[None, :2], HeldOut(targets), [0], ours)
            )
        )

    def loop(part: slice) -> list[float]:
        return [
            min(_one_by_one(network, x, data, metric.iterations + 1) for _ in range(metric.restarts))
            for x in targets[part]
        ]

    # The first calls set things up.
    score(1)
    _one_by_one(network, targets[0], data, 30)
    first, first_seconds = _timed(lambda: loop(slice(images)))
    _, seconds = _timed(lambda: score(points))
    second, second_seconds = _timed(lambda: loop(slice(images, 2 * images)))
    rates = 2 * images / (first_seconds + second_seconds), points / seconds
    print(
        f"IvOM, images of {' x '.join(map(str, data.shape))}, {metric.restarts} restarts of {metric.iterations + 1} evaluations, one thread: "
        f"one by one with torch.optim.LBFGS {rates[0]:.2f} images/s, ours {rates[1]:.1f} images/s, ratio {rates[1] / rates[0]:.1f}; "
        f"errors reached on the same images {np.mean(first + second):.4f}, ours {score(2 * images):.4f}",
        flush=True,
    )


class _Spent(Exception):  # noqa: N818
    """All evaluations have been used."""


def _one_by_one(network: nn.Module, image: Tensor, data: Dataset, evaluations: int) -> float:
    """The least error that PyTorch's own L-BFGS reaches on one packed image from one start, by so many evaluations."""
    z, target = torch.randn(1, data.latent).requires_grad_(), data.unpack(image[None])
    # Without tolerances it ends when the evaluations do.
    optimiser = torch.optim.LBFGS(
        [z],
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )
    errors: list[float] = []

    def closure() -> Tensor:
        if len(errors) == evaluations:
            raise _Spent
        optimiser.zero_grad()
        loss = (network(z) - target).square().mean()
        loss.backward()
        errors.append(loss.item() / data.span**2)
        return loss

    try:
        while True:
            optimiser.step(closure)
    except _Spent:
        return min(errors)


def _timed(compute: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the seconds that it takes."""
    began = time.perf_counter()
    result = compute()
    return result, time.perf_counter() - began
