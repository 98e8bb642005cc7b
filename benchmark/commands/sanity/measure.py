"""The scores of metrics along the courses of sanity checks, and how they are to be read."""

import warnings
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from benchmark.commands.sanity.courses import Check, Course
from benchmark.datasets.base import Dataset, stream_seed
from benchmark.errors import UsageError, first_line
from benchmark.metric import Evaluation, HeldOut, Metric

__all__ = ["Measured", "Verdict", "measure_course", "verdict"]

REPEATS = 3
"""Draws of each point of a course, whose scores are averaged."""

NOTICEABLE = 1.5
"""A distance without a greatest value that stays within this factor of real data's has noticed nothing."""


class Measured(NamedTuple):
    """The scores of a metric along a course.

    Attributes:
        scores: The score at each place, averaged over draws, shape $(P,)$.
        stds: Their standard deviations over draws, shape $(P,)$.
        of_real: The scores of fresh real data in place of the samples, shape $(P,)$.
        least: The least possible score at each place, shape $(P,)$.
        greatest: The greatest possible score at each place, shape $(P,)$.
    """

    scores: "np.ndarray"
    stds: "np.ndarray"
    of_real: "np.ndarray"
    least: "np.ndarray"
    greatest: "np.ndarray"

    @property
    def has_range(self) -> bool:
        return bool(np.isfinite(self.least).all() and np.isfinite(self.greatest).all())


class Verdict(NamedTuple):
    """Whether a metric passes a course.

    Attributes:
        shape: Whether the course of the scores is right.
        ends: Whether single scores are; `None` if the metric has no range to ask that of.
    """

    shape: bool
    ends: bool | None


def measure_course(check: Check, course: Course, metrics: Mapping[str, Metric]) -> dict[str, Measured]:
    """The scores of every metric that applies to a course, and that it asks something of, by name."""
    first = course.step(course.values[0], torch.Generator().manual_seed(0)).data
    asked = {name: metric for name, metric in metrics.items() if metric.aspect in course.shapes}
    applying = {name: metric for name, metric in asked.items() if metric.applies(first)}
    rows = {name: np.empty((REPEATS, len(course.values))) for name in applying}
    of_real = {name: np.empty(len(course.values)) for name in applying}
    ranges = {name: np.empty((len(course.values), 2)) for name in applying}
    for repeat in range(REPEATS):
        for place, value in enumerate(course.values):
            seed = stream_seed("sanity", check.title, course.setting, repeat, place)
            rng = torch.Generator().manual_seed(seed)
            step = course.step(value, rng)
            held_out = HeldOut(step.real)
            for name, score in _scores(step.data, step.samples, held_out, applying):
                rows[name][repeat, place] = score
            if repeat == 0:
                for name, metric in applying.items():
                    ranges[name][place] = metric.range(step.data)
                fresh = step.data.draw(len(step.samples), rng, "calibration")
                for name, score in _scores(step.data, fresh, held_out, applying):
                    of_real[name][place] = score
    return {
        name: Measured(
            scores=rows[name].mean(axis=0),
            stds=_std(rows[name]),
            of_real=of_real[name],
            least=ranges[name][:, 0],
            greatest=ranges[name][:, 1],
        )
        for name in applying
    }


def _std(rows: "np.ndarray") -> "np.ndarray":
    """The standard deviation over draws; not defined where a score is not finite."""
    with np.errstate(invalid="ignore"):
        return rows.std(axis=0, ddof=1)


def _scores(
    data: Dataset, samples: Tensor, held_out: HeldOut, metrics: Mapping[str, Metric]
) -> Iterator[tuple[str, float]]:
    evaluation = Evaluation(data, samples[None], held_out, [0])
    for name, metric in metrics.items():
        with warnings.catch_warnings():
            # k-means warns of fewer different points than cells, which rounding makes.
            warnings.simplefilter("ignore", ConvergenceWarning)
            yield name, _score(name, metric.on(data), evaluation)


def _score(name: str, metric: Metric, evaluation: Evaluation) -> float:
    """The score, or one line if the metric, which may be the user's own, breaks."""
    try:
        return float(metric.score(evaluation))
    except Exception as error:
        raise UsageError(f"metric {name} fails: {first_line(error)}") from error


def verdict(metric: Metric, course: Course, measured: Measured) -> Verdict:
    """Whether a metric passes a course that asks something of it. One without any finite score does not."""
    defined = bool(np.isfinite(measured.scores).any())
    rule = course.shapes[metric.aspect]
    goodness = how_good(metric, measured)
    ends = None
    if measured.has_range or metric.better == "one":
        ends = defined and all(end(goodness) for end in course.ends.get(metric.aspect, ()))
    return Verdict(defined and rule(goodness), ends)


def how_good(metric: Metric, measured: Measured) -> "np.ndarray":
    """How good a metric says that the samples are, from 0 to 1 for as good as real data, shape $(P,)$.

    A score with a range is taken relative to it. One that is best at 1 is taken as it is, or its inverse.
    A distance without a greatest value is taken relative to the greatest of the course, from that of real
    data on, by logarithms where the metric's scale is logarithmic. A score that is not finite is bad.
    """
    scores = measured.scores
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric.better == "one":
            goodness = np.minimum(scores, 1 / scores)
        elif measured.has_range:
            share = _share(metric, scores, measured.least, measured.greatest)
            goodness = share if metric.better == "higher" else 1 - share
        else:
            goodness = 1 - _relative_distance(metric, scores, measured.of_real)
    goodness = np.where(np.isfinite(scores), goodness, 0.0)
    return np.clip(np.nan_to_num(goodness, nan=0.0), 0, 1)


def _share(metric: Metric, scores: "np.ndarray", least: "np.ndarray", greatest: "np.ndarray") -> "np.ndarray":
    """Where scores lie between the least and the greatest one that are possible."""
    if metric.scale == "log" and (least > 0).all():
        return np.log(scores / least) / np.log(greatest / least)
    # An estimate without bias may be below the distance of equal distributions, which is 0.
    least = np.maximum(least, 0.0) if metric.better == "lower" else least
    return (scores - least) / (greatest - least)


def _relative_distance(metric: Metric, scores: "np.ndarray", of_real: "np.ndarray") -> "np.ndarray":
    """0 for the distance of real data, 1 for the greatest finite one of the course."""
    usual = np.abs(of_real[np.isfinite(of_real)])
    floor = max(float(usual.mean()) if len(usual) else 0.0, 1e-12)
    greatest = float(scores[np.isfinite(scores)].max(initial=floor))
    if greatest < NOTICEABLE * floor:
        return np.zeros_like(scores)
    if metric.scale == "log":
        return np.log(np.maximum(scores, floor) / floor) / np.log(greatest / floor)
    return (np.maximum(scores, floor) - floor) / (greatest - floor)
