"""The costly metrics against the usual alternatives, in one run."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METHODS
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import initialise
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
        if quick:
            _measure_ivom(points=32, images=1)
        else:
            _measure_ivom(points=IvOM().points, images=4)
    finally:
        torch.set_num_threads(threads)


def _measure_frechet_distance(dimensions: int) -> None:
    """Both from means and covariances at hand, each with the threads that it finds."""
    pytorch_fid = _pytorch_fid()
    if isinstance(pytorch_fid, str):
        print(f"Fréchet distance: nothing to compare with: {pytorch_fid}")
        return
    a, b = _statistics(dimensions, 0), _statistics(dimensions, 1)
    reference = _timed(lambda: pytorch_fid(*a, *b))

    def distance() -> float:
        moments = [Moments.of_covariance(*map(torch.from_numpy, statistics)) for statistics in (a, b)]
        return frechet_distance(*moments).item()

    # The fastest of several calls: the first sets up threads, and a short call is easily disturbed on a
    # shared machine.
    ours = min([_timed(distance) for _ in range(5)], key=lambda timed: timed.seconds)
    print(
        f"Fréchet distance, {dimensions} dimensions: "
        f"pytorch-fid {reference.seconds:.2f} s, ours {ours.seconds:.2f} s, "
        f"ratio {reference.seconds / ours.seconds:.1f}, "
        f"relative difference {abs(ours.result / reference.result - 1):.0e}",
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
    decay = np.arange(1, dimensions + 1)[:, None] ** 0.5
    mixing = np.random.default_rng(9).normal(size=(dimensions, dimensions)) / decay
    normal = random.normal(size=(dimensions * 3 // 2, dimensions))
    features = np.maximum(normal @ mixing + 0.1 * seed, 0)
    return features.mean(axis=0), np.cov(features, rowvar=False)


def _measure_ivom(points: int, images: int) -> None:
    """Ours on `points` images, between two measurements of the loop on `images` each: machines drift."""
    torch.manual_seed(0)
    data, metric = Pictures(side=28), replace(IvOM(), points=points)
    targets = data.draw(points, data.stream("all", "held-out"))
    method = METHODS.get("dcgan")()
    generator = TrainedGenerators.of(method, data.spec, initialise(method, data, [0], CPU))
    network = method.networks(data.spec)["generator"]
    network.load_state_dict(generator.tensors(0))
    network.eval().requires_grad_(False)
    evaluations = metric.iterations + 1

    def score(points: int) -> float:
        evaluation = Evaluation(data, targets[None, :2], HeldOut(targets), [0], generator)
        return float(replace(metric, points=points).score(evaluation))

    def loop(images: Tensor) -> list[float]:
        errors = []
        for image in images:
            restarts = [_one_by_one(network, image, data, evaluations) for _ in range(metric.restarts)]
            errors.append(min(restarts))
        return errors

    # The first calls set things up.
    score(1)
    _one_by_one(network, targets[0], data, 30)
    first = _timed(lambda: loop(targets[:images]))
    ours = _timed(lambda: score(points))
    second = _timed(lambda: loop(targets[images : 2 * images]))
    loop_rate = 2 * images / (first.seconds + second.seconds)
    our_rate = points / ours.seconds
    print(
        f"IvOM, images of {' x '.join(map(str, data.shape))}, "
        f"{metric.restarts} restarts of {evaluations} evaluations, one thread: "
        f"one by one with torch.optim.LBFGS {loop_rate:.2f} images/s, ours {our_rate:.1f} images/s, "
        f"ratio {our_rate / loop_rate:.1f}; errors reached on the same images "
        f"{np.mean(first.result + second.result):.4f}, ours {score(2 * images):.4f}",
        flush=True,
    )


class _Spent(Exception):  # noqa: N818
    """All evaluations have been used."""


def _one_by_one(network: nn.Module, image: Tensor, data: Dataset, evaluations: int) -> float:
    """The least error that PyTorch's L-BFGS reaches on one packed image from one start."""
    z = torch.randn(1, data.latent).requires_grad_()
    target = data.unpack(image[None])
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


@dataclass(frozen=True)
class _Timed(Generic[T]):
    """The result of a call, and the seconds that it took."""

    result: T
    seconds: float


def _timed(compute: Callable[[], T]) -> _Timed[T]:
    began = time.perf_counter()
    result = compute()
    return _Timed(result, time.perf_counter() - began)
