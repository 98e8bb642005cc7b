"""The contract of a metric."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.commands.checks.outcome import Outcome, outcome_of, require
from benchmark.datasets.base import Dataset, Split
from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.datasets.shapes import Shapes
from benchmark.metric import Evaluation, HeldOut, Metric
from benchmark.records.schema import REAL_DATA, STANDARD_ROWS
from benchmark.registry import METHODS, METRICS
from benchmark.scoring.calibration import CALIBRATIONS
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import initialise

__all__ = ["CHECKS", "check_metric"]

CPU = torch.device("cpu")

SAMPLES = 300
"""Samples per seed, and held-out samples: a metric may use as many of these as there are of those."""

SEEDS = tuple(range(len(STANDARD_ROWS)))

TOLERANCE = 1e-4
"""By how much, of 1 or of the score, two scores may differ that must be the same."""

MARGIN = 0.05
"""By how much real data may score worse than the dummies: so few samples cannot tell less."""


@dataclass(frozen=True)
class Subject:
    """A metric, and the data to try it on.

    Attributes:
        metric: The metric, with the settings that it leaves to the dataset filled in.
        data: The dataset.
        samples: Samples of the calibration rows in place of seeds, packed, shape $(S, N, *)$.
        held_out: Held-out data, packed.
        generators: Untrained generators, one per seed.
    """

    metric: Metric
    data: Dataset
    samples: Tensor
    held_out: Tensor
    generators: TrainedGenerators

    def copy(self) -> "Subject":
        """The same with samples and held-out data of its own."""
        return replace(self, samples=self.samples.clone(), held_out=self.held_out.clone())

    def score(self) -> Tensor:
        """The scores, shape $(S,)$."""
        return self.score_as(self.samples, SEEDS, self.generators)

    def score_as(
        self, samples: Tensor, seeds: tuple[int, ...], generators: TrainedGenerators | None
    ) -> Tensor:
        held_out = HeldOut(self.held_out)
        return self.metric.score(Evaluation(self.data, samples, held_out, seeds, generators))


def check_metric(name: str) -> Iterator[Outcome]:
    """Runs every check on each small dataset that a metric applies to.

    Raises:
        UsageError: If the name is unknown, or the class cannot be built.
    """
    # A metric may compare with as many training data as it takes samples.
    settings = {"points": SAMPLES} if METRICS.has_setting(name, "points") else {}
    metric: Metric = METRICS.build(name, settings)
    simple: tuple[Dataset, ...] = (Ring(), _RingOfAny(), HighDimensional(), Pictures())
    applying = [data for data in simple if metric.applies(data)]
    # Some metrics are for a known manifold, whose pictures take longer.
    for data in map(_sized, applying or [Shapes()]):
        if metric.applies(data):
            subject = _subject(metric, data)
            for title, check in CHECKS.items():
                yield outcome_of(f"{title} ({data.name})", check, subject.copy())
            if isinstance(data, Ring):
                title = f"does not depend on the order of modes ({data.name})"
                yield outcome_of(title, ignores_modes, subject.copy())


def scores_every_seed(subject: Subject) -> None:
    scores = subject.score()
    expected = (len(SEEDS),)
    require(
        tuple(scores.shape) == expected, f"scores have shape {tuple(scores.shape)}; it must be {expected}"
    )
    require(scores.is_floating_point(), f"scores are of type {scores.dtype}; they must be floating-point")


def scores_without_a_generator(subject: Subject) -> None:
    """As on the calibration rows."""
    scores = subject.score_as(subject.samples, SEEDS, None)
    require(
        tuple(scores.shape) == (len(SEEDS),),
        f"without a generator, scores have shape {tuple(scores.shape)}; it must be {(len(SEEDS),)}, "
        "with NaN where the metric is not defined",
    )


def states_its_best_score(subject: Subject) -> None:
    best = subject.metric.best(subject.data)
    low, high = subject.metric.range(subject.data)
    known = best is None or (isinstance(best, float) and low <= best <= high)
    require(known, f"best is {best!r}; it must be None, or a number from {low:g} to {high:g}")


def scores_within_bounds(subject: Subject) -> None:
    low, high = subject.metric.range(subject.data)
    for row, score in zip(STANDARD_ROWS, subject.score().tolist(), strict=True):
        inside = np.isnan(score) or low - 1e-9 <= score <= high + 1e-9
        require(inside, f"{row} scores {score:.6g}, outside of the bounds {low:g} to {high:g}")


def prefers_real_data(subject: Subject) -> None:
    """Real data must not be worse than all dummies: then `better` points the wrong way."""
    if subject.metric.needs_generator or not subject.metric.ranked:
        return  # the score is that of the generators, which are untrained, or says nothing of better
    scores = dict(zip(STANDARD_ROWS, subject.score().tolist(), strict=True))
    real = scores.pop(REAL_DATA)
    dummies = [score for score in scores.values() if np.isfinite(score)]
    if not np.isfinite(real) or not dummies:
        return
    worse = [_distance_behind(real, dummy, subject.metric.better) > MARGIN for dummy in dummies]
    require(
        not all(worse),
        f"real data scores {real:.4g}, worse than every dummy ({scores}), "
        f"where better is {subject.metric.better!r}",
    )


def repeats_itself(subject: Subject) -> None:
    samples, held_out = subject.samples.clone(), subject.held_out.clone()
    first = subject.score()
    _assert_same(first, subject.score(), "the same samples score differently")
    require(torch.equal(samples, subject.samples), "a score writes into the samples")
    require(torch.equal(held_out, subject.held_out), "a score writes into the held-out data")


def ignores_order(subject: Subject) -> None:
    order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))
    permuted = replace(subject, samples=subject.samples[:, order])
    _assert_same(subject.score(), permuted.score(), "the score depends on the order of the samples")


def ignores_held_out_order(subject: Subject) -> None:
    if subject.metric.needs_generator:
        return  # it may take the first of the held-out data
    order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))
    permuted = replace(subject, held_out=subject.held_out[order])
    _assert_same(subject.score(), permuted.score(), "the score depends on the order of the held-out data")


def scores_each_seed_alone(subject: Subject) -> None:
    together = subject.score()
    for index, seed in enumerate(SEEDS):
        generators = subject.generators.select([index])
        alone = subject.score_as(subject.samples[index : index + 1], (seed,), generators)
        _assert_same(together[index : index + 1], alone, "the score of a seed depends on the seeds beside it")


def ignores_modes(subject: Subject) -> None:
    other = _ReversedRing() if type(subject.data) is Ring else _ReversedRingOfAny()
    permuted = replace(subject, data=_sized(other))
    _assert_same(subject.score(), permuted.score(), "the score depends on the order of the modes")


CHECKS: dict[str, Callable[[Subject], None]] = {
    "scores every seed": scores_every_seed,
    "scores without a generator": scores_without_a_generator,
    "states its best score": states_its_best_score,
    "scores within its bounds": scores_within_bounds,
    "prefers real data to the worse dummy": prefers_real_data,
    "repeats itself": repeats_itself,
    "does not depend on the order of samples": ignores_order,
    "does not depend on the order of held-out data": ignores_held_out_order,
    "scores each seed alone as beside others": scores_each_seed_alone,
}


class _RingOfAny(Ring):
    """The ring, where any sample captures a mode."""

    name = "ring of any"
    captured_by = "any"


class _ReversedRing(Ring):
    """The ring, with its modes in another order."""

    name = "ring"

    @property
    def means(self) -> Tensor:
        return super().means.flip(0)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        """The same data as of the ring: the modes alone have other numbers."""
        return Ring().draw(n, rng, split)


class _ReversedRingOfAny(_ReversedRing, _RingOfAny):
    """The other ring, with its modes in another order."""

    name = "ring of any"


def _sized(data: Dataset) -> Dataset:
    """A dataset with small networks and few samples."""
    return replace(data, width=4, latent=8, samples=SAMPLES, samples_large=0, held_out=SAMPLES)


def _subject(metric: Metric, data: Dataset) -> Subject:
    rows = [CALIBRATIONS[name](data, 0, CPU)(SAMPLES) for name in STANDARD_ROWS]
    method = METHODS.build("gan", {})
    return Subject(
        metric=metric.on(data),
        data=data,
        samples=torch.stack(rows),
        held_out=data.draw(SAMPLES, data.stream("all", "held-out"), "held-out"),
        generators=TrainedGenerators.of(method, data.spec, initialise(method, data, SEEDS, CPU)),
    )


def _distance_behind(score: float, other: float, better: str) -> float:
    """By how much a score is worse than another one; negative if it is better."""
    if better == "higher":
        return other - score
    if better == "lower":
        return score - other
    return abs(score - 1) - abs(other - 1)


def _assert_same(scores: Tensor, others: Tensor, problem: str) -> None:
    close = torch.isclose(scores.double(), others.double(), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    require(bool(close.all()), f"{problem}: {scores.tolist()} and {others.tolist()}")
