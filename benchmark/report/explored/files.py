"""The files of an exploration."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd
from matplotlib.figure import Figure

from benchmark.records.schema import ExploredFile, Sheet
from benchmark.records.sealed_files import (
    DamagedError,
    digest,
    read_checked,
    read_sealed,
    write_at_once,
    write_sealed,
)
from benchmark.report.explored.table import summary_of
from benchmark.report.pictures.plots import save_figure
from benchmark.report.tables.csv_text import to_csv

__all__ = ["DrawnSheet", "Explored", "read_explored", "write_explored"]

FACTS, PAGE = "explore.json", "explore.html"

SUMMARY, VALUES, MODES = "explore.csv", "values.csv", "modes.csv"


class DrawnSheet(NamedTuple):
    """A picture that is to be written.

    Attributes:
        model: The model that it is of, in words.
        name: What it shows; see `Sheet`.
        file: The name of its file.
        description: Words for readers who do not see it.
        figure: The picture.
    """

    model: str
    name: str
    file: str
    description: str
    figure: Figure

    @property
    def listed(self) -> Sheet:
        """How `explore.json` lists it."""
        return {"file": self.file, "model": self.model, "name": self.name, "description": self.description}


class Explored(NamedTuple):
    """What an exploration has left.

    Attributes:
        facts: What was asked for, and its sheets.
        summary: Means with intervals: `explore.csv`.
        sheets: Its pictures as PNG, by file.
    """

    facts: ExploredFile
    summary: pd.DataFrame
    sheets: Mapping[str, bytes]


def write_explored(
    folder: Path,
    about: Mapping[str, Any],
    sheets: Sequence[DrawnSheet],
    tables: Mapping[str, pd.DataFrame],
    make_page: Callable[[Explored], str],
) -> Explored:
    """Replaces what an exploration has left, all at once, and returns what is there now.

    Arguments:
        folder: Its directory.
        about: The suite, the dataset and the options.
        sheets: Its pictures.
        tables: `values`, and `modes` if modes were mapped.
        make_page: Makes the page.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for sheet in sheets:
            save_figure(sheet.figure, fresh / sheet.file)
        summary = summary_of(tables["values"])
        texts = {VALUES: to_csv(tables["values"]), SUMMARY: to_csv(summary)}
        if "modes" in tables:
            texts[MODES] = to_csv(tables["modes"])
        for name, text in texts.items():
            write_at_once(fresh / name, text.encode())
        files = {file.name: digest(file) for file in sorted(fresh.iterdir())}
        listed = [sheet.listed for sheet in sheets]
        facts = write_sealed(fresh / FACTS, {**about, "sheets": listed, "files": files})
        pictures = {sheet.file: (fresh / sheet.file).read_bytes() for sheet in sheets}
        explored = Explored(cast(ExploredFile, facts), summary, pictures)
        write_at_once(fresh / PAGE, make_page(explored).encode())
        fresh.chmod(folder.parent.stat().st_mode)
        replaced = fresh.with_name(f"{fresh.name}.replaced")
        if folder.exists():
            folder.rename(replaced)
        fresh.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return explored


def read_explored(folder: Path) -> Explored | None:
    """What an exploration has left in a directory; `None` if there is nothing.

    Raises:
        DamagedError: If a file is not the one that was written.
        UsageError: If it is of another version.
    """
    try:
        facts = read_sealed(folder / FACTS, ExploredFile)
    except FileNotFoundError:
        return None
    try:
        read_checked(folder / SUMMARY, facts["files"][SUMMARY])
        sheets = {}
        for sheet in facts["sheets"]:
            sheets[sheet["file"]] = read_checked(folder / sheet["file"], facts["files"][sheet["file"]])
    except (FileNotFoundError, KeyError) as error:
        raise DamagedError(folder / FACTS, f"lists a file that is missing ({error})") from None
    # A method may have the name of a missing value.
    missing = {column: [""] for column in ("mean", "ci_low", "ci_high")}
    summary = pd.read_csv(folder / SUMMARY, keep_default_na=False, na_values=missing)
    return Explored(facts, summary, sheets)
