"""The tables and curves of a run in other forms."""

import importlib.util
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.made_up import SPENT, made_up_run

from benchmark.records.results import read_run
from benchmark.report.exports.tensorboard import write_event_files
from benchmark.report.exports.text import latex_tables, markdown_tables, parquet_tables, to_markdown
from benchmark.report.scores import score_rows
from benchmark.report.tables.tables import make_tables
from benchmark.report.view import DatasetView

NAN = float("nan")
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
KNOWN = [
    *(
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
    ),
    *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"),
]
STRANGERS = [
    *(
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
    ),
    *(
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
    ),
]


def shown_of(root, scores, rename="score", **facts):
    """What there is to show of each dataset of a run whose metric has another name."""
    store = made_up_run(root, scores, **facts)
    results = read_run(store.root)
    renamed = json.loads(json.dumps(results.records).replace('"score"', json.dumps(rename)))
    results = replace(results, records=renamed)
    return [DatasetView(store, results, make_tables(results), dataset) for dataset in results.datasets]


def cells_of(row):
    """The cells of a row of a Markdown table, without the backslashes before punctuation."""
    assert re.fullmatch(r"\|(?:\\.|[^\\|])*(?:\|(?:\\.|[^\\|])*)*\|", row)
    return [
        re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell).strip()
        for cell in re.findall(r"((?:\\.|[^\\|])*)\|", row)[1:]
    ]


