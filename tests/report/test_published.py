"""Published figures beside measured ones, from records made by hand."""

import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats
from support.made_up import made_up_run, paper_run

from benchmark import load_results
from benchmark.errors import UsageError
from benchmark.plan.plan import Request, make_plan
from benchmark.records.results import read_results
from benchmark.report.pictures.axis_helpers import GREY
from benchmark.report.pictures.published_drawing import PUBLISHED_LABELS, draw_published
from benchmark.report.statistics.over_seeds import mean_interval
from benchmark.report.styles import styles_of
from benchmark.report.tables.published import MARKS, published_rows, tally
from benchmark.report.tables.published_figures import read_published
from benchmark.report.tables.tables import make_tables
from benchmark.report.view import MetricView
from benchmark.report.write import write_report
from benchmark.suites import SUITES

NAN = math.nan
NEAR = [6.0, 6.5, 7.0, 6.0, 6.5]
"""Modes of seeds whose interval holds the 6.3 that PacGAN's table has for GAN on the ring, and not the 1 of VEEGAN's."""

FAR = [3.0, 3.5, 4.0, 3.0, 3.5]
STACKED = {"suite": "veegan-2017", "dataset": "stacked-mnist"}


def table_of(root, scores, **facts):
    """The published figures beside those of a run, by paper, table and setting."""
    table = make_tables(read_results(paper_run(root, scores, **facts))).published
    return table.set_index(
        table["paper"].str.cat([table["table"], table["setting"]], sep=", ").str.removesuffix(", ")
    ).rename_axis("place")


def own(root, scores, **facts):
    """The row of GAN on the ring in PacGAN's table."""
    return table_of(root, scores, **facts).loc["pacgan-2018, Table 1"]


def test_a_figure_of_the_suites_own_experiment_is_inside_or_outside(tmp_path):
    near, far = own(tmp_path / "near", {"gan": NEAR}), own(tmp_path / "far", {"gan": FAR})
    assert (near["verdict"], near["why"], near["n"]) == ("inside", "", 5)
    assert (far["verdict"], far["why"], far["n"]) == ("outside", "", 5)
    assert tuple(near[["n", "measured", "measured_low", "measured_high"]]) == pytest.approx(
        mean_interval(NEAR)
    )
    half = stats.t.ppf(0.975, 9) * 0.5
    assert tuple(near[["published", "published_low", "published_high", "runs"]]) == pytest.approx(
        (6.3, 6.3 - half, 6.3 + half, 10)
    )


def test_the_ends_of_an_interval_belong_to_it(tmp_path):
    assert own(tmp_path / "ties", {"gan": [6.3] * 3})["verdict"] == "inside"
    beside = own(tmp_path / "beside", {"gan": [6.4] * 3})
    assert (beside["verdict"], beside["why"]) == ("outside", "all seeds tie: an interval of no width")


def test_the_interval_of_a_published_figure_is_known_with_its_kind_and_its_runs(tmp_path, monkeypatch):
    figures = read_published()
    kinds = {"standard error": (10, 0.5), "standard deviation": (16, 0.5 / 4), "not stated": (10, NAN)}
    for kind, (runs, error) in kinds.items():
        other = figures.assign(uncertainty_kind=kind, runs=pd.array([runs] * len(figures), "Int64"))
        monkeypatch.setattr("benchmark.report.tables.published.read_published", lambda other=other: other)
        row = own(tmp_path / kind, {"gan": NEAR})
        half = stats.t.ppf(0.975, runs - 1) * error
        assert tuple(row[["published_low", "published_high"]]) == pytest.approx(
            (6.3 - half, 6.3 + half), nan_ok=True
        )
    for runs in (1, None):
        other = figures.assign(runs=pd.array([runs] * len(figures), "Int64"))
        monkeypatch.setattr("benchmark.report.tables.published.read_published", lambda other=other: other)
        assert own(tmp_path / str(runs), {"gan": NEAR})[["published_low", "published_high"]].isna().all()


def test_a_figure_of_another_protocol_is_not_comparable(tmp_path):
    row = table_of(tmp_path, {"gan": [1.0] * 5}).loc["veegan-2017, Table 1"]
    assert (row["published"], row["measured"], row["verdict"], row["why"]) == (
        1,
        1,
        "not comparable",
        "another protocol (veegan-2017)",
    )


