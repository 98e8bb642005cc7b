"""The records of a run: one directory per trial, complete or absent."""

import contextlib
import io
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from benchmark.errors import UsageError
from benchmark.records.cell import config_hash
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.lock import LOCK
from benchmark.records.schema import CheckpointFile, Commit, Manifest, Record, TableChecksums
from benchmark.records.sealed_files import (
    DamagedError,
    canonical,
    digest,
    read_regular,
    read_sealed,
    sync_directory,
    write_at_once,
    write_sealed,
)

if TYPE_CHECKING:
    from benchmark.records.cell import Cell, Trial


__all__ = ["LARGE", "NOTHING", "Store", "Survey"]

FILES = ("samples.npz", "generator.safetensors")
"""What may lie beside a record."""

OWN = ("manifest.json", "trials", "damaged", "tables.json", LOCK)
"""Names that a run's directory has and other directories do not, or may have before there is a manifest."""

LARGE = "_large"
"""What the names of metrics on a larger sample end in."""

LARGEST_ARRAYS = 1 << 30
"""Bytes of the largest arrays that are unpacked. Ours have some millions."""


@dataclass(frozen=True)
class Survey:
    """What lies in a run's directory.

    Attributes:
        records: The finished trials, by dataset, method and seed.
        failures: Dataset, method and seed of every trial that failed and has not been repeated.
        damaged: Trials that are not as they were written.
    """

    records: list[Record]
    failures: list[tuple[str, str, int]]
    damaged: list[DamagedError]


NOTHING = Survey([], [], [])
"""What lies in a directory that is not there."""


