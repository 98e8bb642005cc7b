"""Which method covers a dataset best, with the figures behind it and how sure that is, in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.records.schema import FITTED_ROWS, REAL_DATA
from benchmark.report.headline import covering, dummies, headline
from benchmark.report.numbers import gap, number, p_value, spread
from benchmark.report.statistics.rank_tests import seeds_for_a_test
from benchmark.report.tables.pairs import NO_TEST
from benchmark.report.tables.rows import trained_rows
from benchmark.report.view import DatasetView, MetricView, Sampling
from benchmark.report.words import joined, span

__all__ = ["Answer", "answer", "dummy_scores", "leaders"]

NARROW_SPREAD = 0.5
"""A spread within modes, as a share of the true one, below which a method does not cover their inside."""


@dataclass(frozen=True)
class Answer:
    """The answer on a dataset.

    Attributes:
        dataset: The dataset's name.
        verdict: A sentence or two.
        best: The methods that cover it best and cannot be distinguished.
        reasons: Sentences with the figures behind the verdict.
        certainty: How sure it is.
    """

    dataset: str
    verdict: str
    best: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    certainty: str = ""


def answer(view: DatasetView) -> Answer:
    """The answer on a dataset on which a method has finished."""
    here = f"On {view.name}, "
    name = headline(view.scored_metrics)
    if name is None:
        return Answer(view.name, f"{here}no method has a score.")
    metric = view.metric(name)
    best = leaders(metric, covering(view.trials, view.results, view.name))
    learnt_nothing = dummy_scores(metric)
    if not best and not learnt_nothing:
        return Answer(view.name, f"{here}no method has a score by which it can be compared.")
    if not best:
        verdict = (
            f"{here}no method covers the distribution: "
            f"none is better than the dummies by {name} ({learnt_nothing})."
        )
        return Answer(view.name, verdict)
    first = best[0]
    reasons = [
        _reason(metric, view.methods, best),
        *_references(metric),
        *_fitted(metric),
        *_quality(view, first),
        *_spread(view, best),
    ]
    cost = _cost(view, first)
    portrait = _portrait(view, name, first)
    if len(view.methods) == 1:
        verdict = f"{here}only {first} was run, so there is nothing to compare{portrait}.{cost}"
        return Answer(view.name, verdict, best, reasons)
    others = [method for method in view.methods if method not in best]
    sure, certainty = _certainty(view, metric, first, others)
    verdict = f"{here}{_verdict(best, others, sure, _covers(view, name, best), portrait)}{cost}"
    return Answer(view.name, verdict, best, reasons, certainty)


def _verdict(best: Sequence[str], others: Sequence[str], sure: str, covers: str, portrait: str) -> str:
    """The verdict on several methods of which some are best.

    Arguments:
        best: The best ones, the first of all in front.
        others: The others.
        sure: How sure it is that the others are behind, in some words.
        covers: What the first does best, as the middle of a sentence.
        portrait: How the first covers the distribution, as the end of a sentence.
    """
    first, *equals = best
    if not others:
        return (
            f"no method stands out: {joined(equals)} cannot be distinguished from {first}, "
            f"which is first{portrait}."
        )
    if not equals:
        return f"{first} {covers} ({sure}){portrait}."
    return (
        f"{first} {covers}{portrait}. "
        f"It cannot be distinguished from {joined(equals)}; the others are behind ({sure})."
    )


def _covers(view: DatasetView, name: str, best: Sequence[str]) -> str:
    """What the first of the best methods covers, as the middle of a sentence.

    Its spread is in no sentence where the headline is not `overlap`.
    """
    first, *equals = best
    if name != "overlap" or not _is_narrow(view, first):
        return "covers the distribution best"
    wide = [method for method in equals if not _is_narrow(view, method)]
    unlike = f", unlike {joined(wide)}," if wide else ""
    return f"covers the modes best, but{unlike} not the spread inside them"


def leaders(metric: MetricView, among: Sequence[str]) -> list[str]:
    """The first of some methods by rank in a metric, and those next to it in the ranking.

    They end at the first method that tests tell apart from it, or that is not among the given ones. So
    nobody leads who ranks below somebody that does not.

    Arguments:
        metric: The metric.
        among: The methods to choose from; those without any score are left out.
    """
    ranked = list(metric.figures.dropna(subset="rank").sort_values("rank", kind="stable").index)
    starts = [i for i, method in enumerate(ranked) if method in among]
    if not starts:
        return []
    first, *others = ranked[starts[0] :]
    behind = _behind(metric, first)
    leading = [first]
    for method in others:
        if method in behind or method not in among:
            break
        leading.append(method)
    return leading


def _behind(metric: MetricView, first: str) -> dict[str, float]:
    """The methods that tests tell apart from a better one, with the p value of each."""
    pairs = metric.pairwise[metric.pairwise["favours"] == first]
    others = pairs["a"].where(pairs["a"] != first, pairs["b"])
    return dict(zip(others, pairs["p"], strict=True))


def dummy_scores(metric: MetricView) -> str:
    """The scores of the rows that have learnt nothing, in words; empty if there are none."""
    means = dummies(metric.trials, metric.dataset, metric.name)
    return ", ".join(f"{name} {number(mean, 3)}" for name, mean in means.items())


def _portrait(view: DatasetView, name: str, method: str) -> str:
    """How a method covers the distribution, as the end of a sentence; empty unless the headline is `overlap`.

    It has the share of the modes' probability, the modes that the method misses, and the spread inside the
    others.
    """
    if name != "overlap":
        return ""
    parts = [f"reproduces {_share(view.metric(name).means[method])} of the modes' probability"]
    for counted in ("modes_confident", "modes"):
        modes = _mean(view, counted, method)
        if modes is not None:
            parts.append(_missed_modes(view, counted, modes))
            break
    spread_within = _mean(view, "within_mode_std", method)
    if spread_within is not None:
        only = "only " if _is_narrow(view, method) else ""
        times = number(spread_within, 2)
        parts.append(f"has {only}{times} times the true spread inside those that it captures")
    return f": it {joined(parts)}"


def _is_narrow(view: DatasetView, method: str) -> bool:
    """Whether a method's samples lie much closer together inside the modes than real data."""
    spread_within = _mean(view, "within_mode_std", method)
    return spread_within is not None and spread_within < NARROW_SPREAD


