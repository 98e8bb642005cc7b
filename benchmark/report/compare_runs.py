"""Two runs side by side, before and after a change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.differences import differing
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.findings import listed
from benchmark.report.statistics.over_seeds import LEVEL, Interval, change, mean_interval, quality, unanimous
from benchmark.report.tables.tables import trials_table
from benchmark.report.words import ARROWS, estimate, number

__all__ = ["COLUMNS", "Comparison", "compare_runs"]

COLUMNS = [
    "dataset",
    "method",
    "metric",
    "better",
    "seeds",
    "paired",
    "before",
    "after",
    "difference",
    "ci_low",
    "ci_high",
    "verdict",
]

LEARNT_WITH = ("batch", "latent", "width", "depth", "evaluations", "samples_large")
"""Settings of a dataset that say how it is learnt. All others say what is measured, and against what."""

LONGEST = 50
"""Characters of a setting that are shown."""

Chosen = Mapping[str, Sequence[str] | None]


class _Cell(NamedTuple):
    dataset: str
    method: str
    metric: str


class _Measure(NamedTuple):
    """What a metric's values depend on besides the generator: not to be compared across."""

    better: str
    samples: int
    metric: Mapping[str, Any]
    dataset: Mapping[str, Any]
    files: Mapping[str, Any]
    modes: int


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        frame: A row per dataset, method and metric that both runs measure alike, columns `COLUMNS`. `before` and `after` are means over
            seeds; `difference` is the mean after less that before with its interval, of a metric that is best at 1 that of the distances
            from 1. `verdict` is `worse` or `better` if the interval leaves 0 out, if all of at least six seeds agree, or if a smaller or larger
            share of the seeds has a score (what is worse in any way is worse); else `within` the interval, `unknown` where too few seeds
            leave none, and `same` where every seed scores exactly what it did.
        changes: What changed in configuration, versions and calibration rows, and what failed before, as lines.
        missing: What the run before has and the run after does not, or measures otherwise, and what the run after was asked for and does
            not have, as lines.
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
        metrics = [
            f"{metric} {ARROWS[better]}"
            for metric, better in zip(frame["metric"], frame["better"], strict=True)
        ]
        columns = {
            "dataset": frame["dataset"],
            "method": frame["method"],
            "metric": metrics,
            "seeds": frame["seeds"],
        }
        means = {key: frame[key].map(number) for key in ("before", "after")}
        differences = [estimate(*row) for row in frame[["difference", "ci_low", "ci_high"]].to_numpy(float)]
        return pd.DataFrame(
            {
                **columns,
                **means,
                f"after − before [{100 * (1 - self.level):.5g} %]": differences,
                "": frame["verdict"],
            }
        )

    def summary(self) -> str:
        """How many rows have which verdict, how many would without any change, and what the differences are of."""
        counts = self.frame["verdict"].value_counts()
        told = ", ".join(
            f"{counts.get(verdict, 0)} {verdict}"
            for verdict in ("worse", "better", "within", "same", "unknown")
        )
        tested = int(counts.sum() - counts.get("same", 0) - counts.get("unknown", 0))
        chance = number(tested * self.level / 2, 1)
        chance = (
            f"; by chance alone, about {chance} of them would be worse beyond their intervals"
            if tested
            else ""
        )
        distances = (
            "; differences of metrics that are best at 1 are those of their distances from 1"
            if "one" in set(self.frame["better"])
            else ""
        )
        return f"{len(self.frame)} compared: {told}{chance}{distances}"