def test_a_copied_figure_is_not_comparable(tmp_path):
    table = table_of(tmp_path, {"dcgan": [99.0] * 5}, **STACKED)
    assert table["verdict"].value_counts().to_dict() == {"inside": 1, "not comparable": 7}
    assert table.loc["veegan-2017, Table 2", "verdict"] == "inside"
    assert table.loc["r3gan-2024, Table 3", "why"] == "copied from veegan-2017"
    assert list(table.loc["pacgan-2018, Table 3, D = 1/4 G", "why"]) == [
        "copied from unrolled-2017",
        "another protocol (pacgan-2018)",
    ]
    assert list(table.loc["pacgan-2018, Table 2", "why"]) == [
        "copied from veegan-2017",
        "another protocol (pacgan-2018)",
    ]


def test_a_figure_whose_origin_is_not_stated_is_not_comparable(tmp_path, monkeypatch):
    figures = read_published()
    figures.loc[figures["suite"] == "pacgan-2018", "copied_from"] = "not stated"
    monkeypatch.setattr("benchmark.report.tables.published.read_published", lambda: figures)
    row = own(tmp_path, {"gan": NEAR})
    assert (row["verdict"], row["why"]) == ("not comparable", "copied; from where is not stated")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ring.batch": 64}, "this run changed ring.batch"),
        ({"gan.lr": 1e-3, "ring.samples": 500}, "this run changed gan.lr, ring.samples"),
        ({"gan.lr": 1e-3}, "this run changed gan.lr"),
    ],
)
def test_after_a_change_of_settings_nothing_is_comparable(tmp_path, changed, why):
    row = own(tmp_path, {"gan": NEAR}, changed=changed)
    assert (row["verdict"], row["why"], row["measured"]) == ("not comparable", why, 6.4)


def test_a_change_of_what_is_scored_besides_changes_nothing(tmp_path):
    row = own(tmp_path, {"gan": NEAR}, changed={"ring.evaluations": 3, "ring.samples_large": 0})
    assert (row["verdict"], row["why"]) == ("inside", "")


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        ("80000steps", "after 80000 of the suite's 400000 steps"),
        ("800000steps", "after 800000 steps, not the suite's 400000"),
        ("5e+11flops", "at 5e+11flops, not the suite's 400000steps"),
        ("some time", "at some time, not the suite's 400000steps"),
    ],
)
def test_at_another_budget_the_verdict_says_so(tmp_path, budget, why):
    near, far = (
        own(tmp_path / name, {"gan": scores}, budget=budget)
        for name, scores in (("near", NEAR), ("far", FAR))
    )
    assert (near["verdict"], near["why"]) == ("inside, at another budget", why)
    assert (far["verdict"], far["why"]) == ("outside, at another budget", why)
    both = own(tmp_path / "both", {"gan": NEAR}, budget=budget, changed={"ring.batch": 64})
    assert (both["verdict"], both["why"]) == ("not comparable", f"this run changed ring.batch; {why}")


def test_the_same_budget_in_other_words_is_no_other(tmp_path):
    assert own(tmp_path, {"gan": NEAR}, budget="4e5steps")["verdict"] == "inside"


def test_one_seed_has_no_interval(tmp_path):
    row = own(tmp_path / "one", {"gan": [6.3]})
    assert (row["verdict"], row["why"], row["n"], row["measured"]) == (
        "not comparable",
        "one seed: no interval",
        1,
        6.3,
    )
    assert np.isnan(row["measured_low"])
    row = own(tmp_path / "short", {"gan": [6.3]}, budget="5steps")
    assert row["why"] == "one seed: no interval; after 5 of the suite's 400000 steps"


def test_seeds_that_are_not_in_the_mean_are_told(tmp_path):
    row = own(tmp_path / "one", {"gan": [*NEAR, None]})
    assert (row["verdict"], row["why"], row["n"]) == ("inside", "1 of 6 seeds diverged", 5)
    row = own(tmp_path / "some", {"gan": [6.3, None, None, NAN]})
    assert (row["verdict"], row["why"]) == (
        "not comparable",
        "one seed: no interval; 2 of 4 seeds diverged; 1 of 4 seeds without a value",
    )
    row = own(tmp_path / "all", {"gan": [None, None]})
    assert (row["verdict"], row["why"], row["n"]) == ("not comparable", "2 of 2 seeds diverged", 0)
    assert np.isnan(row["measured"])
    table = table_of(tmp_path / "others", {"gan": [*NEAR, None]})
    assert table.loc["veegan-2017, Table 1", "why"] == "another protocol (veegan-2017); 1 of 6 seeds diverged"


