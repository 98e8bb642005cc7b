"""Frames to CSV that a spreadsheet program shows and does not run."""

import pandas as pd

__all__ = ["to_csv"]


def to_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")
