"""Finished trials: one directory each, complete or absent."""

import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from benchmark.records.cell import MODEL_PARTS, Cell, Trial, config_hash
from benchmark.records.layout import Layout, TrialId
from benchmark.records.schema import LARGE, Commit, DatasetFacts, Record
from benchmark.records.sealed_files import (
    DamagedError,
    digest,
    read_checked,
    read_sealed,
    sync_directory,
    write_at_once,
    write_sealed,
)

__all__ = ["MODEL_FILES", "NOTHING", "Survey", "TrialFiles"]

RECORD, ARRAYS, ERROR = "result.json", "samples.npz", "error.txt"

MODEL_FILES = {part: f"{part}.safetensors" for part in MODEL_PARTS}

FILES_BESIDE_RECORD = (ARRAYS, *MODEL_FILES.values())

LARGEST_ARRAYS = 1 << 30
"""Bytes of the largest arrays that are unpacked. Ours have some millions."""


@dataclass(frozen=True)
class Survey:
    """The trials in the directory of a run.

    Attributes:
        records: The finished trials, by dataset, method and seed.
        failures: The trials that failed and have not been repeated.
        damaged: The trials that are not as they were written.
    """

    records: list[Record]
    failures: list[TrialId]
    damaged: list[DamagedError]


NOTHING = Survey([], [], [])
"""The survey of a directory that is not there."""


