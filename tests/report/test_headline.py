"""The metric that answers the question on a dataset, and who is better than the dummies by it."""

from itertools import permutations

import numpy as np
import pytest
from support.made_up import made_up_run
from support.numbers import NAN

from benchmark.records.results import read_run
from benchmark.report.headline import chance, covering, dummies, headline, scored_metrics, scores_of
from benchmark.report.tables.pairs import ranking
from benchmark.report.tables.tables import make_tables


def run_of(root, scores, **parts):
    """The rows of `trials.csv` of a run on one dataset, and its results."""
    results = read_run(made_up_run(root, {"ring": scores}, **parts).root)
    return make_tables(results).trials, results


def covers(root, scores, **parts):
    """The methods that cover; arguments as those of `made_up_run` on one dataset."""
    trials, results = run_of(root, scores, **parts)
    return covering(trials, results, "ring")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (["modes", "overlap", "coverage", "fid"], "overlap"),
        (["modes", "coverage", "fid", "kl"], "coverage"),
        (["modes", "fid", "kl"], "fid"),
    ],
)
def test_overlap_is_preferred_to_coverage_and_that_to_fid_wherever_they_stand(metrics, expected):
    assert {headline(order) for order in permutations(metrics)} == {expected}


def test_without_any_of_these_it_is_the_first_metric():
    assert headline(["kl", "modes"]) == "kl"
    assert headline(["modes", "kl"]) == "modes"
    assert headline([]) is None


def test_a_metric_on_larger_samples_is_not_the_headline():
    assert headline(["modes", "fid_large"]) == "modes"


def test_a_metric_without_a_value_does_not_answer(tmp_path):
    others = {
        "overlap": {"scores": {"real-data": [1.0], "gan": [NAN, NAN]}},
        "fid": {"scores": {"gan": [3.0, NAN]}},
    }
    trials, results = run_of(tmp_path, {"real-data": [8.0], "gan": [8.0, 7.0]}, name="modes", others=others)
    # The row of real data does count as a value.
    assert scored_metrics(trials, results, "ring") == ["modes", "overlap", "fid"]
    none = trials[trials["method"] == "gan"]
    assert scored_metrics(none, results, "ring") == ["modes", "fid"]
    assert headline(scored_metrics(none, results, "ring")) == "fid"


def test_metrics_of_diverged_trials_alone_are_not_scored(tmp_path):
    assert scored_metrics(*run_of(tmp_path, {"gan": [[0.5, None]]}), "ring") == []


def test_scores_are_those_of_methods_without_those_of_diverged_and_failed_trials(tmp_path):
    trials, results = run_of(
        tmp_path,
        {
            "real-data": [1.0],
            "collapsed": [0.0],
            "noise": [0.1],
            "gan": {3: 0.5, 4: [0.9, None], 6: "failed"},
            "ali": [None],
        },
    )
    scores = scores_of(trials, results, "ring", "score")
    assert list(scores) == ["gan", "ali"]
    assert list(scores["gan"].index) == [3, 4]
    np.testing.assert_array_equal(scores["gan"], [0.5, NAN])
    np.testing.assert_array_equal(scores["ali"], [NAN])


def test_a_method_to_which_a_metric_does_not_apply_has_no_scores(tmp_path):
    """Unlike one whose score is not a number, it is not the worst: it has no rank, and no test."""
    others = {"ivom": {"better": "lower", "scores": {"gan": [0.5, 0.6], "ali": [NAN, NAN]}}}
    trials, results = run_of(
        tmp_path, {"gan": [8.0, 7.0], "ali": [8.0, 8.0], "vae": [8.0, 8.0]}, name="modes", others=others
    )
    assert list(scores_of(trials, results, "ring", "ivom")) == ["gan", "ali"]
    assert list(scores_of(trials, results, "ring", "modes")) == ["gan", "ali", "vae"]
    assert results.without("ring", "ivom") == ["vae"]
    assert ranking(trials, results, "ring", "ivom") == {"gan": 1, "ali": 2}
    pairs = make_tables(results).pairwise
    assert set(pairs.loc[pairs["metric"] == "ivom", "b"]) == {"ali"}


