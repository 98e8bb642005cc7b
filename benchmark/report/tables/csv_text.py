"""Frames to CSV that a spreadsheet program shows and does not run."""

from typing import Any

import pandas as pd

__all__ = ["to_csv"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet program take a cell for a formula."""


def to_csv(frame: pd.DataFrame) -> str:
    """CSV with all digits and without the index; texts that would be taken for formulas begin with an apostrophe."""
    texts = frame.select_dtypes(exclude="number").map(_harmless)
    return frame.assign(**texts).rename(columns=_harmless).to_csv(index=False, lineterminator="\n")


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