def _missed_modes(view: DatasetView, counted: str, modes: float) -> str:
    total = view.results.modes(view.name)
    missed = f"{total - modes:.1f}" if total > modes else "none"
    notes = [] if counted == "modes" else [f"by {counted}"]
    # A metric may ask for more samples of a rare mode than a perfect sampler has.
    real = _mean(view, counted, REAL_DATA)
    if real is not None and total - real >= 0.05:
        notes.append(f"fresh real data misses {total - real:.1f}")
    beside = f" ({'; '.join(notes)})" if notes else ""
    return f"misses {missed} of {total} modes{beside}"


def _mean(view: DatasetView, name: str, method: str) -> float | None:
    """The mean score of a method or calibration row in a metric that the dataset may lack."""
    if name not in view.scored_metrics:
        return None
    return view.metric(name).means.get(method)


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"


def _reason(metric: MetricView, among: Sequence[str], best: Sequence[str]) -> str:
    """How the best ones stand by a metric, and by how much the nearest of the others is behind."""
    first, *equals = best
    row: Mapping[Any, Any] = metric.figures.loc[first].to_dict()
    sentence = f"By {metric.name}, {first} is first ({spread(row['mean'], row['ci_low'], row['ci_high'])})"
    if equals:
        sentence += f", not distinguishable from {joined(equals)}"
    ranked = [method for method in metric.figures.sort_values("rank", kind="stable").index if method in among]
    place = ranked.index(first)
    if place > 0:
        sentence += f", after {joined(ranked[:place])} (mean not better than the dummies)"
    behind = [method for method in ranked[place:] if method not in best]
    if not behind:
        return f"{sentence}."
    return f"{sentence}; {behind[0]} is next, {_distance(metric, first, behind[0])} behind."


def _distance(metric: MetricView, first: str, second: str) -> str:
    """By how much a method is behind another, such that it is a positive number or a quotient above 1."""
    upper, lower = (first, second) if metric.facts["better"] == "higher" else (second, first)
    for pair in metric.pairwise.to_dict("records"):
        if {pair["a"], pair["b"]} == {upper, lower}:
            return gap(pair, metric.facts, turned=pair["a"] != upper)
    raise LookupError(f"no pair of {first} and {second}")


