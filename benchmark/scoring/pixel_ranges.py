"""The ranges that pixels of samples made elsewhere may have, and which of them some pixels have."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmark.errors import UsageError

__all__ = ["RANGES", "EightBitPixels", "PixelRange", "to_eight_bits"]

STRAY = 0.001
"""The share of the darkest pixels, and of the brightest, that say nothing of the range."""

OVERSHOOT = 0.25
"""How far resampling goes beyond a range, as a share of it."""

DIMMEST = 16
"""The least brightness of the brightest floating-point pixels that are taken for [0, 255]."""


class PixelRange(NamedTuple):
    """From black to white."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]"

    @property
    def steps(self) -> float:
        """Steps of 8 bits in a unit."""
        return 255 / (self.high - self.low)

    def contains(self, other: "PixelRange") -> bool:
        """Whether another range lies within this one, apart from an overshoot."""
        slack = OVERSHOOT * (self.high - self.low)
        return self.low - slack <= other.low and other.high <= self.high + slack


RANGES = {"0,1": PixelRange(0, 1), "-1,1": PixelRange(-1, 1), "0,255": PixelRange(0, 255)}
"""The ranges that are read, by how the command line has them."""


class EightBitPixels(NamedTuple):
    """Pixels as image files have them.

    Attributes:
        pixels: The pixels, uint8.
        note: The range that was assumed, in words.
    """

    pixels: np.ndarray
    note: str


def to_eight_bits(pixels: np.ndarray, file: Path, stated: str | None) -> EightBitPixels:
    """Pixels of any real type with 8 bits. Those outside of their range are clipped.

    Arguments:
        pixels: The pixels, finite, of any shape.
        file: Where they are from.
        stated: Their range, of `RANGES`; by default it is guessed from the distribution of their values.

    Raises:
        UsageError: If they do not have that range, or none that can be guessed.
    """
    low, high = np.quantile(pixels, (STRAY, 1 - STRAY), method="nearest")
    extent = PixelRange(float(low), float(high))
    assumed = RANGES[stated] if stated else _guess(pixels, extent)
    if assumed is None or not assumed.contains(extent):
        ranges = " or ".join(name for name in RANGES if name != stated)
        problem = f"{file}: has {pixels.dtype} pixels from {extent.low:g} to {extent.high:g}"
        if stated:
            raise UsageError(f"{problem}, and not in --range {stated}; the others are {ranges}")
        raise UsageError(f"{problem}; give --range {ranges}, if need be after scaling them")
    half_a_step = 0.5 / assumed.steps
    outside = (pixels < assumed.low - half_a_step) | (pixels > assumed.high + half_a_step)
    note = f"pixels taken for {assumed}"
    if outside.any():
        note += f" ({outside.sum()} of {outside.size} values clipped)"
    return EightBitPixels(_scaled(pixels, assumed), note)


def _guess(pixels: np.ndarray, extent: PixelRange) -> PixelRange | None:
    """The range that pixels of that extent have; `None` where it cannot be told.

    Dark pixels are as far below 0 in [-1, 1] as bright ones are above it; an overshoot is not.
    """
    signed = RANGES["-1,1"]
    if extent.low < min(-OVERSHOOT * extent.high, -1 / signed.steps):
        return signed
    if pixels.dtype.kind in "iu":
        # Zeros and ones may be black and white, or nearly black.
        return None if extent.high == pixels.max() == 1 else RANGES["0,255"]
    if RANGES["0,1"].contains(extent):
        return RANGES["0,1"]
    return RANGES["0,255"] if extent.high >= DIMMEST else None


def _scaled(pixels: np.ndarray, assumed: PixelRange) -> np.ndarray:
    if pixels.dtype == np.uint8 and assumed == RANGES["0,255"]:
        return pixels
    brightness = (pixels.astype(np.float32) - np.float32(assumed.low)) * np.float32(assumed.steps)
    return brightness.round().clip(0, 255).astype(np.uint8)
