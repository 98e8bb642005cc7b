"""What a run answers, how sure that is, and what it cannot tell, in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.headline import covering, dummies, headline
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.statistics.rank_tests import seeds_for_a_test
from benchmark.report.tables.tables import Tables
from benchmark.report.view import DatasetView
from benchmark.report.words import gap, number, p_value, spread

__all__ = ["Answer", "answer", "caveats", "leaders", "listed"]

NARROW = 0.5
"""A spread within modes, as a share of the true one, below which a verdict says "only"."""

ASTRAY = 0.05
"""The share of a trial's samples out of the data's range from which the trial is named."""


@dataclass(frozen=True)
class Answer:
    """What a dataset says.

    Attributes:
        dataset: Its name.
        best: The methods that cover it best and cannot be told apart.
        verdict: A sentence or two.
        reasons: Sentences with the figures behind it.
        certainty: How sure it is.
    """

    dataset: str
    best: list[str]
    verdict: str
    reasons: list[str]
    certainty: str


def leaders(tables: Tables, metric: str, among: Sequence[str]) -> list[str]:
    """The first of some methods by rank in a metric, and those next to it in the ranking.

    They end at the first method that tests tell apart from it, or that is none of those, so nobody leads who ranks below somebody that
    does not.

    Arguments:
        tables: The tables of one dataset.
        metric: The metric.
        among: The methods to choose from; those without any score are left out.
    """
    figures = tables.summary[(tables.summary["metric"] == metric) & tables.summary["mean"].notna()]
    ranked = list(figures.dropna(subset="rank").sort_values("rank", kind="stable")["method"])
    start = next((i for i, method in enumerate(ranked) if method in among), None)
    if start is None:
        return []
    first, *others = ranked[start:]
    behind = _behind(tables, metric, first)
    chosen = [first]
    for method in others:
        if method in behind or method not in among:
            break
        chosen.append(method)
    return chosen


def _behind(tables: Tables, metric: str, first: str) -> dict[str, float]:
    """The methods that tests tell apart from a better one, with the p value of each."""
    pairs = tables.pairwise[(tables.pairwise["metric"] == metric) & (tables.pairwise["favours"] == first)]
    others = pairs["a"].where(pairs["a"] != first, pairs["b"])
    return dict(zip(others, pairs["p"], strict=True))


def answer(shown: DatasetView) -> Answer:
    """What a dataset on which a method has finished says of its methods."""
    methods = [method for method in shown.styles if method in shown.representatives.index]
    metric = headline(shown.scored_metrics)
    if metric is None:
        return Answer(shown.name, [], f"On {shown.name}, no method has a score.", [], "")
    ahead = covering(shown.trials, shown.results, shown.name)
    best = leaders(shown.tables, metric, ahead)
    if not best and not _dummies(shown, metric):
        return Answer(
            shown.name, [], f"On {shown.name}, no method has a score by which it can be compared.", [], ""
        )
    if not best:
        verdict = f"On {shown.name}, no method covers the distribution: none is better than the dummies by {metric} ({_dummies(shown, metric)})."
        return Answer(shown.name, [], verdict, [], "")
    first, others = best[0], [method for method in methods if method not in best]
    reasons = [
        _reason(shown, metric, methods, best),
        *_references(shown, metric),
        *_quality(shown, first),
        *_spread(shown, best),
    ]
    portrait = _portrait(shown, metric, first)
    if len(methods) == 1:
        return Answer(
            shown.name,
            best,
            f"On {shown.name}, {first} alone was run, and there is nothing to compare{portrait}.",
            reasons,
            "",
        )
    sure, certainty = _certainty(shown, metric, first, others)
    if not others:
        verdict = f"On {shown.name}, no method stands out: {listed(best[1:])} cannot be told from {first}, which is first{portrait}."
    elif len(best) == 1:
        verdict = f"On {shown.name}, {first} covers the distribution best ({sure}){portrait}."
    else:
        verdict = (
            f"On {shown.name}, {first} covers the distribution best{portrait}. "
            f"It cannot be told from {listed(best[1:])}; the others are behind ({sure})."
        )
    return Answer(shown.name, best, verdict, reasons, certainty)


def caveats(results: Results, tables: Tables, shown: Sequence[DatasetView]) -> list[str]:
    """What the figures cannot tell."""
    found = []
    if results.missing:
        places = [
            f"{method} on {dataset}"
            for dataset, method in dict.fromkeys((dataset, method) for dataset, method, _ in results.missing)
        ]
        found.append(
            f"Unfinished: {len(results.missing)} of {len(results.missing) + len(results.records) + len(results.failures)} trials are missing "
            f"({', '.join(places[:5])}{' and others' if len(places) > 5 else ''}). All that is said here is of the others, and may change."
        )
    trained = tables.trials[
        tables.trials["status"].isin(["ok", "diverged"]) & ~tables.trials["method"].isin(CALIBRATION_ROWS)
    ]
    seeds = trained.groupby(["dataset", "method"])["seed"].nunique()
    if len(seeds):
        fewest = int(seeds.min())
        found.append(
            f"Every interval is about the seeds alone: {fewest if fewest == seeds.max() else f'{fewest} to {seeds.max()}'} per method. It says "
            "nothing of other hyperparameters, networks, batch sizes or budgets. Intervals hold one at a time, tests of one metric on one "
            "dataset all at once."
        )
    impossible = tables.pairwise["note"].str.startswith("no test can succeed")
    if impossible.any():
        found.append(
            f"{int(impossible.sum())} of {len(impossible)} tests could not have succeeded, for there are too few seeds: "
            "their silence is no sign that methods are alike."
        )
    lost = trained[trained["status"] == "diverged"]
    if len(lost):
        places = [
            f"{method} on {dataset} ({len(rows)})"
            for (dataset, method), rows in lost.groupby(["dataset", "method"], sort=False)
        ]
        found.append(
            f"Diverged: {listed(places)}. Means are of the other seeds; ranks and tests count a diverged seed as the worst."
        )
    astray = _astray(trained)
    if astray:
        found.append(
            f"Out of range: samples of {listed(astray)} are more than twice as far from the data's mean as any real datum."
        )
    failed = [f"{method} on {dataset} (seed {seed})" for dataset, method, seed in results.failures]
    if failed:
        others = f" and {len(failed) - 5} others" if len(failed) > 5 else ""
        found.append(f"Failed, and in no figure: {', '.join(failed[:5])}{others}.")
    if results.damaged:
        found.append(
            f"Damaged, and left out: {listed(['/'.join(damage.file.parts[-4:]) for damage in results.damaged])}."
        )
    for part in shown:
        found += _caveats_on(part)
    return found


def _caveats_on(shown: DatasetView) -> list[str]:
    """What the figures of one dataset cannot tell."""
    found = []
    improving = _improving(shown)
    if improving:
        still = "still improved in the second half of the budget, and a larger one may rank otherwise"
        found.append(f"Not converged on {shown.name}: {listed(improving)} {still}.")
    metric = headline(shown.scored_metrics)
    ahead = covering(shown.trials, shown.results, shown.name)
    fallen = [
        method for method in shown.styles if method in shown.representatives.index and method not in ahead
    ]
    if metric and fallen and _dummies(shown, metric):
        found.append(
            f"On {shown.name}, not better than the dummies by {metric} ({_dummies(shown, metric)}): {listed(fallen)}."
        )
    return found


def _astray(trained: pd.DataFrame) -> list[str]:
    """The trials whose samples have left the data's range, in words, those of a method on a dataset together."""
    if "out_of_range" not in trained:
        return []
    lost = trained[trained["out_of_range"].astype(float) >= ASTRAY]
    words = []
    for (dataset, method), rows in lost.groupby(["dataset", "method"], sort=False):
        shares = [
            f"seed {seed}: {share:.0%}"
            for seed, share in zip(rows["seed"], rows["out_of_range"], strict=True)
        ]
        words.append(f"{method} on {dataset} ({', '.join(shares)})")
    return words


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _figures(shown: DatasetView, metric: str) -> pd.DataFrame:
    """The rows of `summary.csv` of a metric, by method; only those that have a mean."""
    figures = shown.tables.summary[shown.tables.summary["metric"] == metric].set_index("method")
    return figures[figures["mean"].notna()]