def compare_runs(before: Results, after: Results, chosen: Chosen, simultaneous: bool = False) -> Comparison:
    """Compares the scores of two runs, paired by seed where they share seeds, else as independent.

    Arguments:
        before: One run.
        after: The other.
        chosen: Names of `datasets`, `methods` and `metrics` to compare; all where there are none.
        simultaneous: Whether all intervals hold at once (Bonferroni), and not each for itself.

    Raises:
        UsageError: If a name is unknown, or the runs have nothing in common and nothing is damaged or missing that could be the reason.
    """
    old, new = trials_table(before), trials_table(after)
    cells, there = _chosen(_measures(before), chosen), _measures(after)
    alike = {cell: measure for cell, measure in cells.items() if there.get(cell) == measure}
    lost = _lines("seeds that failed in the run after", after.failures, chosen)
    lost += _lines("seeds without a whole record in the run after", after.missing, chosen)
    if there.keys().isdisjoint(cells) and not (lost or before.damaged or after.damaged):
        raise UsageError("compare: the runs share no dataset, method and metric; give two runs of one suite")
    level = LEVEL / max(len(alike), 1) if simultaneous else LEVEL
    frame = pd.DataFrame(
        [_row(old, new, cell, measure.better, level) for cell, measure in alike.items()], columns=COLUMNS
    )
    missing = _lines("not in the run after", (cell for cell in cells if cell not in there), chosen)
    missing += _lines(
        "measured otherwise, and not compared",
        (cell for cell in cells if cell in there and cell not in alike),
        chosen,
    )
    changes = [*_changes(before, after, chosen), *_calibration(old, new, list(alike))]
    changes += _lines("seeds that failed in the run before", before.failures, chosen)
    changes += _lines("seeds without a whole record in the run before", before.missing, chosen)
    return Comparison(frame, changes, [*missing, *lost], level)


def _measures(results: Results) -> dict[_Cell, _Measure]:
    """What a run measures, whether or not a seed has a score."""
    found: dict[_Cell, _Measure] = {}
    for record in results.records:
        dataset, method, asked = record["dataset"], record["method"], record["configuration"]
        measured = {key: value for key, value in asked["dataset"].items() if key not in LEARNT_WITH}
        for metric, settings in asked["metrics"].items() if method not in CALIBRATION_ROWS else ():
            facts = record["facts"][metric]
            measure = _Measure(
                facts["better"],
                facts["samples"],
                settings,
                measured,
                asked.get("files", {}),
                record["modes_total"],
            )
            found.setdefault(_Cell(dataset, method, metric), measure)
    return found


def _chosen(cells: Mapping[_Cell, _Measure], chosen: Chosen) -> dict[_Cell, _Measure]:
    for option, kind in (("datasets", "dataset"), ("methods", "method"), ("metrics", "metric")):
        known = list(dict.fromkeys(getattr(cell, kind) for cell in cells))
        for name in chosen.get(option) or ():
            if name not in known:
                raise UsageError(f"--{option} {name}: the run before has {', '.join(known) or 'none'}")
        cells = {
            cell: measure
            for cell, measure in cells.items()
            if getattr(cell, kind) in (chosen.get(option) or known)
        }
    return dict(cells)


def _asked(chosen: Chosen, dataset: str, method: str) -> bool:
    return all(
        name in (chosen.get(option) or (name,))
        for option, name in (("datasets", dataset), ("methods", method))
    )


def _row(old: pd.DataFrame, new: pd.DataFrame, cell: _Cell, better: str, level: float) -> list[Any]:
    x, y = (_scores(trials, cell) for trials in (old, new))
    shared = x.index.intersection(y.index)
    # A single pair says nothing where others could.
    paired = len(shared) >= min(2, len(x), len(y))
    if paired:
        x, y = x.loc[shared], y.loc[shared]
    sign = 1 if better == "higher" else -1
    q, r = (sign * quality(values, better) for values in (x, y))
    with np.errstate(invalid="ignore", over="ignore"):
        interval = mean_interval(r - q, level) if paired else change(q, r, level)
        means = x.mean(), y.mean()
        agreed = unanimous(r - q, level) if paired else 0
    verdict = (
        "same"
        if x.equals(y)
        else _verdict(interval, sign, y.notna().mean() - x.notna().mean(), sign * agreed)
    )
    counts = [
        f"{scores.notna().sum()}" + (f" of {len(scores)}" if scores.isna().any() else "") for scores in (x, y)
    ]
    return [
        *cell,
        better,
        " → ".join(dict.fromkeys(counts)),
        paired,
        *means,
        interval.mean,
        interval.low,
        interval.high,
        verdict,
    ]


