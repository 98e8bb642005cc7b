"""The tables in other forms: Markdown and LaTeX for papers and pages, Parquet for programs."""

import io
import re
from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate

from benchmark.errors import printable
from benchmark.report.axes import ARROWS
from benchmark.report.display import budget_text
from benchmark.report.plots import Shown
from benchmark.report.scores import Score, score_rows

__all__ = ["latex_tables", "markdown_tables", "parquet_tables", "to_markdown"]

TEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {character: f"{{{character}}}" for character in "[*"}  # which, where a row begins, would belong to the end of the one above
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"±": r"$\pm$", "−": "$-$", "–": "--", "→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"}
)
"""What LaTeX takes for markup, and the signs of ours that it needs told."""

MARKUP = re.compile(r"([\\|`*<&~$#]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_]))")
"""What Markdown takes for markup within a line: brackets only in a link, and no underscore within a word."""


def to_markdown(frame: pd.DataFrame) -> str:
    """A frame of texts as a table; what would be markup in one shows as it is."""
    return _markdown(list(frame.columns), frame.to_numpy().tolist())


def markdown_tables(shown: Sequence[Shown]) -> str:
    """`summary.md`: the scores of every dataset."""
    parts = []
    for part in shown:
        table = _markdown(_headings(part), [[row.method, row.seeds, *row.scores.values()] for row in score_rows(part)])
        parts.append(f"## {_plain(part.name)}\n\n{_plain(_caption(part))} Bold: not told apart from the best.\n\n{table}\n")
    return "\n".join(parts)


def latex_tables(shown: Sequence[Shown]) -> str:
    """`summary.tex`: the same for `\\input` with the package booktabs, a `table` per dataset."""
    return "\n".join(_latex(part) for part in shown)


def parquet_tables(tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """The tables by file name."""
    files = {}
    for name, frame in tables.items():
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        files[f"{name}.parquet"] = stream.getvalue()
    return files


def _headings(shown: Shown) -> list[str]:
    arrows = [f"{metric} {ARROWS[shown.results.facts(shown.name, metric)['better']]}" for metric in shown.scored]
    return ["method", "seeds", *arrows]


def _caption(shown: Shown) -> str:
    return f"Scores on {shown.name} at {budget_text(shown.trials)} per trial: mean and half of the 95 % Student-t interval over seeds."


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str | Score]]) -> str:
    cells = [[_plain(cell) if isinstance(cell, str) else f"**{cell.text}**" if cell.best else cell.text for cell in row] for row in rows]
    return tabulate(cells, [_plain(name) for name in headings], tablefmt="github", disable_numparse=True)


def _plain(text: str) -> str:
    return MARKUP.sub(r"\\\1", _line(text))


def _tex(text: str) -> str:
    return _line(text).translate(TEX)


def _line(text: str) -> str:
    """One line that steers nothing: names may come from strangers."""
    return printable(" ".join(text.split()))


def _latex(shown: Shown) -> str:
    headings = map(_tex, _headings(shown))
    lines = []
    for row in score_rows(shown):
        scores = [rf"\textbf{{{_tex(score.text)}}}" if score.best else _tex(score.text) for score in row.scores.values()]
        lines.append(" & ".join([_tex(row.method), _tex(row.seeds), *scores]) + r" \\")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(_caption(shown))} Bold: not told apart from the best.}}",
            rf"\begin{{tabular}}{{ll{'r' * len(shown.scored)}}}",
            r"\toprule",
            " & ".join(headings) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
