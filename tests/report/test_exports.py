"""The tables as Markdown and LaTeX."""

import re

import numpy as np
import pandas as pd
import pytest
from support.made_up import ForeignBudget
from support.views import (
    CALIBRATED,
    SCORES,
    STRANGERS,
    cells_of,
    markdown_rows,
    one_line,
    one_view,
    rows_of_latex,
    views_of,
)

from benchmark.report.exports.text import latex_tables, markdown_tables, to_markdown
from benchmark.report.scores import COST_HEADINGS, score_rows

LATEX_COMMANDS = [
    "begin",
    "end",
    "centering",
    "caption",
    "toprule",
    "midrule",
    "bottomrule",
    "textbf",
    "pm",
    "to",
    "uparrow",
    "downarrow",
    "textbackslash",
    "textasciitilde",
    "textasciicircum",
    "textless",
    "textgreater",
    "textbar",
]
"""The commands that our tables use."""


@pytest.mark.parametrize(
    ("better", "order", "arrow"),
    [("higher", ["gan", "ali"], "↑"), ("lower", ["ali", "gan"], "↓"), ("one", ["gan", "ali"], "→ 1")],
)
def test_the_order_and_the_arrow_are_those_of_the_metric(tmp_path, better, order, arrow):
    view = one_view(tmp_path, {"ring": {"ali": [0.5, 0.52], "gan": [0.9, 0.91]}}, better=better)
    assert [row.method for row in score_rows(view)] == order
    assert f"| score {arrow} " in markdown_tables([view])
    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→ 1": r"$\to$ 1"}
    costs = " & ".join(COST_HEADINGS)
    assert f"method & seeds & score {arrows[arrow]} & {costs} \\\\\n" in latex_tables([view])


def test_the_headline_is_the_first_column_and_orders_the_rows(tmp_path):
    others = {
        "overlap": {"scores": {"gan": [0.5, 0.6], "ali": [0.7, 0.8]}},
        "modes": {"scores": {"gan": [8.0, 8.0], "ali": [3.0, 4.0]}},
    }
    view = one_view(tmp_path, {"ring": {**CALIBRATED, "gan": [0.9, 0.8], "ali": [0.1, 0.2]}}, others=others)
    table = markdown_rows(markdown_tables([view]))
    assert table[0] == ["method", "seeds", "overlap ↑", "score ↑", "modes ↑", *COST_HEADINGS]
    assert [row[0] for row in table[2:]] == ["ali", "gan", "real-data", "collapsed", "noise"]
    assert [row[2] for row in table[2:4]] == ["**0.75 ± 0.64**", "**0.55 ± 0.64**"]
    scores = [r"overlap $\uparrow$", r"score $\uparrow$", r"modes $\uparrow$"]
    assert rows_of_latex(latex_tables([view]))[0] == ["method", "seeds", *scores, *COST_HEADINGS]


def test_markdown_holds_all_scores_of_every_dataset(tmp_path):
    parts = markdown_tables(views_of(tmp_path, SCORES)).split("## ")
    assert [part.splitlines()[0] for part in parts[1:]] == ["ring", "grid"]
    settings = "Settings: those of the suite, not searched."
    assert f"Scores on ring at 5steps per trial. {settings} Mean ± half-width" in parts[1]
    assert "Student-t interval over seeds; for metrics on a log" in parts[1]
    assert " Bold: cannot be distinguished from the best.\n\n|" in parts[1]
    table = markdown_rows(parts[1])
    assert table[0] == ["method", "seeds", "score ↑", *COST_HEADINGS]
    assert table[2:5] == [
        ["gan", "6 (and 1 failed)", "**0.900 ± 0.015**", "–", "–"],
        ["vae", "6", "**0.898 ± 0.014 (of 5)**", "–", "–"],
        ["ali", "5 (and 1 diverged)", "0.500 ± 0.020", "–", "–"],
    ]
    assert {len(row) for row in table} == {5}