def test_a_method_without_a_record_or_a_figure_has_no_row(tmp_path):
    table = table_of(tmp_path, {"gan": NEAR, "ali": ["failed"], "aegan": NEAR, "real-data": [8.0]})
    assert set(table["method"]) == {"gan"}


@pytest.mark.parametrize(
    ("suite", "dataset", "methods"),
    [
        ("pacgan-2018", "ring", ("ali", "pacgan2")),
        ("pacgan-2018", "grid", ("ali", "pacgan2")),
        ("veegan-2017", "grid", ("veegan",)),
    ],
)
def test_what_a_suite_plans_is_comparable_with_its_paper(tmp_path, suite, dataset, methods):
    plan = make_plan(Request(suite, (0,), datasets=(dataset,), methods=methods))
    for planned in plan:
        name, configuration = planned.cell.method.name, planned.cell.configuration
        if name in methods:
            settings = {key: value for key, value in configuration["dataset"].items() if key != "name"}
            store = made_up_run(
                tmp_path / name,
                {dataset: {name: [1.0, 2.0]}},
                suite=suite,
                name="high_quality",
                data=settings,
                methods={name: planned.cell.method.settings},
                metric=configuration["metrics"]["high_quality"],
                budget=planned.cell.budget,
            )
            table = make_tables(read_results(store)).published
            mine = table[table["paper"] == suite]
            assert len(mine) > 0
            assert set(mine["verdict"]) <= {"inside", "outside"}
            assert set(mine["why"]) == {""}


def test_figures_whose_settings_are_not_public_are_not_compared(tmp_path):
    """VEEGAN's table of the ring: neither its baselines' settings nor its own are known."""
    table = table_of(tmp_path, {"gan": NEAR}, suite="veegan-2017", dataset="ring")
    mine = table[table["paper"] == "veegan-2017"]
    assert list(mine["verdict"]) == ["not comparable"]
    assert list(mine["why"]) == ["its settings are not public"]
    assert [row.mark for row in published_rows(mine)] == ["§"]
    assert (
        tally("veegan-2017", table)
        == "No published figure of the protocol veegan-2017 is about the methods, datasets and metrics of this run."
    )


def test_a_tally_counts_what_is_comparable(tmp_path):
    scores = {"gan": NEAR, "ali": NEAR, "pacgan2": FAR}
    table = table_of(tmp_path, scores)
    assert len(table) == 5
    assert (
        tally("pacgan-2018", table)
        == "2 of 3 published figures lie inside our 95 % intervals (Table 1 of pacgan-2018)."
    )
    assert (
        tally("pacgan-2018", table[table["method"] == "gan"])
        == "1 of 1 published figure lies inside our 95 % intervals (Table 1 of pacgan-2018)."
    )
    notebook = table_of(tmp_path / "grid", {"veegan": [24.0, 25.0]}, suite="veegan-2017", dataset="grid")
    assert (
        tally("veegan-2017", notebook)
        == "2 of 2 published figures lie inside our 95 % intervals (Table 1, notebook output of veegan-2017)."
    )


def test_without_anything_to_count_a_tally_says_why(tmp_path):
    short = table_of(tmp_path / "short", {"gan": NEAR, "ali": FAR}, budget="80000steps")
    told = "Not counted (after 80000 of the suite's 400000 steps): 1 of 2 published figures lie inside our 95 % intervals (Table 1 of pacgan-2018)."
    assert tally("pacgan-2018", short) == told
    one = table_of(tmp_path / "one", {"gan": [6.0], "ali": [NAN, NAN]}, budget="80000steps")
    told = "No published figure is compared with this run: one seed: no interval; after 80000 of the suite's 400000 steps."
    assert tally("pacgan-2018", one) == told
    changed = table_of(tmp_path / "changed", {"gan": NEAR, "ali": [6.0]}, changed={"ring.batch": 7})
    assert (
        tally("pacgan-2018", changed)
        == "No published figure is compared with this run: this run changed ring.batch."
    )
    both = pd.concat(
        [changed, table_of(tmp_path / "both", {"gan": NEAR}, changed={"ring.batch": 7, "gan.lr": 1.0})]
    )
    assert (
        tally("pacgan-2018", both)
        == "No published figure is compared with this run: this run changed ring.batch, gan.lr."
    )
    none = table_of(tmp_path / "none", {"aegan": NEAR})
    assert (
        tally("pacgan-2018", none)
        == "No published figure of the protocol pacgan-2018 is about the methods, datasets and metrics of this run."
    )


