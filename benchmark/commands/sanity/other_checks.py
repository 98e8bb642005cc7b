"""Checks on cubes, spheres and whole numbers, and on copies."""

from collections.abc import Iterator
from functools import partial

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
from benchmark.commands.sanity.distributions import (
    Gaussians,
    Plain,
    ball,
    cube,
    discrete,
    on_sphere,
    scaled,
    torus,
)
from benchmark.commands.sanity.rules import (
    either,
    falls,
    is_flat,
    is_flat_and_low,
    is_highest_at,
    is_near,
    settles,
)

__all__ = ["another_unit", "copies", "cubes", "rounded", "sphere", "sphere_and_torus"]

SIZES = (100, 200, 500, 1000, 2000, 5000)

OVERLAP = 0.2
"""The share of a cube's volume that the other cube has in common with it."""


def sphere() -> Iterator[Course]:
    for dimensions in (2, 16, 128):
        data = Plain(sampler=on_sphere(1.0, dimensions), dimensions=dimensions)
        yield Course(
            in_dimensions(dimensions),
            tuple(np.linspace(0.1, 1.9, POINTS).tolist()),
            compared_with(data, partial(on_sphere, dimensions=dimensions)),
            for_all(is_highest_at(MIDDLE)),
            ends_for_all(is_near(MIDDLE, 1.0), is_near(0, 0.0), is_near(-1, 0.0)),
        )


def cubes(of_real: bool) -> Iterator[Course]:
    """Two cubes with a fifth of their volume in common; more and more samples, and real data or not."""
    for dimensions in (1, 8, 64):

        def step(size: float, rng: torch.Generator, d: int = dimensions) -> Step:
            data = Plain(sampler=cube(0.0, d), dimensions=d)
            other = cube(1 - OVERLAP ** (1 / d), d)
            return Step(data, data.draw(int(size) if of_real else N, rng), other(int(size), rng))

        yield Course(
            in_dimensions(dimensions),
            tuple(map(float, SIZES)),
            step,
            for_all(settles(3)),
            ends_for_all(is_near(-1, OVERLAP)),
        )


def sphere_and_torus() -> Iterator[Course]:
    shapes = {"sphere": ball(0.8, 3), "torus": torus}
    for name, other in (("sphere", "torus"), ("torus", "sphere")):

        def step(size: float, rng: torch.Generator, name: str = name, other: str = other) -> Step:
            data = Plain(sampler=shapes[name], dimensions=3)
            return Step(data, data.draw(N, rng), shapes[other](int(size), rng))

        yield Course(
            f"real data in the {name}",
            tuple(map(float, SIZES)),
            step,
            for_all(settles(3)),
            ends_for_all(is_near(-1, 0.0)),
        )


def another_unit() -> Iterator[Course]:
    def step(scale: float, rng: torch.Generator) -> Step:
        data = Plain(sampler=scaled(0.0, scale), dimensions=2)
        return Step(data, data.draw(N, rng), scaled(6.0, scale)(N, rng))

    yield Course(
        "",
        tuple(np.logspace(-3, 3, 7).tolist()),
        step,
        for_all(is_flat_and_low),
        ends_for_all(is_near(0, 0.0), is_near(-1, 0.0)),
    )


def rounded() -> Iterator[Course]:
    wide = either(is_near(0, 0.0), is_near(0, 1.0)), either(is_near(-1, 0.0), is_near(-1, 1.0))
    neither = (is_near(0, 0.0), is_near(-1, 0.0))
    both = (is_near(0, 1.0), is_near(-1, 1.0))
    for real_is_rounded in (True, False):

        def step(scale: float, rng: torch.Generator, rounded: bool = real_is_rounded) -> Step:
            data = Plain(sampler=discrete(scale, rounded))
            return Step(data, data.draw(N, rng), discrete(scale, not rounded)(N, rng))

        yield Course(
            "real data rounded" if real_is_rounded else "samples rounded",
            tuple(np.logspace(0, 3, 7).tolist()),
            step,
            for_all(is_flat),
            {
                "fidelity": neither if real_is_rounded else both,
                "diversity": wide if real_is_rounded else neither,
                "both": neither,
            },
        )


def copies() -> Iterator[Course]:
    """Samples of which a growing share are copies of 200 training data."""
    data = Gaussians(places=((0.0, 0.0),), training_set=200)

    def step(share: float, rng: torch.Generator) -> Step:
        samples = data.draw(N, rng, "held-out")
        copies = int(share * N)
        samples[:copies] = data.draw(copies, rng, "train")
        return Step(data, data.draw(N, rng, "held-out"), samples)

    yield Course(
        "",
        (0.0, 0.25, 0.5, 0.75, 1.0),
        step,
        {"copies": falls(), "fidelity": is_flat},
        {"copies": (is_near(-1, 0.0),)},
    )