def test_latex_holds_all_scores_of_every_dataset(tmp_path):
    ring, grid = latex_tables(views_of(tmp_path, SCORES)).split("\n\n")
    assert ring.startswith(
        "\\begin{table}\n\\centering\n\\caption{Scores on ring at 5steps per trial. "
        "Settings: those of the suite, not searched. Mean $\\pm$ half-width of the 95 \\% Student-t"
    )
    assert rows_of_latex(ring)[1:4] == [
        ["gan", "6 (and 1 failed)", r"\textbf{0.900 $\pm$ 0.015}", "--", "--"],
        ["vae", "6", r"\textbf{0.898 $\pm$ 0.014 (of 5)}", "--", "--"],
        ["ali", "5 (and 1 diverged)", r"0.500 $\pm$ 0.020", "--", "--"],
    ]
    assert rows_of_latex(grid)[1:] == [["gan", "2", r"2.000e$-$07 $\pm$ 1.3e$-$06", "--", "--"]]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_would_be_markup_in_markdown_shows_as_it_is(name):
    table = to_markdown(pd.DataFrame({name: [name], "b": ["x"]}))
    head, rule, row = table.splitlines()
    assert cells_of(head) == [one_line(name), "b"]
    assert cells_of(row) == [one_line(name), "x"]
    assert re.fullmatch(r"\|-+\|-+\|", rule)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", table)
    assert not re.search(r"[\\`*<&~$#]|\]\(|\]\[|\b_|_\b", bare)


@pytest.mark.parametrize(
    "text",
    [
        "high_quality",
        "within_mode_std → 1",
        "0.03 [−0.11, 0.18]",
        "wgan-gp",
        "5 of 6 → 4 of 6",
        "after − before [95 %]",
    ],
)
def test_what_is_no_markup_stays_legible(text):
    assert f"| {text} |" in to_markdown(pd.DataFrame({"a": [text]}))


@pytest.mark.parametrize("name", STRANGERS)
def test_no_name_breaks_a_table(tmp_path, name):
    views = views_of(
        tmp_path, {name: {name: [0.5, 0.6], "ali": [0.1, 0.2]}}, name, budget=ForeignBudget(name)
    )
    markdown, latex = markdown_tables(views), latex_tables(views)
    table = markdown_rows(markdown)
    assert [len(row) for row in table] == [5] * 4
    assert (table[0][2], table[2][0]) == (f"{one_line(name)} ↑", one_line(name))
    assert f"Scores on {one_line(name)} at {one_line(name)} per trial." in re.sub(r"\\(.)", r"\1", markdown)
    assert len(markdown.splitlines()) == 8
    assert [len(row) for row in rows_of_latex(latex)] == [5] * 3
    assert len(latex.splitlines()) == 12
    assert all(character.isprintable() for character in (markdown + latex).replace("\n", ""))
    plain = re.sub(r"\\[&%$#_{}]", "", latex)
    assert not re.search(
        r"[#%^~<>|]", re.sub(r"\\text(backslash|asciitilde|asciicircum|less|greater|bar)\{\}", "", plain)
    )
    assert set(re.findall(r"\\([A-Za-z]+)", plain)) <= set(LATEX_COMMANDS)
    assert re.sub(r"\$(\\[a-z]+|-)\$", "", plain).count("$") == 0
    depths = np.cumsum([{"{": 1, "}": -1}.get(character, 0) for character in plain])
    assert depths.min() >= 0
    assert depths[-1] == 0
    assert not re.search(r"(\\\\|rule)\s*[*\[]", plain)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a&b%c$d#e_f{g}h", r"a\&b\%c\$d\#e\_f\{g\}h"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("a<b>c|d", r"a\textless{}b\textgreater{}c\textbar{}d"),
        ("[*]", "{[}{*}]"),
        ("± − – → ↑ ↓", r"$\pm$ $-$ -- $\to$ $\uparrow$ $\downarrow$"),
        ("a\n\nb\x1b", r"a b\textbackslash{}x1b"),
    ],
)
def test_what_would_be_markup_in_latex_shows_as_it_is(tmp_path, name, text):
    assert rows_of_latex(latex_tables(views_of(tmp_path, {"ring": {name: [0.5]}})))[1][0] == text


def test_a_run_without_any_method_has_no_tables(tmp_path):
    assert (markdown_tables([]), latex_tables([])) == ("", "")
    assert to_markdown(pd.DataFrame({"a": [], "b": []})).splitlines()[0] == "| a   | b   |"
