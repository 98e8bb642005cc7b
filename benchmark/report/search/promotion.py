"""Which points of a search go on to the next rung."""

import numpy as np

from benchmark.report.search.view import SearchView, point_scores
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
        scores = point_scores(rows, rung.search.seeds)
        better = view.results.facts(str(dataset), rows["metric"].iloc[0])["better"]
        # A point without a score is last.
        ranked = scores.index[np.argsort(-quality(scores, better), kind="stable")]
        others = [int(point) for point in ranked if point != 0]
        promoted[str(dataset), str(method)] = (0, *sorted(others[: rung.places]))
    return Rung(rung.search, rung.number + 1, promoted)
