"""The tables of a run, which are written anew with every report. A table that someone has changed is not
lost.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmark.records.layout import Layout
from benchmark.records.schema import TableChecksums
from benchmark.records.sealed_files import DamagedError, digest, read_sealed, write_at_once, write_sealed

__all__ = ["MovedTable", "TableFiles"]


class MovedTable(NamedTuple):
    """A table that had been changed since it was written, and where it is now."""

    file: Path
    place: Path


class TableFiles:
    """Writes tables.

    Arguments:
        layout: Where the files of the run are.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def write(self, tables: Mapping[str, bytes]) -> list[MovedTable]:
        """Replaces tables by name, and returns those that had been changed and were moved away."""
        written = self._checksums()
        moved = []
        for name in tables:
            file = self.layout.root / name
            if self._is_changed(file, written.get(name)):
                moved.append(MovedTable(file, self.layout.put_aside(file)))
        # Entered before the tables are there: after a crash between two of them, neither looks changed.
        checksums = dict(written)
        for name, data in tables.items():
            last = written.get(name, [])[-1:]
            checksums[name] = [*last, sha256(data).hexdigest()]
        write_sealed(self.layout.checksums, {"files": checksums})
        for name, data in tables.items():
            write_at_once(self.layout.root / name, data)
        return moved

    def _is_changed(self, file: Path, checksums: list[str] | None) -> bool:
        if file.is_symlink():
            return True
        return file.exists() and checksums is not None and digest(file) not in checksums

    def _checksums(self) -> dict[str, list[str]]:
        try:
            return read_sealed(self.layout.checksums, TableChecksums)["files"]
        except (DamagedError, FileNotFoundError):
            return {}
