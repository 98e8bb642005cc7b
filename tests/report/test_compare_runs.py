"""Two runs side by side, from records made by hand: differences and verdicts."""

import math

import numpy as np
import pandas as pd
import pytest
from support.numbers import NAN
from support.two_runs import BAD, ENDS, GOOD, WITHIN, scores_of_method

from benchmark.errors import UsageError
from benchmark.report.compare_runs import COMPARISON_COLUMNS, Comparison
from benchmark.report.statistics.over_seeds import change, mean_interval


@pytest.mark.parametrize(
    ("better", "before", "after", "sign", "verdict"),
    [
        ("higher", GOOD, BAD, -1, "worse"),
        ("higher", BAD, GOOD, 1, "better"),
        ("lower", GOOD, BAD, -1, "better"),
        ("lower", BAD, GOOD, 1, "worse"),
        ("one", GOOD, BAD, 1, "worse"),
        ("one", BAD, GOOD, -1, "better"),
        ("one", [2 - x for x in BAD], GOOD, -1, "better"),
        ("one", GOOD, [2 - x for x in BAD], 1, "worse"),
    ],
)
def test_a_difference_is_after_minus_before_and_the_direction_says_which_is_worse(
    compared, better, before, after, sign, verdict
):
    comparison = compared(scores_of_method(before), scores_of_method(after), better=better)
    row = comparison.frame.iloc[0]
    assert list(comparison.frame.columns) == COMPARISON_COLUMNS
    columns = ["dataset", "method", "metric", "better", "seeds", "paired"]
    assert tuple(row[columns]) == ("ring", "gan", "score", better, "6", True)
    assert tuple(row[["before", "after"]]) == pytest.approx((np.mean(before), np.mean(after)))
    assert tuple(row[ENDS]) == pytest.approx(mean_interval(sign * (np.array(GOOD) - BAD))[1:])
    assert row["verdict"] == verdict
    assert len(comparison.worse) == (verdict == "worse")


@pytest.mark.parametrize("better", ["higher", "lower", "one"])
@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (GOOD, WITHIN, "within"),
        (GOOD, GOOD, "same"),
        ([8.0] * 3, [8.0] * 3, "same"),
        ([8.0, NAN], [8.0, None], "same"),
        ([0.5], [0.5], "same"),
        ([None, NAN], [NAN, None], "same"),
        ({0: 8.0, 1: 8.0}, {2: 8.0, 3: 8.0}, "within"),
        ([8.0, 8.0, 8.0, None], [8.0, 8.0, None, 8.0], "within"),
        ([0.5], [0.1], "unknown"),
        ([0.5], {1: 0.5}, "unknown"),
        ([0.5, 0.5, None], [0.5, None, 0.5], "unknown"),
        ([1e308, 1e308], [-1e308, 3e307], "unknown"),
    ],
)
def test_what_is_not_beyond_an_interval_is_neither_better_nor_worse(compared, better, before, after, verdict):
    row = compared(scores_of_method(before), scores_of_method(after), better=better).frame.iloc[0]
    assert row["verdict"] == verdict


def test_shared_seeds_are_paired_and_others_left_out(compared):
    before = {0: 99.0, 1: 1.0, 2: 5.0, 5: 9.0}
    after = {7: -99.0, 5: 9.5, 2: 5.6, 1: 1.7}
    row = compared(scores_of_method(before), scores_of_method(after)).frame.iloc[0]
    assert tuple(row[["seeds", "paired", "verdict"]]) == ("3", True, "better")
    assert tuple(row[["before", "after"]]) == pytest.approx((5, 5.6))
    assert tuple(row[ENDS]) == pytest.approx(mean_interval([0.7, 0.6, 0.5])[1:])


