"""The curves of a run as event files, for TensorBoard."""

import errno
import shutil
from pathlib import Path

import pandas as pd

__all__ = ["write_event_files"]


def write_event_files(folder: Path, curves: pd.DataFrame) -> None:
    """Writes a run of TensorBoard per trial, `DATASET/METHOD/seed-K`, in place of the folder's contents.

    Each metric is a scalar against the generator step.

    Arguments:
        folder: Where to write.
        curves: The rows of `curves.csv`.

    Raises:
        OSError: If the folder is a link or a file, or cannot be written.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    if folder.is_symlink() or folder.is_file():
        reason = "is a link or a file, where a directory of event files should be; remove it"
        raise NotADirectoryError(errno.ENOTDIR, reason, str(folder))
    if folder.exists():
        shutil.rmtree(folder)
    for (dataset, method, seed), rows in curves.groupby(["dataset", "method", "seed"], sort=False):
        scalars = rows.dropna(subset="value")
        with SummaryWriter(str(folder / str(dataset) / str(method) / f"seed-{seed}")) as writer:
            for row in scalars.itertuples():
                writer.add_scalar(row.metric, row.value, row.generator_steps)