def _means(shown: DatasetView, metric: str) -> dict[str, float]:
    figures = _figures(shown, metric)
    return dict(zip(figures.index, figures["mean"], strict=True))


def _dummies(shown: DatasetView, metric: str) -> str:
    return ", ".join(
        f"{name} {number(mean, 3)}" for name, mean in dummies(shown.trials, shown.name, metric).items()
    )


def _portrait(shown: DatasetView, metric: str, method: str) -> str:
    """What a method covers, as the end of a sentence: the share of the distribution, the modes that it misses, the spread inside the others.

    Empty where the headline is not `overlap`.
    """
    if metric != "overlap":
        return ""
    facts = [f"reproduces {_share(_means(shown, metric)[method])} of the distribution"]
    counted = next((name for name in ("modes_confident", "modes") if method in _means(shown, name)), None)
    if counted:
        total = shown.results.modes(shown.name)
        missed = total - _means(shown, counted)[method]
        by = "" if counted == "modes" else f" (by {counted})"
        facts.append(f"misses {f'{missed:.1f}' if missed > 0 else 'none'} of {total} modes{by}")
    spread_within = _means(shown, "within_mode_std").get(method)
    if spread_within is not None:
        only = "only " if spread_within < NARROW else ""
        facts.append(
            f"has {only}{number(spread_within, 2)} times the true spread inside those that it captures"
        )
    return f": it {listed(facts)}"


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"


