"""What a run answers, how sure that is, and what it cannot tell, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmark.report.display import estimate, p_value, spread
from benchmark.report.plots import Shown
from benchmark.report.results import Results
from benchmark.report.tables import Tables
from benchmark.schema import CALIBRATIONS
from benchmark.statistics import LEVEL, quality

__all__ = ["Answer", "answer", "caveats", "leaders", "leading_metrics", "listed"]

COVERAGE = ("modes", "kl", "coverage", "fid")
"""The metrics that tell coverage, most telling first; the first two that a dataset has are asked, the second among those that the first leaves."""


@dataclass(frozen=True)
class Answer:
    """What a dataset says.

    Attributes:
        dataset: Its name.
        best: The methods that cover it best and cannot be told apart.
        verdict: A sentence.
        reasons: Sentences with the figures behind it.
        certainty: How sure it is.
    """

    dataset: str
    best: list[str]
    verdict: str
    reasons: list[str]
    certainty: str


def leading_metrics(metrics: Sequence[str]) -> list[str]:
    """Those metrics of a dataset that answer the question, in order."""
    return [name for name in COVERAGE if name in metrics][:2] or list(metrics[:1])


def leaders(tables: Tables, metric: str, among: Sequence[str]) -> list[str]:
    """The best method by a metric, and those that its interval of paired differences cannot tell from it, by rank.

    The best is the first by rank to which no other is favoured.

    Arguments:
        tables: The tables of one dataset.
        metric: The metric.
        among: The methods to choose from; those without any score are left out.
    """
    figures = tables.summary[(tables.summary["metric"] == metric) & tables.summary["mean"].notna() & tables.summary["method"].isin(among)]
    ranked = list(figures.dropna(subset="rank").sort_values("rank", kind="stable")["method"])
    if not ranked:
        return []
    pairs = tables.pairwise[(tables.pairwise["metric"] == metric) & tables.pairwise["a"].isin(ranked) & tables.pairwise["b"].isin(ranked)]
    beaten = {(favours, b if favours == a else a) for a, b, favours in zip(pairs["a"], pairs["b"], pairs["favours"], strict=True) if favours}
    losers = {loser for _, loser in beaten}
    first = next((method for method in ranked if method not in losers), ranked[0])
    return [first, *(method for method in ranked if method != first and (first, method) not in beaten)]


def answer(shown: Shown) -> Answer:
    """What a dataset on which a method has finished says of its methods."""
    methods = [method for method in shown.looks if method in shown.rows.index]
    fallen = _worse_than_nothing(shown)
    best, reasons, asked = [method for method in methods if method not in fallen] or methods, [], []
    for metric in leading_metrics(shown.scored):
        chosen = leaders(shown.tables, metric, best)
        if chosen:
            reasons.append(_reason(shown, metric, best, chosen))
            best = chosen
            asked.append(metric)
        if len(best) == 1:
            break
    if not asked:
        return Answer(shown.name, [], f"On {shown.name}, no method has a score.", [], "")
    reasons += _quality(shown, best[0])
    if len(fallen) == len(methods):
        return Answer(
            shown.name, [], f"On {shown.name}, no method covers the distribution: none is better than the collapsed row by {asked[0]}.", reasons, ""
        )
    if len(methods) == 1:
        return Answer(shown.name, best, f"On {shown.name}, {methods[0]} alone was run: there is nothing to compare.", reasons, "")
    sure, certainty = _certainty(shown, asked, best[0], [method for method in methods if method not in best])
    if len(best) == len(methods):
        verdict = f"On {shown.name}, no method stands out: {listed(best[1:])} cannot be told from {best[0]}, which is first."
    elif len(best) == 1:
        verdict = f"On {shown.name}, {best[0]} covers the distribution best ({sure})."
    else:
        verdict = (
            f"On {shown.name}, {best[0]} covers the distribution best, and {listed(best[1:])} cannot be told from it; the others are behind ({sure})."
        )
    return Answer(shown.name, best, verdict, reasons, certainty)


def caveats(results: Results, tables: Tables, shown: Sequence[Shown]) -> list[str]:
    """What the figures cannot tell."""
    found = []
    if results.missing:
        places = [f"{method} on {dataset}" for dataset, method in dict.fromkeys((dataset, method) for dataset, method, _ in results.missing)]
        found.append(
            f"Unfinished: {len(results.missing)} of {len(results.missing) + len(results.records) + len(results.failures)} trials are missing "
            f"({', '.join(places[:5])}{' and others' if len(places) > 5 else ''}). All that is said here is of the others, and may change."
        )
    trained = tables.trials[tables.trials["status"].isin(["ok", "diverged"]) & ~tables.trials["method"].isin(CALIBRATIONS)]
    seeds = trained.groupby(["dataset", "method"])["seed"].nunique()
    if len(seeds):
        fewest = int(seeds.min())
        found.append(
            f"Every interval is about the seeds alone: {fewest if fewest == seeds.max() else f'{fewest} to {seeds.max()}'} per method. It says "
            "nothing of other hyperparameters, networks, batch sizes or budgets. Intervals hold one at a time, not all at once."
        )
    impossible = tables.pairwise["note"] != ""
    if impossible.any():
        found.append(
            f"{int(impossible.sum())} of {len(impossible)} paired tests could not have succeeded, for too few seeds differ: "
            "their silence is no sign that methods are alike."
        )
    lost = trained[trained["status"] == "diverged"]
    if len(lost):
        places = [f"{method} on {dataset} ({len(rows)})" for (dataset, method), rows in lost.groupby(["dataset", "method"], sort=False)]
        found.append(f"Diverged: {listed(places)}. Means are of the other seeds; ranks and tests count a diverged seed as the worst.")
    failed = [f"{method} on {dataset} (seed {seed})" for dataset, method, seed in results.failures]
    if failed:
        others = f" and {len(failed) - 5} others" if len(failed) > 5 else ""
        found.append(f"Failed, and in no figure: {', '.join(failed[:5])}{others}.")
    if results.damaged:
        found.append(f"Damaged, and left out: {listed(['/'.join(damage.file.parts[-4:]) for damage in results.damaged])}.")
    for part in shown:
        improving = _improving(part)
        if improving:
            still = "still improved in the second half of the budget, and a larger one may rank otherwise"
            found.append(f"Not converged on {part.name}: {listed(improving)} {still}.")
        fallen = _worse_than_nothing(part)
        if fallen:
            found.append(f"On {part.name}, no better than the collapsed row by {leading_metrics(part.scored)[0]}: {listed(fallen)}.")
    return found


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _reason(shown: Shown, metric: str, among: Sequence[str], chosen: Sequence[str]) -> str:
    """How the chosen ones stand by a metric, and by how much the nearest of the others is behind."""
    figures = shown.tables.summary[shown.tables.summary["metric"] == metric].set_index("method").to_dict("index")
    first = figures[chosen[0]]
    score = spread(first["mean"], first["ci_low"], first["ci_high"]) + (f" of {shown.results.modes(shown.name)}" if metric == "modes" else "")
    start = f"By {metric}, {chosen[0]} is first ({score})"
    if len(chosen) > 1:
        start += f", not told apart from {listed(chosen[1:])}"
    behind = sorted((method for method in among if method not in chosen), key=lambda method: figures[method]["rank"])
    if not behind:
        return f"{start}."
    pairs = shown.tables.pairwise
    pair = pairs[(pairs["metric"] == metric) & pairs["a"].isin([chosen[0], behind[0]]) & pairs["b"].isin([chosen[0], behind[0]])].iloc[0]
    ends = sorted(abs(pair[end]) for end in ("ci_low", "ci_high"))
    gap = f"by {estimate(abs(pair['difference']), *ends)}" if pair["ci_low"] * pair["ci_high"] > 0 else "whose seeds diverged"
    return f"{start}, and ahead of {behind[0]} {gap}{f', and of {listed(behind[1:])}' if len(behind) > 1 else ''}."


def _quality(shown: Shown, method: str) -> list[str]:
    figures = shown.tables.summary[shown.tables.summary["metric"] == "high_quality"].set_index("method")["mean"]
    if method not in figures or pd.isna(figures[method]):
        return []
    real = f"; of real data, {figures['real-data']:.1%}" if "real-data" in figures else ""
    return [f"{figures[method]:.1%} of the samples of {method} are of high quality{real}."]


def _certainty(shown: Shown, metrics: Sequence[str], best: str, behind: Sequence[str]) -> tuple[str, str]:
    """What the corrected tests by these metrics say of one method against those behind it: in some words, and in sentences."""
    pairs = shown.tables.pairwise[shown.tables.pairwise["metric"].isin(metrics)]
    others = pairs["a"].where(pairs["a"] != best, pairs["b"])
    mine = pairs[((pairs["a"] == best) | (pairs["b"] == best)) & (others.isin(behind) if behind else True)]
    seeds = int(mine["pairs"].max())
    if seeds < 2:
        if seeds == 0:
            return "no seed in common", "The methods have no seed in common: nothing is compared."
        return "one seed: it may be chance", "There is one seed in common: whatever differs may be chance."
    confirmed = (mine["p_holm"] <= LEVEL) & (mine["favours"] == best)
    told = list(dict.fromkeys(others[mine.index][confirmed]))
    basis = f"{seeds} seeds; 95 % intervals of paired differences."
    comparisons = len(pairs) // len(metrics)
    if told:
        p = p_value(mine["p_holm"][confirmed].max())
        sure = "tests confirm it" if len(told) == len(behind) else f"tests confirm it against {len(told)} of {len(behind)} others"
        return sure, f"{basis} Tests corrected for {comparisons} comparisons confirm {best} against {listed(told)} (p ≤ {p})."
    notes = mine.sort_values("p")["note"]
    if notes.str.startswith("no test can succeed").all():
        return f"{seeds} seeds suggest it; no test can confirm it", f"{basis} Beyond them, {notes.iloc[0]}."
    return f"{seeds} seeds suggest it; no test confirms it", f"{basis} No test corrected for {comparisons} comparisons confirms a difference."


def _improving(shown: Shown) -> list[str]:
    """Methods whose median at the end is better than both ends of its interval at half of the budget, by the last leading metric on the way."""
    metric = next((name for name in leading_metrics(shown.scored)[::-1] if name in shown.followed), None)
    budget = shown.tables.budget[(shown.tables.budget["metric"] == metric) & (shown.tables.budget["n"] > 1)]
    last = budget["point"].max()
    found = []
    for method, rows in budget.groupby("method", sort=False):
        half, end = (rows[rows["point"] == point] for point in (last // 2, last))
        if len(half) and len(end):
            better = shown.results.facts(shown.name, str(metric))["better"]
            final, *before = quality([end["median"].iloc[0], half["low"].iloc[0], half["high"].iloc[0]], better)
            found += [str(method)] if final > max(before) else []
    return found


def _worse_than_nothing(shown: Shown) -> list[str]:
    metric = leading_metrics(shown.scored)[0] if shown.scored else None
    figures = shown.tables.summary[shown.tables.summary["metric"] == metric].set_index("method")["mean"]
    if "collapsed" not in figures:
        return []
    better = shown.results.facts(shown.name, str(metric))["better"]
    methods = [method for method in shown.looks if method in figures]
    floor, *scores = quality([figures["collapsed"], *figures[methods]], better)
    return [method for method, score in zip(methods, scores, strict=True) if score <= floor]
