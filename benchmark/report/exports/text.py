"""The tables in other forms: Markdown and LaTeX for papers and pages, Parquet for programs."""

import io
import re
from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate

from benchmark.errors import printable
from benchmark.report.headline import headline_first
from benchmark.report.scores import CAPTION, Score, notes_on, score_rows
from benchmark.report.tables.published_words import published_rows
from benchmark.report.view import DatasetView
from benchmark.report.words import ARROWS, budget_text

__all__ = ["latex_tables", "markdown_tables", "parquet_tables", "to_markdown"]

TEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        character: f"{{{character}}}" for character in "[*"
    }  # which, where a row begins, would belong to the end of the one above
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"±": r"$\pm$", "−": "$-$", "–": "--", "→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"}
)
"""What LaTeX takes for markup, and the signs of ours that it needs told."""

PUBLISHED = ("method", "metric", "published", "measured", "seeds", "verdict", "where published", "why")

MARKUP = re.compile(r"([\\|`*<&~$#]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_]))")
"""What Markdown takes for markup within a line: brackets only in a link, and no underscore within a word."""


def to_markdown(frame: pd.DataFrame) -> str:
    """A frame of texts as a table; what would be markup in one shows as it is."""
    return _markdown(list(frame.columns), frame.to_numpy().tolist())


def markdown_tables(shown: Sequence[DatasetView]) -> str:
    """`summary.md`: the scores of every dataset, and published figures beside them where there are any."""
    parts = []
    for part in shown:
        table = _markdown(
            _headings(part), [[row.method, row.seeds, *row.scores.values()] for row in score_rows(part)]
        )
        parts.append(
            f"## {_plain(part.name)}\n\n{_plain(_caption(part))} Bold: not told apart from the best.\n\n{table}\n"
        )
        if part.published_metrics:
            parts.append(f"{_plain(_published_caption(part))}\n\n{_markdown(PUBLISHED, _published(part))}\n")
    return "\n".join(parts)


def latex_tables(shown: Sequence[DatasetView]) -> str:
    """`summary.tex`: the same for `\\input` with the package booktabs, a `table` per dataset."""
    return "\n".join(
        text
        for part in shown
        for text in (_latex(part), *([_latex_published(part)] if part.published_metrics else []))
    )


def parquet_tables(tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """The tables by file name."""
    files = {}
    for name, frame in tables.items():
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        files[f"{name}.parquet"] = stream.getvalue()
    return files


def _headings(shown: DatasetView) -> list[str]:
    arrows = [
        f"{metric} {ARROWS[shown.results.facts(shown.name, metric)['better']]}"
        for metric in headline_first(shown.scored_metrics)
    ]
    return ["method", "seeds", *arrows]


def _caption(shown: DatasetView) -> str:
    return " ".join(
        [f"Scores on {shown.name} at {budget_text(shown.trials)} per trial. {CAPTION}", *notes_on(shown)]
    )


def _published_caption(shown: DatasetView) -> str:
    return f"Published figures on {shown.name} beside measured ones, with 95 % intervals; where a figure is not counted, the last column says why."


def _published(shown: DatasetView) -> list[list[str]]:
    rows = published_rows(shown.tables.published)
    return [
        [
            row.method,
            row.metric,
            row.published,
            row.measured,
            row.seeds,
            row.verdict,
            row.where,
            row.why or "–",
        ]
        for row in rows
    ]


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str | Score]]) -> str:
    cells = [
        [
            _plain(cell) if isinstance(cell, str) else f"**{cell.text}**" if cell.best else cell.text
            for cell in row
        ]
        for row in rows
    ]
    return tabulate(cells, [_plain(name) for name in headings], tablefmt="github", disable_numparse=True)


def _plain(text: str) -> str:
    return MARKUP.sub(r"\\\1", _line(text))


def _tex(text: str) -> str:
    return _line(text).translate(TEX)


def _line(text: str) -> str:
    """One line that steers nothing: names may come from strangers."""
    return printable(" ".join(text.split()))


def _latex(shown: DatasetView) -> str:
    rows = [
        [_tex(row.method), _tex(row.seeds), *map(_tex_score, row.scores.values())]
        for row in score_rows(shown)
    ]
    return _latex_table(
        f"{_tex(_caption(shown))} Bold: not told apart from the best.",
        f"ll{'r' * len(shown.scored_metrics)}",
        _headings(shown),
        rows,
    )


def _latex_published(shown: DatasetView) -> str:
    rows = [[_tex(cell) for cell in row] for row in _published(shown)]
    return _latex_table(_tex(_published_caption(shown)), "llrrrlll", PUBLISHED, rows)


def _tex_score(score: Score) -> str:
    return rf"\textbf{{{_tex(score.text)}}}" if score.best else _tex(score.text)


def _latex_table(caption: str, columns: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose caption and cells are LaTeX already."""
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(map(_tex, headings)) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