def one_line(name):
    """How a name is shown where only one line of what can be printed is."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(name.split()))


def rows_of_latex(text):
    """The rows of a table, headings first, each as its cells."""
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0].replace("\\midrule\n", "")
    assert all(row.endswith(r" \\") for row in body.strip().splitlines())
    return [re.split(r" *(?<!\\)& *", row.removesuffix(r" \\")) for row in body.strip().splitlines()]


def test_scores_are_ranked_and_the_best_are_those_that_cannot_be_told_apart(tmp_path):
    shown = shown_of(tmp_path, SCORES)[0]
    rows = score_rows(shown)
    assert [row.method for row in rows] == [
        "gan",
        "vae",
        "ali",
        "kde",
        "aae",
        "real-data",
        "collapsed",
        "noise",
    ]
    assert [row.seeds for row in rows] == [
        "6 (and 1 failed)",
        "6",
        "5 (and 1 diverged)",
        "1",
        "0 (and 1 failed)",
        "1",
        "1",
        "1",
    ]
    assert [row.scores["score"].text for row in rows] == [
        "0.900 ± 0.015",
        "0.898 ± 0.014 (of 5)",
        "0.500 ± 0.020",
        "–",
        "–",
        "1",
        "0",
        "0.2500",
    ]
    assert [row.scores["score"].best for row in rows] == [True, True, *[False] * 6]
    assert [row.scores["score"].mean for row in rows] == pytest.approx(
        [0.9, 4.49 / 5, 0.5, NAN, NAN, 1, 0, 0.25], nan_ok=True
    )


@pytest.mark.parametrize(
    ("better", "order", "arrow"),
    [("higher", ["gan", "ali"], "↑"), ("lower", ["ali", "gan"], "↓"), ("one", ["gan", "ali"], "→ 1")],
)
def test_the_order_and_the_arrow_are_those_of_the_metric(tmp_path, better, order, arrow):
    (shown,) = shown_of(tmp_path, {"ring": {"ali": [0.5, 0.52], "gan": [0.9, 0.91]}}, better=better)
    assert [row.method for row in score_rows(shown)] == order
    assert f"| score {arrow} " in markdown_tables([shown])
    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→ 1": r"$\to$ 1"}
    assert f"method & seeds & score {arrows[arrow]} \\\\\n" in latex_tables([shown])


def test_a_single_method_is_not_marked_as_best(tmp_path):
    (shown,) = shown_of(tmp_path, {"ring": {**CALIBRATED, "gan": [0.5, 0.6]}})
    assert not any(row.scores["score"].best for row in score_rows(shown))


def test_of_a_metric_that_does_not_rank_no_score_is_marked(tmp_path):
    scores = {"ring": {**CALIBRATED, "gan": [0.9, 0.91, 0.92, 0.93, 0.94], "ali": [0.1, 0.2, 0.3, 0.4, 0.5]}}
    others = {
        "within_mode_std": {"better": "one", "ranked": False, "scores": {"gan": [0.9] * 5, "ali": [0.5] * 5}}
    }
    (shown,) = shown_of(tmp_path / "beside", scores, others=others)
    assert [
        [row.scores[name].best for row in score_rows(shown)[:2]] for name in ("score", "within_mode_std")
    ] == [[True, False], [False, False]]
    assert [row.scores["within_mode_std"].text for row in score_rows(shown)] == [
        "0.9000 ± 0",
        "0.5000 ± 0",
        "–",
        "–",
        "–",
    ]
    (shown,) = shown_of(tmp_path / "alone", scores, ranked=False)
    assert "**" not in markdown_tables([shown])
    assert "textbf" not in latex_tables([shown])


def test_the_headline_is_the_first_column_and_orders_the_rows(tmp_path):
    others = {
        "overlap": {"scores": {"gan": [0.5, 0.6], "ali": [0.7, 0.8]}},
        "modes": {"scores": {"gan": [8.0, 8.0], "ali": [3.0, 4.0]}},
    }
    (shown,) = shown_of(
        tmp_path, {"ring": {**CALIBRATED, "gan": [0.9, 0.8], "ali": [0.1, 0.2]}}, others=others
    )
    table = [cells_of(line) for line in markdown_tables([shown]).splitlines() if line.startswith("|")]
    assert table[0] == ["method", "seeds", "overlap ↑", "score ↑", "modes ↑"]
    assert [row[0] for row in table[2:]] == ["ali", "gan", "real-data", "collapsed", "noise"]
    assert [row[2] for row in table[2:4]] == ["**0.75 ± 0.64**", "**0.55 ± 0.64**"]
    assert rows_of_latex(latex_tables([shown]))[0] == [
        "method",
        "seeds",
        *(rf"{name} $\uparrow$" for name in ("overlap", "score", "modes")),
    ]


def test_the_best_are_marked_metric_by_metric(tmp_path):
    others = {"modes": {"scores": {"gan": [1.0, 1.1, 1.2, 1.3, 1.4], "ali": [8.0, 8.1, 8.2, 8.3, 8.4]}}}
    scores = {"ring": {"gan": [0.9, 0.91, 0.92, 0.93, 0.94], "ali": [0.1, 0.2, 0.3, 0.4, 0.5]}}
    (shown,) = shown_of(tmp_path, scores, others=others)
    marked = {
        row.method: [name for name, score in row.scores.items() if score.best] for row in score_rows(shown)
    }
    assert marked == {"gan": ["score"], "ali": ["modes"]}


def test_on_a_logarithmic_scale_the_median_is_told(tmp_path):
    scores = {
        "ring": {"gan": [1.0, 2.0, 3.0, 4.0, 5.0, 900.0], "ali": [0.5, None, None], "vae": [0.5, 0.75, None]}
    }
    (shown,) = shown_of(tmp_path, scores, better="lower", scale="log")
    rows = {row.method: row.scores["score"] for row in score_rows(shown)}
    assert rows["gan"].text == "4 [1, 900]"
    assert rows["gan"].mean == 3.5
    # Where a diverged trial stands there is no number.
    assert np.isnan(rows["ali"].mean)
    assert rows["vae"].text == "0.7500"


def test_a_median_that_falls_on_a_diverged_trial_everywhere_breaks_nothing(tmp_path):
    (shown,) = shown_of(
        tmp_path, {"ring": {"gan": [0.5, None, None], "ali": [0.7, None, None]}}, better="lower", scale="log"
    )
    assert [row.scores["score"].text for row in score_rows(shown)] == ["–", "–"]


def test_markdown_holds_all_scores_of_every_dataset(tmp_path):
    parts = markdown_tables(shown_of(tmp_path, SCORES)).split("## ")
    assert [part.splitlines()[0] for part in parts[1:]] == ["ring", "grid"]
    assert (
        "Scores on ring at 5steps per trial. Mean ± half of the 95 % Student-t interval over seeds; of metrics on a log"
        in parts[1]
    )
    assert " Bold: not told apart from the best.\n\n|" in parts[1]
    table = [cells_of(line) for line in parts[1].splitlines() if line.startswith("|")]
    assert table[0] == ["method", "seeds", "score ↑"]
    assert table[2:5] == [
        ["gan", "6 (and 1 failed)", "**0.900 ± 0.015**"],
        ["vae", "6", "**0.898 ± 0.014 (of 5)**"],
        ["ali", "5 (and 1 diverged)", "0.500 ± 0.020"],
    ]
    assert {len(row) for row in table} == {3}


def test_latex_holds_all_scores_of_every_dataset(tmp_path):
    ring, grid = latex_tables(shown_of(tmp_path, SCORES)).split("\n\n")
    assert ring.startswith(
        "\\begin{table}\n\\centering\n\\caption{Scores on ring at 5steps per trial. Mean $\\pm$ half of the 95 \\% Student-t"
    )
    assert rows_of_latex(ring)[1:4] == [
        ["gan", "6 (and 1 failed)", r"\textbf{0.900 $\pm$ 0.015}"],
        ["vae", "6", r"\textbf{0.898 $\pm$ 0.014 (of 5)}"],
        ["ali", "5 (and 1 diverged)", r"0.500 $\pm$ 0.020"],
    ]
    assert rows_of_latex(grid)[1:] == [["gan", "2", r"2.000e$-$07 $\pm$ 1.3e$-$06"]]


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
    shown = shown_of(tmp_path, {name: {name: [0.5, 0.6], "ali": [0.1, 0.2]}}, name, budget=name)
    markdown, latex = markdown_tables(shown), latex_tables(shown)
    table = [cells_of(line) for line in markdown.splitlines() if line.startswith("|")]
    assert [len(row) for row in table] == [3] * 4
    assert (table[0][2], table[2][0]) == (f"{one_line(name)} ↑", one_line(name))
    assert f"Scores on {one_line(name)} at {one_line(name)} per trial." in re.sub(r"\\(.)", r"\1", markdown)
    assert len(markdown.splitlines()) == 8
    assert [len(row) for row in rows_of_latex(latex)] == [3] * 3
    assert len(latex.splitlines()) == 12
    assert all(character.isprintable() for character in (markdown + latex).replace("\n", ""))
    plain = re.sub(r"\\[&%$#_{}]", "", latex)
    assert not re.search(
        r"[#%^~<>|]", re.sub(r"\\text(backslash|asciitilde|asciicircum|less|greater|bar)\{\}", "", plain)
    )
    assert set(re.findall(r"\\[A-Za-z]+", plain)) <= {f"\\{known}" for known in KNOWN}
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
    assert rows_of_latex(latex_tables(shown_of(tmp_path, {"ring": {name: [0.5]}})))[1][0] == text


def test_a_run_without_any_method_has_no_tables(tmp_path):
    assert (markdown_tables([]), latex_tables([])) == ("", "")
    assert to_markdown(pd.DataFrame({"a": [], "b": []})).splitlines()[0] == "| a   | b   |"


@pytest.mark.parametrize(
    "scores",
    [COURSES, SCORES, {"ring": {**CALIBRATED, "gan": [None, "failed"]}}],
    ids=["courses", "scores", "nothing"],
)
def test_parquet_holds_the_tables(tmp_path, scores):
    pytest.importorskip("pyarrow")
    tables = make_tables(read_run(made_up_run(tmp_path, scores).root)).files
    files = parquet_tables(tables)
    assert list(files) == [f"{name}.parquet" for name in tables]
    for name, frame in tables.items():
        (tmp_path / "file").write_bytes(files[f"{name}.parquet"])
        read = pd.read_parquet(tmp_path / "file")
        pd.testing.assert_frame_equal(read, frame.reset_index(drop=True), check_exact=True)


def scalars(folder):
    """All scalars of the event files in a folder by trial, metric and step."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = {}
    for place in sorted({file.parent for file in folder.rglob("events.out.tfevents.*")}):
        events = accumulator.EventAccumulator(str(place)).Reload()
        for tag in events.Tags()["scalars"]:
            found |= {
                (*place.relative_to(folder).parts, tag, event.step): event.value
                for event in events.Scalars(tag)
            }
    return found