def _references(metric: MetricView) -> list[str]:
    """The scores of real data and of the dummies."""
    real, learnt_nothing = metric.means.get(REAL_DATA), dummy_scores(metric)
    if real is None or not learnt_nothing:
        return []
    return [
        f"In {metric.name}, real data scores {number(real, 3)}; "
        f"the dummies, which have learnt nothing: {learnt_nothing}."
    ]


def _fitted(metric: MetricView) -> list[str]:
    """The scores of densities that are fitted without networks, where the run has some."""
    scores = [f"{row} {number(metric.means[row], 3)}" for row in FITTED_ROWS if row in metric.means]
    if not scores:
        return []
    return [f"Densities that are fitted to training data without any network score {', '.join(scores)}."]


def _quality(view: DatasetView, method: str) -> list[str]:
    """The share of the method's samples that are of high quality."""
    share = _mean(view, "high_quality", method)
    if share is None:
        return []
    real_share = _mean(view, "high_quality", REAL_DATA)
    real = "" if real_share is None else f" (real data: {real_share:.1%})"
    return [f"{share:.1%} of the samples of {method} are of high quality{real}."]


def _spread(view: DatasetView, methods: Sequence[str]) -> list[str]:
    """The spread within modes, which quality and overlap cannot see."""
    texts = []
    for method in methods:
        spread_within = _mean(view, "within_mode_std", method)
        if spread_within is not None:
            texts.append(f"{method} {number(spread_within, 3)}")
    if not texts:
        return []
    return [
        "Samples without spread count as high quality, too; within_mode_std, which is 1 for the true spread, "
        f"detects them: {', '.join(texts)}."
    ]


def _cost(view: DatasetView, method: str) -> str:
    """What a sample of the method takes, and one of the cheapest, as a further sentence; empty if unknown."""
    costs = view.sampling
    if method not in costs:
        return ""
    cheapest = min(costs, key=lambda name: costs[name].flops)
    sentence = f" A sample of {method} takes {_work(costs[method])}"
    if costs[cheapest].flops == costs[method].flops:
        return f"{sentence}."
    return f"{sentence}; one of {cheapest}, the cheapest, {_work(costs[cheapest])}."


def _work(cost: Sampling) -> str:
    plural = "" if cost.evaluations == 1 else "s"
    return f"{cost.evaluations} evaluation{plural} of networks ({cost.flops:.1e} FLOPs)"


def _certainty(view: DatasetView, metric: MetricView, first: str, others: Sequence[str]) -> tuple[str, str]:
    """How sure tests by a metric make the first method's lead: in some words, and in a sentence or two."""
    counts = trained_rows(view.trials).groupby("method")["seed"].nunique()
    basis = _seeds_each(int(counts.min()), int(counts.max()))
    tests = f"Tests that hold at once for all pairs of {len(counts)} methods"
    confirmed = _behind(metric, first)
    if confirmed:
        p = _at_most(max(confirmed.values()))
        sentence = f"{basis}. {tests} confirm {first} against {joined(list(confirmed))} (p {p})."
        return _confirmation(confirmed, others), sentence
    pairs = metric.pairwise[(metric.pairwise["a"] == first) | (metric.pairwise["b"] == first)]
    if pairs["note"].str.startswith(NO_TEST).all():
        takes = seeds_for_a_test(len(counts))
        sentence = f"{basis}: no test can succeed; with {len(counts)} methods, {takes} seeds are needed."
        return f"no test can confirm it with {basis}", sentence
    return "no test confirms it", f"{basis}. {tests} confirm {first} against no other."


def _confirmation(confirmed: Mapping[str, float], others: Sequence[str]) -> str:
    against = [method for method in others if method in confirmed]
    if len(against) == len(others):
        return "tests confirm it"
    return f"tests confirm it against {len(against)} of {len(others)} others"


def _seeds_each(fewest: int, most: int) -> str:
    if most == 1:
        return "1 seed each"
    return f"{span(fewest, most)} seeds each"


def _at_most(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"≤ {text}"
