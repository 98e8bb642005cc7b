"""The table of pairs and the ranking, from records made by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.made_up import made_up_run, made_up_tables
from support.numbers import NAN

from benchmark.records.results import read_run
from benchmark.report.statistics.rank_tests import compare_ranks, seeds_for_a_test
from benchmark.report.tables.pairs import PAIRWISE_COLUMNS, ranking
from benchmark.report.tables.tables import make_tables

GOOD, BAD = [0.9, 0.8, 0.95, 0.7, 0.85, 0.92], [0.5, 0.55, 0.6, 0.35, 0.52, 0.45]
CALIBRATED = {"real-data": [1.0], "collapsed": [0.0], "noise": [0.1]}


def pairs_of(frame):
    return list(zip(frame["a"], frame["b"], strict=True))


def welch(a, b):
    """The difference of means and the ends of Welch's interval."""
    return [np.mean(a) - np.mean(b), *stats.ttest_ind(a, b, equal_var=False).confidence_interval()]


def interval_of(row):
    return list(row[["difference", "ci_low", "ci_high"]])


def test_every_two_methods_are_compared_on_every_dataset(tmp_path):
    table = made_up_tables(
        tmp_path,
        {"ring": {"gan": GOOD, "ali": BAD, "vae": BAD}, "grid": {**CALIBRATED, "gan": BAD, "ali": GOOD}},
    ).pairwise
    assert list(table.columns) == PAIRWISE_COLUMNS
    assert list(table["dataset"]) == ["ring"] * 3 + ["grid"]
    assert pairs_of(table) == [("gan", "ali"), ("gan", "vae"), ("ali", "vae"), ("gan", "ali")]
    assert set(table["metric"]) == {"score"}
    assert list(table["n_a"]) == list(table["n_b"]) == [6] * 4


@pytest.mark.parametrize(
    ("better", "a", "b", "sign", "favours"),
    [
        ("higher", GOOD, BAD, 1, "gan"),
        ("higher", BAD, GOOD, -1, "ali"),
        ("lower", GOOD, BAD, 1, "ali"),
        ("lower", BAD, GOOD, -1, "gan"),
        ("one", GOOD, BAD, -1, "gan"),
        ("one", [2 - x for x in GOOD], BAD, -1, "gan"),
        ("one", [2 - x for x in BAD], GOOD, 1, "ali"),
    ],
)
def test_a_difference_is_a_less_b_and_favours_the_better(tmp_path, better, a, b, sign, favours):
    row = made_up_tables(tmp_path, {"ring": {"gan": a, "ali": b}}, better=better).pairwise.iloc[0]
    expected = welch(GOOD, BAD) if sign > 0 else welch(BAD, GOOD)
    assert interval_of(row) == pytest.approx(expected)
    assert row["favours"] == favours
    assert row["superiority"] == (1 if favours == "gan" else 0)
    assert row["p"] == pytest.approx(2 / math.comb(12, 6), abs=0.002)
    assert row["note"] == ""


def test_seeds_are_taken_as_independent(tmp_path):
    """Neither the order of the seeds nor their numbers change anything."""
    seeds = {"ali": dict(zip((7, 9, 20), [0.8, 0.3, 0.6], strict=True))}
    plain = made_up_tables(tmp_path / "plain", {"ring": {"gan": GOOD, "ali": [0.3, 0.6, 0.8]}}).pairwise
    mixed = made_up_tables(tmp_path / "mixed", {"ring": {"gan": GOOD[::-1], **seeds}}).pairwise
    pd.testing.assert_frame_equal(plain, mixed)
    row = plain.iloc[0]
    assert tuple(row[["n_a", "n_b"]]) == (6, 3)
    assert interval_of(row) == pytest.approx(welch(GOOD, [0.3, 0.6, 0.8]))


def test_a_difference_within_chance_favours_nobody(tmp_path):
    beside = list(GOOD + 0.1 * np.array([1, -1, 1, -1, 1, -1]))
    row = made_up_tables(tmp_path, {"ring": {"gan": GOOD, "ali": beside}}).pairwise.iloc[0]
    assert row["ci_low"] < 0 < row["ci_high"]
    assert (row["favours"], row["note"]) == ("", "")


