"""Tables that compare methods, from records made by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from support.made_up import SPENT, made_up_run, made_up_tables
from support.numbers import NAN

from benchmark.records.results import read_run
from benchmark.report.statistics.over_datasets import (
    PROFILE_SCORES,
    average_ranks,
    improvement,
    interquartile_mean,
)
from benchmark.report.statistics.over_seeds import best_of
from benchmark.report.tables.rows import rows_of
from benchmark.report.tables.tables import make_tables, write_tables

GOOD, BAD = [0.9, 0.8, 0.95, 0.7, 0.85, 0.9], [0.5, 0.55, 0.6, 0.35, 0.5, 0.45]
CALIBRATED = {"real-data": [1.0], "collapsed": [0.0]}


def pairs_of(frame):
    return list(zip(frame["a"], frame["b"], strict=True))


def only(frame, **values):
    """The one row that has these values."""
    rows = rows_of(frame, **values)
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_metric_without_any_value_is_not_compared(tmp_path):
    tables = made_up_tables(tmp_path, {"ring": {**CALIBRATED, "gan": [NAN, None], "ali": [None, None]}})
    assert all(getattr(tables, name).empty for name in ("pairwise", "aggregate", "improvement", "profiles"))


def test_a_summary_is_of_the_values_and_counts_the_diverged(tmp_path):
    summary = made_up_tables(
        tmp_path, {"ring": {"gan": [1.0, 3.0, [99.0, None], None, NAN], "ali": [None]}}, better="lower"
    ).summary
    row = only(summary, method="gan")
    assert (row["n"], row["mean"], row["best"], row["worst"], row["diverged"]) == (2, 2, 1, 3, 2)
    assert row["std"] == pytest.approx(math.sqrt(2))
    assert (only(summary, method="ali")["n"], only(summary, method="ali")["diverged"]) == (0, 1)


# Six seeds and three evaluation points: one seed has diverged by the third, another by the second, and one
# score is not defined.
COURSES = [[0.1, 0.2, 0.9], [0.2, 0.4, 0.8], [0.3, 0.6, NAN], [0.4, 0.8, 0.7], [0.5, 0.9, None], [0.6, None]]


def test_a_budget_has_the_median_at_every_point(tmp_path):
    budget = made_up_tables(
        tmp_path, {"ring": {**CALIBRATED, "gan": COURSES}, "grid": {"gan": [[0.5, 0.6]]}}
    ).budget
    assert list(zip(budget["dataset"], budget["point"], strict=True)) == [
        ("ring", 1),
        ("ring", 2),
        ("ring", 3),
        ("grid", 1),
        ("grid", 2),
    ]
    for key, spent in SPENT.items():
        assert list(budget[key]) == [point * spent for point in budget["point"]]
    assert list(budget["n"]) == [6, 6, 6, 1, 1]
    assert list(budget["without_value"]) == [0, 1, 3, 0, 0]
    assert budget["median"].to_numpy() == pytest.approx([0.35, 0.5, NAN, 0.5, 0.6], nan_ok=True)
    assert budget["low"].to_numpy() == pytest.approx([0.1, NAN, NAN, 0.5, 0.6], nan_ok=True)
    assert budget["high"].to_numpy() == pytest.approx([0.6, 0.9, 0.9, 0.5, 0.6], nan_ok=True)
    assert list(budget["confidence"]) == [1 - 2 / 2**6] * 3 + [0, 0]


def test_along_the_budget_a_diverged_trial_is_the_highest_where_lower_is_better(tmp_path):
    budget = made_up_tables(tmp_path, {"ring": {"gan": COURSES}}, better="lower").budget
    assert budget["median"].to_numpy() == pytest.approx([0.35, 0.7, NAN], nan_ok=True)
    assert budget["low"].to_numpy() == pytest.approx([0.1, 0.2, 0.7])
    assert np.isnan(budget["high"][1:]).all()


@pytest.mark.parametrize(
    ("better", "collapsed", "worst"),
    [("higher", 0.3, 0.05), ("higher", 0.01, 0.01), ("lower", 5.0, 5.0), ("one", 3.0, 3.0)],
)
def test_the_best_of_k_runs_takes_a_diverged_one_for_the_worst_there_is(tmp_path, better, collapsed, worst):
    # Neither scores on other datasets count, nor what real data have.
    scores = {
        "ring": {"real-data": [-9.0], "collapsed": [collapsed], "gan": COURSES, "ali": [0.05]},
        "grid": {"gan": [-7.0, 7.0]},
    }
    table = made_up_tables(tmp_path, scores, better=better).best_of
    assert list(table["k"]) == [1, 2, 3, 5] * 3 + [1] + [1, 2]
    last = table[(table["method"] == "gan") & (table["point"] == 3)]
    expected = [best_of([0.9, 0.8, worst, 0.7, worst, worst], k, better) for k in (1, 2, 3, 5)]
    assert last[["expected", "low", "high"]].to_numpy() == pytest.approx(np.array(expected))
    assert list(last["flops"]) == [3 * SPENT["flops"]] * 4


def test_aggregates_are_over_datasets(tmp_path):
    runs = {"gan": [np.array(GOOD), np.array(BAD[:4])], "ali": [np.array(BAD), np.array(GOOD[:4])]}
    scores = {
        "ring": {**CALIBRATED, "gan": GOOD, "ali": BAD},
        "grid": {**CALIBRATED, "gan": BAD[:4], "ali": GOOD[:4]},
    }
    table = made_up_tables(tmp_path, scores).aggregate
    assert list(table["method"]) == ["gan", "ali"]
    ranks = average_ranks([np.stack([runs["gan"][i], runs["ali"][i]], axis=1) for i in range(2)])
    for i, method in enumerate(runs):
        row = only(table, metric="score", method=method)
        assert tuple(row[["datasets", "runs", "rank_datasets"]]) == (2, 10, 2)
        assert tuple(row[["iqm", "iqm_low", "iqm_high"]]) == interquartile_mean(runs[method])
        assert tuple(row[["rank", "rank_low", "rank_high"]]) == (ranks.value[i], ranks.low[i], ranks.high[i])


@pytest.mark.parametrize(
    ("facts", "calibrated", "expected"),
    [
        ({"better": "lower", "best": 0.0}, {"collapsed": [1.0, 3.0]}, 0.75),
        ({"better": "lower", "best": 0.0}, {"noise": [1.0, 3.0]}, 0.75),
        ({"better": "lower", "best": 0.0}, {"noise": [9.0], "collapsed": [2.0]}, 0.75),
        ({"better": "lower", "best": 0.0}, {"noise": [2.0], "collapsed": [9.0], "real-data": [0.5]}, 0.75),
        ({"better": "higher"}, {"real-data": [1.0], "collapsed": [0.0]}, 0.5),
        ({"better": "higher"}, {"real-data": [1.0], "collapsed": [0.0], "noise": [0.25]}, 1 / 3),
        ({"better": "one", "best": 1.0}, {"collapsed": [3.0], "noise": [-1.0, 1.0]}, 0.5),
        ({"better": "higher", "best": 1.0}, {}, NAN),
        ({"better": "higher"}, {"real-data": [0.2], "collapsed": [0.3]}, NAN),
    ],
)
def test_the_scale_runs_from_the_better_dummy_to_a_perfect_generator(tmp_path, facts, calibrated, expected):
    tables = made_up_tables(tmp_path, {"ring": {**calibrated, "gan": [0.5, 0.5]}}, **facts)
    assert [tables.aggregate["iqm"][0]] == pytest.approx([expected], nan_ok=True)
    assert tables.aggregate["rank"][0] == 1
    assert tables.profiles.empty == math.isnan(expected)


def test_a_diverged_trial_scores_nothing_and_has_the_last_rank(tmp_path):
    table = made_up_tables(
        tmp_path, {"ring": {**CALIBRATED, "gan": [[0.9, None]] * 3, "ali": [0.1] * 3}}
    ).aggregate
    assert list(table["iqm"]) == [0, pytest.approx(0.1)]
    assert list(table["rank"]) == [2, 1]


def test_ranks_are_over_the_seeds_and_datasets_that_all_methods_have(tmp_path):
    scores = {
        "ring": {"gan": {0: 0.5, 1: 0.1, 3: 0.9}, "ali": {1: 0.2, 2: 0.9, 3: 0.1}},
        "grid": {"gan": [0.9, 0.9]},
    }
    table = made_up_tables(tmp_path, scores).aggregate
    assert list(table["rank_datasets"]) == [1, 1]
    assert list(table["rank"]) == [1.5, 1.5]
    assert table["iqm"].isna().all()


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_datasets_on_which_no_method_beats_both_dummies_are_left_out(tmp_path, better, sign):
    good = {
        "real-data": [sign * 1.0],
        "collapsed": [0.0],
        "noise": [sign * 0.1],
        "gan": [sign * 0.9] * 2,
        "ali": [sign * 0.05] * 2,
    }
    lost = {
        "real-data": [sign * 1.0],
        "collapsed": [0.0],
        "noise": [sign * 0.9],
        "gan": [sign * 0.9, sign * 0.8],
        "ali": [sign * 0.7] * 2,
    }
    both = made_up_tables(tmp_path / "both", {"ring": good, "grid": lost}, better=better)
    alone = made_up_tables(tmp_path / "alone", {"ring": good}, better=better)
    for name in ("aggregate", "improvement", "profiles"):
        pd.testing.assert_frame_equal(getattr(both, name), getattr(alone, name))
        assert len(getattr(alone, name))
    assert set(both.pairwise["dataset"]) == {"ring", "grid"}
    nowhere = made_up_tables(tmp_path / "nowhere", {"grid": lost}, better=better)
    assert all(getattr(nowhere, name).empty for name in ("aggregate", "improvement", "profiles"))


def test_the_headline_alone_decides_where_no_method_covers(tmp_path):
    # By the other metric both methods are better than the dummies, on both datasets.
    quality = {"scores": {"collapsed": [0.1], "noise": [0.1], "gan": [0.8, 0.9], "ali": [0.7, 0.6]}}
    scores = {"collapsed": [0.2], "noise": [0.3], "gan": [0.5, 0.6], "ali": [0.25, 0.2]}
    lost = {**scores, "gan": [0.3, 0.3]}
    tables = made_up_tables(
        tmp_path,
        {"ring": scores, "grid": lost},
        name="overlap",
        best=1.0,
        others={"precision": {**quality, "best": 1.0}},
    )
    assert set(tables.aggregate["metric"]) == {"overlap", "precision"}
    assert set(tables.aggregate["datasets"]) == {1}


def test_improvement_is_over_the_datasets_that_both_have(tmp_path):
    scores = {
        "ring": {"gan": GOOD, "ali": BAD, "vae": GOOD},
        "grid": {"gan": [0.1, 0.5, None], "ali": [0.1, None, None]},
    }
    table = made_up_tables(tmp_path, scores).improvement
    assert pairs_of(table) == [("gan", "ali"), ("gan", "vae"), ("ali", "vae")]
    row = only(table, a="gan", b="ali")
    gan_on_grid, ali_on_grid = np.array([[0.1, 0.5, -math.inf], [0.1, -math.inf, -math.inf]])
    estimate = improvement([np.array(GOOD), gan_on_grid], [np.array(BAD), ali_on_grid])
    assert tuple(row[["probability", "low", "high"]]) == estimate
    assert list(table["datasets"]) == [2, 1, 1]
    assert list(table["probability"]) == [pytest.approx((1 + (0.5 + 2 + 2 + 0 + 1 + 1) / 9) / 2), 0.5, 0]


def test_profiles_tell_the_share_of_runs_above_each_score(tmp_path):
    table = made_up_tables(
        tmp_path, {"ring": {**CALIBRATED, "gan": [0.3, 0.6, 0.6, None], "ali": [1.0] * 4}}
    ).profiles
    gan = table[table["method"] == "gan"]
    assert list(gan["score"]) == list(PROFILE_SCORES)
    assert list(gan["share"]) == [1] + [0.75] * 12 + [0.5] * 12 + [0] * 16
    assert set(table.loc[table["method"] == "ali", "share"]) == {1}


def test_by_a_metric_that_does_not_rank_nothing_is_compared(tmp_path):
    unranked = {
        "within_mode_std": {
            "better": "one",
            "ranked": False,
            "scores": {"gan": [0.9, 0.8], "ali": [0.5, 0.4]},
        }
    }
    tables = made_up_tables(
        tmp_path, {"ring": {**CALIBRATED, "gan": [0.5, 0.6], "ali": [0.1, 0.2]}}, others=unranked
    )
    for name in ("pairwise", "aggregate", "improvement", "profiles"):
        assert set(getattr(tables, name)["metric"]) == {"score"}
    ranks = tables.summary.set_index(["metric", "method"])["rank"]
    assert ranks["within_mode_std"].isna().all()
    assert ranks["score"][["gan", "ali"]].tolist() == [1, 2]
    assert only(tables.summary, metric="within_mode_std", method="gan")["mean"] == pytest.approx(0.85)


def test_tables_of_a_run_without_any_finished_method_are_empty(tmp_path):
    tables = made_up_tables(tmp_path, {"ring": {**CALIBRATED, "gan": ["failed"]}})
    for name in ("curves", "pairwise", "budget", "best_of", "aggregate", "improvement", "profiles"):
        assert getattr(tables, name).empty


def test_the_files_are_the_same_again(tmp_path):
    store = made_up_run(
        tmp_path,
        {"ring": {**CALIBRATED, "gan": COURSES, "ali": BAD}, "grid": {"gan": GOOD, "ali": [8.0] * 6}},
    )
    written = []
    for _ in range(2):
        write_tables(store, make_tables(read_run(store.root)))
        written.append({file.name: file.read_bytes() for file in tmp_path.glob("*.csv")})
    assert written[0] == written[1]
    assert {
        "pairwise.csv",
        "budget.csv",
        "best_of.csv",
        "aggregate.csv",
        "improvement.csv",
        "profiles.csv",
    } <= written[0].keys()
    columns = [
        "dataset",
        "metric",
        "a",
        "b",
        "n_a",
        "n_b",
        "difference",
        "ci_low",
        "ci_high",
        "superiority",
        "p",
        "favours",
        "note",
    ]
    assert list(pd.read_csv(tmp_path / "pairwise.csv").columns) == columns
