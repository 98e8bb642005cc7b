"""`report.html` of a search."""

from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import REAL_DATA
from benchmark.report.numbers import NO_NUMBER, number
from benchmark.report.page.template_files import template_file, templates
from benchmark.report.pictures.own_style import own_style
from benchmark.report.pictures.svg import PAGE_STYLE, to_svg
from benchmark.report.search.choice import PointScores, point_scores
from benchmark.report.search.drawings import budget_chart, sensitivity_chart
from benchmark.report.search.judgements import at_an_edge, noise_between_seeds, within_noise
from benchmark.report.styles import MethodStyle, styles_of
from benchmark.report.tables.rows import rows_of
from benchmark.suites.search import Search
from benchmark.suites.tuned import Chosen, Tuned

__all__ = ["search_page"]

Spaces = dict[str, dict[str, dict[str, Any]]]
"""The values that were searched, by method and setting."""


@own_style(PAGE_STYLE)
def search_page(results: Results, search: Search, trials: pd.DataFrame, tuned: Tuned) -> str:
    """The page of a search.

    Arguments:
        results: The records of the search.
        search: How much was tried.
        trials: Its trials, from `search_trials`.
        tuned: What was chosen.
    """
    spaces: Spaces = {}
    if results.manifest is not None and "search" in results.manifest:
        spaces = results.manifest["search"]["spaces"]
    points = point_scores(trials, results, search)
    styles = styles_of(list(dict.fromkeys(method for _, method in points)))
    parts = []
    for dataset, chosen in tuned.chosen.items():
        own = {method: points[dataset, method] for method in chosen}
        parts.append(_part(dataset, own, chosen, results, trials, spaces, search, styles))
    command = results.manifest["command"] if results.manifest else []
    return (
        templates()
        .get_template("search.html")
        .render(
            suite=results.suite,
            search=search,
            budgets=tuned.budgets,
            parts=parts,
            styles=styles,
            missing=len(results.missing) + len(results.failures),
            command=" ".join(command),
            css=template_file("page.css"),
        )
    )


def _part(
    dataset: str,
    methods: dict[str, PointScores],
    chosen: dict[str, Chosen],
    results: Results,
    trials: pd.DataFrame,
    spaces: Spaces,
    search: Search,
    styles: dict[str, MethodStyle],
) -> dict[str, Any]:
    """What the page shows of a dataset."""
    first = next(iter(methods.values()))
    facts = results.facts(dataset, first.metric)
    real = float(rows_of(trials, dataset=dataset, method=REAL_DATA)["score"].astype(float).mean())
    rows, pictures = [], {}
    for method, points in methods.items():
        noise = noise_between_seeds(trials, dataset, method)
        rows.append(_row(method, points, chosen[method], noise, search, spaces.get(method, {})))
        scored = rows_of(trials, dataset=dataset, method=method, status="ok").dropna(subset=["score"])
        colour = styles[method].colour
        pictures[method] = [
            to_svg(sensitivity_chart(method, setting, scored, space, facts, colour))
            for setting, space in spaces.get(method, {}).items()
        ]
    near = sum(row["published_does"] is True for row in rows)
    return {
        "name": dataset,
        "metric": first.metric,
        "real": number(real),
        "near": near,
        "rows": rows,
        "budget": to_svg(budget_chart(dataset, methods, facts, real, styles)),
        "pictures": pictures,
    }


def _row(
    method: str, points: PointScores, chosen: Chosen, noise: float, search: Search, space: dict[str, Any]
) -> dict[str, Any]:
    published = chosen.published_score
    edges = at_an_edge(chosen.settings, space)
    settings = []
    for name, value in chosen.settings.items():
        text = number(value, 2) if isinstance(value, float) else str(value)
        settings.append(f"{name} {text}" + (" (at an end of its range: widen it)" if name in edges else ""))
    return {
        "method": method,
        "score": number(chosen.score),
        "value": chosen.score,
        "published": NO_NUMBER if published is None else number(published),
        "published_value": np.nan if published is None else published,
        "noise": number(noise, 2),
        "published_does": within_noise(points, noise, search.seeds),
        "settings": ", ".join(settings) or "as published",
        "failed": int(points.scores.isna().sum()),
    }
