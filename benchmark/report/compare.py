"""Two runs side by side, before and after a change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.report.axes import CALIBRATIONS
from benchmark.report.comparisons import scores_of
from benchmark.report.display import estimate, number
from benchmark.report.findings import listed
from benchmark.report.results import Results
from benchmark.report.tables import trials_table
from benchmark.settings import differing
from benchmark.statistics import LEVEL, change, mean_interval, quality

__all__ = ["COLUMNS", "Comparison", "compare_runs"]

COLUMNS = ["dataset", "method", "metric", "seeds", "paired", "before", "after", "difference", "ci_low", "ci_high", "verdict"]


class _Cell(NamedTuple):
    dataset: str
    method: str
    metric: str


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        frame: A row per dataset, method and metric that both runs measure alike, columns `COLUMNS`. `before` and `after` are means over
            seeds; `difference` is the mean after less that before with its interval, of a metric that is best at 1 that of the distances
            from 1. `verdict` is `better` or `worse` if the interval leaves 0 out; `worse`, too, if fewer seeds have a score; `within` the
            interval; `same`; or `unknown` where a single seed leaves no interval.
        changes: What changed in configuration, versions and calibration rows, as lines.
        missing: What the run before has and the run after does not, or measures otherwise, as lines.
        level: One less the confidence of each interval.
    """

    frame: pd.DataFrame
    changes: list[str]
    missing: list[str]
    level: float

    @property
    def worse(self) -> pd.DataFrame:
        """The rows that got worse."""
        return self.frame[self.frame["verdict"] == "worse"]

    def shown(self) -> pd.DataFrame:
        """The frame for people, all of it texts."""
        frame = self.frame
        columns = {key: frame[key] for key in ("dataset", "method", "metric", "seeds")} | {key: frame[key].map(number) for key in ("before", "after")}
        differences = [estimate(*row) for row in frame[["difference", "ci_low", "ci_high"]].to_numpy(float)]
        return pd.DataFrame({**columns, f"after − before [{100 * (1 - self.level):.5g} %]": differences, "": frame["verdict"]})

    def summary(self) -> str:
        """How many rows have which verdict, and how many would without any change."""
        counts = self.frame["verdict"].value_counts()
        told = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in ("worse", "better", "within", "same", "unknown"))
        tested = int(counts.sum() - counts.get("same", 0) - counts.get("unknown", 0))
        chance = f"; by chance alone, about {tested * self.level / 2:.1g} of them would be worse beyond their intervals" if tested else ""
        return f"{len(self.frame)} compared: {told}{chance}"


