"""Every metric keeps the claims of the tables in docs/metrics.md about generators with known faults.

Run as a script, it prints these tables.
"""

import math
import re
from pathlib import Path

import pytest
from metric_claims import CLAIMS, DUMMIES, Claim, all_claims, claims_on, render

from benchmark.registry import METRICS

DOCS = Path(__file__).parents[2] / "docs"
FAULTY = [dummy for dummy in DUMMIES if dummy != "real"]


def marks_of(dataset):
    """Of shapes, all samples are compared with the whole manifold, which takes minutes."""
    return [pytest.mark.long] if dataset == "shapes" else []


EACH_CLAIM = [
    pytest.param(claim, marks=marks_of(claim.dataset), id="-".join(claim)) for claim in all_claims()
]


@pytest.mark.parametrize("claim", EACH_CLAIM)
def test_a_metric_moves_as_far_as_the_table_says_or_does_not(scores_on, claim):
    scores = scores_on(claim.dataset)[claim.metric]
    score, real = scores[claim.dummy], scores["reference"]
    assert claim.holds(score, real), f"{score:.5g}, beside {real:.5g} of real data"


@pytest.mark.parametrize("dataset", [pytest.param(name, marks=marks_of(name)) for name in CLAIMS])
def test_the_table_has_every_metric_that_has_a_meaning_on_the_dataset(scores_on, dataset):
    assert set(claims_on(dataset)) == set(scores_on(dataset))


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_notices_something_and_misses_something_and_leaves_real_data_alone(name):
    claims = [claim for claim in all_claims() if claim.metric == name]
    of_faulty = [claim for claim in claims if claim.dummy != "real"]
    assert any(claim.is_noticed for claim in of_faulty)
    assert not all(claim.is_noticed for claim in of_faulty)
    assert not any(claim.is_moved for claim in claims if claim.dummy == "real")


@pytest.mark.parametrize("dummy", FAULTY)
@pytest.mark.parametrize("dataset", CLAIMS)
def test_no_fault_escapes_all_metrics(dummy, dataset):
    claims = [claim for claim in all_claims() if claim.dataset == dataset]
    assert any(claim.is_noticed for claim in claims if claim.dummy == dummy)


@pytest.mark.parametrize(
    ("metric", "text", "rewarded"),
    [
        ("precision", "up 0.1", True),
        ("precision", "down 0.1", False),
        ("kl", "down 0.1", True),
        ("kl", "up? 0.1", False),
        ("kl", "none", False),
        ("density", "up 0.1", False),
    ],
)
def test_a_score_better_than_that_of_real_data_is_no_notice(metric, text, rewarded):
    claim = Claim("ring", metric, "half", text)
    assert claim.is_moved
    assert (claim.is_reward, claim.is_noticed) == (rewarded, not rewarded)


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("same 0.1", [1.9, 2.1], [1.8, 2.2]),
        ("~ 2", [1, 4], [0.9, 4.1]),
        ("by -0.5 0.1", [1.5, 2.1], [1.4, 2.2]),
        ("up 0.5", [2.5, 9], [2.4, 1]),
        ("down 0.5", [1.5, 0], [1.6, 3]),
        ("x 3", [6, 7], [5.9, 0]),
        ("= 1 0.1", [0.9, 1.1], [0.8, 2]),
        ("= 1", [1], [1.001, 2]),
        ("none", [math.nan], [0, 2]),
        ("up? 0.5", [2.5, 9, math.inf, math.nan], [2.4, 1]),
    ],
)
def test_claims_are_checked_as_they_are_meant(text, right, wrong):
    """Beside a score of 2 of real data; a score that is not defined meets no other claim."""
    claim = Claim("ring", "kl", "half", text)
    assert all(claim.holds(score, 2.0) for score in right)
    assert not any(claim.holds(score, 2.0) for score in wrong)
    assert text in ("none", "up? 0.5") or not claim.holds(math.nan, 2.0)


def test_the_page_about_metrics_has_these_tables_and_every_metric():
    page = (DOCS / "metrics.md").read_text()
    assert page.count(render()) == 1
    for dummy, meaning in DUMMIES.items():
        assert page.count(f"* **{dummy}**: {meaning}") == 1
    described = []
    for heading in re.findall(r"^### (.*)$", page, flags=re.MULTILINE):
        described += re.findall(r"`(\w+)`", heading)
    assert sorted(described) == METRICS.names()


PAGES = (DOCS / "metrics.md", DOCS / "results.md", DOCS / "images.md", DOCS.parent / "README.md")


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_the_pages_about_metrics_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text())
    assert links
    for link, anchor in links:
        target = page.parent / link if link else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), anchor


if __name__ == "__main__":
    print(render())
