"""Fixtures for tests of reports: a browser, and two runs to compare."""

import shutil

import pytest
from support.made_up import made_up_run
from support.views import PHONE

from benchmark.records.results import read_run
from benchmark.report.compare_runs import compare_runs


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; skips where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    programs = [shutil.which(name) for name in names if shutil.which(name)]
    if not programs:
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=programs[0])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a page of a run; fails if it complained or asked for anything besides itself."""
    complaints, contexts, requests, files = [], [], [], set()

    def open_(out, viewport=PHONE, name="report.html", **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        file = (out / name).resolve().as_uri()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file)
        files.add(file)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
    outside = [url for url in requests if not url.startswith("data:")]
    assert {url.partition("#")[0] for url in outside} <= files


@pytest.fixture
def runs(tmp_path):
    """Writes two runs, of which the one after may differ in some parts; returns their directories."""

    def write(before, after, changed=(), **facts):
        made_up_run(tmp_path / "before", before, **facts)
        made_up_run(tmp_path / "after", after, **{**facts, **dict(changed)})
        return tmp_path / "before", tmp_path / "after"

    return write


@pytest.fixture
def compared(runs):
    """The comparison of two runs."""

    def compare(before, after, changed=(), selection=(), simultaneous=False, **facts):
        old, new = runs(before, after, changed, **facts)
        return compare_runs(read_run(old), read_run(new), dict(selection), simultaneous)

    return compare
