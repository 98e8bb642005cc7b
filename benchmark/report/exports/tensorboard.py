"""The curves of a run as event files, for TensorBoard."""

import errno
import shutil
from pathlib import Path

import pandas as pd

__all__ = ["write_event_files"]


def write_event_files(folder: Path, curves: pd.DataFrame) -> None:
    """Writes a run of TensorBoard per trial, `DATASET/METHOD/seed-K`, in place of what the folder held.

    Each metric is a scalar against the generator step.

    Arguments:
        folder: Where to write.
        curves: The rows of `curves.csv`.

    Raises:
        OSError: If the folder is a link or a file, or cannot be written.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    if folder.is_symlink() or folder.is_file():
        raise NotADirectoryError(
            errno.ENOTDIR,
            "is a link or a file, where a directory of event files should be; remove it",
            str(folder),
        )
    if folder.exists():
        shutil.rmtree(folder)
    for (dataset, method, seed), rows in curves.groupby(["dataset", "method", "seed"], sort=False):
        with SummaryWriter(str(folder / str(dataset) / str(method) / f"seed-{seed}")) as writer:
            for metric, step, value in rows.dropna(subset="value")[
                ["metric", "generator_steps", "value"]
            ].itertuples(index=False):
                writer.add_scalar(metric, value, step)