@pytest.mark.parametrize(
    ("before", "after"),
    [(dict(enumerate(GOOD)), {1: 0.5}), ({1: 0.5}, dict(enumerate(GOOD))), ({1: 0.8}, {1: 0.5})],
)
def test_one_shared_seed_is_a_pair_where_a_run_has_no_other(compared, before, after):
    row = compared(scores_of_method(before), scores_of_method(after)).frame.iloc[0]
    columns = ["seeds", "paired", "before", "after", "difference"]
    assert tuple(row[columns]) == ("1", True, before[1], after[1], after[1] - before[1])


@pytest.mark.parametrize("first", [6, 5])
@pytest.mark.parametrize(("better", "verdict"), [("higher", "worse"), ("lower", "better")])
def test_runs_that_share_one_of_several_seeds_or_none_are_independent(compared, first, better, verdict):
    after = dict(enumerate(BAD[:4], first))
    row = compared(scores_of_method(GOOD), scores_of_method(after), better=better).frame.iloc[0]
    assert tuple(row[["seeds", "paired", "verdict"]]) == ("6 → 4", False, verdict)
    assert tuple(row[ENDS]) == pytest.approx(change(GOOD, BAD[:4])[1:])


def test_of_independent_runs_distances_from_the_best_are_compared(compared):
    before, after = scores_of_method([0.5, 1.5, 0.6]), scores_of_method({3: 0.9, 4: 1.1})
    row = compared(before, after, better="one").frame.iloc[0]
    assert tuple(row[ENDS]) == pytest.approx(change([0.5, 0.5, 0.4], [0.1, 0.1])[1:])
    assert row["verdict"] == "better"


@pytest.mark.parametrize("better", ["higher", "lower", "one"])
@pytest.mark.parametrize(
    ("before", "after", "seeds", "verdict"),
    [
        ([1.0, 2.0, 3.0], [None, None, None], "3 → 0 of 3", "worse"),
        ([1.0, 2.0, 3.0], [NAN, NAN, NAN], "3 → 0 of 3", "worse"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, [3.0, None]], "3 → 2 of 3", "worse"),
        ([1.0], [None], "1 → 0 of 1", "worse"),
        ([1.0, None, 3.0, 1.0], [1.1, 2.0, None, 0.8], "3 of 4", "within"),
        ([None, None], [1.0, 2.0], "0 of 2 → 2", "better"),
        ([1.0, 2.0, None], [1.0, 2.0, 3.0], "2 of 3 → 3", "better"),
        ([1.0, 2.0], {2: 1.0, 3: 2.0, 4: None}, "2 → 2 of 3", "worse"),
        ([1.0, None], {2: 1.0, 3: 1.5, 4: None}, "1 of 2 → 2 of 3", "better"),
    ],
)
def test_a_run_with_fewer_scores_is_worse_and_one_with_more_better(
    compared, better, before, after, seeds, verdict
):
    row = compared(scores_of_method(before), scores_of_method(after), better=better).frame.iloc[0]
    assert (row["seeds"], row["verdict"]) == (seeds, verdict)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [([*BAD, 0.5], [*GOOD, None], "worse"), ([*GOOD, None], [*BAD, 0.5], "worse")],
)
def test_neither_a_lost_score_nor_worse_ones_are_made_good(compared, before, after, verdict):
    assert compared(scores_of_method(before), scores_of_method(after)).frame["verdict"][0] == verdict


def test_on_a_logarithmic_scale_a_factor_counts(compared):
    """A run whose scores are all halved differs by a factor of a half, however far apart its seeds are."""
    before = [8.0, 0.5, 0.01]
    after = [4.0, 0.25, 0.005]
    frame = compared(scores_of_method(before), scores_of_method(after), better="lower", scale="log").frame
    row = frame.iloc[0]
    assert (row["scale"], row["verdict"]) == ("log", "better")
    assert row[ENDS].tolist() == pytest.approx([math.log(0.5)] * 3)


