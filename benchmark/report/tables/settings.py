"""The table of where the settings of methods come from, and of how lucky a search was."""

from typing import Any

import pandas as pd

from benchmark.records.results import Results
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.rows import rows_of, trained_rows

__all__ = ["SETTINGS_COLUMNS", "settings_table"]

SETTINGS_COLUMNS = [
    "dataset",
    "method",
    "settings",
    "changed",
    "metric",
    "search_score",
    "score",
    "optimism",
    "points",
    "seeds",
    "halving",
    "rungs",
    "search_budget",
    "file",
    "checksum",
]


def settings_table(results: Results, trials: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset and method.

    `search_score` is the mean score of the chosen settings over the seeds of the search, `score` the mean
    over those of this run, and `optimism` how much better the first is: of many settings, the one that is
    chosen has had luck. Both are left out where the run has another budget or other settings than the
    search, or a seed has no score: a search passes over settings of which one seed has none.
    """
    rows = []
    methods = trained_rows(trials)[["dataset", "method"]].drop_duplicates()
    for dataset, method in methods.itertuples(index=False):
        track = results.track(dataset, method)
        row: dict[str, Any] = {"dataset": dataset, "method": method, "settings": track["settings"]}
        row["changed"] = " ".join(track["changed"]) or None
        behind = track["search"]
        if behind is not None:
            row |= {
                name: behind[name] for name in ("points", "seeds", "halving", "rungs", "file", "checksum")
            }
            row |= {"metric": behind["metric"], "search_score": behind["score"]}
            row["search_budget"] = behind["budget"]
            budgets = set(rows_of(trials, dataset=dataset, method=method)["budget"].dropna())
            if not track["changed"] and budgets == {behind["budget"]}:
                row |= _on_fresh_seeds(results, summary, dataset, method, behind["metric"], behind["score"])
        rows.append(row)
    table = pd.DataFrame(rows, columns=SETTINGS_COLUMNS)
    return table.astype(dict.fromkeys(["points", "seeds", "halving", "rungs"], "Int64"))


def _on_fresh_seeds(
    results: Results, summary: pd.DataFrame, dataset: str, method: str, metric: str, search_score: float
) -> dict[str, float]:
    own = rows_of(summary, dataset=dataset, method=method, metric=metric).dropna(subset="mean")
    if own.empty or int(own["diverged"].iloc[0]):
        return {}
    score = float(own["mean"].iloc[0])
    fresh, of_search = quality([score, search_score], results.facts(dataset, metric)["better"])
    return {"score": score, "optimism": float(of_search - fresh)}
