"""The page in a browser, and what it says."""

import html
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from support.made_up import made_up_run, paper_run

from benchmark import load_results
from benchmark.records.results import read_run
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.records.store import Store
from benchmark.report.findings import answer, caveats, leaders, listed
from benchmark.report.pictures.axes import CALIBRATION_LINES
from benchmark.report.pictures.svg import STYLE, to_svg
from benchmark.report.tables.tables import make_tables
from benchmark.report.view import DatasetView
from benchmark.report.write import write_report

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
            lambda request: (
                None
                if request.url.split("#")[0] == file or request.url.startswith("data:")
                else complaints.append(request.url)
            ),
        )
        page.goto(file)
        complaints[:] = [
            complaint for complaint in complaints if complaint != file and not complaint.startswith("data:")
        ]
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
        assert {method.strip() for method in methods} == {
            "gan",
            "dcgan",
            "wgan-gp",
            "unrolled",
            "ali",
            "veegan",
            "aegan",
        }
        calibration = page.locator(f"table[data-dataset={dataset}] tbody.calibration th").all_inner_texts()
        assert [method.strip() for method in calibration] == ["real-data", "collapsed", "noise"]


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
    assert page.locator("table[data-dataset=ring] tbody.calibration th").count() == 3


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
            ink = page.evaluate(
                f"({luminance})(getComputedStyle(document.querySelector('{part}')).{'fill' if 'svg' in part else 'color'})"
            )
            light, dark = max(ink, paper), min(ink, paper)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{part} in the {scheme} scheme"