@pytest.mark.parametrize(("suite", "method"), [("unrolled-2017", "unrolled"), ("wgan-gp-2017", "wgan-gp")])
def test_a_suite_whose_sources_give_no_figures_says_so(tmp_path, suite, method):
    write_report(paper_run(tmp_path, {method: NEAR}, suite=suite))
    page = (tmp_path / "report.html").read_text()
    sentence = f"The sources of {suite} give no figures: there is nothing to hold this run against."
    assert page.count(f'<p class="answer">{sentence}</p>') == 2
    table = pd.read_csv(tmp_path / "published.csv")
    assert list(table["why"]) == (["another protocol (veegan-2017)"] if method == "unrolled" else [])
    assert ("No published figure is about these methods and metrics on ring." in page) == (
        method == "wgan-gp"
    )
    assert (tmp_path / "plots" / "ring-published.png").exists() == (method == "unrolled")


def test_rows_in_words_have_what_is_compared_first_and_a_mark_on_the_others(tmp_path):
    rows = published_rows(table_of(tmp_path / "ring", {"gan": NEAR, "ali": [6.6]}))
    assert [(row.method, row.mark, row.kind) for row in rows] == [
        ("gan", "", 0),
        ("gan", "†", 2),
        ("ali", "†", 2),
        ("ali", "‡", 2),
    ]
    assert (rows[0].published, rows[0].where, rows[0].measured, rows[0].seeds) == (
        "6.3 [5.2, 7.4]",
        "pacgan-2018, Table 1",
        "6.4 [5.9, 6.9]",
        "5",
    )
    assert rows[1].published == "1"
    rows = published_rows(table_of(tmp_path / "short", {"gan": NEAR, "ali": [6.6]}, budget="80000steps"))
    assert [(row.method, row.mark, row.kind) for row in rows] == [
        ("gan", "¶", 1),
        ("gan", "†", 2),
        ("ali", "†", 2),
        ("ali", "‡", 2),
    ]
    rows = published_rows(table_of(tmp_path / "stacked", {"dcgan": [99.0, 98.0]}, **STACKED))
    assert [row.mark for row in rows].count("*") == 4
    assert {row.mark for row in rows} - {""} <= set(MARKS)
    assert "pacgan-2018, Table 3, D = 1/2 G" in [row.where for row in rows]


def section_of(page):
    return page[
        page.index('<section aria-labelledby="published">') : page.index('<section aria-labelledby="pairs">')
    ]


def test_a_page_has_figures_protocol_and_reasons(tmp_path):
    write_report(paper_run(tmp_path, {"gan": NEAR, "ali": FAR, "pacgan2": [8.0, 7.0, None]}))
    page = (tmp_path / "report.html").read_text()
    sentence = "2 of 3 published figures lie inside our 95 % intervals (Table 1 of pacgan-2018)."
    assert sentence in page[: page.index("</header>")]
    assert '<a href="#published">Published beside measured</a>' in page
    section = section_of(page)
    assert sentence in section
    text = re.sub(r"<[^>]*>", "", section).replace("&#39;", "'")
    protocol = SUITES["pacgan-2018"].protocol
    for told in (
        protocol.paper,
        protocol.code,
        *protocol.gives,
        *protocol.open,
        *protocol.chosen,
        *MARKS.values(),
    ):
        assert told in text
    compared, muted = re.findall(r"<tbody(.*?)</tbody>", section, re.DOTALL)
    assert (compared.count("<tr>"), muted.count("<tr>")) == (3, 2)
    assert compared.startswith(">")
    assert muted.startswith(' class="calibration">')
    assert "1 of 3 seeds diverged" in compared
    assert muted.count("another protocol (veegan-2017)") == 2
    assert "<b>" not in section
    assert section.count("<svg viewBox") == 1
    assert (
        "Published and measured modes on ring: gan 6.3 [5.2, 7.4] (pacgan-2018, Table 1), measured 6.4 [5.9, 6.9]"
        in section
    )
    assert "gan 1 (veegan-2017, Table 1, not comparable)" in section


