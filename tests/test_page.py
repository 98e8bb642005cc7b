"""The page in a browser, and what it says."""

import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
from made_up import made_up_run, paper_run
from matplotlib import rc_context

from benchmark import load_results
from benchmark.report import write_report
from benchmark.report.findings import answer, caveats, listed
from benchmark.report.plots import Shown
from benchmark.report.results import read_results
from benchmark.report.svg import STYLE, to_svg
from benchmark.report.tables import make_tables
from benchmark.store import Store

PHONE = {"width": 390, "height": 844}
SEEDS = 12


@pytest.fixture(scope="session")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a run's page; fails if it complained or asked for anything besides itself."""
    complaints, contexts = [], []

    def open_(out, viewport=PHONE, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        file = (out / "report.html").resolve().as_uri()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.split("#")[0] == file or request.url.startswith("data:") else complaints.append(request.url),
        )
        page.goto(file)
        complaints[:] = [complaint for complaint in complaints if complaint != file and not complaint.startswith("data:")]
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def columns_of(page, dataset):
    """The cells of the first body of a dataset's table, by column."""
    rows = page.locator(f"table[data-dataset={dataset}] tbody:first-of-type tr")
    return list(zip(*[row.locator("th, td").all_inner_texts() for row in rows.all()], strict=True))


def test_a_table_has_a_row_per_method_and_the_calibration_rows_beneath(tiny, open_page):
    page = open_page(tiny)
    for dataset in ("ring", "high-dimensional"):
        methods = columns_of(page, dataset)[0]
        assert {method.strip() for method in methods} == {"gan", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan"}
        calibration = page.locator(f"table[data-dataset={dataset}] tbody.calibration th").all_inner_texts()
        assert [method.strip() for method in calibration] == ["real-data", "collapsed"]


@pytest.mark.parametrize("by", ["click", "keyboard"])
def test_a_heading_sorts_by_number_and_again_the_other_way(tiny, open_page, by):
    page = open_page(tiny)
    heading = page.locator("table[data-dataset=ring] thead th", has_text=re.compile("^kl ↓"))
    button = heading.get_by_role("button")
    summary = pd.read_csv(tiny / "summary.csv")
    means = summary[(summary["dataset"] == "ring") & (summary["metric"] == "kl")].set_index("method")["mean"]
    for state, ascending in (("ascending", True), ("descending", False)):
        if by == "click":
            button.click()
        else:
            button.focus()
            page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == state
        methods = [method.strip() for method in columns_of(page, "ring")[0]]
        assert methods == list(means[methods].sort_values(ascending=ascending).index)
    assert page.locator("table[data-dataset=ring] th[aria-sort=descending]").count() == 1
    assert page.locator("table[data-dataset=ring] tbody.calibration th").count() == 2


def test_one_switch_changes_what_all_curves_are_drawn_against(tiny, open_page):
    page = open_page(tiny)
    curves = page.locator(".courses .charts [class*=against-]")
    shown = {}
    for name in ("FLOPs", "device-seconds", "generator steps", "real samples seen"):
        page.get_by_label(name, exact=True).check()
        shown[name] = [i for i, chart in enumerate(curves.all()) if chart.is_visible()]
        texts = [curves.nth(i).locator("svg").get_attribute("aria-label") for i in shown[name]]
        assert texts
        assert all(f"against {name}," in text for text in texts)
    assert sorted(i for chosen in shown.values() for i in chosen) == list(range(curves.count()))


CURVES = {"ring": {"gan": [[0.3, 0.5], [0.2, 0.6]], "ali": [[0.1, 0.2], [0.3, 0.4]]}}


@pytest.mark.parametrize(
    ("budget", "name"), [("5e11flops", "FLOPs"), ("5steps", "generator steps"), ("2e6samples", "real samples seen"), ("60s", "device-seconds")]
)
def test_curves_are_drawn_against_what_the_budget_is_of(tmp_path, budget, name):
    store = made_up_run(tmp_path, CURVES, budget=budget)
    assert write_report(store)
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r'name="against" id="[^"]*" checked> ([^<]*)<', page) == [name]
    axes = load_results(tmp_path).figure("ring", "curves").axes
    assert {part.get_xlabel() for part in axes} == {f"{name} per trial"}
    axes = load_results(tmp_path).figure("ring", "curves", against="flops").axes
    assert {part.get_xlabel() for part in axes} == {"FLOPs per trial"}


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(tiny, open_page, width, scheme):
    page = open_page(tiny, {"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_text_stands_out_in_both_schemes(tiny, open_page):
    luminance = """(value) => value.match(/[0-9.]+/g).slice(0, 3).map((x) => x / 255)
        .map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4).reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0)"""
    for scheme in ("light", "dark"):
        page = open_page(tiny, color_scheme=scheme)
        paper = page.evaluate(f"({luminance})(getComputedStyle(document.body).backgroundColor)")
        for part in ("body", ".facts", "a", ".calibration", ".chart svg text"):
            ink = page.evaluate(f"({luminance})(getComputedStyle(document.querySelector('{part}')).{'fill' if 'svg' in part else 'color'})")
            light, dark = max(ink, paper), min(ink, paper)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{part} in the {scheme} scheme"


def test_every_picture_has_words_and_every_scrolling_part_can_be_reached(tiny, open_page):
    page = open_page(tiny)
    assert page.locator("img").count() == 16
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 100 && image.alt.length > 20)")
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every((x) => x.getAttribute('aria-hidden') || x.getAttribute('aria-label')?.length > 20)"
    )
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((part) => part.tabIndex === 0)")
    assert page.locator("h1").count() == 1
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((x) => x.id)).size === document.querySelectorAll('[id]').length")


