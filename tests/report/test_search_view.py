"""What a search says of published settings."""

import pandas as pd
import pytest

from benchmark.records.schema import MetricFacts
from benchmark.report.search.view import MethodView, point_scores

FACTS = MetricFacts(better="higher", bounds=(0.0, 1.0), best=1.0, scale="linear", ranked=True, samples=2500)


def view_of(*points):
    """A method whose points have these scores, as many seeds each; `None` for a seed that diverged."""
    seeds = len(points[0])
    rows = []
    for point, scores in enumerate(points):
        for score in scores:
            status = "diverged" if score is None else "ok"
            rows.append({"point": point, "status": status, "score": score})
    trials = pd.DataFrame(rows).astype({"score": float})
    scores = point_scores(trials, seeds)
    return MethodView("ring", "gan", "overlap", FACTS, seeds, trials, scores, trials, 1.0)


def test_points_that_collapsed_say_nothing_of_the_noise_between_seeds():
    collapsed = [(0.01, 0.01)] * 20
    view = view_of((0.4, 0.6), (0.6, 0.8), *collapsed)
    assert view.noise == pytest.approx(0.02**0.5)
    assert view.published_is_near


def test_published_settings_are_not_near_where_they_are_far_behind_or_diverge():
    assert not view_of((0.1, 0.12), (0.6, 0.62)).published_is_near
    assert view_of((None, 0.6), (0.6, 0.62), (0.3, 0.5)).published_is_near is False


def test_without_a_second_seed_of_any_point_nothing_can_be_told():
    assert view_of((0.1,), (0.6,)).published_is_near is None
