"""The contract of a dataset."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import torch
from torch import Tensor

from benchmark.commands.checks.outcome import Outcome, outcome_of, require
from benchmark.datasets.base import Dataset, Split, check_mode_weights
from benchmark.datasets.images import Images
from benchmark.registry import DATASETS, METHODS
from benchmark.training.cost import cost_of

__all__ = ["CHECKS", "check_dataset"]

DRAWN = 2000
"""Samples that are drawn of each split."""

SHARED = 0.01
"""The share of held-out samples that may occur in another split by chance."""

GOOD = 0.9
"""The share of real data that must be of high quality."""


def check_dataset(name: str) -> Iterator[Outcome]:
    """Runs every check on a dataset at its default settings.

    Raises:
        UsageError: If the name is unknown, the class cannot be built, or its files are not there.
    """
    data = DATASETS.build(name, {})
    data.prepare()
    checks = dict(CHECKS)
    if _modes(data):
        checks |= CHECKS_OF_MODES
    if data.factors:
        checks |= CHECKS_OF_FACTORS
    checks |= CHECKS_OF_IMAGES if isinstance(data, Images) else CHECKS_OF_POINTS
    for title, check in checks.items():
        yield outcome_of(title, check, data)


def describes_itself(data: Dataset) -> None:
    require(data.kind in ("points", "images"), f"kind is {data.kind!r}; it must be points or images")
    is_images = isinstance(data, Images)
    require(
        is_images == (data.kind == "images"), "a dataset is of kind images if and only if it is an Images"
    )
    require(all(isinstance(side, int) and side > 0 for side in data.shape), f"shape is {data.shape}")
    weights = data.mode_weights
    check_mode_weights(weights)
    if len(weights):
        right = weights.dtype == torch.float64
        require(right, f"mode_weights is of type {weights.dtype}; it must be float64")


def draws_samples(data: Dataset) -> None:
    for split in get_args(Split):
        samples = _draw(data, split)
        expected = (DRAWN, *data.shape)
        require(samples.shape == expected, f"{split} has shape {tuple(samples.shape)}; it must be {expected}")
        unpacked = data.unpack(samples)
        require(
            unpacked.dtype == torch.float32, f"{split}, unpacked, is of type {unpacked.dtype}, not float32"
        )
        require(bool(unpacked.isfinite().all()), f"{split} holds numbers that are not finite")


def draws_from_the_stream(data: Dataset) -> None:
    first, again = _draw(data, "train"), _draw(data, "train")
    require(
        torch.equal(first, again), "the same stream gives other data: some randomness is not from the stream"
    )
    other = data.draw(DRAWN, data.stream(1, "check train"), "train")
    require(not torch.equal(first, other), "two streams give the same data")


def keeps_held_out_data_apart(data: Dataset) -> None:
    held_out = _rows(_draw(data, "held-out"))
    for split in ("train", "calibration"):
        shared = held_out & _rows(_draw(data, split))
        share = len(shared) / len(held_out)
        require(share <= SHARED, f"{share:.0%} of the held-out samples are also among the {split} samples")


def packs_without_loss(data: Dataset) -> None:
    samples = _draw(data, "train")[:100]
    require(torch.equal(data.pack(data.unpack(samples)), samples), "pack(unpack(samples)) is not samples")


def can_be_trained_on(data: Dataset) -> None:
    """One cycle of a GAN."""
    cost = cost_of(METHODS.build("gan", {}), data)
    require(cost.flops > 0, "a cycle of a GAN has no matrix product")


def assigns_samples_to_modes(data: Dataset) -> None:
    samples = _draw(data, "calibration")
    assignment = data.assign(samples)
    for field in ("mode", "high_quality"):
        shape = tuple(getattr(assignment, field).shape)
        require(shape == (DRAWN,), f"{field} has shape {shape}; it must be {(DRAWN,)}")
    low, high = int(assignment.mode.min()), int(assignment.mode.max())
    require(0 <= low <= high < data.modes, f"modes are {low} to {high}; they must be 0 to {data.modes - 1}")
    good = float(assignment.high_quality.double().mean())
    require(good >= GOOD, f"{good:.0%} of real data is of high quality; it must be {GOOD:.0%} at least")


def assigns_each_sample_by_itself(data: Dataset) -> None:
    samples = _draw(data, "calibration")[:200]
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    assignment, permuted = data.assign(samples), data.assign(samples[order])
    for field in ("mode", "high_quality"):
        whole, part = getattr(assignment, field), getattr(permuted, field)
        require(torch.equal(whole[order], part), f"{field} depends on the order of the samples")
    stacked = data.assign(samples.view(2, 100, *data.shape))
    shape = tuple(stacked.mode.shape)
    require(shape == (2, 100), f"of samples of two seeds, mode has shape {shape}; it must be (2, 100)")
    require(torch.equal(stacked.mode.flatten(), assignment.mode), "mode depends on the number of seeds")


def draws_modes_by_their_weights(data: Dataset) -> None:
    mode = data.assign(_draw(data, "calibration")).mode
    shares = torch.bincount(mode, minlength=data.modes).double() / DRAWN
    distance = 0.5 * float((shares - data.mode_weights).abs().sum())
    # By chance, the total variation of n draws from K modes is about sqrt(K / n) / 2.5; a classifier errs
    # besides.
    most = 0.05 + (data.modes / DRAWN) ** 0.5
    require(
        distance <= most,
        f"the total variation of real data and mode_weights is {distance:.2f}; at most {most:.2f}",
    )


def takes_samples_apart(data: Dataset) -> None:
    require(_modes(data) > 0, "there are factors, but no modes")
    assignment = data.assign(_draw(data, "calibration"))
    expected = {"factors": (DRAWN, len(data.factors)), "off_manifold": (DRAWN,)}
    limits = {"factors": 1.0, "off_manifold": float("inf")}
    for field, shape in expected.items():
        values = getattr(assignment, field)
        require(values is not None, f"assign gives no {field}")
        require(values.shape == shape, f"{field} has shape {tuple(values.shape)}; it must be {shape}")
        least, most = float(values.min()), float(values.max())
        limit = limits[field]
        right = least >= 0 and most <= limit
        require(right, f"{field} is from {least:.3g} to {most:.3g}; it must be from 0 to {limit:g}")


def can_be_drawn_as_points(data: Dataset) -> None:
    samples = _draw(data, "train")[:100]
    projected = tuple(data.project(samples).shape)
    require(projected == (100, 2), f"project gives shape {projected} for 100 samples; it must be (100, 2)")
    landmarks = tuple(data.landmarks.shape)
    accepted = {(data.modes, 2), (0, 2)}
    require(landmarks in accepted, f"landmarks has shape {landmarks}; it must be (K, 2), or (0, 2) for none")
    require([type(axis) for axis in data.axes] == [str, str], f"axes are {data.axes}; they must be two texts")


def finds_the_nearest_image(data: Any) -> None:
    samples = _draw(data, "train")[:3]
    nearest = data.nearest_training(samples)
    require(nearest.shape == samples.shape, f"nearest_training gives shape {tuple(nearest.shape)}")
    require(torch.equal(nearest, samples), "the nearest training image of a training image is another one")


CHECKS: dict[str, Callable[[Dataset], None]] = {
    "describes itself": describes_itself,
    "draws samples": draws_samples,
    "draws from the stream that it is given": draws_from_the_stream,
    "keeps held-out data apart": keeps_held_out_data_apart,
    "packs without loss": packs_without_loss,
    "can be trained on": can_be_trained_on,
}

CHECKS_OF_MODES: dict[str, Callable[[Dataset], None]] = {
    "assigns samples to modes": assigns_samples_to_modes,
    "assigns each sample by itself": assigns_each_sample_by_itself,
    "draws modes by their weights": draws_modes_by_their_weights,
}

CHECKS_OF_FACTORS: dict[str, Callable[[Dataset], None]] = {"takes samples apart": takes_samples_apart}

CHECKS_OF_POINTS: dict[str, Callable[[Dataset], None]] = {"can be drawn": can_be_drawn_as_points}

CHECKS_OF_IMAGES: dict[str, Callable[[Dataset], None]] = {"finds the nearest image": finds_the_nearest_image}


def _modes(data: Dataset) -> int:
    """The number of modes; 0 if that cannot be had, which `describes_itself` reports."""
    try:
        return data.modes
    except Exception:  # foreign code may fail in any way
        return 0


def _draw(data: Dataset, split: Split) -> Tensor:
    """The same samples of a split each time, packed."""
    return data.draw(DRAWN, data.stream(0, f"check {split}"), split)


def _rows(samples: Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in samples.flatten(1)}