def compare_runs(before: Results, after: Results, chosen: Mapping[str, Sequence[str] | None], simultaneous: bool = False) -> Comparison:
    """Compares the scores of two runs, paired by seed where they share seeds, else as independent.

    Arguments:
        before: One run.
        after: The other.
        chosen: Names of `datasets`, `methods` and `metrics` to compare; all where there are none.
        simultaneous: Whether all intervals hold at once (Bonferroni), and not each for itself.

    Raises:
        UsageError: If a name is unknown, or the runs have nothing in common that is measured alike.
    """
    old, new = trials_table(before), trials_table(after)
    cells = _chosen(_cells(before, old), chosen)
    there = set(_cells(after, new))
    alike = [cell for cell in cells if cell in there and _measure(before, cell) == _measure(after, cell)]
    if not alike:
        raise UsageError("compare: the runs share no dataset, method and metric that is measured alike; give two runs of one suite")
    level = LEVEL / len(alike) if simultaneous else LEVEL
    rows = [_row(old, new, cell, before.facts(cell.dataset, cell.metric)["better"], level) for cell in alike]
    missing = [f"not in the run after: {line}" for line in _grouped(cell for cell in cells if cell not in there)]
    missing += [f"measured otherwise, and not compared: {line}" for line in _grouped(cell for cell in cells if cell in there and cell not in alike)]
    failed = [
        f"failed in the run after: {method} on {dataset}, seed {seed}" for dataset, method, seed in after.failures if _asked(chosen, dataset, method)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return Comparison(frame, [*_changes(before, after), *_calibration(before, after, old, new)], [*missing, *failed], level)


def _cells(results: Results, trials: pd.DataFrame) -> list[_Cell]:
    """What a run measures, whether or not a seed has a score."""
    known = trials[trials["status"].isin(["ok", "diverged"]) & ~trials["method"].isin(list(CALIBRATIONS))]
    pairs = known[["dataset", "method"]].drop_duplicates().itertuples(index=False)
    return [_Cell(dataset, method, metric) for dataset, method in pairs for metric in results.metrics(dataset) if metric in trials]


def _chosen(cells: Sequence[_Cell], chosen: Mapping[str, Sequence[str] | None]) -> list[_Cell]:
    for option, kind in (("datasets", "dataset"), ("methods", "method"), ("metrics", "metric")):
        known = list(dict.fromkeys(getattr(cell, kind) for cell in cells))
        for name in chosen.get(option) or ():
            if name not in known:
                raise UsageError(f"--{option} {name}: the run before has {', '.join(known) or 'none'}")
        cells = [cell for cell in cells if not chosen.get(option) or getattr(cell, kind) in (chosen[option] or ())]
    return list(cells)


def _asked(chosen: Mapping[str, Sequence[str] | None], dataset: str, method: str) -> bool:
    return all(not chosen.get(option) or name in (chosen[option] or ()) for option, name in (("datasets", dataset), ("methods", method)))


def _measure(results: Results, cell: _Cell) -> Any:
    """What a metric's values depend on besides the generator: not to be compared across."""
    return results.facts(cell.dataset, cell.metric), results.measures(cell.dataset)[cell.metric], results.modes(cell.dataset)


def _row(old: pd.DataFrame, new: pd.DataFrame, cell: _Cell, better: str, level: float) -> list[Any]:
    dataset, method, metric = cell
    x, y = (scores_of(trials, dataset, metric).get(method, pd.Series(dtype=float)) for trials in (old, new))
    shared = x.index.intersection(y.index)
    paired = len(shared) > 0
    if paired:
        x, y = x.loc[shared], y.loc[shared]
    sign = 1 if better == "higher" else -1
    q, r = (sign * quality(values, better) for values in (x, y))
    if paired:
        with np.errstate(invalid="ignore"):
            interval = mean_interval(r - q, level)
    else:
        interval = change(q, r, level)
    lost = x.notna().mean() > y.notna().mean()
    verdict = "within"
    if lost:
        verdict = "worse"
    elif not isfinite(interval.low):
        verdict = "same" if interval.mean == 0 and paired else "unknown"
    elif interval.low == interval.high == 0:
        verdict = "same"
    elif not interval.low <= 0 <= interval.high:
        verdict = "better" if sign * interval.mean > 0 else "worse"
    counts = [f"{scores.notna().sum()}" + (f" of {len(scores)}" if scores.isna().any() else "") for scores in (x, y)]
    return [*cell, " → ".join(dict.fromkeys(counts)), paired, x.mean(), y.mean(), interval.mean, interval.low, interval.high, verdict]


def _grouped(cells: Iterator[_Cell]) -> list[str]:
    """Cells in a line per dataset and method."""
    found: dict[tuple[str, str], list[str]] = {}
    for dataset, method, metric in cells:
        found.setdefault((method, dataset), []).append(metric)
    return [f"{method} on {dataset} ({listed(metrics)})" for (method, dataset), metrics in found.items()]


def _changes(before: Results, after: Results) -> Iterator[str]:
    """Differences of configuration by dataset and method, those of all alike in one line; then of versions and machine."""
    held, asked = (
        {(r["dataset"], r["method"]): r["configuration"] for r in results.records if r["method"] not in CALIBRATIONS} for results in (before, after)
    )
    shared = [cell for cell in held if cell in asked]
    found: dict[str, list[tuple[str, str]]] = {}
    for cell in shared:
        for difference in differing(held[cell], asked[cell]):
            found.setdefault(_told(*difference), []).append(cell)
    for line, cells in found.items():
        yield line + ("" if len(cells) == len(shared) else f" ({listed(_places(cells, shared))})")
    if before.manifest is None or after.manifest is None:
        yield "versions and machine: a manifest is damaged or missing"
        return
    for key in ("versions", "hardware", "commit", "fingerprints"):
        old, new = ({key: results.manifest[key]} for results in (before, after))  # type: ignore[index]
        yield from (_told(*difference) for difference in differing(old, new))


def _places(cells: Sequence[tuple[str, str]], among: Sequence[tuple[str, str]]) -> list[str]:
    """Cells in words, those of a whole dataset in one."""
    places = []
    for dataset in dict.fromkeys(dataset for dataset, _ in cells):
        methods = [method for place, method in cells if place == dataset]
        whole = len(methods) == sum(place == dataset for place, _ in among)
        places += [dataset] if whole else [f"{method} on {dataset}" for method in methods]
    return places


def _told(key: str, old: Any, new: Any) -> str:
    return f"{key}: {'not set' if old is None else old} → {'not set' if new is None else new}"


def _calibration(before: Results, after: Results, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    """Where the scores of real data or of the collapsed row differ for one seed, metrics or data are not the same."""
    rows = [trials[trials["method"].isin(list(CALIBRATIONS))].set_index(["dataset", "method", "seed"]) for trials in (old, new)]
    shared = rows[0].index.intersection(rows[1].index)
    metrics = [m for m in dict.fromkeys(m for d in before.datasets for m in before.metrics(d)) if m in old and m in new]
    x, y = (frame.loc[shared, metrics].astype(float) for frame in rows)
    unlike = ~np.isclose(x, y, rtol=1e-3, atol=1e-9, equal_nan=True)
    for i, metric in enumerate(metrics):
        where = list(dict.fromkeys(f"{method} on {dataset}" for dataset, method, _ in shared[unlike[:, i]]))
        if where:
            yield f"calibration: {metric} of {listed(where)} is another, so the metric or the data is not the same"
