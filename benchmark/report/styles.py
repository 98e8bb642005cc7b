"""How each method and calibration row is drawn: colour, dashes and marker."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmark.records.schema import CALIBRATION_ROWS

__all__ = ["CALIBRATION_DASHES", "COLOURS", "MethodStyle", "dash_array", "styles_of"]

COLOURS = (
    "#1f83c6",
    "#e0642b",
    "#2a9d50",
    "#a05fd0",
    "#d6457f",
    "#b8860b",
    "#0f9aa0",
    "#8c6d5a",
    "#7a8a1f",
    "#6b7a90",
)
"""Each has a contrast of at least 3 to a white and to a nearly black background."""

Dashes = str | tuple[float, tuple[float, ...]]
"""A line style of matplotlib: its name, or an offset and the lengths of dashes and gaps."""

DASHED, DOTTED, DASH_DOTTED = (3.7, 1.6), (1, 1.65), (6.4, 1.6, 1, 1.6)
LONG_DASHED = ((8, 2), (8, 2, 1, 2), (8, 2, 1, 2, 1, 2))

CALIBRATION_DASHES: dict[str, Dashes] = {
    row: (0, lengths)
    for row, lengths in zip(CALIBRATION_ROWS, (DASHED, DOTTED, DASH_DOTTED, *LONG_DASHED), strict=True)
}
"""The line of each calibration row, which is grey: those of fitted densities have long dashes."""

DASHES_OF_METHODS: tuple[Dashes, ...] = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)))

MARKER_PATHS = {
    "o": "M13 1a3 3 0 1 0 .01 0z",
    "s": "M10 1h6v6h-6z",
    "D": "M13 0l4 4-4 4-4-4z",
    "^": "M13 0l4 7h-8z",
    "v": "M13 8l4-7h-8z",
    "P": "M11.5 0h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5v-3h2.5z",
    "X": "M10 0l3 2.5 3-2.5 1.5 1.5-2.5 2.5 2.5 2.5-1.5 1.5-3-2.5-3 2.5-1.5-1.5 2.5-2.5-2.5-2.5z",
}
"""Markers of matplotlib, and their shapes as SVG paths in the middle of a legend key of 26 by 8."""


def dash_array(dashes: Dashes) -> str:
    """Dashes as the attribute `stroke-dasharray` of SVG."""
    if isinstance(dashes, str):
        return "none"
    _, lengths = dashes
    return " ".join(map(str, lengths))


class MethodStyle(NamedTuple):
    """How a method is drawn; no two of the first seventy share both colour and marker."""

    colour: str
    dashes: Dashes
    marker: str

    @property
    def shape(self) -> str:
        """The marker as an SVG path."""
        return MARKER_PATHS[self.marker]

    @property
    def dash_array(self) -> str:
        """The dashes as an attribute of SVG."""
        return dash_array(self.dashes)


def styles_of(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """A style for each method, by its place among the methods."""
    markers = list(MARKER_PATHS)
    styles = {}
    for i, method in enumerate(methods):
        dashes = DASHES_OF_METHODS[i // len(COLOURS) % len(DASHES_OF_METHODS)]
        styles[method] = MethodStyle(COLOURS[i % len(COLOURS)], dashes, markers[i % len(markers)])
    return styles