def _reason(shown: DatasetView, metric: str, among: Sequence[str], chosen: Sequence[str]) -> str:
    """How the chosen ones stand by a metric, and by how much the nearest of the others is behind."""
    figures = _figures(shown, metric)
    first: Mapping[Any, Any] = figures.loc[chosen[0]].to_dict()
    start = f"By {metric}, {chosen[0]} is first ({spread(first['mean'], first['ci_low'], first['ci_high'])})"
    if len(chosen) > 1:
        start += f", not told apart from {listed(chosen[1:])}"
    ranked = list(figures.sort_values("rank", kind="stable").index)
    before = [method for method in ranked[: ranked.index(chosen[0])] if method in among]
    if before:
        start += f", after {listed(before)}, not better than the dummies by the mean"
    behind = [
        method for method in ranked[ranked.index(chosen[0]) :] if method in among and method not in chosen
    ]
    if not behind:
        return f"{start}."
    facts = shown.results.facts(shown.name, metric)
    upper, lower = (chosen[0], behind[0]) if facts["better"] == "higher" else (behind[0], chosen[0])
    pairs = shown.tables.pairwise[shown.tables.pairwise["metric"] == metric]
    pair = next(row for row in pairs.to_dict("records") if {row["a"], row["b"]} == {upper, lower})
    return f"{start}; {behind[0]} is next, {gap(pair, facts, turned=pair['a'] != upper)} behind."


def _references(shown: DatasetView, metric: str) -> list[str]:
    """What real data and the dummies score."""
    real, learnt_nothing = _means(shown, metric).get("real-data"), _dummies(shown, metric)
    if real is None or not learnt_nothing:
        return []
    return [
        f"By the same {metric}, real data scores {number(real, 3)}, and dummies that have learnt nothing: {learnt_nothing}."
    ]


def _quality(shown: DatasetView, method: str) -> list[str]:
    means = _means(shown, "high_quality")
    if method not in means:
        return []
    real = f"; of real data, {means['real-data']:.1%}" if "real-data" in means else ""
    return [f"{means[method]:.1%} of the samples of {method} are of high quality{real}."]


def _spread(shown: DatasetView, methods: Sequence[str]) -> list[str]:
    """What quality and overlap cannot see."""
    means = _means(shown, "within_mode_std")
    told = [f"{method} {number(means[method], 3)}" for method in methods if method in means]
    if not told:
        return []
    return [
        f"Samples without spread are of high quality, too; within_mode_std sees them, and is 1 for the true spread: {', '.join(told)}."
    ]


def _certainty(shown: DatasetView, metric: str, first: str, others: Sequence[str]) -> tuple[str, str]:
    """What the tests by a metric say of the first method against the others: in some words, and in a sentence or two."""
    pairs = shown.tables.pairwise[shown.tables.pairwise["metric"] == metric]
    mine = pairs[(pairs["a"] == first) | (pairs["b"] == first)]
    trained = shown.trials[
        shown.trials["status"].isin(["ok", "diverged"]) & shown.trials["method"].isin(list(shown.styles))
    ]
    counts = trained.groupby("method")["seed"].nunique()
    methods = len(counts)
    fewest, most = int(counts.min()), int(counts.max())
    count = str(most) if fewest == most else f"{fewest} to {most}"
    basis = f"{count} seeds each" if most > 1 else f"{count} seed each"
    tests = f"Tests that hold for all pairs of {methods} methods at once"
    confirmed = _behind(shown.tables, metric, first)
    if confirmed:
        against = [method for method in others if method in confirmed]
        sure = (
            "tests confirm it"
            if len(against) == len(others)
            else f"tests confirm it against {len(against)} of {len(others)} others"
        )
        largest = p_value(max(confirmed.values()))
        p = largest if largest.startswith("<") else f"≤ {largest}"
        return sure, f"{basis}. {tests} confirm {first} against {listed(list(confirmed))} (p {p})."
    if mine["note"].str.startswith("no test can succeed").all():
        return (
            f"no test can confirm it with {basis}",
            f"{basis}: no test can succeed; with {methods} methods it takes {seeds_for_a_test(methods)}.",
        )
    return "no test confirms it", f"{basis}. {tests} confirm {first} against nobody."


def _improving(shown: DatasetView) -> list[str]:
    """Methods whose median headline score at the end is better than both ends of its interval at half of the budget."""
    metric = headline(shown.scored_metrics)
    budget = shown.tables.budget[(shown.tables.budget["metric"] == metric) & (shown.tables.budget["n"] > 1)]
    last = budget["point"].max()
    found = []
    for method, rows in budget.groupby("method", sort=False):
        half, end = (rows[rows["point"] == point] for point in (last // 2, last))
        if len(half) and len(end):
            better = shown.results.facts(shown.name, str(metric))["better"]
            final, *before = quality(
                [end["median"].iloc[0], half["low"].iloc[0], half["high"].iloc[0]], better
            )
            found += [str(method)] if final > max(before) else []
    return found
