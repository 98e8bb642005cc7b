"""Rows of tables, by what they are of."""

from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.schema import CALIBRATION_ROWS

__all__ = ["rows_of", "trained_rows"]


def rows_of(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows that have these values, such as `rows_of(trials, dataset="ring", method="gan")`.

    Arguments:
        table: Any of the tables.
        values: A value by column; no row has a missing one.
    """
    matches = np.ones(len(table), dtype=bool)
    for column, value in values.items():
        matches &= (table[column] == value).to_numpy(dtype=bool, na_value=False)
    return table[matches]


def trained_rows(trials: pd.DataFrame) -> pd.DataFrame:
    """The rows of `trials.csv` of methods whose training ended, diverged or not; no calibration rows."""
    return trials[(trials["status"] != "failed") & ~trials["method"].isin(CALIBRATION_ROWS)]
