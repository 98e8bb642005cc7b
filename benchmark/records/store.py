"""The directory of a run."""

import contextlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.errors import UsageError
from benchmark.records.checkpoint_files import CheckpointFiles
from benchmark.records.layout import Layout, unused_path
from benchmark.records.lock import LOCK
from benchmark.records.schema import Manifest
from benchmark.records.sealed_files import DamagedError, read_sealed, write_sealed
from benchmark.records.table_files import TableFiles
from benchmark.records.trial_files import Survey, TrialFiles
from benchmark.records.writable import check_writable

__all__ = ["MovedDamage", "Store"]

NAMES_OF_A_RUN = ("manifest.json", "trials", "damaged", "tables.json", "rungs", LOCK)
"""Names in the directory of a run that other directories do not have. They may be there before a manifest
is.
"""

DIRECTORIES = ("trials", "plots", "damaged", "tensorboard", "rungs", "explore")
"""The directories that the program writes to."""


class MovedDamage(NamedTuple):
    """A file that is not as it was written, and where it is now."""

    damage: DamagedError
    place: Path


class Store:
    """The directory of a run.

    Arguments:
        root: The directory.

    Attributes:
        layout: Where its files are.
        trials: Reads and writes trials.
        checkpoints: Reads and writes checkpoints.
        tables: Writes tables.
    """

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.root = self.layout.root
        self.trials = TrialFiles(self.layout)
        self.checkpoints = CheckpointFiles(self.layout)
        self.tables = TableFiles(self.layout)

    def check(self, suite: str, fresh: bool = False, search: bool = False) -> None:
        """Whether a run of that suite can be written or continued here, or moved aside if `fresh`. Writes
        nothing.

        Arguments:
            suite: The suite.
            fresh: Whether what is there is moved aside.
            search: Whether the run is a search.

        Raises:
            UsageError: If the directory is a file, cannot be written, or holds something else.
        """
        where = f"--out {self.root}"
        try:
            if self.root.exists() and not self.root.is_dir():
                raise UsageError(f"{where}: is a file; give a directory")
            # One that is moved aside need not be writable itself.
            check_writable(where, self.root.parent if fresh else self.root)
            if self.root.exists():
                self._check_content(suite, fresh, search)
        except OSError as error:
            raise UsageError(f"{where}: {error.strerror}; give another directory") from error

    def _check_content(self, suite: str, fresh: bool, search: bool) -> None:
        where = f"--out {self.root}"
        if not self.holds_run():
            for path in self.root.iterdir():
                if path.name not in NAMES_OF_A_RUN and not path.name.startswith("."):
                    raise UsageError(f"{where}: is not empty and holds no run; give another directory")
            return
        if fresh:
            return
        remedy = "give another directory, or --fresh to move it aside"
        if self.is_climbing and not search:
            raise UsageError(f"{where}: holds a search; {remedy}")
        with contextlib.suppress(DamagedError, FileNotFoundError):
            manifest = self._manifest_of_run_or_rung()
            if manifest["suite"] != suite:
                raise UsageError(f"{where}: holds a run of suite {manifest['suite']!r}; {remedy}")
            if ("search" in manifest) != search:
                present = "no search, but a run" if search else "a search"
                raise UsageError(f"{where}: holds {present}; {remedy}")

    @property
    def is_climbing(self) -> bool:
        """Whether it is a search that has not come to its last rung, or whose manifest is lost."""
        return self.layout.rungs.exists() and not self.layout.manifest.exists()

    def _manifest_of_run_or_rung(self) -> Manifest:
        """The manifest; that of a rung where it is a search that has not come to its last one."""
        if self.is_climbing:
            for file in self.layout.rungs.glob(f"*/{self.layout.manifest.name}"):
                with contextlib.suppress(DamagedError):
                    return read_sealed(file, Manifest)
        return self.manifest()

    def holds_run(self) -> bool:
        """Whether there is a run, whole or damaged: a manifest that can be read, trials, or rungs
        of a search.

        Raises:
            UsageError: If a directory of the run is a link.
        """
        for name in DIRECTORIES:
            if (self.root / name).is_symlink():
                raise UsageError(
                    f"{self.root / name}: is a link, and nothing is read or written outside of a run's "
                    "directory; remove it"
                )
        if self.layout.rungs.exists():
            return True
        for path in self.layout.trials.glob("*/*/*"):
            if path.name.startswith(("seed-", "training-")):
                return True
        with contextlib.suppress(DamagedError, FileNotFoundError):
            return bool(self.manifest())
        return False

    def set_aside(self) -> Path | None:
        """Moves an existing run to a sibling directory, whose name is returned."""
        if not self.holds_run():
            return None
        now = time.strftime("%Y%m%d-%H%M%S")
        aside = unused_path(self.root.with_name(f"{self.root.name}.{now}"))
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
        return read_sealed(self.layout.manifest, Manifest)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        write_sealed(self.layout.manifest, dict(manifest))

    def recover(self) -> None:
        """Finishes or removes what a run that was killed had begun to write."""
        self.trials.recover()
        for temporary in self.root.rglob(".*"):
            if re.fullmatch(r"\..+\.\d+", temporary.name) and temporary.is_file():
                temporary.unlink()

    def move_damaged(self, survey: Survey) -> list[MovedDamage]:
        """Moves what is damaged to `damaged/`.

        Arguments:
            survey: The trials that are there.
        """
        moved = []
        for damage in survey.damaged:
            # A trial may have been moved with another one that lay behind the same link.
            if os.path.lexists(damage.file.parent):
                moved.append(MovedDamage(damage, self.layout.put_aside(damage.file)))
        try:
            self.manifest()
        except DamagedError as damage:
            moved.append(MovedDamage(damage, self.layout.put_aside(self.layout.manifest)))
        except FileNotFoundError:
            pass
        return moved
