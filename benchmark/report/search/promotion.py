"""Which points of a search go on to the next rung."""

import numpy as np

from benchmark.report.search.view import SearchView
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.rows import trained_rows
from benchmark.suites.search import Rung

__all__ = ["next_rung"]


def next_rung(rung: Rung, view: SearchView) -> Rung:
    """The rung above one that is finished: the best points of each method, and the published one.

    Arguments:
        rung: The finished one.
        view: Its trials, as the last of the search so far.
    """
    promoted: dict[tuple[str, str], tuple[int, ...]] = {}
    for (dataset, method), rows in trained_rows(view.whole).groupby(["dataset", "method"], sort=False):
        better = view.results.facts(str(dataset), rows["metric"].iloc[0])["better"]
        # A point of which a trial diverged has no mean, and is last.
        means = rows.groupby("point")["score"].apply(lambda scores: scores.mean(skipna=False))
        qualities = np.nan_to_num(quality(means, better), nan=-np.inf)
        ranked = means.index[np.argsort(-qualities, kind="stable")].to_list()
        others = [point for point in ranked if point != 0]
        promoted[str(dataset), str(method)] = (0, *sorted(others[: rung.promoted]))
    return Rung(rung.search, rung.number + 1, promoted)