def test_paper_shows_all_columns_and_what_is_needed_to_repeat_the_run(tiny, open_page):
    page = open_page(tiny, {"width": 1000, "height": 1400})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".scroll").first.evaluate("(part) => getComputedStyle(part).overflowX") == "visible"
    assert page.locator("#reproduce ~ details").first.evaluate("(part) => part.open")
    assert not page.locator("nav").is_visible()


def test_names_from_strangers_are_shown_and_not_run(tmp_path, open_page):
    hostile = "<img src=x onerror=alert()>$x{&\"'{{7*7}}"
    write_report(made_up_run(tmp_path, {"ring": {hostile: [1.0, 2.0, 3.0], "other": [2.0, 3.0, 4.0]}}))
    page = open_page(tmp_path)
    assert page.locator("img[src=x]").count() == 0
    assert hostile in [method.strip() for method in columns_of(page, "ring")[0]]
    assert page.locator(".chart svg text", has_text=hostile).count() > 0
    assert "49" not in page.locator("header").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_published_figures_fit_a_phone_and_those_that_are_not_comparable_stay_below_when_sorted(tmp_path, open_page, scheme):
    write_report(paper_run(tmp_path, {"gan": [6.0, 6.5, 7.0], "ali": [3.0, 3.5, 4.0], "pacgan2": [8.0, 7.0, None]}))
    page = open_page(tmp_path, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    table = page.locator("table[data-published=ring]")
    for button in table.get_by_role("button").all():
        for _ in range(2):
            button.click()
            assert [row.inner_text().split()[0] for row in table.locator("tbody.calibration tr").all()] in (["gan", "ali"], ["ali", "gan"])
            assert table.locator("tbody:not(.calibration) tr").count() == 3
    colours = [
        row.evaluate("(part) => getComputedStyle(part).color") for row in (table.locator("tbody td").first, table.locator(".calibration td").first)
    ]
    assert len(set(colours)) == 2
    picture = page.locator("section[aria-labelledby=published] .chart svg").bounding_box()
    assert 300 < picture["width"] <= PHONE["width"]


def test_a_page_that_grows_too_large_leaves_out_what_matters_least_and_says_so(tmp_path, monkeypatch):
    scores = {dataset: {"a": NEAR, "b": NEAR[::-1]} for dataset in ("ring", "grid")}
    store = made_up_run(tmp_path, scores)
    write_report(store)
    whole = (tmp_path / "report.html").read_text()
    assert "left out here" not in whole
    monkeypatch.setattr("benchmark.report.page.LARGEST", 10_000)
    write_report(store)
    part = (tmp_path / "report.html").read_text()
    assert "tables or pictures are left out here" in part
    assert part.count("<svg viewBox") < whole.count("<svg viewBox")
    assert part.count("<tr>") < whole.count("<tr>")
    assert "No differences are shown here; see pairwise.csv." in part


def test_without_a_finished_method_there_is_a_page_that_says_so(tmp_path):
    write_report(made_up_run(tmp_path, {"ring": {"a": ["failed"], "collapsed": [1.0]}}))
    page = (tmp_path / "report.html").read_text()
    assert "No method has finished yet." in page
    assert "Failed, and in no figure: a on ring (seed 0)." in page


class _Tags(HTMLParser):
    """Holds elements against each other: what is opened is closed."""

    EMPTY = ("meta", "img", "input", "br", "line", "path", "use", "rect")

    def __init__(self):
        super().__init__()
        self.open, self.references = [], []

    def handle_starttag(self, tag, attributes):
        self.references += [value for name, value in attributes if name in ("src", "href", "xlink:href", "action", "srcset")]
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
    methods = [f"method-{i}" for i in range(28)]
    scores = {
        dataset: {m: [[0.1 * s + k for k in range(20)] for s in range(SEEDS)] for m in methods} for dataset in ("ring", "grid", "high-dimensional")
    }
    write_report(made_up_run(tmp_path, scores))
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 3 * 28 * SEEDS > 1000
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_a_picture_is_made_smaller_and_its_labels_stay_as_they_are():
    def draw(axes):
        axes.plot([0.0, 0.00123456], [0.0, 1 / 3])
        axes.set_xticks([0.00123456], ["0.00123456"])

    with rc_context(STYLE):
        picture = to_svg(draw, 'a "picture" of <two> points', "title $x^{$")
    assert 'aria-label="a &quot;picture&quot; of &lt;two&gt; points"' in picture
    assert ">0.00123456<" in picture
    assert "title $x^{$" in picture
    assert "currentColor" in picture
    numbers = re.findall(r"\d+\.\d+", " ".join(re.findall(r"<[^>]*>", picture)))
    assert max(len(number.partition(".")[2]) for number in numbers) == 2


def told(root, scores, better="higher", **facts):
    """The answer on the first dataset, and the caveats."""
    store = made_up_run(root, scores, better=better, **facts)
    results = read_results(store)
    tables = make_tables(results)
    shown = [Shown(store, results, tables, name) for name in scores]
    return answer(shown[0]), caveats(results, tables, shown)


NEAR = [5.0 + 0.1 * (i % 3) for i in range(SEEDS)]


def test_the_best_is_named_if_its_interval_says_so(tmp_path):
    far = [value - 2 - 0.1 * (i % 2) for i, value in enumerate(NEAR)]
    found, _ = told(tmp_path, {"ring": {"a": far, "b": NEAR, "c": far}})
    assert found.best == ["b"]
    assert found.verdict == "On ring, b covers the distribution best (tests confirm it)."
    assert "ahead of a by 2.0" in found.reasons[0]
    assert "confirm b against a and c" in found.certainty


def test_lower_can_be_better(tmp_path):
    found, _ = told(tmp_path, {"ring": {"a": NEAR, "b": [value - 2 - 0.1 * (i % 2) for i, value in enumerate(NEAR)]}}, better="lower")
    assert found.best == ["b"]


def test_methods_that_cannot_be_told_apart_are_not(tmp_path):
    found, _ = told(tmp_path, {"ring": {"a": NEAR, "b": NEAR[::-1], "c": [1.0 + value / 100 for value in NEAR]}})
    assert sorted(found.best) == ["a", "b"]
    assert "cannot be told from it" in found.verdict
    found, _ = told(tmp_path / "two", {"ring": {"a": NEAR, "b": NEAR}})
    assert found.verdict == "On ring, no method stands out: b cannot be told from a, which is first."


def test_a_method_whose_seeds_diverged_is_not_the_best(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": NEAR, "b": [[9.0, None]] * SEEDS}})
    assert found.best == ["a"]
    assert "ahead of b whose seeds diverged" in found.reasons[0]
    assert any(f"Diverged: b on ring ({SEEDS})" in line for line in warned)


def test_few_seeds_are_said_to_be_few(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": [5.0, 5.1, 5.2], "b": [3.0, 3.2, 3.1]}})
    assert found.best == ["a"]
    assert "no test can succeed: with 3 differing pairs of seeds p is at least 0.25; it takes 6 pairs" in found.certainty
    assert "3 seeds suggest it; no test can confirm it" in found.verdict
    assert any("could not have succeeded" in line for line in warned)
    found, _ = told(tmp_path / "apart", {"ring": {"a": {0: 5.0, 1: 5.1}, "b": {2: 3.0, 3: 3.1}}})
    assert found.certainty == "The methods have no seed in common: nothing is compared."
    found, _ = told(tmp_path / "one", {"ring": {"a": [5.0], "b": [3.0]}})
    assert found.certainty == "There is one seed in common: whatever differs may be chance."
    assert len(found.best) == 2


def test_a_few_good_seeds_among_diverged_ones_make_no_best(tmp_path):
    found, _ = told(tmp_path, {"ring": {"collapsed": [1.0] * 5, "b": [9.0, None, None, None, None], "a": [2.0] * 5}})
    assert found.best == ["a"]
    assert "ahead of b whose seeds diverged" in found.reasons[0]
    found, _ = told(tmp_path / "nothing", {"ring": {"collapsed": [1.0] * 3, "b": [None] * 3, "a": [2.0, 2.1, 2.2]}})
    assert found.best == ["a"]
    found, _ = told(tmp_path / "behind", {"ring": {"a": [5.0] * 6, "b": [None] * 4 + [4.0, 9.0]}})
    assert "ahead of b whose seeds diverged" in found.reasons[0]


def test_a_test_that_could_have_succeeded_is_not_said_to_be_unable(tmp_path):
    a = [5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7]
    b = [value - (2 if i > 1 else -0.5) for i, value in enumerate(a)]
    found, _ = told(tmp_path, {"ring": {"a": a, "b": b, "c": [*a[:6], 5.61, 5.69]}})
    assert sorted(found.best) == ["a", "c"]
    assert "no test confirms it" in found.verdict


def test_what_is_no_better_than_nothing_is_not_called_best(tmp_path):
    found, _ = told(tmp_path, {"ring": {"collapsed": [6.0] * SEEDS, "a": NEAR, "b": NEAR}})
    assert found.verdict == "On ring, no method covers the distribution: none is better than the collapsed row by score."
    assert found.best == []


def test_one_method_alone_and_failed_trials(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": [*NEAR[:-1], "failed"], "b": ["failed"]}})
    assert "there is nothing to compare" in found.verdict
    assert "Failed, and in no figure: a on ring (seed 11), b on ring (seed 0)." in warned


def test_a_method_that_still_improves_is_named(tmp_path):
    rising = [[0.1 * k + 0.01 * s for k in range(1, 11)] for s in range(SEEDS)]
    _, warned = told(tmp_path, {"ring": {"a": rising, "b": [[value] * 10 for value in NEAR]}})
    assert any("Not converged on ring: a still improved" in line for line in warned)


def test_an_unfinished_run_is_said_to_be_unfinished(tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    shutil.rmtree(copy / "trials" / "ring" / "gan")
    results = read_results(Store(copy))
    assert results.missing == [("ring", "gan", 0), ("ring", "gan", 1)]
    write_report(Store(copy))
    assert "Unfinished: 2 of 36 trials are missing (gan on ring)." in (copy / "report.html").read_text()
    assert "Unfinished" not in (tiny / "report.html").read_text()


def test_a_curve_that_ended_early_does_not_still_improve(tmp_path):
    ended = [[0.1 * k for k in range(1, 5)] + [None]] * SEEDS
    _, warned = told(tmp_path, {"ring": {"a": ended, "b": [[value] * 20 for value in NEAR]}})
    assert not any("Not converged" in line for line in warned)
    _, warned = told(tmp_path / "one", {"ring": {"a": [[0.1 * k for k in range(1, 11)]], "b": [[5.0] * 10]}})
    assert not any("Not converged" in line for line in warned)


def test_lists_read_as_people_write_them():
    assert [listed(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_settings_of_a_method_are_told_by_dataset_where_they_differ(tmp_path):
    scores = {dataset: {"gan": [1.0, 2.0], "ali": [1.0, 2.0]} for dataset in ("ring", "grid")}
    methods = {dataset: {"gan": {"lr": 0.125}, "ali": {"lr": lr}} for dataset, lr in (("ring", 0.25), ("grid", 0.5))}
    asked = {"datasets": {"ring": {}, "grid": {}}, "methods": methods}
    write_report(made_up_run(tmp_path, scores, configuration=asked))
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
        ("whatever", "budgets"),
    ],
)
def test_the_heading_says_what_was_equal(tmp_path, budget, equal):
    write_report(made_up_run(tmp_path, {"ring": {"gan": [1.0, 2.0], "ali": [1.0, 2.0]}}, budget=budget))
    assert f"<h1>Which method covers the distribution, at equal {equal}?</h1>" in (tmp_path / "report.html").read_text()
