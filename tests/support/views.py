"""Views of runs written by hand, what the report makes of them, and tables read back."""

import html
import json
import re
from dataclasses import replace

from support.made_up import made_up_run
from support.numbers import NAN

from benchmark.records.results import read_run
from benchmark.report.caveats import caveats
from benchmark.report.tables.tables import make_tables
from benchmark.report.verdict import answer
from benchmark.report.view import DatasetView

PHONE = {"width": 390, "height": 844}

SEEDS = 12
NEAR = [5.0 + 0.1 * (i % 3) for i in range(SEEDS)]
FAR = [value - 2 - 0.1 * (i % 2) for i, value in enumerate(NEAR)]

OVERLAP = {"real-data": [0.97, 0.98], "collapsed": [0.1, 0.1], "noise": [0.2, 0.21]}
GAN, ALI = [0.34, 0.35, 0.36, 0.37, 0.38], [0.30, 0.31, 0.32, 0.33, 0.29]

CALIBRATED = {"real-data": [1.0], "collapsed": [0.0], "noise": [0.25]}
SCORES = {
    "ring": {
        **CALIBRATED,
        "ali": [0.5, 0.51, 0.49, 0.52, 0.48, None],
        "gan": [0.9, 0.91, 0.89, 0.92, 0.88, 0.9, "failed"],
        "vae": [0.9, 0.88, NAN, 0.9, 0.9, 0.91],
        "aae": ["failed"],
        "kde": [NAN],
    },
    "grid": {"gan": [1e-7, 3e-7]},
}
COURSES = {
    "ring": {**CALIBRATED, "gan": [[0.1, 0.2, 0.3], [0.4, None]], "ali": [[-1e-7, NAN, 1e30]]},
    "grid": {"gan": [[0.5], None, "failed"]},
}

STRANGERS = [
    "a|b",
    r"a\|b",
    "end\\",
    "<script>",
    "*a*",
    "_a_",
    "__a__",
    "`a`",
    "~~a~~",
    "$a$",
    "&lt;",
    "[a](b)",
    "[a][b]",
    "![a](b)",
    "#",
    "%",
    "^a~",
    "a\n\nb",
    "\x1b[31ma\x1b]0;b\x07",
    "\u202eab",
    "{a",
    "a}",
    "[1cm]",
    "a & b \\\\ c",
    r"\input{a}",
    "  a  ",
    "=1+1",
    "é",
]
"""Names that hold what could be markup."""


def views_of(root, scores, rename="score", **facts):
    """A view of each dataset of a run whose metric has another name; arguments as those of `made_up_run`."""
    store = made_up_run(root, scores, **facts)
    results = read_run(store.root)
    renamed = json.loads(json.dumps(results.records).replace('"score"', json.dumps(rename)))
    results = replace(results, records=renamed)
    tables = make_tables(results)
    return [DatasetView(store, results, tables, dataset) for dataset in results.datasets]


def one_view(root, scores, **facts):
    """The view of the only dataset of such a run."""
    (view,) = views_of(root, scores, **facts)
    return view


def answer_and_caveats(root, scores, better="higher", **facts):
    """The answer on the first dataset of such a run, and the caveats."""
    store = made_up_run(root, scores, better=better, **facts)
    results = read_run(store.root)
    tables = make_tables(results)
    views = [DatasetView(store, results, tables, name) for name in scores]
    return answer(views[0]), caveats(results, tables, views)


def answer_by_overlap(root, others, **scores):
    """The answer on a run of GAN and ALI scored by overlap, and the caveats; `others` are more metrics."""
    scores = {"ring": {**OVERLAP, "gan": GAN, "ali": ALI, **scores}}
    return answer_and_caveats(root, scores, name="overlap", modes=8, others=others)


def metrics_of_modes(modes, confident=None, spread=0.33):
    """Metrics beside the overlap, of GAN and ALI.

    `modes` and `confident` are numbers of modes by seed, `spread` is the spread within modes of GAN.
    """
    others = {
        "modes": {"scores": {"real-data": [8.0, 8.0], "gan": modes, "ali": [8.0] * 5}},
        "within_mode_std": {
            "better": "one",
            "ranked": False,
            "scores": {"real-data": [1.0, 1.0], "gan": [spread] * 5, "ali": [0.9] * 5},
        },
        "high_quality": {"scores": {"real-data": [0.99, 0.99], "gan": [0.8] * 5, "ali": [0.5] * 5}},
    }
    if confident:
        others["modes_confident"] = {"scores": {"gan": confident, "ali": confident}}
    return others


def page_text(out):
    """The words of a run's page, without markup."""
    page = re.sub("(?s)<(script|style)[^>]*>.*?</\\1>", " ", (out / "report.html").read_text())
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


def html_table(page, opening):
    """What follows an opening in a page, up to the end of the table."""
    return page.split(opening)[1].split("</table>")[0]


def html_rows(table):
    """The rows of the body of a table in HTML, each as its cells."""
    rows = re.findall("<tr><th scope=.row.*?</tr>", table)
    return [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def cells_of(row):
    """The cells of a row of a Markdown table, without the backslashes before punctuation."""
    assert re.fullmatch(r"\|(?:\\.|[^\\|])*(?:\|(?:\\.|[^\\|])*)*\|", row)
    cells = re.findall(r"((?:\\.|[^\\|])*)\|", row)[1:]
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell).strip() for cell in cells]


def markdown_rows(text):
    """The lines of the tables in a Markdown text, each as its cells."""
    return [cells_of(line) for line in text.splitlines() if line.startswith("|")]


def one_line(name):
    """A name in one line, with what cannot be printed as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(name.split()))


def rows_of_latex(text):
    """The rows of a LaTeX table, headings first, each as its cells."""
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0].replace("\\midrule\n", "")
    rows = body.strip().splitlines()
    assert all(row.endswith(r" \\") for row in rows)
    return [re.split(r" *(?<!\\)& *", row.removesuffix(r" \\")) for row in rows]
