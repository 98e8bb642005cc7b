"""Frames to CSV that a spreadsheet program shows and does not run."""

from typing import Any

import pandas as pd

__all__ = ["to_csv"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet program take a cell for a formula."""


def to_csv(frame: pd.DataFrame) -> str:
    """CSV with all digits and without the index; texts that look like formulas get an apostrophe in front."""
    escaped: dict[str, Any] = {}
    for name, column in frame.select_dtypes(exclude="number").items():
        if any(_is_formula(cell) for cell in column):
            escaped[str(name)] = column.map(_escaped)
    return frame.assign(**escaped).rename(columns=_escaped).to_csv(index=False, lineterminator="\n")


def _is_formula(cell: Any) -> bool:
    return isinstance(cell, str) and cell.startswith(FORMULA_STARTS)


def _escaped(cell: Any) -> Any:
    return f"'{cell}" if _is_formula(cell) else cell