class Store:
    """The directory of a run.

    Arguments:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.manifest_file = self.root / "manifest.json"
        self.trials = self.root / "trials"

    def check(self, suite: str, fresh: bool = False) -> None:
        """Whether a run of that suite can be written or continued here, or moved aside if `fresh`. Writes nothing.

        Raises:
            UsageError: If the directory is a file, cannot be written, or holds something else.
        """
        try:
            self._check(suite, fresh)
        except OSError as error:
            raise UsageError(f"--out {self.root}: {error.strerror}; give another directory") from error

    def _check(self, suite: str, fresh: bool) -> None:
        where = f"--out {self.root}"
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"{where}: is a file; give a directory")
        place = self.root.parent if fresh else self.root
        existing = next(path for path in (place, *place.parents) if path.exists())
        if not existing.is_dir():
            raise UsageError(f"{where}: {existing} is a file; give a directory")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UsageError(f"{where}: {existing} is not writable; give a directory that is")
        if not self.root.exists():
            return
        if not self.holds_run():
            if any(path.name not in OWN and not path.name.startswith(".") for path in self.root.iterdir()):
                raise UsageError(f"{where}: is not empty and holds no run; give another directory")
        elif not fresh:
            with contextlib.suppress(DamagedError, FileNotFoundError):
                held = self.manifest()["suite"]
                if held != suite:
                    raise UsageError(
                        f"{where}: holds a run of suite {held!r}; give another directory, or --fresh to move it aside"
                    )

    def holds_run(self) -> bool:
        """Whether there is a run, whole or damaged: a manifest that can be read, or trials.

        Raises:
            UsageError: If a directory of the run is a link.
        """
        for name in ("trials", "plots", "damaged", "tensorboard"):
            if (self.root / name).is_symlink():
                raise UsageError(
                    f"{self.root / name}: is a link, and nothing is read or written outside of a run's directory; remove it"
                )
        if any(path.name.startswith(("seed-", "training-")) for path in self.trials.glob("*/*/*")):
            return True
        with contextlib.suppress(DamagedError, FileNotFoundError):
            return bool(self.manifest())
        return False

    def set_aside(self) -> Path | None:
        """Moves an existing run to a sibling directory, whose name is returned."""
        if not self.holds_run():
            return None
        aside = _free(self.root.with_name(f"{self.root.name}.{time.strftime('%Y%m%d-%H%M%S')}"))
        self.root.rename(aside)
        (aside / LOCK).unlink(missing_ok=True)
        return aside

    def manifest(self) -> Manifest:
        """The manifest.

        Raises:
            FileNotFoundError: If there is none.
            DamagedError: If it is not as it was written.
            UsageError: If it is of another version.
        """
        return read_sealed(self.manifest_file, Manifest)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        write_sealed(self.manifest_file, dict(manifest))

    def directory(self, dataset: str, method: str, seed: int) -> Path:
        """Where a trial is kept."""
        return self.trials / dataset / method / f"seed-{seed}"

    def mend(self) -> tuple[Survey, list[tuple[DamagedError, Path]]]:
        """Finishes or removes what a run that was killed had begun, puts aside what is damaged, and tells what there is then.

        Returns:
            The survey, and what was damaged with where it is now.
        """
        self._recover()
        survey = self.survey()
        # A trial may have gone aside with another one that lay behind the same link.
        aside = [
            (damage, self.put_aside(damage.file))
            for damage in survey.damaged
            if os.path.lexists(damage.file.parent)
        ]
        try:
            self.manifest()
        except DamagedError as damage:
            aside.append((damage, self.put_aside(self.manifest_file)))
        except FileNotFoundError:
            pass
        return replace(survey, damaged=[]), aside

    def survey(self) -> Survey:
        """Reads all records and checks them and the files beside them.

        Raises:
            UsageError: If it is a run of another version.
        """
        survey = Survey([], [], [])
        for folder in self._trial_folders():
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
            elif (folder / "error.txt").is_file():
                survey.failures.append(_identity(folder))
        return survey

    def put_aside(self, file: Path) -> Path:
        """Moves a damaged file, or the trial or the link that it belongs to, to `damaged/`, and returns where it is now."""
        parts = file.relative_to(self.root).parts[:4]  # trials/DATASET/METHOD/seed-K
        paths = [Path(*parts[:n]) for n in range(1, len(parts) + 1)]
        inside = next((path for path in paths if (self.root / path).is_symlink()), paths[-1])
        place = _free(self.root / "damaged" / inside)
        place.parent.mkdir(parents=True, exist_ok=True)
        (self.root / inside).rename(place)
        return place

    def write(self, cell: "Cell", trials: "Sequence[Trial]", facts: Mapping[str, Any]) -> None:
        """Writes the trials of a cell so that all of them are there, each as a whole, or none.

        Arguments:
            cell: The cell.
            trials: Its trials.
            facts: What a reader must know of the dataset and its metrics: `modes_total`, and `facts` of each metric.
        """
        unfinished = self._unfinished(cell)
        for trial in trials:
            staged = unfinished / f"seed-{trial.seed}"
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(parents=True)
            if trial.arrays:
                buffer = io.BytesIO()
                np.savez_compressed(buffer, allow_pickle=False, **trial.arrays)
                write_at_once(staged / "samples.npz", buffer.getvalue())
            if trial.generator:
                write_at_once(staged / "generator.safetensors", save(trial.generator))
            record = {
                "suite": cell.suite,
                "dataset": cell.dataset.name,
                "method": cell.method.name,
                "seed": trial.seed,
                "status": trial.status,
                "metrics": trial.metrics,
                **facts,
                "budget": str(cell.budget),
                "audit": trial.audit,
                "configuration": cell.configuration,
                "config_hash": cell.config_hash,
                "files": {path.name: digest(path) for path in sorted(staged.iterdir())},
                "curve": trial.curve,
            }
            write_sealed(staged / "result.json", record)
        sync_directory(unfinished)
        write_sealed(unfinished / "finished.json", {"seeds": [trial.seed for trial in trials]})
        self._place(unfinished)

    def write_error(self, cell: "Cell", reason: str) -> Path:
        """Records why a cell's trials failed, and returns one of the files. The trials are tried again next time."""
        files = [
            self.directory(cell.dataset.name, cell.method.name, seed) / "error.txt" for seed in cell.wanted
        ]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_at_once(file, reason.encode())
        return files[0]

    def write_checkpoint(self, cell: "Cell", checkpoint: Checkpoint) -> None:
        """Keeps a checkpoint of a cell in place of its last one."""
        folder = self._unfinished(cell)
        folder.mkdir(parents=True, exist_ok=True)
        before = sorted(folder.glob("tensors-*.safetensors"), key=_number)
        file = folder / f"tensors-{_number(before[-1]) + 1 if before else 1}.safetensors"
        write_at_once(file, save(dict(checkpoint.arrays)))
        content = {
            "config_hash": cell.config_hash,
            "group": list(cell.group),
            "compiled": cell.compile,
            "files": {file.name: digest(file)},
            "facts": checkpoint.values,
        }
        write_sealed(folder / "checkpoint.json", content)
        for old in before:
            old.unlink()

    def checkpoint(self, cell: "Cell") -> Checkpoint | None:
        """Where the training of a cell stands; `None` if it has none, or one of another configuration.

        Raises:
            DamagedError: If it is not as it was written.
        """
        file = self._unfinished(cell) / "checkpoint.json"
        try:
            content = read_sealed(file, CheckpointFile)
            if (content["config_hash"], content["group"], content["compiled"]) != (
                cell.config_hash,
                list(cell.group),
                cell.compile,
            ):
                return None
            ((name, checksum),) = content["files"].items()
            if not re.fullmatch(r"tensors-\d{1,18}\.safetensors", name):
                raise DamagedError(file, f"names a file {name!r}")
            data = _checked(file.with_name(name), checksum)
            return Checkpoint(load(data), content["facts"])
        except FileNotFoundError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise DamagedError(file, f"does not hold a checkpoint ({error})") from error

    def _recover(self) -> None:
        """Finishes what a run that was killed had begun to write, and removes what it had not finished."""
        for folder in self.trials.glob("*/*/training-*"):
            if _linked(folder):
                continue
            try:
                read_sealed(folder / "finished.json", Commit)
                self._place(folder)
            except (DamagedError, FileNotFoundError):
                for staged in folder.glob("seed-*"):
                    shutil.rmtree(staged)
        for temporary in self.root.rglob(".*"):
            if re.fullmatch(r"\..+\.\d+", temporary.name) and temporary.is_file():
                temporary.unlink()

    def arrays(self, record: Record) -> dict[str, np.ndarray]:
        """What was kept of a finished trial for pictures, by name; empty if it diverged before anything could be.

        Raises:
            DamagedError: If the file is not the one that was written.
        """
        file = self.directory(record["dataset"], record["method"], record["seed"]) / "samples.npz"
        if file.name not in record["files"]:
            return {}
        data = _checked(file, record["files"][file.name])
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

    def write_tables(self, tables: Mapping[str, bytes]) -> list[tuple[Path, Path]]:
        """Replaces tables by name; those that someone has changed meanwhile are put aside, and returned with where they are now."""
        known = self._known_tables()
        aside = []
        for name in tables:
            file = self.root / name
            if file.is_symlink() or (file.exists() and name in known and digest(file) not in known[name]):
                aside.append((file, self.put_aside(file)))
        hashes = {name: sha256(data).hexdigest() for name, data in tables.items()}
        # Named before they are there: a crash between two of them must not make either look changed.
        files = {name: [*known.get(name, [])[-1:], new] for name, new in hashes.items()}
        write_sealed(self.root / "tables.json", {"files": {**known, **files}})
        for name, data in tables.items():
            write_at_once(self.root / name, data)
        return aside

    def _known_tables(self) -> dict[str, list[str]]:
        try:
            return read_sealed(self.root / "tables.json", TableChecksums)["files"]
        except (DamagedError, FileNotFoundError):
            return {}

    def _unfinished(self, cell: "Cell") -> Path:
        """Where a cell's checkpoint is, and its finished trials until all of them are in their places."""
        key = sha256(canonical([list(cell.group), cell.compile])).hexdigest()[:8]
        return self.trials / cell.dataset.name / cell.method.name / f"training-{key}"

    def _place(self, unfinished: Path) -> None:
        """Moves finished trials to their places."""
        for staged in unfinished.glob("seed-*"):
            place = unfinished.with_name(staged.name)
            if (place / "result.json").exists():
                continue
            shutil.rmtree(place, ignore_errors=True)  # an error.txt of an earlier try
            staged.rename(place)
        sync_directory(unfinished.parent)
        shutil.rmtree(unfinished)

    def _trial_folders(self) -> Iterator[Path]:
        """The directories of trials, links among them."""
        for path in sorted(self.trials.glob("*/*/seed-*")):
            if re.fullmatch(r"seed-(0|[1-9]\d{0,17})", path.name):
                yield path

    def _verified(self, folder: Path) -> Record | None:
        """The record of a trial whose files are whole; `None` if it has none."""
        file = folder / "result.json"
        try:
            "".join(folder.parts[-3:]).encode()
        except UnicodeEncodeError:
            raise DamagedError(file, "has a name that is no text") from None
        if _linked(folder):
            raise DamagedError(file, "lies behind a link")
        try:
            record = read_sealed(file, Record)
        except FileNotFoundError:
            if any((folder / name).exists() for name in FILES):
                raise DamagedError(file, "is missing") from None
            return None
        if (record["dataset"], record["method"], record["seed"]) != _identity(folder):
            raise DamagedError(
                file, f"is the record of {record['dataset']}/{record['method']}/seed-{record['seed']}"
            )
        if record["config_hash"] != config_hash(record["configuration"]):
            raise DamagedError(file, "has a configuration hash of something else")
        scores = (record["metrics"], *(point["metrics"] for point in record["curve"]))
        used = {
            *record["configuration"]["metrics"],
            *(name.removesuffix(LARGE) for given in scores for name in given),
        }
        unknown = used - record["facts"].keys()
        if unknown:
            raise DamagedError(file, f"has a metric {min(unknown)!r} and does not tell how to read it")
        for name, checksum in record["files"].items():
            if name not in FILES:
                raise DamagedError(file, f"names a file {name!r}")
            try:
                _checked(folder / name, checksum)
            except FileNotFoundError:
                raise DamagedError(folder / name, "is missing") from None
        return record


def _linked(folder: Path) -> bool:
    """Whether the directory of a cell or trial, or one above it within the run, is a link."""
    return any(path.is_symlink() for path in (folder, *folder.parents[:2]))


def _identity(folder: Path) -> tuple[str, str, int]:
    return folder.parts[-3], folder.parts[-2], int(folder.name.removeprefix("seed-"))


def _number(file: Path) -> int:
    digits = re.fullmatch(r"tensors-(\d{1,18})\.safetensors", file.name)
    return int(digits[1]) if digits else 0


def _checked(file: Path, checksum: str) -> bytes:
    data = read_regular(file)
    if sha256(data).hexdigest() != checksum:
        raise DamagedError(file, "is damaged (its checksum does not hold)")
    return data


def _free(path: Path) -> Path:
    """The path, or the first one of that name and a number that is not taken."""
    candidate, n = path, 0
    while candidate.exists() or candidate.is_symlink():
        n += 1
        candidate = path.with_name(f"{path.name}-{n}")
    return candidate
