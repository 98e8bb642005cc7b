"""Where the files of a run are.

::

    manifest.json           what was asked for, by what, and where
    tables.json             checksums of the tables that were written last
    trials/DATASET/METHOD/
        seed-K/             a trial: result.json, samples.npz; generator.safetensors, and encoder.safetensors
                            and sampler.safetensors where a method has more; error.txt if it failed
        training-XXXXXXXX/  a cell in training: checkpoint.json, tensors-N.safetensors; and its finished
                            trials, until all of them are in their places
    damaged/                files that are not as they were written
    explore/DATASET/        what `explore` found: explore.json, tables, sheets and a page
    rungs/N/                of a search with successive halving, the trials N rungs below the last: a run
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmark.records.cell import Cell
from benchmark.records.schema import Record
from benchmark.records.sealed_files import canonical

__all__ = ["Layout", "TrialId", "unused_path"]


class TrialId(NamedTuple):
    """Names a trial of a run."""

    dataset: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.dataset}/{self.method}/seed-{self.seed}"

    @classmethod
    def of(cls, record: Record) -> "TrialId":
        """The trial of a record."""
        return cls(record["dataset"], record["method"], record["seed"])


class Layout:
    """The places of the files in the directory of a run.

    Arguments:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.manifest = self.root / "manifest.json"
        self.checksums = self.root / "tables.json"
        self.trials = self.root / "trials"
        self.damaged = self.root / "damaged"
        self.rungs = self.root / "rungs"
        self.explorations = self.root / "explore"

    def trial(self, trial: TrialId) -> Path:
        """The directory of a trial."""
        return self.trials / trial.dataset / trial.method / f"seed-{trial.seed}"

    def training(self, cell: Cell) -> Path:
        """The directory of a cell in training."""
        key = sha256(canonical([list(cell.group), cell.compile])).hexdigest()[:8]
        return self.trials / cell.dataset.name / cell.method.name / f"training-{key}"

    def explored(self, dataset: str) -> Path:
        """The directory of what `explore` found on a dataset."""
        return self.explorations / dataset

    def rung(self, above: int) -> Path:
        """The directory of a rung of a search that so many others are above, at least one."""
        return self.rungs / str(above)

    def trial_folders(self) -> Iterator[Path]:
        """The directories of trials, links among them, sorted."""
        for path in sorted(self.trials.glob("*/*/seed-*")):
            if re.fullmatch(r"seed-(0|[1-9]\d{0,17})", path.name):
                yield path

    def identify(self, folder: Path) -> TrialId:
        """The trial whose directory it is."""
        dataset, method, seed = folder.parts[-3:]
        return TrialId(dataset, method, int(seed.removeprefix("seed-")))

    def trial_of(self, file: Path) -> TrialId | None:
        """The trial that a file belongs to, or whose directory it is; `None` if it belongs to none."""
        parts = file.relative_to(self.root).parts
        if len(parts) < 4 or parts[0] != self.trials.name:
            return None
        return self.identify(self.root.joinpath(*parts[:4]))

    def is_linked(self, folder: Path) -> bool:
        """Whether the directory of a cell or trial, or one above it within the run, is a link."""
        return any(path.is_symlink() for path in (folder, *folder.parents[:2]))

    def put_aside(self, file: Path) -> Path:
        """Moves a damaged file, or the trial or the link that it belongs to, to `damaged/`.

        Returns:
            Where it is now.
        """
        parts = file.relative_to(self.root).parts[:4]  # trials/DATASET/METHOD/seed-K
        path = Path()
        for part in parts:
            path /= part
            if (self.root / path).is_symlink():
                break
        place = unused_path(self.damaged / path)
        place.parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(place)
        return place


def unused_path(path: Path) -> Path:
    """The path, or the first one of that name and a number that is not taken."""
    candidate = path
    n = 0
    while candidate.exists() or candidate.is_symlink():
        n += 1
        candidate = path.with_name(f"{path.name}-{n}")
    return candidate