def test_p_is_that_of_the_rank_tests_of_all_methods_of_a_dataset_together(tmp_path):
    rng = np.random.default_rng(0)
    ring = {f"m{i}": list(rng.normal(0.4 * i, size=6)) for i in range(5)}
    table = made_up_tables(tmp_path, {"ring": ring, "grid": {"m0": GOOD, "m3": BAD}}).pairwise
    expected = compare_ranks(list(ring.values())).p
    assert list(table["p"][:10]) == [expected[int(a[1]), int(b[1])] for a, b in pairs_of(table[:10])]
    assert list(table["p"][10:]) == [compare_ranks([GOOD, BAD]).p[0, 1]]
    assert len(set(table["p"])) > 3


@pytest.mark.parametrize("better", ["higher", "lower", "one"])
def test_a_method_is_favoured_where_p_is_at_most_the_level_and_only_there(tmp_path, better):
    rng = np.random.default_rng(3)
    scores = {f"m{i}": list(1 + 0.4 * i + 0.5 * rng.random(5)) for i in range(6)}
    table = made_up_tables(
        tmp_path, {"ring": scores, "grid": {**scores, "m6": [NAN, None, 0.9, 1.8, 7.0]}}, better=better
    ).pairwise
    assert ((table["p"] <= 0.05) == (table["favours"] != "")).all()
    assert 0 < (table["favours"] != "").sum() < len(table)
    for row in table.to_dict("records"):
        if row["favours"]:
            assert row["favours"] == (row["a"] if row["superiority"] > 0.5 else row["b"])


def test_the_interval_does_not_decide_whom_a_pair_favours(tmp_path):
    # Welch's interval leaves 0 out, and three seeds each tell nothing apart.
    row = made_up_tables(
        tmp_path, {"ring": {"gan": [0.9, 0.91, 0.92], "ali": [0.1, 0.11, 0.12]}}
    ).pairwise.iloc[0]
    assert row["ci_low"] > 0
    assert (row["favours"], row["superiority"]) == ("", 1)
    # Here it holds 0, for one seed is far off, and ranks tell the methods apart.
    row = made_up_tables(
        tmp_path / "off", {"ring": {"gan": [*range(10, 17), 1e6], "ali": list(range(8))}}
    ).pairwise.iloc[0]
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["favours"] == "gan"


def test_on_a_logarithmic_scale_the_difference_is_that_of_logarithms(tmp_path):
    a, b = [0.001, 0.01, 0.1, 0.02], [2.0, 30.0, 4.0, 9.0, 0.5]
    scores = {"ring": {"gan": a, "ali": b}}
    linear = made_up_tables(tmp_path / "linear", scores, better="lower").pairwise.iloc[0]
    log = made_up_tables(tmp_path / "log", scores, better="lower", scale="log").pairwise.iloc[0]
    assert interval_of(linear) == pytest.approx(welch(a, b))
    assert interval_of(log) == pytest.approx(welch(np.log(a), np.log(b)))
    assert math.exp(log["difference"]) == pytest.approx(stats.gmean(a) / stats.gmean(b))
    interval = ["difference", "ci_low", "ci_high"]
    assert list(linear.drop(interval)) == list(log.drop(interval))


@pytest.mark.parametrize("value", [0.0, -0.5])
@pytest.mark.parametrize("of", ["gan", "ali"])
def test_without_a_logarithm_there_is_no_difference_and_still_a_test(tmp_path, value, of):
    scores = {"gan": [0.001, 0.02, 0.03, 0.04], "ali": [2.0, 3.0, 4.0, 5.0]}
    scores[of][0] = value
    row = made_up_tables(tmp_path, {"ring": scores}, better="lower", scale="log").pairwise.iloc[0]
    assert np.isnan(interval_of(row)).all()
    assert tuple(row[["n_a", "n_b"]]) == (4, 4)
    assert row["p"] == compare_ranks(-np.array(list(scores.values()))).p[0, 1]
    assert row["superiority"] == (1 if of == "gan" else 12 / 16)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_superiority_is_the_share_of_pairs_in_which_a_is_better(tmp_path, better):
    row = made_up_tables(
        tmp_path, {"ring": {"gan": [1.0, 3.0, None], "ali": [2.0, 3.0, None, NAN]}}, better=better
    ).pairwise.iloc[0]
    # Of the twelve pairs, two seeds with a value are better than two without one, and a seed without one is
    # beside two more like it.
    wins = {"higher": 1 + 0.5, "lower": 2 + 0.5}[better]
    assert row["superiority"] == pytest.approx((wins + 2 * 2 + 0.5 * 2) / 12)


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_a_trial_without_a_value_counts_in_the_test_and_not_in_the_mean(tmp_path, better, sign):
    # Of the trials without a value, one had a better score than any before it diverged.
    good, bad = list(sign * np.array(GOOD)), list(sign * np.array(BAD))
    row = made_up_tables(
        tmp_path, {"ring": {"gan": good, "ali": [*bad[:3], [sign * 99.0, None], None, NAN]}}, better=better
    ).pairwise.iloc[0]
    assert tuple(row[["n_a", "n_b"]]) == (6, 3)
    assert interval_of(row) == pytest.approx(welch(good, bad[:3]))
    assert row["p"] == compare_ranks([GOOD, [*BAD[:3], *[-math.inf] * 3]]).p[0, 1]
    assert (row["favours"], row["superiority"]) == ("gan", 1)


