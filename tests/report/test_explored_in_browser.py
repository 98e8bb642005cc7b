"""What `explore` writes, in a browser: its own page, and its section in the page of the run."""

import shutil

import pytest

from benchmark.commands.cli import main

QUICK = ("--pairs", "3", "--starts", "2", "--iterations", "5", "--steps", "4")


@pytest.fixture(scope="module")
def explored(tiny, tmp_path_factory):
    """A copy of the tiny run with two explored methods."""
    out = shutil.copytree(tiny, tmp_path_factory.mktemp("explored") / "run")
    assert main(["explore", str(out), "--dataset", "ring", "--methods", "gan,ali", *QUICK]) == 0
    assert main(["report", str(out)]) == 0
    return out


@pytest.fixture(params=["explore/ring/explore.html", "report.html"])
def name(request):
    """The page of the exploration, and that of the run."""
    return request.param


@pytest.mark.parametrize("width", [390, 1400])
def test_no_sheet_is_wider_than_the_window(explored, open_page, name, width):
    page = open_page(explored, {"width": width, "height": 800}, name=name)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_every_sheet_is_shown_and_described(explored, open_page, name):
    page = open_page(explored, name=name)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for method in ("gan", "ali"):
        for kind in ("paths between latents", "modes over the plane"):
            sheet = page.locator(f"img[alt*='{method}, seed 0'][alt*='{kind}']")
            assert sheet.count() == 1
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 100)")
    assert page.evaluate("[...document.images].every((image) => image.alt.length > 20)")


def test_its_tables_can_be_reached_and_it_has_one_title(explored, open_page):
    page = open_page(explored, name="explore/ring/explore.html")
    assert page.locator("h1").count() == 1
    assert page.locator("table").count() >= 1
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((part) => part.tabIndex === 0)")
