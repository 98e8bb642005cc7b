"""The range of pixels is told by the distribution of their values, not by an extreme one."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.scoring.pixel_ranges import RANGES, to_eight_bits

FILE = Path("mine.npy")


def strokes():
    """Bright bars on black, with all values between, 8 bits; the share of black is that of digits."""
    random = np.random.default_rng(0)
    bright = random.integers(256, size=(50, 3, 28, 28), dtype=np.uint8)
    return np.where(random.random(bright.shape) < 0.8, 0, bright).astype(np.uint8)


EIGHT_BIT = strokes()
UNIT = EIGHT_BIT / np.float32(255)
BINARY = (EIGHT_BIT > 127).astype(np.uint8)
NOISE = np.random.default_rng(1).standard_normal(UNIT.shape).astype(np.float32)


def with_one(array, value):
    changed = array.copy()
    changed[7, 1, 20, 3] = value
    return changed


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("0,1", UNIT),
        ("0,1", UNIT.astype(np.float64)),
        ("-1,1", 2 * UNIT - 1),
        ("0,255", EIGHT_BIT),
        ("0,255", EIGHT_BIT.astype(np.int64)),
        ("0,255", EIGHT_BIT.astype(np.float16)),
    ],
    ids=lambda value: getattr(value, "dtype", None),
)
def test_all_forms_of_pixels_are_read_alike(name, array):
    for stated in (None, name):
        read = to_eight_bits(array, FILE, stated)
        assert read.note == f"pixels taken for {RANGES[name]}"
        assert read.pixels.dtype == np.uint8
        assert np.array_equal(read.pixels, EIGHT_BIT)


@pytest.mark.parametrize("array", [BINARY.astype(np.float32), 2 * BINARY.astype(np.int8) - 1, 255 * BINARY])
def test_pixels_that_are_black_or_white_are_read(array):
    assert np.array_equal(to_eight_bits(array, FILE, None).pixels, 255 * BINARY)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (with_one(UNIT, -0.02), "[0, 1] (1 of 117600 values clipped)"),
        (with_one(UNIT, -0.9), "[0, 1] (1 of 117600 values clipped)"),
        (with_one(UNIT, 1e6), "[0, 1] (1 of 117600 values clipped)"),
        (with_one(UNIT, -0.001), "[0, 1]"),
        (with_one(2 * UNIT - 1, -1.2), "[-1, 1] (1 of 117600 values clipped)"),
        (with_one(255 * UNIT, -9), "[0, 255] (1 of 117600 values clipped)"),
        (np.where(UNIT == 0, -0.2 * abs(NOISE.clip(-1, 1)), UNIT), "[0, 1]"),
        (1 - 2 * UNIT, "[-1, 1]"),
        (0.05 * NOISE, "[-1, 1]"),
        (1e-8 * NOISE, "[0, 1]"),
    ],
    ids=[
        "undershoot",
        "dark-spike",
        "bright-spike",
        "rounding",
        "beyond-tanh",
        "undershoot-of-255",
        "ringing",
        "inverted",
        "untrained-tanh",
        "black-but-for-rounding",
    ],
)
def test_stray_values_do_not_choose_the_range(array, expected):
    assert to_eight_bits(array, FILE, None).note.startswith(f"pixels taken for {expected}")


@pytest.mark.parametrize(
    ("value", "dtype", "grey"),
    [
        (0, np.uint8, 0),
        (255, np.uint8, 255),
        (0, np.float32, 0),
        (-0.0, np.float32, 0),
        (1, np.float32, 255),
        (-1, np.float32, 0),
        (0.5, np.float32, 128),
        (255, np.float32, 255),
    ],
)
def test_images_of_one_colour_are_read(value, dtype, grey):
    """A generator that has collapsed makes them."""
    assert (to_eight_bits(np.full((5, 1, 8, 8), value, dtype), FILE, None).pixels == grey).all()


def test_nearly_black_images_are_black():
    assert to_eight_bits(with_one(0 * EIGHT_BIT, 1), FILE, None).pixels.sum() == 1


@pytest.mark.parametrize(
    "array",
    [BINARY, (UNIT - 0.13) / 0.31, NOISE, 10 * UNIT, EIGHT_BIT.astype(np.uint16) * 257],
    ids=["zeros-and-ones", "standardised", "normal", "dim", "16-bit"],
)
def test_pixels_of_no_clear_range_are_refused(array):
    with pytest.raises(UsageError, match=r"pixels from .* give --range 0,1 or -1,1 or 0,255"):
        to_eight_bits(array, FILE, None)


def test_a_range_that_is_stated_is_taken_where_it_can_be():
    assert to_eight_bits(BINARY, FILE, "0,255").pixels.max() == 1
    assert to_eight_bits(BINARY, FILE, "0,1").pixels.max() == 255
    assert to_eight_bits(UNIT, FILE, "-1,1").pixels.min() == 128
    with pytest.raises(UsageError, match="not in --range 0,1; the others are -1,1 or 0,255"):
        to_eight_bits(EIGHT_BIT, FILE, "0,1")
