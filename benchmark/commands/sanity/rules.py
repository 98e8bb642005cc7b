"""What a score must do along a sanity check. A rule looks at how good the samples are said to be."""

from collections.abc import Callable

import numpy as np

__all__ = [
    "Rule",
    "either",
    "falls",
    "is_flat",
    "is_flat_and_low",
    "is_highest_at",
    "is_near",
    "rises",
    "settles",
]

SMALL = 0.05
"""The most by which two scores, of 0 to 1, differ that should be equal."""

LARGE = 0.2
"""The least by which scores differ that should differ much."""

EDGE = 0.1
"""The most by which the end of a course may miss its extreme."""

Rule = Callable[["np.ndarray"], bool]
"""Whether a course of scores is as it must be: from 0 for bad to 1 for as good as real data, shape $(P,)$."""


def is_highest_at(place: int) -> Rule:
    """High at that place of the course, and lower at both ends."""

    def holds(scores: "np.ndarray") -> bool:
        peak = scores[place]
        ends = np.array([scores[0], scores[-1]])
        low = (ends - scores.min() <= EDGE).any()
        return bool((peak - ends >= LARGE).all() and scores.max() - peak <= EDGE and low)

    return holds


def falls(by: int | None = None) -> Rule:
    """High at the start and low at the end; with `by`, it is lower at that place already."""

    def holds(scores: "np.ndarray") -> bool:
        first, last = scores[0], scores[-1]
        edges = scores.max() - first <= EDGE and last - scores.min() <= EDGE
        early = by is None or first - scores[by] >= EDGE
        return bool(first - last >= LARGE and edges and early)

    return holds


def rises(scores: "np.ndarray") -> bool:
    """Low at the start and high at the end."""
    return falls()(scores[::-1])


def is_flat(scores: "np.ndarray") -> bool:
    """The same all along."""
    return bool(np.ptp(scores) <= SMALL)


def is_flat_and_low(scores: "np.ndarray") -> bool:
    """The same all along, and never as good as real data."""
    return is_flat(scores) and bool(scores.max() <= 1 - LARGE)


def settles(start: int) -> Rule:
    """The same from that place on."""

    def holds(scores: "np.ndarray") -> bool:
        return is_flat(scores[start:])

    return holds


def is_near(place: int, value: float) -> Rule:
    """About that value at that place."""

    def holds(scores: "np.ndarray") -> bool:
        return bool(abs(scores[place] - value) <= SMALL)

    return holds


def either(*rules: Rule) -> Rule:
    """One of several, all of which are ways to read what is asked."""

    def holds(scores: "np.ndarray") -> bool:
        return any(rule(scores) for rule in rules)

    return holds
