"""The tables in other forms: Markdown and LaTeX for papers and pages, Parquet for programs."""

import io
import re
from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate

from benchmark.errors import printable
from benchmark.report.headline import headline_first
from benchmark.report.scores import CAPTION, COST_HEADINGS, Row, Score, notes_on, score_rows
from benchmark.report.view import DatasetView
from benchmark.report.words import ARROWS, budget_text, settings_sentence

__all__ = ["latex_tables", "markdown_tables", "parquet_tables", "to_markdown"]

TEX_ESCAPES = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "[": "{[}",  # where a row begins, this and the next would belong to the end of the row above
        "*": "{*}",
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "−": "$-$",
        "–": "--",
        "→": r"$\to$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
    }
)
"""Characters that LaTeX takes for markup or lacks, and what shows them."""

MARKDOWN_MARKUP = re.compile(r"([\\|`*<&~$#]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_]))")
"""What Markdown takes for markup within a line: brackets only in a link, and no underscore within a word."""

PUBLISHED_HEADINGS = (
    "method",
    "metric",
    "published",
    "measured",
    "seeds",
    "verdict",
    "where published",
    "why",
)


def to_markdown(frame: pd.DataFrame) -> str:
    """A frame of texts as a table; what would be markup in a text shows as it is."""
    rows = [list(map(_plain, row)) for row in frame.to_numpy().tolist()]
    return _markdown_table(list(frame.columns), rows)


def markdown_tables(views: Sequence[DatasetView]) -> str:
    """`summary.md`: the scores of every dataset, with the published figures where there are any."""
    parts = []
    for view in views:
        rows = [_markdown_row(row) for row in score_rows(view)]
        table = _markdown_table(_headings(view), rows)
        caption = f"{_plain(_caption(view))} Bold: cannot be distinguished from the best."
        parts.append(f"## {_plain(view.name)}\n\n{caption}\n\n{table}\n")
        if view.published_metrics:
            rows = [list(map(_plain, row)) for row in _published(view)]
            table = _markdown_table(PUBLISHED_HEADINGS, rows)
            parts.append(f"{_plain(_published_caption(view))}\n\n{table}\n")
    return "\n".join(parts)


def latex_tables(views: Sequence[DatasetView]) -> str:
    """`summary.tex`: the same for `\\input` with the package booktabs, a `table` per dataset."""
    tables = []
    for view in views:
        caption = f"{_tex(_caption(view))} Bold: cannot be distinguished from the best."
        columns = f"ll{'r' * (len(view.scored_metrics) + len(COST_HEADINGS))}"
        rows = [_tex_row(row) for row in score_rows(view)]
        tables.append(_latex_table(caption, columns, _headings(view), rows))
        if view.published_metrics:
            rows = [list(map(_tex, row)) for row in _published(view)]
            caption = _tex(_published_caption(view))
            tables.append(_latex_table(caption, "llrrrlll", PUBLISHED_HEADINGS, rows))
    return "\n".join(tables)


def parquet_tables(tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """The tables as Parquet, by file name."""
    files = {}
    for name, frame in tables.items():
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        files[f"{name}.parquet"] = stream.getvalue()
    return files


def _headings(view: DatasetView) -> list[str]:
    metrics = [view.metric(name) for name in headline_first(view.scored_metrics)]
    scores = [f"{metric.name} {ARROWS[metric.facts['better']]}" for metric in metrics]
    return ["method", "seeds", *scores, *COST_HEADINGS]


def _caption(view: DatasetView) -> str:
    scores = f"Scores on {view.name} at {budget_text(view.trials)} per trial."
    return " ".join([scores, settings_sentence(view.tables.settings), CAPTION, *notes_on(view)])


def _published_caption(view: DatasetView) -> str:
    return (
        f"Published figures on {view.name} beside measured ones, with 95 % intervals; "
        "where a figure is not counted, the last column has the reason."
    )


def _published(view: DatasetView) -> list[list[str]]:
    """The rows of published figures, with a cell for each of `PUBLISHED_HEADINGS`."""
    table = []
    for row in view.published_rows:
        figures = [row.method, row.metric, row.published, row.measured, row.seeds]
        table.append([*figures, row.verdict, row.where, row.why or "–"])
    return table


def _markdown_row(row: Row) -> list[str]:
    scores = [f"**{score.text}**" if score.best else score.text for score in row.scores.values()]
    return [_plain(row.label), _plain(row.seeds), *scores, *row.costs]


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are Markdown already."""
    return tabulate(rows, list(map(_plain, headings)), tablefmt="github", disable_numparse=True)


def _plain(text: str) -> str:
    """A text in Markdown that shows as it is."""
    return MARKDOWN_MARKUP.sub(r"\\\1", _line(text))


def _tex_row(row: Row) -> list[str]:
    scores = map(_tex_score, row.scores.values())
    return [_tex(row.label), _tex(row.seeds), *scores, *map(_tex, row.costs)]


def _tex_score(score: Score) -> str:
    text = _tex(score.text)
    return rf"\textbf{{{text}}}" if score.best else text


def _tex(text: str) -> str:
    """A text in LaTeX that shows as it is."""
    return _line(text).translate(TEX_ESCAPES)


def _line(text: str) -> str:
    """One line without control characters: names may come from strangers."""
    return printable(" ".join(text.split()))


def _latex_table(caption: str, columns: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose caption and cells are LaTeX already."""
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _latex_row(list(map(_tex, headings))),
        r"\midrule",
        *map(_latex_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
