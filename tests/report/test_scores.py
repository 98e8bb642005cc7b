"""The table of scores."""

import numpy as np
import pytest
from support.numbers import NAN
from support.views import CALIBRATED, SCORES, one_view, views_of

from benchmark.report.exports.text import latex_tables, markdown_tables
from benchmark.report.scores import score_rows


def test_scores_are_ranked_and_the_best_are_those_that_cannot_be_told_apart(tmp_path):
    view = views_of(tmp_path, SCORES)[0]
    rows = score_rows(view)
    methods = ["gan", "vae", "ali", "kde", "aae", "real-data", "collapsed", "noise"]
    assert [row.method for row in rows] == methods
    assert [row.seeds for row in rows] == [
        "6 (and 1 failed)",
        "6",
        "5 (and 1 diverged)",
        "1",
        "0 (and 1 failed)",
        "1",
        "1",
        "1",
    ]
    assert [row.scores["score"].text for row in rows] == [
        "0.900 ± 0.015",
        "0.898 ± 0.014 (of 5)",
        "0.500 ± 0.020",
        "–",
        "–",
        "1",
        "0",
        "0.2500",
    ]
    assert [row.scores["score"].best for row in rows] == [True, True, *[False] * 6]
    assert [row.scores["score"].mean for row in rows] == pytest.approx(
        [0.9, 4.49 / 5, 0.5, NAN, NAN, 1, 0, 0.25], nan_ok=True
    )


def test_a_single_method_is_not_marked_as_best(tmp_path):
    view = one_view(tmp_path, {"ring": {**CALIBRATED, "gan": [0.5, 0.6]}})
    assert not any(row.scores["score"].best for row in score_rows(view))


def test_of_a_metric_that_does_not_rank_no_score_is_marked(tmp_path):
    scores = {"ring": {**CALIBRATED, "gan": [0.9, 0.91, 0.92, 0.93, 0.94], "ali": [0.1, 0.2, 0.3, 0.4, 0.5]}}
    spread = {"better": "one", "ranked": False, "scores": {"gan": [0.9] * 5, "ali": [0.5] * 5}}
    view = one_view(tmp_path / "beside", scores, others={"within_mode_std": spread})
    first, second, *_ = rows = score_rows(view)
    assert (first.scores["score"].best, second.scores["score"].best) == (True, False)
    assert not any(row.scores["within_mode_std"].best for row in (first, second))
    texts = [row.scores["within_mode_std"].text for row in rows]
    assert texts == ["0.9000 ± 0", "0.5000 ± 0", "–", "–", "–"]
    view = one_view(tmp_path / "alone", scores, ranked=False)
    assert "**" not in markdown_tables([view])
    assert "textbf" not in latex_tables([view])


def test_the_best_are_marked_metric_by_metric(tmp_path):
    others = {"modes": {"scores": {"gan": [1.0, 1.1, 1.2, 1.3, 1.4], "ali": [8.0, 8.1, 8.2, 8.3, 8.4]}}}
    scores = {"ring": {"gan": [0.9, 0.91, 0.92, 0.93, 0.94], "ali": [0.1, 0.2, 0.3, 0.4, 0.5]}}
    view = one_view(tmp_path, scores, others=others)
    marked = {}
    for row in score_rows(view):
        marked[row.method] = [name for name, score in row.scores.items() if score.best]
    assert marked == {"gan": ["score"], "ali": ["modes"]}


def test_on_a_logarithmic_scale_the_median_is_told(tmp_path):
    scores = {
        "ring": {"gan": [1.0, 2.0, 3.0, 4.0, 5.0, 900.0], "ali": [0.5, None, None], "vae": [0.5, 0.75, None]}
    }
    view = one_view(tmp_path, scores, better="lower", scale="log")
    rows = {row.method: row.scores["score"] for row in score_rows(view)}
    assert rows["gan"].text == "4 [1, 900]"
    assert rows["gan"].mean == 3.5
    # Where a diverged trial stands there is no number.
    assert np.isnan(rows["ali"].mean)
    assert rows["vae"].text == "0.7500"


def test_one_seed_has_no_interval(tmp_path):
    view = one_view(tmp_path, {"ring": {"gan": [0.1], "ali": [0.3, 0.2]}}, better="lower", scale="log")
    scores = {row.method: row.scores["score"].text for row in score_rows(view)}
    assert scores == {"gan": "0.1000", "ali": "0.25 [0.20, 0.30]"}


def test_a_median_that_falls_on_a_diverged_trial_everywhere_breaks_nothing(tmp_path):
    view = one_view(
        tmp_path, {"ring": {"gan": [0.5, None, None], "ali": [0.7, None, None]}}, better="lower", scale="log"
    )
    assert [row.scores["score"].text for row in score_rows(view)] == ["–", "–"]
