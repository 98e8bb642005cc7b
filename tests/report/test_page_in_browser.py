"""The page in a browser."""

import re

import pandas as pd
import pytest
from support.made_up import made_up_run, paper_run, report_of
from support.views import PHONE


def columns_of(page, dataset):
    """The cells of the first body of a dataset's table, by column."""
    rows = page.locator(f"table[data-dataset={dataset}] tbody:first-of-type tr")
    cells = [row.locator("th, td").all_inner_texts() for row in rows.all()]
    return list(zip(*cells, strict=True))


def methods_of(page, dataset):
    """The methods in a dataset's table, from the first row to the last."""
    return [name.strip() for name in columns_of(page, dataset)[0]]


def test_a_table_has_a_row_per_method_and_the_calibration_rows_beneath(tiny, open_page):
    page = open_page(tiny)
    for dataset in ("ring", "high-dimensional"):
        methods = {"gan", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan"}
        assert set(methods_of(page, dataset)) == methods
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
        methods = methods_of(page, "ring")
        assert methods == list(means[methods].sort_values(ascending=ascending).index)
    assert page.locator("table[data-dataset=ring] th[aria-sort=descending]").count() == 1
    assert page.locator("table[data-dataset=ring] tbody.calibration th").count() == 3


def test_one_switch_changes_what_all_curves_are_drawn_against(tiny, open_page):
    page = open_page(tiny)
    curves = page.locator(".courses .charts [class*=against-]")
    visible = []
    for name in ("FLOPs", "device-seconds", "generator steps", "real samples seen"):
        page.get_by_label(name, exact=True).check()
        now_visible = [i for i, chart in enumerate(curves.all()) if chart.is_visible()]
        texts = [curves.nth(i).locator("svg").get_attribute("aria-label") for i in now_visible]
        assert texts
        assert all(f"against {name}," in text for text in texts)
        visible += now_visible
    assert sorted(visible) == list(range(curves.count()))


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(tiny, open_page, width, scheme):
    page = open_page(tiny, {"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_text_stands_out_in_both_schemes(tiny, open_page):
    luminance = """(value) => value.match(/[0-9.]+/g).slice(0, 3).map((x) => x / 255)
        .map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0)"""
    for scheme in ("light", "dark"):
        page = open_page(tiny, color_scheme=scheme)
        paper = page.evaluate(f"({luminance})(getComputedStyle(document.body).backgroundColor)")
        for part in ("body", ".facts", "a", ".calibration", ".chart svg text"):
            colour = "fill" if "svg" in part else "color"
            style = f"getComputedStyle(document.querySelector('{part}')).{colour}"
            ink = page.evaluate(f"({luminance})({style})")
            light, dark = max(ink, paper), min(ink, paper)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{part} in the {scheme} scheme"


def test_every_picture_has_words_and_every_scrolling_part_can_be_reached(tiny, open_page):
    page = open_page(tiny)
    assert page.locator("img").count() == 18
    assert page.evaluate("[...document.images].every((image) => image.complete)")
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 100)")
    assert page.evaluate("[...document.images].every((image) => image.alt.length > 20)")
    described = "(x) => x.getAttribute('aria-hidden') || x.getAttribute('aria-label')?.length > 20"
    assert page.evaluate(f"[...document.querySelectorAll('svg')].every({described})")
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((part) => part.tabIndex === 0)")
    assert page.locator("h1").count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((x) => x.id)")
    assert len(set(ids)) == len(ids)


def test_paper_shows_all_columns_and_what_is_needed_to_repeat_the_run(tiny, open_page):
    page = open_page(tiny, {"width": 1000, "height": 1400})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".scroll").first.evaluate("(part) => getComputedStyle(part).overflowX") == "visible"
    assert page.locator("#reproduce ~ details").first.evaluate("(part) => part.open")
    assert not page.locator("nav").is_visible()


def test_names_from_strangers_are_shown_and_not_run(tmp_path, open_page):
    hostile = "<img src=x onerror=alert()>$x{&\"'{{7*7}}"
    report_of(made_up_run(tmp_path, {"ring": {hostile: [1.0, 2.0, 3.0], "other": [2.0, 3.0, 4.0]}}))
    page = open_page(tmp_path)
    assert page.locator("img[src=x]").count() == 0
    assert hostile in methods_of(page, "ring")
    assert page.locator(".chart svg text", has_text=hostile).count() > 0
    assert "49" not in page.locator("header").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_published_figures_fit_a_phone_and_those_that_are_not_comparable_stay_below_when_sorted(
    tmp_path, open_page, scheme
):
    scores = {"gan": [6.0, 6.5, 7.0], "ali": [3.0, 3.5, 4.0], "pacgan2": [8.0, 7.0, None]}
    report_of(paper_run(tmp_path, scores))
    page = open_page(tmp_path, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    table = page.locator("table[data-published=ring]")
    for button in table.get_by_role("button").all():
        for _ in range(2):
            button.click()
            not_comparable = table.locator("tbody.calibration tr").all()
            methods = [row.inner_text().split()[0] for row in not_comparable]
            assert methods in (["gan", "ali"], ["ali", "gan"])
            assert table.locator("tbody:not(.calibration) tr").count() == 3
    colour = "(part) => getComputedStyle(part).color"
    compared = table.locator("tbody td").first.evaluate(colour)
    assert compared != table.locator(".calibration td").first.evaluate(colour)
    picture = page.locator("section[aria-labelledby=published] .chart svg").bounding_box()
    assert 300 < picture["width"] <= PHONE["width"]
