"""The records of a run: one directory per trial, complete or absent."""

import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from benchmark.cell import Cell, Trial

__all__ = ["SCHEMA_VERSION", "Store", "config_hash"]

SCHEMA_VERSION = 1


def config_hash(configuration: dict[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for a configuration."""
    return sha256(_canonical(configuration)).hexdigest()[:12]


class Store:
    """The directory of a run.

    Arguments:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.manifest_file = root / "manifest.json"
        self.trials = root / "trials"

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
        if self.manifest_file.exists():
            if fresh:
                return
            held = self.manifest()["suite"]
            if held != suite:
                raise UsageError(f"{where}: holds a run of suite {held!r}; give another directory, or --fresh to move it aside")
        elif any(self.root.iterdir()):
            raise UsageError(f"{where}: is not empty and holds no run; give another directory")

    def set_aside(self) -> Path | None:
        """Moves an existing run to a sibling directory, whose name is returned."""
        if not self.manifest_file.exists():
            return None
        aside = self.root.with_name(f"{self.root.name}.{time.strftime('%Y%m%d-%H%M%S')}")
        n = 0
        while aside.exists():
            n += 1
            aside = self.root.with_name(f"{self.root.name}.{time.strftime('%Y%m%d-%H%M%S')}-{n}")
        self.root.rename(aside)
        return aside

    def manifest(self) -> dict[str, Any]:
        """The manifest.

        Raises:
            UsageError: If there is none, or it is damaged or of another version.
        """
        if not self.manifest_file.is_file():
            raise UsageError(f"{self.root}: holds no run (there is no manifest.json); give the directory of a run")
        try:
            manifest = json.loads(self.manifest_file.read_text(encoding="utf-8"))
            version, _ = manifest["schema_version"], manifest["suite"]
        except (ValueError, TypeError, KeyError):
            raise UsageError(f"{self.manifest_file}: is damaged; run with --fresh to move the directory aside") from None
        if version != SCHEMA_VERSION:
            raise UsageError(f"{self.manifest_file}: has schema version {version}; this program reads version {SCHEMA_VERSION}")
        return manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        _write(self.manifest_file, _pretty({"schema_version": SCHEMA_VERSION, **manifest}))

    def directory(self, dataset: str, method: str, seed: int) -> Path:
        """Where a trial is kept."""
        return self.trials / dataset / method / f"seed-{seed}"

    def write(self, cell: "Cell", trial: "Trial") -> None:
        """Writes a trial so that it is there as a whole or not at all."""
        final = self.directory(cell.dataset[0], cell.method[0], trial.seed)
        partial = final.with_name(f".{final.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        if trial.arrays:
            np.savez_compressed(partial / "samples.npz", allow_pickle=False, **trial.arrays)
        if trial.generator:
            save_file(trial.generator, partial / "generator.safetensors")
        files = {path.name: _sync(path) for path in sorted(partial.iterdir())}
        record = {
            "schema_version": SCHEMA_VERSION,
            "suite": cell.suite,
            "dataset": cell.dataset[0],
            "method": cell.method[0],
            "seed": trial.seed,
            "status": trial.status,
            "metrics": trial.metrics,
            "budget": cell.budget,
            "audit": trial.audit,
            "configuration": cell.configuration,
            "config_hash": config_hash(cell.configuration),
            "files": files,
            "curve": trial.curve,
        }
        record = _without_nan(record)
        _write(partial / "result.json", _pretty({**record, "checksum": sha256(_canonical(record)).hexdigest()}))
        if final.exists():
            shutil.rmtree(final)
        partial.rename(final)

    def write_error(self, cell: "Cell", reason: str) -> Path:
        """Records why a cell's trials failed, and returns one of the files. The trials are tried again next time."""
        files = [self.directory(cell.dataset[0], cell.method[0], seed) / "error.txt" for seed in cell.record]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, reason)
        return files[0]

    def failures(self) -> Iterator[tuple[str, str, int]]:
        """Dataset, method and seed of every trial that failed and has not been repeated."""
        for file in sorted(self.trials.glob("*/*/seed-*/error.txt")):
            yield file.parts[-4], file.parts[-3], int(file.parts[-2].removeprefix("seed-"))

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of all finished trials, by dataset, method and seed.

        Raises:
            UsageError: If a record is damaged.
        """
        for file in sorted(self.trials.glob("*/*/seed-*/result.json")):
            yield self._read(file)

    def of_cell(self, dataset: str, method: str) -> Iterator[dict[str, Any]]:
        """The records of one method on one dataset."""
        for file in sorted((self.trials / dataset / method).glob("seed-*/result.json")):
            yield self._read(file)

    def arrays(self, dataset: str, method: str, seed: int) -> dict[str, np.ndarray]:
        """What was kept of a finished trial for pictures, by name; empty if it diverged before anything could be.

        Raises:
            UsageError: If the file is not the one that was written.
        """
        folder = self.directory(dataset, method, seed)
        checksum = self._read(folder / "result.json")["files"].get("samples.npz")
        if checksum is None:
            return {}
        file = folder / "samples.npz"
        if not file.exists() or sha256(file.read_bytes()).hexdigest() != checksum:
            raise UsageError(f"{file}: is damaged (its checksum does not hold); remove {folder} to train that trial again")
        with np.load(file, allow_pickle=False) as archive:
            return dict(archive)

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            checksum = record.pop("checksum")
            whole = checksum == sha256(_canonical(record)).hexdigest()
        except (ValueError, KeyError, AttributeError):
            whole = False
        if not whole:
            raise UsageError(f"{file}: is damaged (its checksum does not hold); remove {file.parent} to train that trial again")
        if record["schema_version"] != SCHEMA_VERSION:
            raise UsageError(f"{file}: has schema version {record['schema_version']}; this program reads version {SCHEMA_VERSION}")
        return record


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    """A JSON value with null for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _sync(file: Path) -> str:
    """Sees a file onto the disk and returns its SHA-256."""
    with open(file, "rb") as stream:
        os.fsync(stream.fileno())
        return sha256(stream.read()).hexdigest()


def _write(file: Path, text: str) -> None:
    """Replaces a file at once: a reader sees the old text or the new."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)