def test_event_files_hold_the_curves_and_nothing_of_an_earlier_report(tmp_path):
    pytest.importorskip("tensorboard")
    folder = tmp_path / "tensorboard"
    for scores in ({"ring": {"old": [[9.0, 9.0]], "gan": [[9.0, 9.0, 9.0, 9.0]]}}, COURSES):
        curves = make_tables(read_run(made_up_run(tmp_path / f"run-{len(scores)}", scores).root)).curves
        curves["generator_steps"] *= 7
        write_event_files(folder, curves)
    values = {
        (row.dataset, row.method, f"seed-{row.seed}", row.metric, row.generator_steps): row.value
        for row in curves.itertuples()
    }
    expected = {place: np.float32(value) for place, value in values.items() if np.isfinite(value)}
    assert len(expected) == 7
    assert ("ring", "gan", "seed-0", "score", 21 * SPENT["generator_steps"]) in expected
    assert scalars(folder) == expected


@pytest.mark.parametrize("kind", ["link", "file"])
def test_event_files_are_not_written_through_a_link_or_over_a_file(tmp_path, kind):
    pytest.importorskip("tensorboard")
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.write_text("x")
    folder = tmp_path / "tensorboard"
    folder.symlink_to(kept.parent) if kind == "link" else folder.write_text("x")
    curves = make_tables(read_run(made_up_run(tmp_path / "run", {"ring": {"gan": [[0.1, 0.2]]}}).root)).curves
    with pytest.raises(OSError, match="is a link or a file"):
        write_event_files(folder, curves)
    assert list(kept.parent.iterdir()) == [kept]
    assert kept.read_text() == "x"
    assert folder.is_symlink() == (kind == "link")


