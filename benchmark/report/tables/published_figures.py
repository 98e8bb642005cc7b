"""The figures that papers publish: `results/published.csv`, whose columns docs/published.md explains."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.errors import UsageError

__all__ = ["FIGURE_COLUMNS", "FILE", "NOT_STATED", "UNCERTAINTY_KINDS", "read_published"]

FILE = Path(__file__).resolve().parents[3] / "results" / "published.csv"
"""In the source tree, and beside the packages where they are installed."""

FIGURE_COLUMNS = (
    "paper",
    "table",
    "setting",
    "method",
    "dataset",
    "metric",
    "value",
    "uncertainty",
    "uncertainty_kind",
    "runs",
    "copied_from",
    "suite",
    "baseline",
    "source",
    "note",
)

NUMBER_TYPES = {"value": "float64", "uncertainty": "float64", "runs": "Int64"}
"""The types of the columns of numbers."""

NOT_STATED = "not stated"
"""The kind of an uncertainty, or the paper that a figure was copied from, where this is not stated."""

UNCERTAINTY_KINDS = ("standard error", "standard deviation", NOT_STATED)


def read_published(file: Path = FILE) -> pd.DataFrame:
    """The published figures, one per row, in the order of the file.

    `value` and `uncertainty` are numbers, NaN where there is none; `runs` is a whole number or `<NA>`; all
    else is text, empty where there is nothing to say.

    Raises:
        UsageError: If the file is missing, or is not such a table.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            columns, *rows = csv.reader(stream, strict=True)
        return _typed(columns, rows)
    except FileNotFoundError:
        raise UsageError(f"{file}: is missing; it is part of the program: install that again") from None
    except (OSError, TypeError, ValueError, csv.Error) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"{file}: does not hold the published figures ({why}); restore it, or install the program again"
        ) from None


def _typed(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The rows as a frame with numbers in it.

    Raises:
        TypeError, ValueError: If the columns are others, a row is too short or too long, or a number is none.
    """
    if tuple(columns) != FIGURE_COLUMNS:
        raise ValueError(f"its columns are {', '.join(columns)}")
    for line, row in enumerate(rows, 2):
        if len(row) != len(FIGURE_COLUMNS):
            raise ValueError(f"row {line} has {len(row)} of {len(FIGURE_COLUMNS)} cells")
    frame = pd.DataFrame(rows, columns=list(FIGURE_COLUMNS), dtype=object)
    numbers = {name: pd.to_numeric(frame[name].replace("", np.nan)) for name in NUMBER_TYPES}
    frame = frame.assign(**numbers).astype(NUMBER_TYPES)
    if not np.isfinite(frame["value"]).all():
        raise ValueError("a value is no number")
    return frame
