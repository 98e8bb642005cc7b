"""Checks on Gaussians and their mixtures."""

from collections.abc import Callable, Iterator
from functools import partial
from math import pi

import numpy as np
import torch

from benchmark.commands.sanity.courses import (
    MIDDLE,
    POINTS,
    Course,
    N,
    Step,
    compared_with,
    ends_for_all,
    for_all,
    in_dimensions,
)
from benchmark.commands.sanity.distributions import Gaussians, Plain, Sampler, gaussian, heavy_tailed
from benchmark.commands.sanity.rules import (
    either,
    falls,
    is_flat,
    is_flat_and_low,
    is_highest_at,
    is_near,
    rises,
)

__all__ = [
    "dropping_and_invention",
    "dropping_at_once",
    "dropping_in_turn",
    "heavy_tail",
    "one_dimension_of_many",
    "one_for_two",
    "shift",
    "shift_beside_an_outlier",
    "spread",
]

MEANS = {1: 6.0, 8: 3.0, 64: 1.0}
"""The farthest shift of all coordinates, by dimensions."""

SPREADS = {1: 3.0, 8: 1.0, 64: 0.5}
"""The largest power of ten of a spread, by dimensions."""

MODE_STDS = {1: 1 / 6, 8: 1 / 3, 64: 1.0}
"""The standard deviation of ten modes on a diagonal, by dimensions."""

MODES = 10

WITH_OUTLIER = 9
"""Points of a course beside an outlier."""


def _standard(dimensions: int) -> Gaussians:
    """One Gaussian of mean 0 and standard deviation 1 in every coordinate."""
    return Gaussians(places=((0.0,) * dimensions,))


def _shifts(dimensions: int, points: int = POINTS) -> tuple[float, ...]:
    return tuple(np.linspace(-MEANS[dimensions], MEANS[dimensions], points).tolist())


def shift() -> Iterator[Course]:
    for dimensions in MEANS:
        yield Course(
            in_dimensions(dimensions),
            _shifts(dimensions),
            compared_with(_standard(dimensions), partial(gaussian, std=1.0, dimensions=dimensions)),
            for_all(is_highest_at(MIDDLE)),
            ends_for_all(is_near(MIDDLE, 1.0), is_near(0, 0.0), is_near(-1, 0.0)),
        )


