"""What the page contains."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from support.made_up import ForeignBudget, made_up_run, report_of
from support.views import ALI, GAN, NEAR, OVERLAP, SEEDS, html_rows, html_table, page_text

from benchmark import load_results
from benchmark.records.results import read_run
from benchmark.records.schema import CALIBRATION_ROWS, STANDARD_ROWS
from benchmark.records.store import Store
from benchmark.report.pictures.charts import Chart
from benchmark.report.pictures.own_style import own_style
from benchmark.report.pictures.svg import PAGE_STYLE, to_svg
from benchmark.report.styles import CALIBRATION_DASHES, dash_array

CURVES = {"ring": {"gan": [[0.3, 0.5], [0.2, 0.6]], "ali": [[0.1, 0.2], [0.3, 0.4]]}}


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ("5e11flops", "FLOPs"),
        ("5steps", "generator steps"),
        ("2e6samples", "real samples seen"),
        ("60s", "device-seconds"),
    ],
)
def test_curves_are_drawn_against_what_the_budget_is_of(tmp_path, budget, name):
    store = made_up_run(tmp_path, CURVES, budget=budget)
    assert report_of(store).problems == []
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r'name="against" id="[^"]*" checked> ([^<]*)<', page) == [name]
    axes = load_results(tmp_path).figure("ring", "curves").axes
    assert {part.get_xlabel() for part in axes} == {f"{name} per trial"}
    axes = load_results(tmp_path).figure("ring", "curves", against="flops").axes
    assert {part.get_xlabel() for part in axes} == {"FLOPs per trial"}


def test_a_page_that_grows_too_large_leaves_out_what_matters_least_and_says_so(tmp_path, monkeypatch):
    scores = {dataset: {"a": NEAR, "b": NEAR[::-1]} for dataset in ("ring", "grid")}
    store = made_up_run(tmp_path, scores)
    report_of(store)
    whole = (tmp_path / "report.html").read_text()
    assert "left out here" not in whole
    monkeypatch.setattr("benchmark.report.page.page.LARGEST_PAGE_BYTES", 10_000)
    report_of(store)
    part = (tmp_path / "report.html").read_text()
    assert "tables or pictures are left out here" in part
    assert part.count("<svg viewBox") < whole.count("<svg viewBox")
    assert part.count("<tr>") < whole.count("<tr>")
    assert "No differences are shown here; see pairwise.csv." in part


def test_without_a_finished_method_there_is_a_page_that_says_so(tmp_path):
    report_of(made_up_run(tmp_path, {"ring": {"a": ["failed"], "collapsed": [1.0]}}))
    page = (tmp_path / "report.html").read_text()
    assert "No method has finished yet." in page
    assert "Failed, and not in any figure: a on ring (seed 0)." in page


class _Tags(HTMLParser):
    """Checks that every element which is opened is closed, and collects what the page refers to."""

    EMPTY = ("meta", "img", "input", "br", "line", "path", "use", "rect")

    def __init__(self):
        super().__init__()
        self.open, self.references = [], []

    def handle_starttag(self, tag, attributes):
        references = ("src", "href", "xlink:href", "action", "srcset")
        self.references += [value for name, value in attributes if name in references]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_refers_to_nothing_outside_of_it(tiny):
    text = (tiny / "report.html").read_text()
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in tags.references)
    assert "default-src 'none'" in text
    assert "url(" not in text.replace("url(#", "")


def test_the_page_is_the_same_when_it_is_made_again(cli, tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    assert cli("report", copy)[0] == 0
    assert (copy / "report.html").read_bytes() == (tiny / "report.html").read_bytes()


@pytest.mark.long
def test_a_thousand_trials_make_a_page_of_less_than_five_megabytes(tmp_path):
    trials = [list(0.1 * seed + np.arange(20.0)) for seed in range(SEEDS)]
    methods = {f"method-{i}": trials for i in range(28)}
    report_of(made_up_run(tmp_path, dict.fromkeys(("ring", "grid", "high-dimensional"), methods)))
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 3 * 28 * SEEDS > 1000
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_the_headline_is_the_first_column_and_the_rows_are_in_its_order(tmp_path):
    overlap = {"real-data": [0.9], "collapsed": [0.1], "noise": [0.2], "gan": [0.5, 0.6], "ali": [0.7, 0.8]}
    modes = {"real-data": [8.0], "collapsed": [1.0], "noise": [5.0], "gan": [8.0, 8.0], "ali": [6.0, 7.0]}
    store = made_up_run(tmp_path, {"ring": modes}, others={"overlap": {"scores": overlap}})
    assert report_of(store).problems == []
    table = html_table((tmp_path / "report.html").read_text(), 'data-dataset="ring"')
    headings = re.findall("<th scope=.col.*?</th>", table)
    texts = [re.sub("<[^>]*>", "", heading) for heading in headings]
    assert texts == ["method", "seeds", "overlap ↑", "score ↑", "FLOPs per sample", "evaluations"]
    methods = re.findall(r'<th scope="row">(?:<svg.*?</svg>)?\s*([a-z-]+)', table)
    assert methods == ["ali", "gan", "real-data", "collapsed", "noise"]


def test_calibration_rows_have_a_line_of_their_own_in_legend_and_pictures(tmp_path):
    assert list(CALIBRATION_DASHES) == list(CALIBRATION_ROWS)
    assert len(set(CALIBRATION_DASHES.values())) == len(CALIBRATION_ROWS)
    curves = [[0.1, value] for value in GAN]
    report_of(made_up_run(tmp_path, {"ring": {**OVERLAP, "gan": curves, "ali": ALI}}))
    page = (tmp_path / "report.html").read_text()
    keys = re.findall(r'<line [^>]*stroke-dasharray="([^"]*)"/></svg> (real-data|collapsed|noise)</li>', page)
    assert {name: dashes for dashes, name in keys} == {
        name: dash_array(CALIBRATION_DASHES[name]) for name in STANDARD_ROWS
    }
    for dashes, _ in keys:
        assert f"stroke-dasharray: {dashes.replace(' ', ',')}" in page
    assert "dashed: real data, dotted: collapsed, dash-dotted: noise" in page_text(tmp_path)
    assert "two dummies that have learnt nothing" in page_text(tmp_path)


@pytest.mark.parametrize(("suite", "noted"), [("stacked-mnist", True), ("synthetic", False)])
def test_notes_of_the_suite_stand_beneath_the_table(tmp_path, suite, noted):
    dataset = "stacked-mnist" if noted else "ring"
    note = (
        "gan is fully connected on images, with about eleven times the parameters of dcgan "
        "at the default width."
    )
    scores = {dataset: {**OVERLAP, "gan": GAN, "ali": ALI}}
    store = made_up_run(tmp_path / "with", scores, suite=suite, name="overlap")
    assert report_of(store).problems == []
    assert (note in page_text(tmp_path / "with")) == noted
    assert (note in (tmp_path / "with" / "summary.md").read_text()) == noted
    assert (note in (tmp_path / "with" / "summary.tex").read_text()) == noted
    scores = {dataset: {**OVERLAP, "dcgan": GAN, "ali": ALI}}
    report_of(made_up_run(tmp_path / "without", scores, suite=suite, name="overlap"))
    assert "fully connected on images, with about" not in page_text(tmp_path / "without")


def test_pairs_are_shown_with_their_shares_and_tests(tmp_path):
    spread = {"better": "one", "ranked": False, "scores": {"gan": [0.9] * 5, "ali": [0.5] * 5}}
    scores = {"ring": {**OVERLAP, "gan": GAN, "ali": ALI}, "grid": {"gan": [0.5, 0.6], "ali": [0.3, None]}}
    report_of(made_up_run(tmp_path, scores, name="overlap", others={"within_mode_std": spread}))
    page = (tmp_path / "report.html").read_text()
    assert 'aria-label="Differences of overlap on ring"' in page
    assert "Differences of within_mode_std on ring" not in page
    p = f"{load_results(tmp_path).pairwise['p'][0]:.2g}"
    expected = {"ring": ["gan", "ali", "0.050 [0.027, 0.073]", "100 %", "5", p, "gan"]}
    expected["grid"] = ["gan", "ali", "0.2500", "100 %", "2 and 1", "none can succeed", "–"]
    for dataset, row in expected.items():
        opening = f'<table class="sortable" aria-label="Differences of overlap on {dataset}"'
        assert html_rows(html_table(page, opening)) == [row]


def test_the_table_of_metrics_tells_how_each_is_compared(tmp_path):
    halves = {"gan": [0.5] * 5, "ali": [0.5] * 5}
    others = {
        "fid": {"better": "lower", "scale": "log", "scores": halves},
        "within_mode_std": {"better": "one", "ranked": False, "scores": halves},
    }
    scores = {"ring": {**OVERLAP, "gan": GAN, "ali": ALI}}
    report_of(made_up_run(tmp_path, scores, name="overlap", others=others))
    page = (tmp_path / "report.html").read_text()
    rows = html_rows(html_table(page, '<table aria-label="How to read each metric">'))
    metrics, *_, comparisons, _ = zip(*rows, strict=True)
    assert dict(zip(metrics, comparisons, strict=True)) == {
        "overlap": "differences",
        "fid": "quotients",
        "within_mode_std": "not compared by it",
    }


def test_an_unfinished_run_is_said_to_be_unfinished(tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    shutil.rmtree(copy / "trials" / "ring" / "gan")
    results = read_run(copy)
    assert results.missing == [("ring", "gan", 0), ("ring", "gan", 1)]
    report_of(Store(copy))
    assert "Unfinished: 2 of 40 trials are missing (gan on ring)." in (copy / "report.html").read_text()
    assert "Unfinished" not in (tiny / "report.html").read_text()


def test_settings_of_a_method_are_told_by_dataset_where_they_differ(tmp_path):
    scores = {dataset: {"gan": [1.0, 2.0], "ali": [1.0, 2.0]} for dataset in ("ring", "grid")}
    methods = {
        "ring": {"gan": {"lr": 0.125}, "ali": {"lr": 0.25}},
        "grid": {"gan": {"lr": 0.125}, "ali": {"lr": 0.5}},
    }
    configuration = {"datasets": {"ring": {}, "grid": {}}, "methods": methods}
    report_of(made_up_run(tmp_path, scores, configuration=configuration))
    text = " ".join(re.sub("<[^>]*>", " ", (tmp_path / "report.html").read_text()).split())
    assert "gan lr = 0.125" in text
    assert "ali on ring lr = 0.25" in text
    assert "ali on grid lr = 0.5" in text
    assert "gan on ring" not in text


@pytest.mark.parametrize(
    ("budget", "equal"),
    [
        ("5e+11flops", "compute"),
        ("100000steps", "numbers of generator updates"),
        ("2e+06samples", "numbers of real samples"),
        ("60s", "time"),
        (ForeignBudget("whatever"), "budgets"),
    ],
)
def test_the_heading_says_what_was_equal(tmp_path, budget, equal):
    report_of(made_up_run(tmp_path, {"ring": {"gan": [1.0, 2.0], "ali": [1.0, 2.0]}}, budget=budget))
    page = (tmp_path / "report.html").read_text()
    assert f"<h1>Which method covers the distribution, at equal {equal}?</h1>" in page


def test_a_picture_is_made_smaller_and_its_labels_stay_as_they_are():
    def draw(axes):
        axes.plot([0.0, 0.00123456], [0.0, 1 / 3])
        axes.set_xticks([0.00123456], ["0.00123456"])

    chart = Chart(draw, "title $x^{$", "title", 'a "picture" of <two> points')
    with own_style(PAGE_STYLE):
        picture = to_svg(chart)
    assert 'aria-label="a &quot;picture&quot; of &lt;two&gt; points"' in picture
    assert ">0.00123456<" in picture
    assert "title $x^{$" in picture
    assert "currentColor" in picture
    decimals = re.findall(r"\d+\.(\d+)", " ".join(re.findall(r"<[^>]*>", picture)))
    assert max(map(len, decimals)) == 2