def _scores(trials: pd.DataFrame, cell: _Cell) -> pd.Series:
    """The scores of a cell by seed; NaN for a trial that has none."""
    here = trials[
        (trials["dataset"] == cell.dataset)
        & (trials["method"] == cell.method)
        & trials["status"].isin(["ok", "diverged"])
    ]
    return here[cell.metric].where(here["status"] == "ok").astype(float).set_axis(here["seed"])


def _verdict(interval: Interval, sign: int, gained: float, agreed: int) -> str:
    """What a difference says.

    Arguments:
        interval: The interval of the difference.
        sign: 1 if a positive one is better, else -1.
        gained: The share of the seeds that have a score after, less that before.
        agreed: 1 if every one of enough seeds is better, -1 if every one is worse.
    """
    ends = sign * interval.low, sign * interval.high
    if gained < 0 or max(ends) < 0 or agreed < 0:
        return "worse"
    if gained > 0 or min(ends) > 0 or agreed > 0:
        return "better"
    return "within" if isfinite(interval.low) else "unknown"


def _lines(title: str, found: Iterable[tuple[str, str, str | int]], chosen: Chosen) -> list[str]:
    """A line per dataset and method that are chosen."""
    places: dict[str, list[str]] = {}
    for dataset, method, name in found:
        if _asked(chosen, dataset, method):
            places.setdefault(f"{method} on {dataset}", []).append(str(name))
    return [f"{title}: {place} ({listed(names)})" for place, names in places.items()]


def _changes(before: Results, after: Results, chosen: Chosen) -> Iterator[str]:
    """Differences of configuration by dataset and method, those of all alike in one line; then of seeds, versions and machine."""
    held, asked = (
        {
            (r["dataset"], r["method"]): r["configuration"]
            for r in results.records
            if r["method"] not in CALIBRATION_ROWS
        }
        for results in (before, after)
    )
    shared = [cell for cell in held if cell in asked and _asked(chosen, *cell)]
    found: dict[str, list[tuple[str, str]]] = {}
    for cell in shared:
        for difference in differing(held[cell], asked[cell]):
            found.setdefault(_told(*difference), []).append(cell)
    for line, cells in found.items():
        yield line + ("" if len(cells) == len(shared) else f" ({listed(_places(cells, shared))})")
    if before.manifest is None or after.manifest is None:
        yield "versions and machine: a manifest is damaged or missing"
        return
    manifests: list[Mapping[str, Any]] = [before.manifest, after.manifest]
    old, new = (
        {key: manifest[key] for key in ("versions", "hardware", "commit", "fingerprints")}
        | {key: manifest["configuration"].get(key) for key in ("seeds", "compile")}
        for manifest in manifests
    )
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
    texts = ["not set" if value is None else str(value) for value in (old, new)]
    return f"{key}: " + " → ".join(
        text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in texts
    )


def _calibration(old: pd.DataFrame, new: pd.DataFrame, cells: Sequence[_Cell]) -> Iterator[str]:
    """Where the scores of real data or of the collapsed row differ for one seed, metrics or data are not the same."""
    calibrated = (
        trials[trials["method"].isin(CALIBRATION_ROWS) & (trials["status"] == "ok")] for trials in (old, new)
    )
    rows = [trials.set_index(["dataset", "method", "seed"]) for trials in calibrated]
    shared = rows[0].index.intersection(rows[1].index)
    for metric in dict.fromkeys(cell.metric for cell in cells):
        datasets = {cell.dataset for cell in cells if cell.metric == metric}
        x, y = (frame.loc[shared, metric].to_numpy(float) for frame in rows)
        unlike = shared[~np.isclose(x, y, rtol=1e-3, atol=1e-9, equal_nan=True)]
        where = list(
            dict.fromkeys(f"{method} on {dataset}" for dataset, method, _ in unlike if dataset in datasets)
        )
        if where:
            yield f"calibration: {metric} of {listed(where)} is another, so the metric or the data is not the same"
