"""`report.html`: one page that needs nothing beside it."""

import base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from benchmark.errors import in_one_line
from benchmark.records.results import Results
from benchmark.records.schema import FITTED_ROWS
from benchmark.report.caveats import caveats
from benchmark.report.explored.files import read_explored
from benchmark.report.explored.page import explored_part
from benchmark.report.headline import headline
from benchmark.report.page.allowance import Allowance
from benchmark.report.page.audit_part import AUDIT_COLUMNS, audit_rows
from benchmark.report.page.dataset_part import dataset_part
from benchmark.report.page.metrics_part import meanings, metric_rows
from benchmark.report.page.over_datasets_part import aggregate_rows, improvement_rows, profile_pictures
from benchmark.report.page.published_part import reproduced
from benchmark.report.page.run_part import budgets_and_seeds, commands, environment, equal_amounts
from benchmark.report.page.settings_part import settings_rows
from benchmark.report.page.template_files import template_file, templates
from benchmark.report.pictures.own_style import own_style
from benchmark.report.pictures.svg import PAGE_STYLE
from benchmark.report.scores import CAPTION
from benchmark.report.styles import CALIBRATION_DASHES, dash_array, styles_of
from benchmark.report.tables.tables import Tables
from benchmark.report.view import BROKEN, DatasetView
from benchmark.report.words import AGAINST, equal_column, settings_sentence
from benchmark.suites.fitted_rows import MOST_FITTED

__all__ = ["make_page"]

LARGEST_PAGE_BYTES = 4_500_000
"""Bytes that pictures and tables of pairs may take together."""


@own_style(PAGE_STYLE)
def make_page(results: Results, tables: Tables, views: Sequence[DatasetView], problems: list[str]) -> str:
    """The page of a run.

    Arguments:
        results: The results of the run.
        tables: Its tables.
        views: The datasets on which a method has finished.
        problems: Takes what cannot be shown on the page, as lines.
    """
    rows = set(tables.trials["method"])
    allowances = [Allowance(LARGEST_PAGE_BYTES / len(views)) for _ in views]
    parts, explored = [], []
    for view, allowance in zip(views, allowances, strict=True):
        parts.append(dataset_part(view, allowance, problems))
        explored += _explored(view, allowance, problems)
    styles = styles_of(_methods(views))
    lines = {row: dash_array(dashes) for row, dashes in CALIBRATION_DASHES.items() if row in rows}
    leading = _headlines(views)
    script = template_file("page.js")
    return (
        templates()
        .get_template("page.html")
        .render(
            suite=results.suite,
            equal=equal_amounts(tables),
            facts=budgets_and_seeds(tables),
            answers=[part["answer"] for part in parts],
            caveats=caveats(results, tables, views),
            left_out=sum(allowance.left_out for allowance in allowances),
            parts=parts,
            explored=explored,
            reproduced=reproduced(results, tables),
            styles=styles,
            calibration_dashes=lines,
            has_fitted_rows=not rows.isdisjoint(FITTED_ROWS),
            most_fitted=f"{MOST_FITTED:,}",
            axes=AGAINST,
            against=equal_column(tables.trials),
            aggregates=aggregate_rows(tables, leading),
            profiles=profile_pictures(tables, leading, styles),
            improvements=improvement_rows(tables, leading),
            settings_text=settings_sentence(tables.settings),
            settings_rows=settings_rows(tables),
            audit=audit_rows(tables),
            caption=CAPTION,
            audit_columns=list(AUDIT_COLUMNS.values()),
            metrics=metric_rows(results),
            meanings=meanings(results),
            manifest=results.manifest,
            commands=commands(results),
            environment=environment(results),
            script=script,
            css=template_file("page.css"),
            script_hash=f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}",
        )
    )


def _explored(view: DatasetView, allowance: Allowance, problems: list[str]) -> list[dict[str, Any]]:
    """What the page shows of the exploration of a dataset, if there is one."""
    try:
        explored = read_explored(view.store.layout.explored(view.name))
    except BROKEN as error:
        problems.append(f"{view.name}: its exploration cannot be shown ({in_one_line(error)})")
        return []
    return [] if explored is None else [explored_part(explored, allowance)]


def _methods(views: Sequence[DatasetView]) -> list[str]:
    """The methods of all datasets, in the run's order."""
    methods: dict[str, None] = {}
    for view in views:
        methods.update(dict.fromkeys(view.styles))
    return list(methods)


def _headlines(views: Sequence[DatasetView]) -> list[str]:
    """The headlines of all datasets, each once."""
    names = [headline(view.scored_metrics) for view in views]
    return list(dict.fromkeys(name for name in names if name))
