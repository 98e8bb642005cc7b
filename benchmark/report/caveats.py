"""What the figures of a run do not show, in sentences."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.headline import covering, headline
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.pairs import NO_TEST
from benchmark.report.tables.rows import trained_rows
from benchmark.report.tables.tables import Tables
from benchmark.report.verdict import dummy_scores
from benchmark.report.view import DatasetView, MetricView
from benchmark.report.words import joined, span
from benchmark.suites import find_suite

__all__ = ["caveats"]

SMALLEST_SHARE_ASTRAY = 0.05
"""The share of a trial's samples outside the data's range from which on the trial is named."""

MOST_PLACES = 5
"""The largest number of unfinished or failed methods that a sentence names."""


def caveats(results: Results, tables: Tables, views: Sequence[DatasetView]) -> list[str]:
    """What the figures do not show: a sentence or two for each thing."""
    trained = trained_rows(tables.trials)
    sentences = [
        *_unfinished(results),
        *_seeds(trained),
        *_settings(results, tables.settings),
        *_impossible_tests(tables),
        *_diverged(trained),
        *_astray(trained),
        *_not_defined(results),
        *_failed(results),
        *_damaged(results),
    ]
    for view in views:
        sentences += [*_not_converged(view), *_not_better_than_dummies(view)]
    return sentences


def _unfinished(results: Results) -> list[str]:
    missing = results.missing
    if not missing:
        return []
    places = list(dict.fromkeys(f"{method} on {dataset}" for dataset, method, _ in missing))
    others = " and others" if len(places) > MOST_PLACES else ""
    total = len(missing) + len(results.records) + len(results.failures)
    return [
        f"Unfinished: {len(missing)} of {total} trials are missing "
        f"({', '.join(places[:MOST_PLACES])}{others}). "
        "Everything here is about the others, and may change."
    ]


def _seeds(trained: pd.DataFrame) -> list[str]:
    seeds = trained.groupby(["dataset", "method"])["seed"].nunique()
    if seeds.empty:
        return []
    fewest, most = int(seeds.min()), int(seeds.max())
    return [
        f"Intervals are about seeds alone ({span(fewest, most)} per method), "
        "not about other hyperparameters, networks, batch sizes or budgets. "
        "Each interval holds by itself; all tests of one metric on one dataset hold at once."
    ]


def _settings(results: Results, settings: pd.DataFrame) -> list[str]:
    """What the settings of the methods mean for the comparison; nothing for a suite of a paper."""
    suite = find_suite(results.suite)
    tuned = settings["settings"] == "tuned"
    untuned = settings[settings["settings"] == "not tuned"]
    if tuned.any():
        sentences = [
            "Tuned settings are the best of those that were tried: more, or other ranges, may change ranks."
        ]
    elif suite is not None and suite.protocol is not None:
        sentences = []
    else:
        sentences = [
            "Settings are those of the suite, most of them from papers with other networks, batches and "
            "numbers of steps: ranks may be ranks of learning rates. The verb tune searches settings, "
            "equally for every method."
        ]
    if len(untuned):
        places = [f"{row.method} on {row.dataset}" for row in untuned.itertuples()]
        sentences.append(f"Not tuned, but with published settings: {joined(places)}.")
    return sentences


def _impossible_tests(tables: Tables) -> list[str]:
    impossible = tables.pairwise["note"].str.startswith(NO_TEST)
    if not impossible.any():
        return []
    return [
        f"{int(impossible.sum())} of {len(impossible)} tests could not have been significant with so few "
        "seeds; that they are not is no evidence that methods are alike."
    ]


def _diverged(trained: pd.DataFrame) -> list[str]:
    diverged = trained[trained["status"] == "diverged"]
    places = []
    for (dataset, method), rows in diverged.groupby(["dataset", "method"], sort=False):
        places.append(f"{method} on {dataset} ({len(rows)})")
    if not places:
        return []
    return [
        f"Diverged: {joined(places)}. Means are over the other seeds; "
        "ranks and tests count a diverged seed as the worst."
    ]


def _astray(trained: pd.DataFrame) -> list[str]:
    """The trials whose samples have left the data's range, by method and dataset."""
    if "out_of_range" not in trained:
        return []
    astray = trained[trained["out_of_range"].astype(float) >= SMALLEST_SHARE_ASTRAY]
    places = []
    for (dataset, method), rows in astray.groupby(["dataset", "method"], sort=False):
        shares = zip(rows["seed"], rows["out_of_range"], strict=True)
        texts = [f"seed {seed}: {share:.0%}" for seed, share in shares]
        places.append(f"{method} on {dataset} ({', '.join(texts)})")
    if not places:
        return []
    return [
        f"Out of range: samples of {joined(places)} are more than twice as far from the data's mean "
        "as any real sample."
    ]


def _not_defined(results: Results) -> list[str]:
    """The methods to which a metric does not apply."""
    places = []
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            methods = [name for name in results.without(dataset, metric) if name not in CALIBRATION_ROWS]
            if methods:
                places.append(f"{metric} of {joined(methods)} on {dataset}")
    if not places:
        return []
    return [f"Not defined, and left out of ranks and tests: {'; '.join(places)}."]


def _failed(results: Results) -> list[str]:
    places = [f"{method} on {dataset} (seed {seed})" for dataset, method, seed in results.failures]
    if not places:
        return []
    more = len(places) - MOST_PLACES
    others = f" and {more} more" if more > 0 else ""
    return [f"Failed, and not in any figure: {', '.join(places[:MOST_PLACES])}{others}."]


def _damaged(results: Results) -> list[str]:
    files = [_within_run(damage.file) for damage in results.damaged]
    if not files:
        return []
    return [f"Damaged, and left out: {joined(files)}."]


def _within_run(file: Path) -> str:
    """The path of a file within the directory of a run: that of a trial, or a name."""
    parts = file.parts
    if parts[-5:-4] == ("trials",):
        return "/".join(parts[-4:])
    return file.name


def _not_converged(view: DatasetView) -> list[str]:
    name = headline(view.scored_metrics)
    improving = _improving(view.metric(name)) if name else []
    if not improving:
        return []
    still = "still improved in the second half of the budget; a larger one may change the ranking"
    return [f"Not converged on {view.name}: {joined(improving)} {still}."]


def _improving(metric: MetricView) -> list[str]:
    """Methods whose median after the whole budget is better than its interval at half of the budget."""
    budget = metric.budget[metric.budget["n"] > 1]
    last = budget["point"].max()
    methods = []
    for method, rows in budget.groupby("method", sort=False):
        halfway, end = rows[rows["point"] == last // 2], rows[rows["point"] == last]
        if len(halfway) and len(end):
            before = quality([halfway["low"].iloc[0], halfway["high"].iloc[0]], metric.facts["better"])
            final = quality(end["median"].iloc[0], metric.facts["better"])
            if final > before.max():
                methods.append(str(method))
    return methods


def _not_better_than_dummies(view: DatasetView) -> list[str]:
    name = headline(view.scored_metrics)
    if name is None:
        return []
    ahead = covering(view.trials, view.results, view.name)
    fallen = [method for method in view.methods if method not in ahead]
    learnt_nothing = dummy_scores(view.metric(name))
    if not fallen or not learnt_nothing:
        return []
    return [f"On {view.name}, not better than the dummies by {name} ({learnt_nothing}): {joined(fallen)}."]
