"""What a report has of published figures, from records made by hand."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats
from support.made_up import made_up_run, paper_run, report_of
from support.published import FAR, NEAR

from benchmark import load_results
from benchmark.errors import UsageError
from benchmark.records.results import read_run
from benchmark.report.pictures.axis_helpers import GREY
from benchmark.report.pictures.published_drawing import PUBLISHED_LABELS, draw_published
from benchmark.report.statistics.over_seeds import mean_interval
from benchmark.report.tables.published_words import MARKS
from benchmark.report.tables.tables import make_tables
from benchmark.report.view import DatasetView
from benchmark.suites import get_suite


@pytest.mark.parametrize(
    ("suite", "method", "metric", "elsewhere"),
    [
        ("unrolled-2017", "unrolled", "modes", ["another protocol (veegan-2017)"]),
        ("wgan-gp-2017", "wgan-gp", "modes", ["another protocol (gdpp-2019)"]),
        ("wgan-gp-2017", "wgan-gp", "kl", []),
    ],
)
def test_a_suite_whose_sources_give_no_figures_says_so(tmp_path, suite, method, metric, elsewhere):
    report_of(paper_run(tmp_path, {method: NEAR}, suite=suite, name=metric))
    page = (tmp_path / "report.html").read_text()
    sentence = f"The sources of {suite} give no figures: there is nothing to hold this run against."
    assert page.count(f'<p class="answer">{sentence}</p>') == 2
    table = pd.read_csv(tmp_path / "published.csv")
    assert list(table["why"]) == elsewhere
    nothing = "No published figure is about these methods and metrics on ring."
    assert (nothing in page) == (not elsewhere)
    assert (tmp_path / "plots" / "ring-published.png").exists() == bool(elsewhere)


def section_of(page):
    """The part of a page about published figures."""
    start = page.index('<section aria-labelledby="published">')
    return page[start : page.index('<section aria-labelledby="pairs">')]


def test_a_page_has_figures_protocol_and_reasons(tmp_path):
    report_of(paper_run(tmp_path, {"gan": NEAR, "ali": FAR, "pacgan2": [8.0, 7.0, None]}))
    page = (tmp_path / "report.html").read_text()
    sentence = "2 of 3 published figures lie inside our 95 % intervals (Table 1 of pacgan-2018)."
    assert sentence in page[: page.index("</header>")]
    assert '<a href="#published">Published beside measured</a>' in page
    section = section_of(page)
    assert sentence in section
    text = re.sub(r"<[^>]*>", "", section).replace("&#39;", "'")
    protocol = get_suite("pacgan-2018").protocol
    parts = (*protocol.gives, *protocol.open, *protocol.chosen)
    for sentence in (protocol.paper, protocol.code, *parts, *MARKS.values()):
        assert sentence in text
    compared, muted = re.findall(r"<tbody(.*?)</tbody>", section, re.DOTALL)
    assert (compared.count("<tr>"), muted.count("<tr>")) == (3, 2)
    assert compared.startswith(">")
    assert muted.startswith(' class="calibration">')
    assert "1 of 3 seeds diverged" in compared
    assert muted.count("another protocol (veegan-2017)") == 2
    assert "<b>" not in section
    assert section.count("<svg viewBox") == 1
    title = "Published and measured modes on ring: "
    assert title + "gan 6.3 [5.2, 7.4] (pacgan-2018, Table 1), measured 6.4 [5.9, 6.9]" in section
    assert "gan 1 (veegan-2017, Table 1, not comparable)" in section


def test_a_page_sets_figures_for_another_budget_apart(tmp_path):
    report_of(paper_run(tmp_path, {"gan": NEAR, "ali": FAR}, budget="80000steps"))
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


def test_a_run_of_another_suite_has_none_of_it(tmp_path):
    store = made_up_run(tmp_path, {"ring": {"gan": NEAR}}, name="modes", suite="synthetic")
    assert make_tables(read_run(store.root)).published.columns.empty
    report_of(store)
    assert not (tmp_path / "published.csv").exists()
    assert not (tmp_path / "plots" / "ring-published.png").exists()
    for file in ("report.html", "summary.md", "summary.tex"):
        text = (tmp_path / file).read_text().lower()
        assert "published figures" not in text
        assert "published beside" not in text


def test_a_damaged_table_costs_the_section_and_not_the_report(tmp_path, monkeypatch, capsys):
    def broken():
        raise UsageError("published.csv: is missing")

    store = paper_run(tmp_path, {"gan": NEAR})
    monkeypatch.setattr("benchmark.report.tables.published.read_published", broken)
    assert report_of(store).problems
    assert "benchmark: published.csv: is missing\n" in capsys.readouterr().err
    assert 'id="published"' not in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "published.csv").exists()
    assert load_results(tmp_path).tables.published.empty
    assert "benchmark: published.csv: is missing\n" in capsys.readouterr().err


@pytest.fixture
def draw(tmp_path):
    """Writes a run, and draws its modes beside the published ones."""

    def draw_run(scores, **parts):
        store = paper_run(tmp_path, scores, **parts)
        results = read_run(store.root)
        axes = Figure().add_subplot()
        draw_published(axes, DatasetView(store, results, make_tables(results), "ring").metric("modes"))
        return axes

    return draw_run


def test_a_picture_has_ours_and_theirs_and_what_is_not_comparable_is_hollow_and_grey(draw):
    axes = draw({"gan": NEAR, "aegan": NEAR, "ali": [None, 6.6]})
    assert [text.get_text() for text in axes.get_xticklabels()] == ["gan", "ali\n1 diverged"]
    lines_of = {label: [] for label in PUBLISHED_LABELS}
    for line in axes.lines:
        if line.get_label() in lines_of:
            lines_of[line.get_label()].append(line)
    means, seeds, compared, otherwise, others = lines_of.values()
    assert otherwise == []
    places = np.concatenate([line.get_xdata() for line in (*means, *seeds)])
    assert len(set(places)) == len(places)  # no seed is hidden behind another, or behind the mean
    assert [line.get_ydata()[0] for line in means] == [6.4, 6.6]
    assert [sorted(line.get_ydata()) for line in seeds] == [sorted(NEAR), [6.6]]
    assert [line.get_ydata()[0] for line in compared] == [6.3]
    assert [line.get_ydata()[0] for line in others] == [1.0, 2.8, 6.6]
    assert all((line.get_markerfacecolor(), line.get_color()) == ("none", GREY) for line in others)
    assert all(line.get_markerfacecolor() != "none" and line.get_color() != GREY for line in compared)
    ends = []
    for collection in axes.collections:
        ends += [tuple(path.vertices[:, 1]) for path in collection.get_paths()]
    half = stats.t.ppf(0.975, 9) * np.array([0.5, 0.3])
    measured = mean_interval(NEAR)
    assert [end for end in ends if not np.isnan(end).any()] == [
        pytest.approx((measured.low, measured.high)),
        pytest.approx((6.3 - half[0], 6.3 + half[0])),
        pytest.approx((6.6 - half[1], 6.6 + half[1])),
    ]


def test_a_figure_for_another_budget_is_hollow_and_not_grey(draw):
    axes = draw({"gan": NEAR}, budget="80000steps")
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) == {*PUBLISHED_LABELS} - {"published, this protocol"}
    otherwise, other = lines["published, at another budget"], lines["published, not comparable"]
    assert (list(otherwise.get_ydata()), otherwise.get_markerfacecolor(), other.get_color()) == (
        [6.3],
        "none",
        GREY,
    )
    assert otherwise.get_color() != GREY


def test_a_method_without_a_value_is_drawn_as_such(draw):
    axes = draw({"gan": [None, None]})
    assert [text.get_text() for text in axes.texts] == ["n/a"]


def test_files_hold_the_figures(tmp_path):
    pytest.importorskip("pyarrow")
    store = paper_run(tmp_path, {"gan": NEAR, "ali": FAR})
    report_of(store, ["parquet"])
    table = pd.read_csv(tmp_path / "published.csv", keep_default_na=False)
    assert list(table.columns) == [
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
        "measured",
        "measured_low",
        "measured_high",
        "n",
        "verdict",
        "why",
    ]
    assert list(table["published"]) == [1, 6.3, 2.8, 6.6]
    assert len(pd.read_parquet(tmp_path / "published.parquet")) == 4
    assert (tmp_path / "plots" / "ring-published.png").stat().st_size > 5000
    markdown = (tmp_path / "summary.md").read_text()
    assert "Published figures on ring beside measured ones" in markdown
    (outside,) = [line for line in markdown.splitlines() if "outside" in line]
    cells = ["ali", "modes", "6.6 [5.9, 7.3]", "3.4 [2.9, 3.9]", "5", "outside", "pacgan-2018, Table 1", "–"]
    assert [cell.strip() for cell in outside.split("|")] == ["", *cells, ""]
    latex = (tmp_path / "summary.tex").read_text()
    row = r"gan & modes & 1 & 6.4 {[}5.9, 6.9] & 5 & not comparable & veegan-2017, Table 1 & "
    assert row + r"another protocol (veegan-2017) \\" in latex
    assert latex.count(r"\begin{tabular}") == 2
    assert "textbf" not in latex.split(r"\end{table}")[1]


def test_the_figures_are_there_in_python(tmp_path):
    report_of(paper_run(tmp_path, {"gan": NEAR}))
    results = load_results(tmp_path)
    assert list(results.tables.published["verdict"]) == ["not comparable", "inside"]
    assert results.figure("ring", "published").axes[0].get_title() == "modes (higher is better)"


def files_below(folder):
    """The bytes of all files below a directory."""
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_tables_whose_records_were_taken_away_are_left_alone(tmp_path):
    """As in results/reference: a report of no record would be an empty one in their place."""
    store = paper_run(tmp_path, {"gan": NEAR})
    report_of(store)
    shutil.rmtree(tmp_path / "trials")
    before = files_below(tmp_path)
    for read in (lambda: report_of(store), lambda: load_results(tmp_path)):
        with pytest.raises(UsageError, match="holds tables without the records that they were made of"):
            read()
    assert files_below(tmp_path) == before


def test_a_run_without_a_trial_yet_has_a_report(tmp_path):
    store = paper_run(tmp_path, {})
    assert not (tmp_path / "trials").exists()
    for _ in range(2):
        assert not report_of(store).problems