def test_a_method_all_of_whose_seeds_diverged_is_behind(tmp_path):
    tables = made_up_tables(tmp_path, {"ring": {"gan": [None] * 6, "ali": BAD}})
    row = tables.pairwise.iloc[0]
    assert (row["favours"], row["superiority"], row["n_a"], row["n_b"]) == ("ali", 0, 0, 6)
    assert np.isnan(interval_of(row)).all()
    assert tables.summary.set_index("method")["rank"].to_dict() == {"gan": 2, "ali": 1}


def test_of_a_single_seed_there_is_neither_interval_nor_test(tmp_path):
    row = made_up_tables(tmp_path, {"ring": {"gan": [0.9], "ali": [0.5]}}).pairwise.iloc[0]
    assert (row["difference"], row["p"], row["favours"]) == (pytest.approx(0.4), 1, "")
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()
    assert row["note"] == "no test can succeed: with 1 and 1 seeds p is at least 1; it takes 4 seeds each"


@pytest.mark.parametrize("better", ["higher", "lower", "one"])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_methods_without_any_difference_are_alike(tmp_path, better, n):
    row = made_up_tables(
        tmp_path, {"ring": {"gan": [8.0] * 6, "ali": [8.0] * n}}, better=better
    ).pairwise.iloc[0]
    assert row["difference"] == 0
    assert (row["p"], row["favours"], row["note"], row["superiority"]) == (1, "", "alike in all seeds", 0.5)


def test_methods_that_diverge_in_all_seeds_are_alike(tmp_path):
    table = made_up_tables(
        tmp_path, {"ring": {"gan": [None] * 6, "ali": [None, NAN] * 3, "vae": BAD}}
    ).pairwise.set_index(["a", "b"])
    assert tuple(table.loc[("gan", "ali"), ["p", "favours", "note"]]) == (1, "", "alike in all seeds")
    assert tuple(table.loc[("gan", "vae"), ["favours", "note"]]) == ("vae", "")


@pytest.mark.parametrize(
    ("methods", "seeds", "needed"),
    [(2, 3, 4), (2, 4, None), (3, 3, None), (4, 4, 5), (4, 5, None), (7, 4, 5), (7, 5, None)],
)
def test_a_note_tells_where_no_test_can_succeed(tmp_path, methods, seeds, needed):
    scores = {f"m{i}": list(i + 0.1 * np.arange(seeds)) for i in range(methods)}
    table = made_up_tables(tmp_path, {"ring": scores}).pairwise
    apart = table["a"].str[1:].astype(int) - table["b"].str[1:].astype(int)
    neighbours = table[apart.abs() == 1]
    if needed:
        start = f"no test can succeed: with {seeds} and {seeds} seeds p is at least "
        assert neighbours["note"].str.startswith(start).all()
        assert neighbours["note"].str.endswith(f"; it takes {needed} seeds each").all()
        assert needed == seeds_for_a_test(methods)
        assert set(neighbours["favours"]) == {""}
    ends = table[apart.abs() == methods - 1]
    assert list(ends["note"]) == ["" if ends["favours"].item() else neighbours["note"].iloc[0]]
    assert ((table["note"] == "") == (table["favours"] != "")).all() or methods == 3