def test_a_page_sets_figures_for_another_budget_apart(tmp_path):
    write_report(paper_run(tmp_path, {"gan": NEAR, "ali": FAR}, budget="80000steps"))
    section = section_of((tmp_path / "report.html").read_text())
    otherwise, muted = re.findall(r"<tbody(.*?)</tbody>", section, re.DOTALL)
    assert (otherwise.count("<tr>"), muted.count("<tr>")) == (2, 2)
    assert otherwise.startswith(">")
    assert otherwise.count("6.3 [5.2, 7.4]¶") == 1
    assert muted.startswith(' class="calibration">')
    assert re.findall(r"</svg> (published, [^<]*)<", section) == [
        "published, at another budget",
        "published, not comparable",
    ]
    assert "gan 6.3 [5.2, 7.4] (pacgan-2018, Table 1, at another budget), measured" in section


def test_what_is_not_comparable_has_no_rank_and_is_in_no_verdict(tmp_path):
    table = table_of(tmp_path, {"gan": NEAR})
    before = tally("pacgan-2018", table)
    assert tally("pacgan-2018", table[table["verdict"] != "not comparable"]) == before
    assert "rank" not in table


def test_a_run_of_another_suite_has_none_of_it(tmp_path):
    store = made_up_run(tmp_path, {"ring": {"gan": NEAR}}, name="modes", suite="synthetic")
    assert make_tables(read_results(store)).published.columns.empty
    write_report(store)
    assert not (tmp_path / "published.csv").exists()
    assert not (tmp_path / "plots" / "ring-published.png").exists()
    for file in ("report.html", "summary.md", "summary.tex"):
        assert "ublished" not in (tmp_path / file).read_text()


def test_a_damaged_table_costs_the_section_and_not_the_report(tmp_path, monkeypatch, capsys):
    def broken():
        raise UsageError("published.csv: is missing")

    store = paper_run(tmp_path, {"gan": NEAR})
    monkeypatch.setattr("benchmark.report.tables.published.read_published", broken)
    assert write_report(store).problems == ["published.csv: is missing"]
    assert "benchmark: published.csv: is missing\n" in capsys.readouterr().err
    assert 'id="published"' not in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "published.csv").exists()
    assert load_results(tmp_path).tables.published.empty
    assert "benchmark: published.csv: is missing\n" in capsys.readouterr().err


def drawn(table, trials, styles):
    axes = Figure().add_subplot()
    facts = {
        "better": "higher",
        "bounds": [0.0, 8.0],
        "best": None,
        "scale": "linear",
        "ranked": True,
        "samples": 5,
    }
    nothing = pd.DataFrame()
    metric = MetricView("modes", "ring", facts, styles, trials, nothing, nothing, nothing, nothing, table)
    draw_published(axes, metric)
    return axes


def test_a_picture_has_ours_and_theirs_and_what_is_not_comparable_is_hollow_and_grey(tmp_path):
    tables = make_tables(read_results(paper_run(tmp_path, {"gan": NEAR, "aegan": NEAR, "ali": [None, 6.6]})))
    axes = drawn(tables.published, tables.trials, styles_of(["gan", "aegan", "ali"]))
    by_label = {
        label: [line for line in axes.lines if line.get_label() == label] for label in PUBLISHED_LABELS
    }
    assert [text.get_text() for text in axes.get_xticklabels()] == ["gan", "ali\n1 diverged"]
    means, seeds, compared, otherwise, others = (by_label[label] for label in PUBLISHED_LABELS)
    assert otherwise == []
    taken = [x for line in (*means, *seeds) for x in line.get_xdata()]
    assert len(set(taken)) == len(taken)  # no seed is hidden behind another, or behind the mean
    assert [line.get_ydata()[0] for line in means] == [6.4, 6.6]
    assert [sorted(line.get_ydata()) for line in seeds] == [sorted(NEAR), [6.6]]
    assert [line.get_ydata()[0] for line in compared] == [6.3]
    assert [line.get_ydata()[0] for line in others] == [1.0, 2.8, 6.6]
    assert all((line.get_markerfacecolor(), line.get_color()) == ("none", GREY) for line in others)
    assert all(line.get_markerfacecolor() != "none" and line.get_color() != GREY for line in compared)
    ends = [tuple(path.vertices[:, 1]) for collection in axes.collections for path in collection.get_paths()]
    half = stats.t.ppf(0.975, 9) * np.array([0.5, 0.3])
    assert [end for end in ends if not np.isnan(end).any()] == [
        pytest.approx(mean_interval(NEAR)[2:]),
        pytest.approx((6.3 - half[0], 6.3 + half[0])),
        pytest.approx((6.6 - half[1], 6.6 + half[1])),
    ]


