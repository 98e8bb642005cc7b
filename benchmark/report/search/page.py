"""`report.html` of a search."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.report.numbers import NO_NUMBER, number
from benchmark.report.page.run_part import commands
from benchmark.report.page.template_files import template_file, templates
from benchmark.report.pictures.own_style import own_style
from benchmark.report.pictures.svg import PAGE_STYLE, to_svg
from benchmark.report.search.drawings import budget_chart, sensitivity_chart
from benchmark.report.search.edges import at_an_edge
from benchmark.report.search.view import MethodView, SearchView
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.styles import MethodStyle, styles_of
from benchmark.report.words import setting_text
from benchmark.suites.tuned import Tuned

__all__ = ["search_page"]


@own_style(PAGE_STYLE)
def search_page(view: SearchView, tuned: Tuned) -> str:
    """The page of a search.

    Arguments:
        view: The search.
        tuned: What was chosen.
    """
    names: dict[str, None] = {}
    for methods in view.datasets.values():
        names.update(dict.fromkeys(methods))
    styles = styles_of(list(names))
    return (
        templates()
        .get_template("search.html")
        .render(
            suite=view.results.suite,
            search=view.search,
            budgets=tuned.budgets,
            parts=[_part(view, dataset, tuned, styles) for dataset in view.datasets],
            styles=styles,
            missing=view.missing,
            without_score=view.without_score,
            undeclared=view.facts["undeclared"],
            commands=commands(view.results),
            css=template_file("page.css"),
        )
    )


def _part(view: SearchView, dataset: str, tuned: Tuned, styles: dict[str, MethodStyle]) -> dict[str, Any]:
    """What the page shows of a dataset."""
    methods = view.datasets[dataset]
    real = view.real(dataset)
    rows, pictures = [], {}
    for method in _best_first(list(methods.values())):
        name = method.method
        settings = tuned.chosen[dataset][name].settings
        space = view.space(name)
        rows.append(_row(method, _in_words(settings, at_an_edge(settings, space))))
        colour = styles[name].colour
        charts = [sensitivity_chart(method, setting, values, colour) for setting, values in space.items()]
        pictures[name] = list(map(to_svg, charts))
    first = next(iter(methods.values()))
    return {
        "name": dataset,
        "metric": tuned.metrics[dataset],
        "real": number(real) if math.isfinite(real) else NO_NUMBER,
        "near": _near(list(methods.values())),
        "rows": rows,
        "least_budget": first.first["budget"].iloc[0],
        "spent": number(max(method.spent for method in methods.values()), 3),
        "budget": to_svg(budget_chart(methods, real, styles)),
        "pictures": pictures,
    }


def _best_first(methods: Sequence[MethodView]) -> list[MethodView]:
    scores = [method.best_score for method in methods]
    order = np.argsort(-quality(scores, methods[0].facts["better"]), kind="stable")
    return [methods[i] for i in order]


def _near(methods: list[MethodView]) -> str:
    """Of how many methods the published settings are as good as the best, in words."""
    if methods[0].seeds == 1:
        best = sum(method.best == 0 for method in methods)
        return (
            f"the published settings are the best ones of {best} of {len(methods)} methods; "
            "with one seed each, nothing is known of the noise between seeds"
        )
    told = [method.published_is_near for method in methods]
    unknown = told.count(None)
    if unknown == len(methods):
        return "whether the published settings are within noise of the best ones cannot be told"
    sentence = (
        "the published settings are within noise of the best ones "
        f"for {told.count(True)} of {len(methods) - unknown} methods"
    )
    return f"{sentence} (it cannot be told for {unknown})" if unknown else sentence


def _row(method: MethodView, settings: str) -> dict[str, Any]:
    published = method.published_score
    return {
        "method": method.method,
        "score": number(method.best_score),
        "published": NO_NUMBER if published is None else number(published),
        "noise": number(method.noise, 2) if math.isfinite(method.noise) else NO_NUMBER,
        "near": method.published_is_near,
        "settings": settings or "as published",
        "points": len(method.scores),
        "failed": int(method.scores.isna().sum()),
    }


def _in_words(settings: dict[str, Any], edges: list[str]) -> str:
    parts = []
    for name, value in settings.items():
        mark = " (at an end of its range: widen it)" if name in edges else ""
        parts.append(setting_text(name, value) + mark)
    return ", ".join(parts)