def test_dummies_are_the_rows_that_have_a_score(tmp_path):
    trials, results = run_of(
        tmp_path, {"real-data": [1.0], "collapsed": [0.2, 0.4], "noise": [NAN], "gan": [0.5]}
    )
    assert dummies(trials, "ring", "score") == {"collapsed": pytest.approx(0.3)}
    assert chance(trials, results.facts("ring", "score"), "ring", "score") == pytest.approx(0.3)
    assert dummies(trials, "grid", "score") == {}
    assert np.isnan(chance(trials, results.facts("ring", "score"), "grid", "score"))


@pytest.mark.parametrize(
    ("better", "collapsed", "noise", "expected"),
    [
        ("higher", 0.2, 0.5, 0.5),
        ("higher", 0.5, 0.2, 0.5),
        ("lower", 3.0, 9.0, 3.0),
        ("lower", 9.0, 3.0, 3.0),
        ("one", 0.0, 1.5, 1.5),
    ],
)
def test_chance_is_what_the_better_dummy_scores(tmp_path, better, collapsed, noise, expected):
    trials, results = run_of(
        tmp_path,
        {"real-data": [1.0], "collapsed": [collapsed], "noise": [noise], "gan": [0.7]},
        better=better,
    )
    assert chance(trials, results.facts("ring", "score"), "ring", "score") == expected


@pytest.mark.parametrize(
    ("better", "sign", "offset"),
    [("higher", 1, 0), ("lower", -1, 0), ("one", 1, 0), ("one", -1, 2)],
)
def test_a_method_covers_if_it_is_better_than_both_dummies(tmp_path, better, sign, offset):
    scores = {
        "collapsed": [0.2],
        "noise": [0.4],
        "above": [0.5, 0.4],
        "between": [0.3, 0.3],
        "below": [0.1, 0.1],
        "equal": [0.4, 0.4],
    }
    turned = {method: list(offset + sign * np.array(values)) for method, values in scores.items()}
    assert covers(tmp_path / "noise", turned, better=better) == ["above"]
    turned["collapsed"], turned["noise"] = turned["noise"], turned["collapsed"]
    assert covers(tmp_path / "collapsed", turned, better=better) == ["above"]


def test_covering_goes_by_the_mean_over_seeds(tmp_path):
    assert covers(tmp_path, {"collapsed": [0.5], "a": [0.1, 1.0], "b": [0.45, 0.49], "c": [0.4, 0.55]}) == [
        "a"
    ]


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_a_diverged_trial_counts_as_the_worst_that_there_is(tmp_path, better, sign):
    diverged = [sign * 5.0, None]
    scores = {
        "collapsed": [sign * -1.0],
        "noise": [sign * 0.1],
        "a": [sign * 0.9, diverged],
        "b": [sign * 0.9, diverged, sign * 0.9],
        "c": [sign * 0.2] * 3,
    }
    # The collapsed row has the worst: (0.9 - 1) / 2 is not better than 0.1, and (0.9 + 0.9 - 1) / 3 is.
    assert covers(tmp_path / "collapsed", scores, better=better) == ["b", "c"]
    scores["c"] = [-sign * 9.0] * 3  # and now another method has it
    assert covers(tmp_path / "method", scores, better=better) == []


def test_a_method_of_which_all_trials_diverged_does_not_cover(tmp_path):
    assert covers(
        tmp_path / "dummies", {"collapsed": [0.1], "noise": [0.2], "a": [None, NAN], "b": [0.3]}
    ) == ["b"]
    assert covers(tmp_path / "none", {"a": [None, NAN], "b": [0.3]}) == ["b"]


def test_without_dummies_all_methods_with_a_score_are_taken_to_cover(tmp_path):
    assert covers(tmp_path, {"real-data": [1.0], "a": [-5.0], "b": [0.3, None]}) == ["a", "b"]
    assert covers(tmp_path / "one", {"noise": [0.2], "a": [0.1], "b": [0.3]}) == ["b"]


def test_only_the_headline_tells_who_covers(tmp_path):
    others = {"overlap": {"scores": {"collapsed": [0.1], "noise": [0.2], "gan": [0.15], "ali": [0.5]}}}
    scores = {"collapsed": [1.0], "noise": [3.0], "gan": [8.0], "ali": [2.0]}
    assert covers(tmp_path, scores, name="modes", others=others) == ["ali"]
    assert covers(tmp_path / "alone", scores, name="modes") == ["gan"]


def test_on_a_dataset_without_any_score_nobody_covers(tmp_path):
    assert covers(tmp_path, {"gan": [None]}) == []