def test_a_note_tells_the_least_p_of_those_numbers_of_seeds(tmp_path):
    (note,) = made_up_tables(tmp_path, {"ring": {"gan": [1.0, 2.0], "ali": [3.0, 4.0, 5.0, None]}}).pairwise[
        "note"
    ]
    assert note == "no test can succeed: with 2 and 4 seeds p is at least 0.133; it takes 4 seeds each"
    assert (
        made_up_tables(tmp_path / "more", {"ring": {"gan": [1.0, 2.0], "ali": [3.0] * 9}})
        .pairwise["note"]
        .item()
        == ""
    )


def test_a_test_that_could_have_succeeded_has_no_note(tmp_path):
    row = made_up_tables(
        tmp_path, {"ring": {"gan": [1.0, 2.0, 3.0, 4.0], "ali": [1.5, 2.5, 3.5, 4.5]}}
    ).pairwise.iloc[0]
    assert (row["favours"], row["note"]) == ("", "")


def test_a_metric_that_does_not_rank_has_no_pairs_and_no_ranks(tmp_path):
    tables = made_up_tables(tmp_path, {"ring": {**CALIBRATED, "gan": GOOD, "ali": BAD}}, ranked=False)
    assert tables.pairwise.empty
    assert list(tables.pairwise.columns) == PAIRWISE_COLUMNS
    assert tables.summary["rank"].isna().all()
    assert len(tables.summary) == 5


def test_a_metric_without_any_value_has_no_pairs(tmp_path):
    assert made_up_tables(
        tmp_path, {"ring": {**CALIBRATED, "gan": [NAN, None], "ali": [None, None]}}
    ).pairwise.empty


def test_metrics_on_larger_samples_are_compared_too_and_after_the_others(tmp_path):
    large = {"score_large": {"scores": {"gan": BAD, "ali": GOOD}}}
    table = made_up_tables(tmp_path, {"ring": {"gan": GOOD, "ali": BAD}}, others=large).pairwise
    assert set(zip(table["metric"], table["favours"], strict=True)) == {
        ("score", "gan"),
        ("score_large", "ali"),
    }


def ranks(root, scores, **parts):
    """The place of each method; arguments as those of `made_up_run` on one dataset."""
    results = read_run(made_up_run(root, {"ring": scores}, **parts).root)
    tables = make_tables(results)
    places = ranking(tables.trials, results, "ring", "score")
    summary = tables.summary.dropna(subset="rank").set_index("method")["rank"]
    assert summary.to_dict() == places
    return places


def test_the_rank_is_by_mean_ranks_and_not_by_means(tmp_path):
    # One seed of `a` is far ahead of all, and the others behind.
    scores = {"a": [99.0, 0.1, 0.2], "b": [0.5, 0.6, 0.7], "c": [0.3, 0.4, 0.55]}
    assert np.mean(scores["a"]) > np.mean(scores["b"])
    assert ranks(tmp_path / "higher", {**CALIBRATED, **scores}) == {"b": 1, "c": 2, "a": 3}
    assert ranks(tmp_path / "lower", scores, better="lower") == {"a": 1, "c": 2, "b": 3}


def test_ties_share_the_first_of_their_ranks(tmp_path):
    assert ranks(tmp_path, {"a": [1.0, 4.0], "b": [2.0, 3.0], "c": [0.0, 0.0], "d": [9.0]}) == {
        "d": 1,
        "a": 2,
        "b": 2,
        "c": 4,
    }


def test_diverged_trials_are_last_in_the_ranking_and_failed_ones_are_not_in_it(tmp_path):
    scores = {
        "a": [[9.0, None], 0.5, 0.6],
        "b": [0.1, 0.2, 0.3],
        "c": [None, NAN, 7.0],
        "d": ["failed"],
        "e": [None] * 3,
    }
    assert ranks(tmp_path, scores) == {"a": 1, "b": 2, "c": 3, "e": 4}


def test_p_of_two_is_counted_out(tmp_path):
    row = made_up_tables(
        tmp_path, {"ring": {"gan": list(range(9)), "ali": list(range(20, 29))}}
    ).pairwise.iloc[0]
    assert row["p"] == pytest.approx(2 / math.comb(18, 9))