class TrialFiles:
    """Reads and writes trials.

    Arguments:
        layout: Where the files of the run are.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def survey(self) -> Survey:
        """Reads all records and checks them and the files beside them.

        Raises:
            UsageError: If it is a run of another version.
        """
        survey = Survey([], [], [])
        for folder in self.layout.trial_folders():
            try:
                record = self._verified(folder)
            except DamagedError as damage:
                # A run may have replaced the trial while it was read.
                try:
                    record = self._verified(folder)
                except DamagedError:
                    survey.damaged.append(damage)
                    continue
            if record is not None:
                survey.records.append(record)
            elif (folder / ERROR).is_file():
                survey.failures.append(self.layout.identify(folder))
        survey.failures.sort()
        return survey

    def write(self, cell: Cell, trials: Sequence[Trial], facts: DatasetFacts) -> list[Record]:
        """Writes the trials of a cell so that all of them are there, each as a whole, or none.

        Arguments:
            cell: The cell.
            trials: Its trials.
            facts: How to read their scores.

        Returns:
            Their records.
        """
        folder = self.layout.training(cell)
        records = []
        for trial in trials:
            records.append(_stage(folder / f"seed-{trial.seed}", cell, trial, facts))
        sync_directory(folder)
        write_sealed(folder / "finished.json", {"seeds": [trial.seed for trial in trials]})
        _move_to_their_places(folder)
        return records

    def write_error(self, cell: Cell, reason: str) -> Path:
        """Records why a cell failed, and returns one of the files. Its trials are tried again next time."""
        files = []
        for seed in cell.wanted:
            folder = self.layout.trial(TrialId(cell.dataset.name, cell.method.name, seed))
            folder.mkdir(parents=True, exist_ok=True)
            write_at_once(folder / ERROR, reason.encode(errors="backslashreplace"))
            files.append(folder / ERROR)
        return files[0]

    def recover(self) -> None:
        """Finishes or removes the trials that a run which was killed had begun to write."""
        for folder in self.layout.trials.glob("*/*/training-*"):
            if self.layout.is_linked(folder):
                continue
            try:
                read_sealed(folder / "finished.json", Commit)
                _move_to_their_places(folder)
            except (DamagedError, FileNotFoundError):
                for staged in folder.glob("seed-*"):
                    shutil.rmtree(staged)

    def arrays(self, record: Record) -> dict[str, np.ndarray]:
        """The arrays that were kept of a finished trial for pictures, by name.

        Empty if the trial diverged before anything could be kept.

        Raises:
            DamagedError: If the file is not the one that was written.
        """
        trial = TrialId.of(record)
        file = self.layout.trial(trial) / ARRAYS
        if file.name not in record["files"]:
            return {}
        data = read_checked(file, record["files"][file.name])
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST_ARRAYS:
                    raise DamagedError(file, "holds more than a run keeps")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return dict(arrays)
        except (
            ValueError,
            OSError,
            EOFError,
            KeyError,
            MemoryError,
            NotImplementedError,
            zipfile.BadZipFile,
        ) as error:
            raise DamagedError(file, f"does not hold arrays ({error})") from error

    def model(self, record: Record) -> dict[str, dict[str, np.ndarray]]:
        """The trained model of a finished trial: tensors by part of `MODEL_PARTS` and by name.

        A part that was not kept is left out.

        Raises:
            DamagedError: If a file is not the one that was written.
        """
        folder = self.layout.trial(TrialId.of(record))
        parts = {}
        for part, name in MODEL_FILES.items():
            if name not in record["files"]:
                continue
            data = read_checked(folder / name, record["files"][name])
            try:
                parts[part] = load(data)
            except (SafetensorError, ValueError) as error:
                raise DamagedError(folder / name, f"does not hold tensors ({error})") from error
        return parts

    def _verified(self, folder: Path) -> Record | None:
        """The record of a trial whose files are whole; `None` if it has none."""
        file = folder / RECORD
        try:
            "".join(folder.parts[-3:]).encode()
        except UnicodeEncodeError:
            raise DamagedError(file, "has a name that is no text") from None
        if self.layout.is_linked(folder):
            raise DamagedError(file, "lies behind a link")
        try:
            record = read_sealed(file, Record)
        except FileNotFoundError:
            if any((folder / name).exists() for name in FILES_BESIDE_RECORD):
                raise DamagedError(file, "is missing") from None
            return None
        trial = TrialId.of(record)
        if trial != self.layout.identify(folder):
            raise DamagedError(file, f"is the record of {trial}")
        if record["config_hash"] != config_hash(record["configuration"]):
            raise DamagedError(file, "has a configuration hash of something else")
        _check_metrics(file, record)
        _check_files(folder, record)
        return record


def _stage(folder: Path, cell: Cell, trial: Trial, facts: DatasetFacts) -> Record:
    """Writes a trial into a directory of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if trial.arrays:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **trial.arrays)
        write_at_once(folder / ARRAYS, buffer.getvalue())
    for part, name in MODEL_FILES.items():
        tensors = getattr(trial, part)
        if tensors:
            write_at_once(folder / name, save(tensors))
    configuration = cell.configuration_of(trial.seed)
    record: dict[str, Any] = {
        "suite": cell.suite,
        "dataset": cell.dataset.name,
        "method": cell.method.name,
        "seed": trial.seed,
        "status": trial.status,
        "metrics": trial.metrics,
        "modes_total": facts.modes_total,
        "facts": facts.metrics,
        "budget": str(cell.budget),
        "audit": trial.audit,
        "configuration": configuration,
        "config_hash": config_hash(configuration),
        "files": {path.name: digest(path) for path in sorted(folder.iterdir())},
        "curve": trial.curve,
    }
    return cast(Record, write_sealed(folder / RECORD, record))


def _move_to_their_places(unfinished: Path) -> None:
    """Moves the finished trials of a cell from the directory of its training to their own."""
    for staged in unfinished.glob("seed-*"):
        place = unfinished.with_name(staged.name)
        if (place / RECORD).exists():
            continue
        shutil.rmtree(place, ignore_errors=True)  # an error.txt of an earlier try
        staged.rename(place)
    sync_directory(unfinished.parent)
    shutil.rmtree(unfinished)


def _check_metrics(file: Path, record: Record) -> None:
    """Every metric of a record must have its facts."""
    names = set(record["configuration"]["metrics"])
    names.update(name.removesuffix(LARGE) for name in record["metrics"])
    for point in record["curve"]:
        names.update(name.removesuffix(LARGE) for name in point["metrics"])
    unknown = names - record["facts"].keys()
    if unknown:
        raise DamagedError(file, f"has a metric {min(unknown)!r} and does not tell how to read it")


def _check_files(folder: Path, record: Record) -> None:
    """The files beside a record must be those that were written with it."""
    for name, checksum in record["files"].items():
        if name not in FILES_BESIDE_RECORD:
            raise DamagedError(folder / RECORD, f"names a file {name!r}")
        try:
            read_checked(folder / name, checksum)
        except FileNotFoundError:
            raise DamagedError(folder / name, "is missing") from None