def test_a_link_within_event_files_is_removed_and_not_followed(tmp_path):
    pytest.importorskip("tensorboard")
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.write_text("x")
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "ring").symlink_to(kept.parent)
    curves = make_tables(read_run(made_up_run(tmp_path / "run", {"ring": {"gan": [[0.1, 0.2]]}}).root)).curves
    write_event_files(tmp_path / "tensorboard", curves)
    assert list(kept.parent.iterdir()) == [kept]
    assert len(scalars(tmp_path / "tensorboard")) == 2


def test_a_report_writes_extras_where_they_are_asked_for(cli, tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("tensorboard")
    made_up_run(tmp_path, COURSES)
    assert cli("report", tmp_path)[0] == 0
    assert (tmp_path / "summary.md").read_text().startswith("## ring\n")
    assert (tmp_path / "summary.tex").read_text().startswith("\\begin{table}")
    assert not list(tmp_path.rglob("*.parquet"))
    assert not (tmp_path / "tensorboard").exists()
    assert cli("report", tmp_path, "--parquet", "--tensorboard")[0] == 0
    assert {file.stem for file in tmp_path.glob("*.parquet")} == {
        file.stem for file in tmp_path.glob("*.csv")
    }
    assert len(scalars(tmp_path / "tensorboard")) == 7
    (tmp_path / "tensorboard").rename(tmp_path / "elsewhere")
    (tmp_path / "tensorboard").symlink_to(tmp_path / "elsewhere")
    status, out, err = cli("report", tmp_path, "--tensorboard")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "tensorboard: is a link" in err
    assert len(scalars(tmp_path / "elsewhere")) == 7


@pytest.mark.parametrize(("extra", "library"), [("parquet", "pyarrow"), ("tensorboard", "tensorboard")])
@pytest.mark.parametrize("verb", ["run", "report", "config"])
def test_without_its_library_an_extra_is_bad_usage_before_anything_is_written(
    cli, tmp_path, monkeypatch, extra, library, verb
):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "benchmark.commands.run.find_spec", lambda name: None if name == library else found(name)
    )
    made_up_run(tmp_path / "made-up", {"ring": {"gan": [0.5]}})
    (tmp_path / "c.toml").write_text(f"{extra} = true")
    before = sorted(tmp_path.rglob("*"))
    run = ("run", "--suite", "synthetic", "--budget", "5steps", "--out", tmp_path / "run")
    command = {
        "run": (*run, f"--{extra}"),
        "config": (*run, "--config", tmp_path / "c.toml"),
        "report": ("report", tmp_path / "made-up", f"--{extra}"),
    }
    status, out, err = cli(*command[verb])
    assert (status, out) == (2, "")
    assert (
        err
        == f"benchmark: --{extra}: needs {library}, which is not installed; pip install 'mode-collapse-benchmark[{extra}]'\n"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [(), ("--parquet",), ("--tensorboard",)])
def test_a_report_needs_no_library_of_an_extra_that_is_not_asked_for(cli, tmp_path, monkeypatch, arguments):
    absent = {"--parquet": "tensorboard", "--tensorboard": "pyarrow"}
    monkeypatch.setattr(
        "benchmark.commands.run.find_spec",
        lambda name: None if name == absent.get(*arguments, name) else object(),
    )
    monkeypatch.setattr(
        "benchmark.report.write.write_report",
        lambda store, extras: extras == tuple(a.removeprefix("--") for a in arguments),
    )
    assert cli("report", made_up_run(tmp_path, {"ring": {"gan": [0.5]}}).root, *arguments)[0] == 0
