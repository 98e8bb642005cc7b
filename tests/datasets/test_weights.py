"""Weights of modes from a text."""

import pytest
import torch

from benchmark.datasets.gaussians_40 import Gaussians40
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring, UnbalancedGrid, UnbalancedRing
from benchmark.datasets.shapes import Shapes
from benchmark.datasets.stacked import StackedMNIST
from benchmark.datasets.weights import parse_weights


def test_laws():
    assert parse_weights("equal", 4).tolist() == [0.25] * 4
    assert parse_weights("geometric:0.5", 3).tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert parse_weights("minority:1:0.25", 3).tolist() == pytest.approx([1 / 9, 4 / 9, 4 / 9])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "give equal, geometric:RATIO, minority:NUMBER:FACTOR"),
        ("zipf:1", "give equal, geometric:RATIO, minority:NUMBER:FACTOR"),
        ("equal:1", "give equal, geometric:RATIO, minority:NUMBER:FACTOR"),
        ("geometric", "give equal, geometric:RATIO, minority:NUMBER:FACTOR"),
        ("geometric:0", "RATIO must lie in"),
        ("geometric:1e-300", "no weight; give larger parameters"),
        ("geometric:1.1", "RATIO must lie in"),
        ("geometric:nan", "RATIO must lie in"),
        ("geometric:much", "could not convert string to float: 'much'; give geometric:RATIO"),
        ("minority:8:0.5", "NUMBER must be a whole number from 1 to 7"),
        ("minority:1.5:0.5", "NUMBER must be a whole number from 1 to 7"),
        ("minority:inf:0.5", "NUMBER must be a whole number from 1 to 7"),
        ("minority:2:0", "FACTOR must lie in"),
        ("minority:2:2", "FACTOR must lie in"),
    ],
)
@pytest.mark.parametrize("cls", [Ring, Shapes, StackedMNIST])
def test_wrong_weights_are_refused_when_the_dataset_is_made(cls, text, problem):
    modes = {Ring: 8, Shapes: 224, StackedMNIST: 10}[cls]
    with pytest.raises(ValueError, match="weights ") as error:
        cls(weights=text.replace("8", str(modes)))
    assert problem.replace("7", str(modes - 1)) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        UnbalancedRing(),
        UnbalancedGrid(),
        Ring(weights="geometric:0.8"),
        Grid(weights="geometric:0.9"),
        HighDimensional(weights="minority:3:0.2"),
        Gaussians40(weights="minority:10:0.1", separation=20.0),
    ],
    ids=lambda data: f"{data.name}-{data.weights}",
)
def test_modes_are_drawn_by_their_weights(data):
    """Within five standard deviations in every mode."""
    n = 20_000 if data.name == "high-dimensional" else 200_000
    counts = torch.zeros(data.modes)
    for part in range(10):
        mode = data.assign(data.draw(n // 10, data.stream(part, "data"))).mode
        counts += torch.bincount(mode, minlength=data.modes)
    expected = n * data.mode_weights
    assert ((counts - expected).abs() < 5 * expected.sqrt()).all()


def test_a_twentieth():
    ring, grid = UnbalancedRing().mode_weights, UnbalancedGrid().mode_weights
    assert ring.tolist() == pytest.approx([1 / 84] * 4 + [20 / 84] * 4)
    assert grid.tolist() == pytest.approx([1 / 310] * 10 + [20 / 310] * 15)
    assert UnbalancedRing().means.norm(dim=1).tolist() == pytest.approx([2.5] * 8)
    assert UnbalancedRing().std == UnbalancedGrid().std == 0.05


def test_a_mixture_with_weights_of_its_own_takes_no_others():
    class Own(Ring):
        name = "own"

        @property
        def mode_weights(self):
            return parse_weights("geometric:0.5", 8)

    assert Own().mode_weights[0] > 0.5
    with pytest.raises(ValueError, match="Own has weights of its own"):
        Own(weights="geometric:0.5")