def shift_beside_an_outlier() -> Iterator[Course]:
    for dimensions in MEANS:
        for among in ("real data", "samples"):
            yield Course(
                f"{in_dimensions(dimensions)}, among {among}",
                _shifts(dimensions, WITH_OUTLIER),
                _with_outlier(dimensions, among),
                for_all(is_highest_at(WITH_OUTLIER // 2)),
                ends_for_all(is_near(WITH_OUTLIER // 2, 1.0), is_near(0, 0.0), is_near(-1, 0.0)),
            )


def _with_outlier(dimensions: int, among: str) -> Callable[[float, torch.Generator], Step]:
    """One more point where the farthest shift is, among real data or among samples."""
    data = _standard(dimensions)
    outlier = torch.full((1, dimensions), MEANS[dimensions])

    def step(mean: float, rng: torch.Generator) -> Step:
        real, samples = data.draw(N, rng), gaussian(mean, 1.0, dimensions)(N, rng)
        if among == "real data":
            return Step(data, torch.cat([outlier, real]), samples)
        return Step(data, real, torch.cat([outlier, samples]))

    return step


def spread() -> Iterator[Course]:
    highest, best = is_highest_at(MIDDLE), is_near(MIDDLE, 1.0)
    for dimensions, power in SPREADS.items():
        yield Course(
            in_dimensions(dimensions),
            tuple(np.logspace(-power, power, POINTS).tolist()),
            compared_with(_standard(dimensions), partial(gaussian, 0.0, dimensions=dimensions)),
            {"fidelity": falls(), "diversity": either(highest, rises), "both": highest},
            {
                "fidelity": (best, is_near(0, 1.0), is_near(-1, 0.0)),
                "diversity": (best, is_near(0, 0.0), either(is_near(-1, 0.0), is_near(-1, 1.0))),
                "both": (best, is_near(0, 0.0), is_near(-1, 0.0)),
            },
        )


def _diagonal(dimensions: int, shares: tuple[float, ...] = (1.0,) * MODES) -> Gaussians:
    """Ten modes along the diagonal from 0 to 10."""
    places = tuple((float(at),) * dimensions for at in np.linspace(0, 10, MODES))
    return Gaussians(places=places, shares=shares, std=MODE_STDS[dimensions])


def dropping_at_once() -> Iterator[Course]:
    values = (*np.linspace(0, 0.9, 10).tolist(), 0.95, 1.0)
    for dimensions in MODE_STDS:

        def others(share: float, d: int = dimensions) -> Sampler:
            # No weight of exactly 0, which no mode of a mixture can have.
            rest = max(1 - share, 1e-12)
            return _diagonal(d, (1.0,) + (rest,) * (MODES - 1)).draw

        yield _dropping(dimensions, values, others, by=10)


def dropping_in_turn() -> Iterator[Course]:
    for dimensions in MODE_STDS:

        def first(dropped: float, d: int = dimensions) -> Sampler:
            kept = MODES - int(dropped)
            return _diagonal(d, (1.0,) * kept + (1e-12,) * (MODES - kept)).draw

        yield _dropping(dimensions, tuple(map(float, range(MODES))), first, by=5)


def _dropping(
    dimensions: int, values: tuple[float, ...], sampler: Callable[[float], Sampler], by: int
) -> Course:
    return Course(
        in_dimensions(dimensions),
        values,
        compared_with(_diagonal(dimensions), sampler),
        {"fidelity": is_flat, "diversity": falls(by), "both": falls(by)},
        {
            "fidelity": (is_near(0, 1.0), is_near(-1, 1.0)),
            "diversity": (is_near(0, 1.0),),
            "both": (is_near(0, 1.0),),
        },
    )


def _on_a_circle(modes: int) -> Gaussians:
    """The first of ten modes on a circle of radius 15."""
    angles = [2 * pi * mode / MODES for mode in range(modes)]
    places = tuple((float(15 * np.cos(angle)), float(15 * np.sin(angle))) for angle in angles)
    return Gaussians(places=places, shares=(1.0,) * modes, std=0.25)


def dropping_and_invention() -> Iterator[Course]:
    half = MODES // 2
    yield Course(
        "",
        tuple(map(float, range(1, MODES + 1))),
        compared_with(_on_a_circle(half), lambda modes: _on_a_circle(int(modes)).draw),
        {"fidelity": falls(), "diversity": rises, "both": is_highest_at(half - 1)},
        {
            "fidelity": (is_near(half - 1, 1.0), is_near(0, 1.0)),
            "diversity": (is_near(half - 1, 1.0), is_near(-1, 1.0)),
            "both": (is_near(half - 1, 1.0),),
        },
    )


def one_for_two() -> Iterator[Course]:
    for dimensions in (1, 8, 64):

        def step(apart: float, rng: torch.Generator, d: int = dimensions) -> Step:
            places = ((-apart / 2,) * d, (apart / 2,) * d)
            data = Gaussians(places=places, shares=(1.0, 1.0)) if apart else _standard(d)
            return Step(data, data.draw(N, rng), gaussian(0.0, float(np.hypot(1, apart)), d)(N, rng))

        yield Course(
            in_dimensions(dimensions),
            tuple(np.linspace(0, 5, 11).tolist()),
            step,
            {"fidelity": falls(), "diversity": either(falls(), is_flat), "both": falls()},
            ends_for_all(is_near(0, 1.0)),
        )


def heavy_tail() -> Iterator[Course]:
    yield Course(
        "",
        _shifts(1),
        compared_with(Plain(sampler=heavy_tailed(0.0), dimensions=2), heavy_tailed),
        for_all(is_highest_at(MIDDLE)),
        ends_for_all(is_near(MIDDLE, 1.0), is_near(0, 0.0), is_near(-1, 0.0)),
    )


def one_dimension_of_many() -> Iterator[Course]:
    def step(more: float, rng: torch.Generator) -> Step:
        data = _standard(1 + int(more))
        samples = data.draw(N, rng)
        samples[:, 0] += 6
        return Step(data, data.draw(N, rng), samples)

    yield Course(
        "",
        (1.0, 3.0, 10.0, 32.0, 100.0, 316.0, 1000.0),
        step,
        for_all(is_flat_and_low),
        ends_for_all(is_near(0, 0.0), is_near(-1, 0.0)),
    )
