"""`compare`: two runs side by side."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.errors import complain, printable
from benchmark.records.results import read_scores
from benchmark.report.compare_runs import compare_runs
from benchmark.report.exports.text import to_markdown
from benchmark.report.tables.csv_text import to_csv

__all__ = ["compare"]


def compare(
    before: Path, after: Path, names: Mapping[str, Sequence[str] | None], simultaneous: bool, csv: bool
) -> int:
    """Prints a comparison, and returns the exit status: 3 if a metric is worse, 1 if something is missing,
    else 0.

    Arguments:
        before: The directory of a run.
        after: The directory of a run after some change.
        names: The `datasets`, `methods` and `metrics` to compare; all where there are none.
        simultaneous: Whether all intervals are to hold at once.
        csv: Whether to print CSV instead of a table.

    Raises:
        UsageError: If there is no run, a name is unknown, or the runs have nothing in common.
    """
    old, new = read_scores(before), read_scores(after)
    comparison = compare_runs(old, new, names, simultaneous)
    if csv:
        print(to_csv(comparison.frame), end="")
    else:
        print(to_markdown(comparison.texts()))
        print(f"\n{comparison.summary()}")
    stream = sys.stderr if csv else sys.stdout
    for line in comparison.changes:
        print(f"changed: {printable(line)}", file=stream)
    for line in comparison.missing:
        print(f"missing: {printable(line)}", file=stream)
    damaged = [*old.damaged, *new.damaged]
    for damage in damaged:
        complain(f"{damage}; left out")
    if len(comparison.worse):
        return 3
    return 1 if damaged or comparison.missing else 0
