"""Checkpoints of cells in training: one per cell, the last one."""

import os
import re
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from benchmark.records.cell import Cell
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.layout import Layout
from benchmark.records.schema import CheckpointFile
from benchmark.records.sealed_files import (
    DamagedError,
    digest,
    read_checked,
    read_sealed,
    write_at_once,
    write_sealed,
)

__all__ = ["CheckpointFiles"]

TENSORS_NAME = re.compile(r"tensors-(\d{1,18})\.safetensors")


class CheckpointFiles:
    """Reads and writes checkpoints.

    Arguments:
        layout: Where the files of the run are.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def write(self, cell: Cell, checkpoint: Checkpoint) -> None:
        """Keeps a checkpoint of a cell in place of its last one."""
        folder = self.layout.training(cell)
        folder.mkdir(parents=True, exist_ok=True)
        previous = sorted(folder.glob("tensors-*.safetensors"), key=_number)
        number = _number(previous[-1]) + 1 if previous else 1
        file = folder / f"tensors-{number}.safetensors"
        write_at_once(file, save(dict(checkpoint.arrays)))
        content = {
            "config_hash": cell.config_hash,
            "group": list(cell.group),
            "compiled": cell.compile,
            "files": {file.name: digest(file)},
            "facts": checkpoint.values,
        }
        write_sealed(self._file(cell), content)
        for old in previous:
            old.unlink()

    def exists(self, cell: Cell) -> bool:
        """Whether there is a checkpoint of the cell, of whatever configuration."""
        return os.path.lexists(self._file(cell))

    def read(self, cell: Cell) -> Checkpoint | None:
        """Where the training of a cell stands; `None` without a checkpoint, or with one of another
        configuration.

        Raises:
            DamagedError: If it is not as it was written.
        """
        file = self._file(cell)
        try:
            content = read_sealed(file, CheckpointFile)
        except FileNotFoundError:
            return None
        try:
            if not _fits(content, cell):
                return None
            ((name, checksum),) = content["files"].items()
            if not TENSORS_NAME.fullmatch(name):
                raise DamagedError(file, f"names a file {name!r}")
            arrays = load(read_checked(file.with_name(name), checksum))
            return Checkpoint(arrays, content["facts"])
        except FileNotFoundError as error:
            raise DamagedError(file, "names tensors that are missing") from error
        except (AttributeError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise DamagedError(file, f"does not hold a checkpoint ({error})") from error

    def _file(self, cell: Cell) -> Path:
        return self.layout.training(cell) / "checkpoint.json"


def _fits(content: CheckpointFile, cell: Cell) -> bool:
    return (
        content["config_hash"] == cell.config_hash
        and content["group"] == list(cell.group)
        and content["compiled"] == cell.compile
    )


def _number(file: Path) -> int:
    match = TENSORS_NAME.fullmatch(file.name)
    return int(match[1]) if match else 0