def test_a_figure_for_another_budget_is_hollow_and_not_grey(tmp_path):
    tables = make_tables(read_results(paper_run(tmp_path, {"gan": NEAR}, budget="80000steps")))
    lines = {
        line.get_label(): line for line in drawn(tables.published, tables.trials, styles_of(["gan"])).lines
    }
    assert set(lines) == {*PUBLISHED_LABELS} - {"published, this protocol"}
    otherwise, other = lines["published, at another budget"], lines["published, not comparable"]
    assert (list(otherwise.get_ydata()), otherwise.get_markerfacecolor(), other.get_color()) == (
        [6.3],
        "none",
        GREY,
    )
    assert otherwise.get_color() != GREY


def test_a_method_without_a_value_is_drawn_as_such(tmp_path):
    tables = make_tables(read_results(paper_run(tmp_path, {"gan": [None, None]})))
    axes = drawn(tables.published, tables.trials, styles_of(["gan"]))
    assert [text.get_text() for text in axes.texts] == ["n/a"]


def test_files_hold_the_figures(tmp_path):
    pytest.importorskip("pyarrow")
    store = paper_run(tmp_path, {"gan": NEAR, "ali": FAR})
    write_report(store, ["parquet"])
    table = pd.read_csv(tmp_path / "published.csv", keep_default_na=False)
    assert list(table.columns) == [
        *(
            "dataset",
            "method",
            "metric",
            "paper",
            "table",
            "setting",
            "published",
            "published_low",
            "published_high",
            "runs",
        ),
        *("measured", "measured_low", "measured_high", "n", "verdict", "why"),
    ]
    assert list(table["published"]) == [1, 6.3, 2.8, 6.6]
    assert len(pd.read_parquet(tmp_path / "published.parquet")) == 4
    assert (tmp_path / "plots" / "ring-published.png").stat().st_size > 5000
    markdown, latex = ((tmp_path / f"summary.{form}").read_text() for form in ("md", "tex"))
    assert "Published figures on ring beside measured ones" in markdown
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in markdown.splitlines()
        if "outside" in line
    ]
    assert cells == [
        ["ali", "modes", "6.6 [5.9, 7.3]", "3.4 [2.9, 3.9]", "5", "outside", "pacgan-2018, Table 1", "–"]
    ]
    assert (
        r"gan & modes & 1 & 6.4 {[}5.9, 6.9] & 5 & not comparable & veegan-2017, Table 1 & another protocol (veegan-2017) \\"
        in latex
    )
    assert latex.count(r"\begin{tabular}") == 2
    assert "textbf" not in latex.split(r"\end{table}")[1]


def test_the_figures_are_there_in_python(tmp_path):
    write_report(paper_run(tmp_path, {"gan": NEAR}))
    results = load_results(tmp_path)
    assert list(results.tables.published["verdict"]) == ["not comparable", "inside"]
    assert results.figure("ring", "published").axes[0].get_title() == "modes (higher is better)"


def test_tables_whose_records_were_taken_away_are_left_alone(tmp_path):
    """As in results/reference: a report of no record would be an empty one in their place."""
    store = paper_run(tmp_path, {"gan": NEAR})
    write_report(store)
    shutil.rmtree(tmp_path / "trials")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for read in (lambda: write_report(store), lambda: load_results(tmp_path)):
        with pytest.raises(UsageError, match="holds tables without the records that they were made of"):
            read()
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_run_without_a_trial_yet_has_a_report(tmp_path):
    store = paper_run(tmp_path, {})
    assert not (tmp_path / "trials").exists()
    for _ in range(2):
        assert write_report(store).problems == []
