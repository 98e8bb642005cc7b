"""What the page shows of a paper whose experiment a run reproduces."""

from functools import partial
from typing import Any

from markupsafe import Markup

from benchmark.records.results import Results
from benchmark.report.pictures.axes import draw_published, shortened
from benchmark.report.pictures.svg import to_svg
from benchmark.report.tables.published_words import KIND_WORDS, MARKS, published_rows, tally
from benchmark.report.tables.tables import Tables
from benchmark.report.view import DatasetView
from benchmark.report.words import ARROWS
from benchmark.suites import find_suite

__all__ = ["published_chart", "reproduced"]


def reproduced(results: Results, tables: Tables) -> dict[str, Any]:
    """How the paper's figures compare, and its protocol; empty for a suite that is of no paper."""
    suite = find_suite(results.suite)
    if suite is None or suite.protocol is None or tables.published.columns.empty:
        return {}
    protocol = suite.protocol
    parts = {
        "Given by the sources": protocol.gives,
        "Left open by them": protocol.open,
        "Chosen here": protocol.chosen,
    }
    return {
        "tally": tally(suite.name, tables.published),
        "paper": protocol.paper,
        "code": protocol.code,
        "parts": parts,
        "marks": MARKS,
    }


def published_chart(shown: DatasetView, metric: str) -> Markup:
    """The picture of a metric of which there are published figures, to be drawn within `rc_context(STYLE)`."""
    rows = [row for row in published_rows(shown.tables.published) if row.metric == metric]
    told = [
        f"{row.method} {row.published} ({row.where}{f', {KIND_WORDS[row.kind]}' if row.kind else ''}), measured {row.measured}"
        for row in rows
    ]
    facts = shown.results.facts(shown.name, metric)
    draw = partial(
        draw_published,
        trials=shown.trials,
        published=shown.tables.published,
        metric=metric,
        facts=facts,
        styles=shown.styles,
    )
    beneath = 0.25 + 0.06 * max(len(shortened(row.method)) for row in rows)
    title = f"{metric} {ARROWS[facts['better']]}"
    return to_svg(draw, f"Published and measured {metric} on {shown.name}: {'; '.join(told)}", title, beneath)