def test_zero_has_no_logarithm(compared):
    before, after = scores_of_method([8.0, 0.5, 0.01]), scores_of_method([4.0, 0.25, 0.0])
    row = compared(before, after, better="lower", scale="log").frame.iloc[0]
    assert row["scale"] == "linear"
    assert row["difference"] == pytest.approx((-4 - 0.25 - 0.01) / 3)


def test_simultaneous_intervals_are_wider_by_the_number_of_comparisons(compared, cli, tmp_path):
    before = {"ring": {"gan": GOOD, "ali": GOOD}, "grid": {"gan": GOOD, "gone": GOOD}}
    d = np.array([-0.045, -0.005, -0.045, -0.005, -0.045, -0.005])
    after = {"ring": {"gan": list(GOOD + d), "ali": WITHIN}, "grid": {"gan": {8: 0.5, 9: 0.6}}}
    alone = compared(before, after)
    together = compared(before, after, simultaneous=True)
    assert tuple(alone.frame[ENDS].iloc[0]) == pytest.approx(mean_interval(d)[1:])
    assert tuple(together.frame[ENDS].iloc[0]) == pytest.approx(mean_interval(d, 0.05 / 3)[1:])
    assert tuple(together.frame[ENDS].iloc[2]) == pytest.approx(change(GOOD, [0.5, 0.6], 0.05 / 3)[1:])
    assert list(alone.frame["verdict"]) == ["worse", "within", "worse"]
    assert list(together.frame["verdict"]) == ["within"] * 3
    status, out, _ = cli("compare", tmp_path / "before", tmp_path / "after", "--simultaneous")
    assert status == 1
    assert "after − before [98.333 %]" in out


def test_a_table_for_people_has_arrows_and_fitting_digits(compared):
    texts = compared(scores_of_method(BAD), scores_of_method(GOOD), better="lower").texts()
    assert list(texts.columns) == [
        "dataset",
        "method",
        "metric",
        "seeds",
        "before",
        "after",
        "after − before [95 %]",
        "",
    ]
    assert list(texts.iloc[0]) == [
        "ring",
        "gan",
        "score ↓",
        "6",
        "0.4917",
        "0.8500",
        "0.36 [0.29, 0.43]",
        "worse",
    ]


CHANCE = "; by chance alone, about {} of them would be worse beyond their intervals"
DISTANCES = "; for metrics that are best at 1, the distances from 1 are compared"


@pytest.mark.parametrize(
    ("better", "after", "counts", "more"),
    [
        ("higher", [], "0 compared: 0 worse, 0 better, 0 within, 0 same, 0 unknown", ""),
        ("higher", [GOOD, [8.0]], "2 compared: 0 worse, 0 better, 0 within, 1 same, 1 unknown", ""),
        ("one", [GOOD], "1 compared: 0 worse, 0 better, 0 within, 1 same, 0 unknown", DISTANCES),
        (
            "lower",
            [BAD, BAD, WITHIN, [1.0] * 6],
            "4 compared: 1 worse, 2 better, 1 within, 0 same, 0 unknown",
            CHANCE.format("0.1"),
        ),
    ],
)
def test_the_summary_counts_verdicts_and_what_chance_would_do(compared, better, after, counts, more):
    before = {f"m{i}": GOOD for i in range(len(after))}
    comparison = compared(
        {"ring": {"gone": [0.5], **before}},
        {"ring": {"gone": ["failed"], **dict(zip(before, after, strict=True))}},
        better=better,
    )
    assert comparison.summary() == counts + more


def test_what_chance_would_do_is_a_plain_number():
    frame = pd.DataFrame({"better": "higher", "scale": "linear", "verdict": ["worse", "within"] * 250})
    assert Comparison(frame, [], [], 0.05).summary().endswith(CHANCE.format("12"))


def test_python_raises_what_the_command_line_tells(compared):
    with pytest.raises(UsageError, match="--methods ali: the run before has gan"):
        compared(scores_of_method(GOOD), scores_of_method(GOOD), selection={"methods": ["ali"]})