def test_every_picture_has_words_and_every_scrolling_part_can_be_reached(tiny, open_page):
    page = open_page(tiny)
    assert page.locator("img").count() == 18
    assert page.evaluate(
        "[...document.images].every((image) => image.complete && image.naturalWidth > 100 && image.alt.length > 20)"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every((x) => x.getAttribute('aria-hidden') || x.getAttribute('aria-label')?.length > 20)"
    )
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((part) => part.tabIndex === 0)")
    assert page.locator("h1").count() == 1
    assert page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map((x) => x.id)).size === document.querySelectorAll('[id]').length"
    )


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
def test_published_figures_fit_a_phone_and_those_that_are_not_comparable_stay_below_when_sorted(
    tmp_path, open_page, scheme
):
    write_report(
        paper_run(tmp_path, {"gan": [6.0, 6.5, 7.0], "ali": [3.0, 3.5, 4.0], "pacgan2": [8.0, 7.0, None]})
    )
    page = open_page(tmp_path, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    table = page.locator("table[data-published=ring]")
    for button in table.get_by_role("button").all():
        for _ in range(2):
            button.click()
            assert [row.inner_text().split()[0] for row in table.locator("tbody.calibration tr").all()] in (
                ["gan", "ali"],
                ["ali", "gan"],
            )
            assert table.locator("tbody:not(.calibration) tr").count() == 3
    colours = [
        row.evaluate("(part) => getComputedStyle(part).color")
        for row in (table.locator("tbody td").first, table.locator(".calibration td").first)
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
    monkeypatch.setattr("benchmark.report.page.page.LARGEST", 10_000)
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
        self.references += [
            value for name, value in attributes if name in ("src", "href", "xlink:href", "action", "srcset")
        ]
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
        dataset: {m: [[0.1 * s + k for k in range(20)] for s in range(SEEDS)] for m in methods}
        for dataset in ("ring", "grid", "high-dimensional")
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
    results = read_run(store.root)
    tables = make_tables(results)
    shown = [DatasetView(store, results, tables, name) for name in scores]
    return answer(shown[0]), caveats(results, tables, shown)


NEAR = [5.0 + 0.1 * (i % 3) for i in range(SEEDS)]


FAR = [value - 2 - 0.1 * (i % 2) for i, value in enumerate(NEAR)]


def test_the_best_is_named_if_tests_say_so(tmp_path):
    found, _ = told(tmp_path, {"ring": {"a": FAR, "b": NEAR, "c": FAR}})
    assert found.best == ["b"]
    assert found.verdict == "On ring, b covers the distribution best (tests confirm it)."
    assert found.reasons == ["By score, b is first (5.100 ± 0.054); a is next, 2.05 [1.97, 2.13] behind."]
    assert found.certainty.startswith(
        f"{SEEDS} seeds each. Tests that hold for all pairs of 3 methods at once confirm b against a and c (p "
    )


def test_a_p_value_in_a_sentence_has_one_sign_before_it(tmp_path):
    found, _ = told(tmp_path / "few", {"ring": {"a": FAR[:5], "b": NEAR[:5]}})
    assert re.search(r"\(p ≤ 0\.00\d+\)\.$", found.certainty)
    found, _ = told(tmp_path / "many", {"ring": {"a": FAR, "b": NEAR}})
    assert "≤ <" not in found.certainty
    assert "0.0001" in found.certainty


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("better", ["higher", "lower", "one"])
def test_how_far_the_next_is_behind_is_a_positive_number(tmp_path, order, better):
    scores = {"a": [0.91, 0.92, 0.93, 0.94, 0.95], "b": [0.41, 0.42, 0.43, 0.44, 0.45]}
    found, _ = told(tmp_path, {"ring": {method: scores[method] for method in order}}, better=better)
    worse = "a" if better == "lower" else "b"
    assert f"; {worse} is next, 0.500 [0.477, 0.523] behind." in found.reasons[0]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_on_a_logarithmic_scale_it_is_so_many_times_the_best(tmp_path, order):
    scores = {"a": [0.1, 0.2, 0.1, 0.2, 0.15], "b": [10.0, 20.0, 10.0, 20.0, 15.0]}
    found, _ = told(
        tmp_path, {"ring": {method: scores[method] for method in order}}, better="lower", scale="log"
    )
    assert re.search(r"; b is next, × 100 \[\d+, \d+\] behind\.$", found.reasons[0])


def test_lower_can_be_better(tmp_path):
    found, _ = told(tmp_path, {"ring": {"a": NEAR, "b": FAR}}, better="lower")
    assert found.best == ["b"]


def test_methods_that_cannot_be_told_apart_are_not(tmp_path):
    found, _ = told(
        tmp_path, {"ring": {"a": NEAR, "b": NEAR[::-1], "c": [1.0 + value / 100 for value in NEAR]}}
    )
    assert sorted(found.best) == ["a", "b"]
    assert (
        found.verdict
        == "On ring, a covers the distribution best. It cannot be told from b; the others are behind (tests confirm it)."
    )
    found, _ = told(tmp_path / "two", {"ring": {"a": NEAR, "b": NEAR}})
    assert found.verdict == "On ring, no method stands out: b cannot be told from a, which is first."


def test_the_best_are_those_from_the_first_down_to_the_first_that_is_told_apart(tmp_path):
    scores = {
        "d": [1.5, 2.5, 3.5, 4.5, 5.5],
        "a": [9.0, 8.0, 7.0, 6.0, 5.0],
        "c": [2.0, 3.0, 4.0, 5.2, 6.5],
        "b": [8.5, 7.5, 6.2, 4.9, 4.2],
    }
    found, _ = told(tmp_path, {"ring": scores})
    assert found.best == ["a", "b", "c"]
    assert found.verdict.endswith("It cannot be told from b and c; the others are behind (tests confirm it).")


@pytest.mark.parametrize("seed", range(6))
def test_leaders_are_the_first_of_the_ranking(tmp_path, seed):
    rng = np.random.default_rng(seed)
    scores = {f"m{i}": list(rng.normal(rng.integers(4), size=5)) for i in rng.permutation(6)}
    tables = make_tables(read_run(made_up_run(tmp_path, {"ring": scores}).root))
    ranked = list(tables.summary.sort_values("rank", kind="stable")["method"])
    chosen = leaders(tables, "score", list(scores))
    assert ranked[: len(chosen)] == chosen
    favoured = tables.pairwise[tables.pairwise["favours"] == chosen[0]]
    behind = {*favoured["a"], *favoured["b"]} - {chosen[0]}
    assert not behind & set(chosen)
    assert ranked[len(chosen) : len(chosen) + 1] == [method for method in ranked if method in behind][:1]


def test_whoever_is_behind_one_that_is_told_apart_does_not_lead(tmp_path):
    tables = make_tables(
        read_run(
            made_up_run(
                tmp_path,
                {
                    "ring": {
                        name: [value] * 2 for name, value in zip("abcd", (9.0, 8.0, 7.0, 6.0), strict=True)
                    }
                },
            ).root
        )
    )
    tables.pairwise["favours"] = ""
    tables.pairwise.loc[(tables.pairwise["a"] == "a") & (tables.pairwise["b"] == "c"), "favours"] = "a"
    tables.pairwise.loc[(tables.pairwise["a"] == "b") & (tables.pairwise["b"] == "d"), "favours"] = "b"
    assert leaders(tables, "score", list("abcd")) == ["a", "b"]
    assert leaders(tables, "score", list("bcd")) == ["b", "c"]
    assert leaders(tables, "score", list("adb")) == ["a", "b"]  # for c lies between


def test_tests_confirm_it_against_as_many_as_they_do(tmp_path):
    # Nobody covers but the first, and of the others only the last is told apart from it.
    a = [9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5]
    scores = {
        "noise": [5.0],
        "a": a,
        "b": [*(value - 0.1 for value in a[:6]), -50.0, -60.0],
        "c": [value / 10 for value in a],
    }
    found, warned = told(tmp_path, {"ring": scores})
    assert (
        found.verdict == "On ring, a covers the distribution best (tests confirm it against 1 of 2 others)."
    )
    assert "confirm a against c (p ≤" in found.certainty
    assert "On ring, not better than the dummies by score (noise 5): b and c." in warned


def test_a_method_whose_seeds_diverged_is_not_the_best(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": NEAR, "b": [[9.0, None]] * SEEDS}})
    assert found.best == ["a"]
    assert found.verdict == "On ring, a covers the distribution best (tests confirm it)."
    assert any(f"Diverged: b on ring ({SEEDS})" in line for line in warned)


def test_few_seeds_are_said_to_be_few(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": [5.0, 5.1, 5.2], "b": [3.0, 3.2, 3.1]}})
    assert found.best == ["a", "b"]
    assert found.verdict == "On ring, no method stands out: b cannot be told from a, which is first."
    assert found.certainty == "3 seeds each: no test can succeed; with 2 methods it takes 4."
    assert (
        "1 of 1 tests could not have succeeded, for there are too few seeds: their silence is no sign that methods are alike."
        in warned
    )
    found, _ = told(tmp_path / "lost", {"ring": {"noise": [4.0], "a": [5.0, 5.1, 5.2], "b": [3.0, 3.2, 3.1]}})
    assert (
        found.verdict == "On ring, a covers the distribution best (no test can confirm it with 3 seeds each)."
    )
    found, _ = told(tmp_path / "one", {"ring": {"a": [5.0], "b": [3.0, 2.0]}})
    assert found.certainty == "1 to 2 seeds each: no test can succeed; with 2 methods it takes 4."


def test_seeds_need_not_be_the_same_to_be_compared(tmp_path):
    found, _ = told(
        tmp_path,
        {
            "ring": {
                "a": {seed: 5.0 + seed / 10 for seed in range(5)},
                "b": {seed: 3.0 + seed / 10 for seed in range(5, 10)},
            }
        },
    )
    assert found.verdict == "On ring, a covers the distribution best (tests confirm it)."


def test_a_few_good_seeds_among_diverged_ones_make_no_best(tmp_path):
    found, _ = told(
        tmp_path, {"ring": {"collapsed": [1.0] * 5, "b": [9.0, None, None, None, None], "a": [2.0] * 5}}
    )
    assert found.best[0] == "a"
    found, _ = told(
        tmp_path / "nothing", {"ring": {"collapsed": [1.0] * 3, "b": [None] * 3, "a": [2.0, 2.1, 2.2]}}
    )
    assert found.best == ["a"]
    assert (
        found.verdict == "On ring, a covers the distribution best (no test can confirm it with 3 seeds each)."
    )


def test_a_test_that_could_have_succeeded_is_not_said_to_be_unable(tmp_path):
    a = [5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7]
    found, _ = told(
        tmp_path,
        {
            "ring": {
                "noise": [4.0],
                "a": a,
                "b": [3.0, 3.0, 3.1, 3.2, 5.25, 5.45, 5.8, 4.9],
                "c": [*a[:6], 5.61, 5.69],
            }
        },
    )
    assert sorted(found.best) == ["a", "b", "c"]
    assert found.certainty.endswith(
        "Tests that hold for all pairs of 3 methods at once confirm a against nobody."
    )
    found, _ = told(tmp_path / "lost", {"ring": {"noise": [5.35], "a": a, "b": [3.0, *a[1:]]}})
    assert found.verdict == "On ring, a covers the distribution best (no test confirms it)."


def test_what_is_no_better_than_nothing_is_not_called_best(tmp_path):
    found, _ = told(tmp_path, {"ring": {"collapsed": [6.0] * SEEDS, "noise": [1.0], "a": NEAR, "b": NEAR}})
    expected = "On ring, no method covers the distribution: none is better than the dummies by score (collapsed 6, noise 1)."
    assert (found.verdict, found.best, found.reasons, found.certainty) == (expected, [], [], "")


def test_a_method_that_loses_to_a_dummy_is_never_best_even_if_it_is_first(tmp_path):
    # One seed of `a` is far off, and the others are ahead of all.
    scores = {
        "noise": [0.3],
        "a": [0.9, 0.91, 0.92, 0.93, -9.0],
        "b": [0.5, 0.51, 0.52, 0.53, 0.54],
        "c": [0.4, 0.41, 0.42, 0.43, 0.44],
    }
    store = made_up_run(tmp_path / "run", {"ring": scores})
    assert make_tables(read_run(store.root)).summary.set_index("method")["rank"]["a"] == 1
    found, warned = told(tmp_path / "told", {"ring": scores})
    assert found.best[0] == "b"
    assert "a" not in found.best
    assert found.verdict.startswith("On ring, b covers the distribution best")
    assert "On ring, not better than the dummies by score (noise 0.300): a." in warned


def test_a_method_that_covers_no_better_than_another_by_rank_is_not_said_to_be_ahead_of_it(tmp_path):
    scores = {"noise": [0.3], "a": [0.9, 0.91, 0.92, 0.93, -9.0], "b": [0.5, 0.51, 0.52, 0.53, 0.54]}
    found, _ = told(tmp_path, {"ring": scores})
    assert found.best == ["b"]
    assert "a is next" not in found.reasons[0]


OVERLAP = {"real-data": [0.97, 0.98], "collapsed": [0.1, 0.1], "noise": [0.2, 0.21]}
GAN, ALI = [0.34, 0.35, 0.36, 0.37, 0.38], [0.30, 0.31, 0.32, 0.33, 0.29]


def of_modes(modes, confident=None, spread=0.33):
    """Metrics beside the overlap, of GAN and ALI."""
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


def overlap_told(root, others, **scores):
    return told(
        root, {"ring": {**OVERLAP, "gan": GAN, "ali": ALI, **scores}}, name="overlap", modes=8, others=others
    )


def test_a_verdict_by_overlap_tells_how_much_is_covered_and_what_is_missed(tmp_path):
    found, _ = overlap_told(tmp_path, of_modes([5.0, 5.0, 5.0, 5.0, 6.0]))
    assert found.verdict == (
        "On ring, gan covers the distribution best (tests confirm it): it reproduces 36% of the distribution, misses 2.8 of 8 modes and "
        "has only 0.33 times the true spread inside those that it captures."
    )
    assert found.reasons == [
        "By overlap, gan is first (0.360 ± 0.020); ali is next, 0.050 [0.027, 0.073] behind.",
        "By the same overlap, real data scores 0.975, and dummies that have learnt nothing: collapsed 0.100, noise 0.205.",
        "80.0% of the samples of gan are of high quality; of real data, 99.0%.",
        "Samples without spread are of high quality, too; within_mode_std sees them, and is 1 for the true spread: gan 0.330.",
    ]


def test_a_portrait_is_of_what_there_is(tmp_path):
    found, _ = overlap_told(tmp_path / "none", of_modes([8.0] * 5, spread=0.75))
    assert found.verdict.endswith(
        "reproduces 36% of the distribution, misses none of 8 modes and has 0.75 times the true spread inside those that it captures."
    )
    found, _ = overlap_told(tmp_path / "confident", of_modes([8.0] * 5, [2.0] * 5))
    assert "misses 6.0 of 8 modes" in found.verdict
    found, _ = overlap_told(tmp_path / "alone", {})
    assert (
        found.verdict
        == "On ring, gan covers the distribution best (tests confirm it): it reproduces 36% of the distribution."
    )
    found, _ = overlap_told(
        tmp_path / "one", {}, gan=[0.034, 0.035, 0.036], ali=["failed"], noise=[0.02], collapsed=[0.01]
    )
    assert (
        found.verdict
        == "On ring, gan alone was run, and there is nothing to compare: it reproduces 3.5% of the distribution."
    )
    found, _ = overlap_told(tmp_path / "apart", {}, ali=[0.33, 0.345, 0.355, 0.365, 0.375])
    assert (
        found.verdict
        == "On ring, no method stands out: ali cannot be told from gan, which is first: it reproduces 36% of the distribution."
    )


def test_only_a_verdict_by_overlap_has_a_portrait(tmp_path):
    scores = {**OVERLAP, "gan": GAN, "ali": ALI}
    for name in ("coverage", "fid"):
        found, _ = told(tmp_path / name, {"ring": scores}, name=name, modes=8, others=of_modes([5.0] * 5))
        assert found.verdict == "On ring, gan covers the distribution best (tests confirm it)."


@pytest.mark.parametrize("ahead", ["gan", "ali"])
def test_the_headline_alone_decides_and_its_tests_alone_confirm(tmp_path, ahead):
    # By the number of modes, ALI is best and far ahead.
    first, last = ("gan", "ali") if ahead == "gan" else ("ali", "gan")
    close = [0.35, 0.36, 0.37, 0.375, 0.34]
    others = {
        "modes": {
            "scores": {
                "collapsed": [1.0],
                "noise": [8.0],
                "gan": [2.0, 2.1, 2.2, 2.3, 2.4],
                "ali": [8.0, 7.9, 7.8, 7.7, 7.6],
            }
        }
    }
    scores = {"noise": [0.2], "collapsed": [0.1], first: [0.36, 0.37, 0.38, 0.39, 0.35], last: close}
    found, _ = told(tmp_path, {"ring": scores}, name="overlap", modes=8, others=others)
    assert found.best[0] == first
    assert "tests confirm it" not in found.verdict
    assert found.certainty.endswith("confirm " + first + " against nobody.")
    scores |= {last: [0.3, 0.31, 0.32, 0.33, 0.34]}
    found, _ = told(tmp_path / "apart", {"ring": scores}, name="overlap", modes=8, others=others)
    assert found.best == [first]
    assert f"{first} covers the distribution best (tests confirm it)" in found.verdict


def test_samples_out_of_range_are_told_by_method_and_seed(tmp_path):
    astray = {
        "better": "lower",
        "ranked": False,
        "scores": {"noise": [0.9, 0.9], "gan": [0.0, 0.04, 0.05, 0.5, 0.0], "ali": [0.0] * 5},
    }
    _, warned = overlap_told(tmp_path, {"out_of_range": astray})
    expected = "Out of range: samples of gan on ring (seed 2: 5%, seed 3: 50%) are more than twice as far from the data's mean as any real datum."
    assert [line for line in warned if line.startswith("Out of range")] == [expected]
    astray["scores"]["ali"] = [1.0, 0.0, 0.0, 0.0, 0.0]
    _, warned = overlap_told(tmp_path / "both", {"out_of_range": astray})
    assert any(
        "samples of gan on ring (seed 2: 5%, seed 3: 50%) and ali on ring (seed 0: 100%) are" in line
        for line in warned
    )
    astray["scores"] |= {"gan": [0.049] * 5, "ali": [0.0] * 5}
    _, warned = overlap_told(tmp_path / "none", {"out_of_range": astray})
    assert not any("Out of range" in line for line in warned)


def test_caveats_tell_what_intervals_and_tests_are_of(tmp_path):
    _, warned = told(tmp_path, {"ring": {"a": NEAR, "b": NEAR[:4]}})
    assert warned[0].startswith("Every interval is about the seeds alone: 4 to 12 per method.")
    assert warned[0].endswith("tests of one metric on one dataset all at once.")
    assert not any("could not have succeeded" in line for line in warned)


def text_of(out):
    """What the page says, without its markup."""
    page = re.sub("(?s)<(script|style)[^>]*>.*?</\\1>", " ", (out / "report.html").read_text())
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


def test_the_headline_is_the_first_column_and_the_rows_are_in_its_order(tmp_path):
    others = {
        "overlap": {
            "scores": {
                "real-data": [0.9],
                "collapsed": [0.1],
                "noise": [0.2],
                "gan": [0.5, 0.6],
                "ali": [0.7, 0.8],
            }
        }
    }
    store = made_up_run(
        tmp_path,
        {
            "ring": {
                "real-data": [8.0],
                "collapsed": [1.0],
                "noise": [5.0],
                "gan": [8.0, 8.0],
                "ali": [6.0, 7.0],
            }
        },
        others=others,
    )
    assert write_report(store)
    page = (tmp_path / "report.html").read_text()
    table = page.split('data-dataset="ring"')[1].split("</table>")[0]
    assert [re.sub("<[^>]*>", "", cell) for cell in re.findall("<th scope=.col.*?</th>", table)] == [
        "method",
        "seeds",
        "overlap ↑",
        "score ↑",
    ]
    assert re.findall(r'<th scope="row">(?:<svg.*?</svg>)?\s*([a-z-]+)', table) == [
        "ali",
        "gan",
        "real-data",
        "collapsed",
        "noise",
    ]


def test_calibration_rows_have_a_line_of_their_own_in_legend_and_pictures(tmp_path):
    assert list(CALIBRATION_LINES) == list(CALIBRATION_ROWS) == ["real-data", "collapsed", "noise"]
    assert len(set(CALIBRATION_LINES.values())) == 3
    write_report(
        made_up_run(tmp_path, {"ring": {**OVERLAP, "gan": [[0.1, value] for value in GAN], "ali": ALI}})
    )
    page = (tmp_path / "report.html").read_text()
    keys = re.findall(r'<line [^>]*stroke-dasharray="([^"]*)"/></svg> (real-data|collapsed|noise)</li>', page)
    assert {name for _, name in keys} == set(CALIBRATION_LINES)
    assert len(set(keys)) == len({dashes for dashes, _ in keys}) == 3
    assert "dashed: real data, dotted: collapsed, dash-dotted: noise" in text_of(tmp_path)
    figure = load_results(tmp_path).figure("ring", "metrics")
    drawn = {
        line.get_label(): line.get_linestyle()
        for line in figure.axes[0].lines
        if line.get_label() in CALIBRATION_LINES
    }
    assert drawn == CALIBRATION_LINES
    assert "two dummies that have learnt nothing" in text_of(tmp_path)


@pytest.mark.parametrize(("suite", "noted"), [("stacked-mnist", True), ("synthetic", False)])
def test_notes_of_the_suite_stand_beneath_the_table(tmp_path, suite, noted):
    dataset = "stacked-mnist" if noted else "ring"
    note = "gan is fully connected on images, with about eleven times the parameters of dcgan at the default width."
    store = made_up_run(
        tmp_path / "with", {dataset: {**OVERLAP, "gan": GAN, "ali": ALI}}, suite=suite, name="overlap"
    )
    assert write_report(store)
    assert (note in text_of(tmp_path / "with")) == noted
    assert (note in (tmp_path / "with" / "summary.md").read_text()) == noted
    assert (note in (tmp_path / "with" / "summary.tex").read_text()) == noted
    write_report(
        made_up_run(
            tmp_path / "without",
            {dataset: {**OVERLAP, "dcgan": GAN, "ali": ALI}},
            suite=suite,
            name="overlap",
        )
    )
    assert "fully connected on images, with about" not in text_of(tmp_path / "without")


def test_pairs_are_shown_with_their_shares_and_tests(tmp_path):
    unranked = {
        "within_mode_std": {"better": "one", "ranked": False, "scores": {"gan": [0.9] * 5, "ali": [0.5] * 5}}
    }
    scores = {"ring": {**OVERLAP, "gan": GAN, "ali": ALI}, "grid": {"gan": [0.5, 0.6], "ali": [0.3, None]}}
    write_report(made_up_run(tmp_path, scores, name="overlap", others=unranked))
    page = (tmp_path / "report.html").read_text()
    assert 'aria-label="Differences of overlap on ring"' in page
    assert "Differences of within_mode_std on ring" not in page
    p = f"{load_results(tmp_path).pairwise['p'][0]:.2g}"
    expected = {"ring": ["gan", "ali", "0.050 [0.027, 0.073]", "100 %", "5", p, "gan"]}
    expected["grid"] = ["gan", "ali", "0.2500", "100 %", "2 and 1", "none can succeed", "–"]
    for dataset, row in expected.items():
        table = page.split(f'<table class="sortable" aria-label="Differences of overlap on {dataset}"')[
            1
        ].split("</table>")[0]
        assert [
            re.findall("<t[hd][^>]*>(.*?)</t[hd]>", found)
            for found in re.findall("<tr><th scope=.row.*?</tr>", table)
        ] == [row]


def test_the_table_of_metrics_tells_how_each_is_compared(tmp_path):
    scores = {method: [0.5] * 5 for method in ("gan", "ali")}
    others = {
        "fid": {"better": "lower", "scale": "log", "scores": scores},
        "within_mode_std": {"better": "one", "ranked": False, "scores": scores},
    }
    write_report(
        made_up_run(tmp_path, {"ring": {**OVERLAP, "gan": GAN, "ali": ALI}}, name="overlap", others=others)
    )
    table = (
        (tmp_path / "report.html")
        .read_text()
        .split('<table aria-label="How to read each metric">')[1]
        .split("</table>")[0]
    )
    rows = [
        re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)
        for row in re.findall("<tr><th scope=.row.*?</tr>", table)
    ]
    assert {row[0]: row[5] for row in rows} == {
        "overlap": "differences",
        "fid": "quotients",
        "within_mode_std": "not compared by it",
    }


def test_one_method_alone_and_failed_trials(tmp_path):
    found, warned = told(tmp_path, {"ring": {"a": [*NEAR[:-1], "failed"], "b": ["failed"]}})
    assert found.verdict == "On ring, a alone was run, and there is nothing to compare."
    assert "Failed, and in no figure: a on ring (seed 11), b on ring (seed 0)." in warned


def test_a_method_that_still_improves_is_named(tmp_path):
    rising = [[0.1 * k + 0.01 * s for k in range(1, 11)] for s in range(SEEDS)]
    _, warned = told(tmp_path, {"ring": {"a": rising, "b": [[value] * 10 for value in NEAR]}})
    assert any("Not converged on ring: a still improved" in line for line in warned)


def test_an_unfinished_run_is_said_to_be_unfinished(tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    shutil.rmtree(copy / "trials" / "ring" / "gan")
    results = read_run(copy)
    assert results.missing == [("ring", "gan", 0), ("ring", "gan", 1)]
    write_report(Store(copy))
    assert "Unfinished: 2 of 40 trials are missing (gan on ring)." in (copy / "report.html").read_text()
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
    methods = {
        dataset: {"gan": {"lr": 0.125}, "ali": {"lr": lr}} for dataset, lr in (("ring", 0.25), ("grid", 0.5))
    }
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
    assert (
        f"<h1>Which method covers the distribution, at equal {equal}?</h1>"
        in (tmp_path / "report.html").read_text()
    )
