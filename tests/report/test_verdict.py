"""The answer on a dataset, and the methods that lead."""

import re

import numpy as np
import pytest
from support.made_up import made_up_run
from support.views import (
    ALI,
    FAR,
    GAN,
    NEAR,
    OVERLAP,
    SEEDS,
    answer_and_caveats,
    answer_by_overlap,
    metrics_of_modes,
    one_view,
)

from benchmark.records.results import read_run
from benchmark.report.tables.tables import make_tables
from benchmark.report.verdict import leaders


def test_the_best_is_named_if_tests_say_so(tmp_path):
    result, _ = answer_and_caveats(tmp_path, {"ring": {"a": FAR, "b": NEAR, "c": FAR}})
    assert result.best == ["b"]
    assert result.verdict == "On ring, b covers the distribution best (tests confirm it)."
    assert result.reasons == ["By score, b is first (5.100 ± 0.054); a is next, 2.05 [1.97, 2.13] behind."]
    assert result.certainty.startswith(
        f"{SEEDS} seeds each. "
        "Tests that hold at once for all pairs of 3 methods confirm b against a and c (p "
    )


def test_a_p_value_in_a_sentence_has_one_sign_before_it(tmp_path):
    result, _ = answer_and_caveats(tmp_path / "few", {"ring": {"a": FAR[:5], "b": NEAR[:5]}})
    assert re.search(r"\(p ≤ 0\.00\d+\)\.$", result.certainty)
    result, _ = answer_and_caveats(tmp_path / "many", {"ring": {"a": FAR, "b": NEAR}})
    assert "≤ <" not in result.certainty
    assert "0.0001" in result.certainty


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("better", ["higher", "lower", "one"])
def test_how_far_the_next_is_behind_is_a_positive_number(tmp_path, order, better):
    scores = {"a": [0.91, 0.92, 0.93, 0.94, 0.95], "b": [0.41, 0.42, 0.43, 0.44, 0.45]}
    result, _ = answer_and_caveats(
        tmp_path, {"ring": {method: scores[method] for method in order}}, better=better
    )
    worse = "a" if better == "lower" else "b"
    assert f"; {worse} is next, 0.500 [0.477, 0.523] behind." in result.reasons[0]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_on_a_logarithmic_scale_it_is_so_many_times_the_best(tmp_path, order):
    scores = {"a": [0.1, 0.2, 0.1, 0.2, 0.15], "b": [10.0, 20.0, 10.0, 20.0, 15.0]}
    result, _ = answer_and_caveats(
        tmp_path, {"ring": {method: scores[method] for method in order}}, better="lower", scale="log"
    )
    assert re.search(r"; b is next, × 100 \[\d+, \d+\] behind\.$", result.reasons[0])


def test_lower_can_be_better(tmp_path):
    result, _ = answer_and_caveats(tmp_path, {"ring": {"a": NEAR, "b": FAR}}, better="lower")
    assert result.best == ["b"]


def test_methods_that_cannot_be_told_apart_are_not(tmp_path):
    result, _ = answer_and_caveats(
        tmp_path, {"ring": {"a": NEAR, "b": NEAR[::-1], "c": [1.0 + value / 100 for value in NEAR]}}
    )
    assert sorted(result.best) == ["a", "b"]
    assert result.verdict == (
        "On ring, a covers the distribution best. "
        "It cannot be distinguished from b; the others are behind (tests confirm it)."
    )
    result, _ = answer_and_caveats(tmp_path / "two", {"ring": {"a": NEAR, "b": NEAR}})
    assert (
        result.verdict == "On ring, no method stands out: b cannot be distinguished from a, which is first."
    )


def test_the_best_are_those_from_the_first_down_to_the_first_that_is_told_apart(tmp_path):
    scores = {
        "d": [1.5, 2.5, 3.5, 4.5, 5.5],
        "a": [9.0, 8.0, 7.0, 6.0, 5.0],
        "c": [2.0, 3.0, 4.0, 5.2, 6.5],
        "b": [8.5, 7.5, 6.2, 4.9, 4.2],
    }
    result, _ = answer_and_caveats(tmp_path, {"ring": scores})
    assert result.best == ["a", "b", "c"]
    assert result.verdict.endswith(
        "It cannot be distinguished from b and c; the others are behind (tests confirm it)."
    )


@pytest.mark.parametrize("seed", range(6))
def test_leaders_are_the_first_of_the_ranking(tmp_path, seed):
    rng = np.random.default_rng(seed)
    scores = {f"m{i}": list(rng.normal(rng.integers(4), size=5)) for i in rng.permutation(6)}
    metric = one_view(tmp_path, {"ring": scores}).metric("score")
    ranked = list(metric.summary.sort_values("rank", kind="stable")["method"])
    leading = leaders(metric, list(scores))
    assert ranked[: len(leading)] == leading
    favoured = metric.pairwise[metric.pairwise["favours"] == leading[0]]
    behind = {*favoured["a"], *favoured["b"]} - {leading[0]}
    assert not behind & set(leading)
    assert ranked[len(leading) : len(leading) + 1] == [method for method in ranked if method in behind][:1]


def test_whoever_is_behind_one_that_is_told_apart_does_not_lead(tmp_path):
    scores = {"a": [9.0, 9.0], "b": [8.0, 8.0], "c": [7.0, 7.0], "d": [6.0, 6.0]}
    metric = one_view(tmp_path, {"ring": scores}).metric("score")
    favours = {("a", "c"): "a", ("b", "d"): "b"}
    pairs = zip(metric.pairwise["a"], metric.pairwise["b"], strict=True)
    metric.pairwise["favours"] = [favours.get(pair, "") for pair in pairs]
    assert leaders(metric, list("abcd")) == ["a", "b"]
    assert leaders(metric, list("bcd")) == ["b", "c"]
    assert leaders(metric, list("adb")) == ["a", "b"]  # for c lies between


def test_tests_confirm_it_against_as_many_as_they_do(tmp_path):
    # Nobody covers but the first, and of the others only the last is told apart from it.
    a = [9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5]
    scores = {
        "noise": [5.0],
        "a": a,
        "b": [*(value - 0.1 for value in a[:6]), -50.0, -60.0],
        "c": [value / 10 for value in a],
    }
    result, sentences = answer_and_caveats(tmp_path, {"ring": scores})
    assert (
        result.verdict == "On ring, a covers the distribution best (tests confirm it against 1 of 2 others)."
    )
    assert "confirm a against c (p ≤" in result.certainty
    assert "On ring, not better than the dummies by score (noise 5): b and c." in sentences


def test_a_method_whose_seeds_diverged_is_not_the_best(tmp_path):
    result, sentences = answer_and_caveats(tmp_path, {"ring": {"a": NEAR, "b": [[9.0, None]] * SEEDS}})
    assert result.best == ["a"]
    assert result.verdict == "On ring, a covers the distribution best (tests confirm it)."
    assert any(f"Diverged: b on ring ({SEEDS})" in line for line in sentences)


def test_few_seeds_are_said_to_be_few(tmp_path):
    result, sentences = answer_and_caveats(tmp_path, {"ring": {"a": [5.0, 5.1, 5.2], "b": [3.0, 3.2, 3.1]}})
    assert result.best == ["a", "b"]
    assert (
        result.verdict == "On ring, no method stands out: b cannot be distinguished from a, which is first."
    )
    assert result.certainty == "3 seeds each: no test can succeed; with 2 methods, 4 seeds are needed."
    impossible = (
        "1 of 1 tests could not have been significant with so few seeds; "
        "that they are not is no evidence that methods are alike."
    )
    assert impossible in sentences
    scores = {"noise": [4.0], "a": [5.0, 5.1, 5.2], "b": [3.0, 3.2, 3.1]}
    result, _ = answer_and_caveats(tmp_path / "lost", {"ring": scores})
    verdict = "On ring, a covers the distribution best (no test can confirm it with 3 seeds each)."
    assert result.verdict == verdict
    result, _ = answer_and_caveats(tmp_path / "one", {"ring": {"a": [5.0], "b": [3.0, 2.0]}})
    assert result.certainty == "1 to 2 seeds each: no test can succeed; with 2 methods, 4 seeds are needed."


def test_seeds_need_not_be_the_same_to_be_compared(tmp_path):
    a = {seed: 5.0 + seed / 10 for seed in range(5)}
    b = {seed: 3.0 + seed / 10 for seed in range(5, 10)}
    result, _ = answer_and_caveats(tmp_path, {"ring": {"a": a, "b": b}})
    assert result.verdict == "On ring, a covers the distribution best (tests confirm it)."


def test_a_few_good_seeds_among_diverged_ones_make_no_best(tmp_path):
    scores = {"collapsed": [1.0] * 5, "b": [9.0, None, None, None, None], "a": [2.0] * 5}
    result, _ = answer_and_caveats(tmp_path, {"ring": scores})
    assert result.best[0] == "a"
    scores = {"collapsed": [1.0] * 3, "b": [None] * 3, "a": [2.0, 2.1, 2.2]}
    result, _ = answer_and_caveats(tmp_path / "nothing", {"ring": scores})
    assert result.best == ["a"]
    verdict = "On ring, a covers the distribution best (no test can confirm it with 3 seeds each)."
    assert result.verdict == verdict


def test_a_test_that_could_have_succeeded_is_not_said_to_be_unable(tmp_path):
    a = [5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7]
    b = [3.0, 3.0, 3.1, 3.2, 5.25, 5.45, 5.8, 4.9]
    c = [*a[:6], 5.61, 5.69]
    result, _ = answer_and_caveats(tmp_path, {"ring": {"noise": [4.0], "a": a, "b": b, "c": c}})
    assert sorted(result.best) == ["a", "b", "c"]
    assert result.certainty.endswith(
        "Tests that hold at once for all pairs of 3 methods confirm a against no other."
    )
    result, _ = answer_and_caveats(tmp_path / "lost", {"ring": {"noise": [5.35], "a": a, "b": [3.0, *a[1:]]}})
    assert result.verdict == "On ring, a covers the distribution best (no test confirms it)."


def test_what_is_no_better_than_nothing_is_not_called_best(tmp_path):
    result, _ = answer_and_caveats(
        tmp_path, {"ring": {"collapsed": [6.0] * SEEDS, "noise": [1.0], "a": NEAR, "b": NEAR}}
    )
    expected = (
        "On ring, no method covers the distribution: "
        "none is better than the dummies by score (collapsed 6, noise 1)."
    )
    assert (result.verdict, result.best, result.reasons, result.certainty) == (expected, [], [], "")


def test_a_method_that_loses_to_a_dummy_is_never_best_even_if_it_is_first(tmp_path):
    # One seed of `a` is far off, and the others are ahead of all.
    scores = {
        "noise": [0.3],
        "a": [0.9, 0.91, 0.92, 0.93, -9.0],
        "b": [0.5, 0.51, 0.52, 0.53, 0.54],
        "c": [0.4, 0.41, 0.42, 0.43, 0.44],
    }
    store = made_up_run(tmp_path / "run", {"ring": scores})
    assert make_tables(read_run(store.root)).summary.set_index("method")["rank"]["a"] == 1
    result, sentences = answer_and_caveats(tmp_path / "told", {"ring": scores})
    assert result.best[0] == "b"
    assert "a" not in result.best
    assert result.verdict.startswith("On ring, b covers the distribution best")
    assert "On ring, not better than the dummies by score (noise 0.300): a." in sentences


def test_a_method_that_covers_no_better_than_another_by_rank_is_not_said_to_be_ahead_of_it(tmp_path):
    scores = {"noise": [0.3], "a": [0.9, 0.91, 0.92, 0.93, -9.0], "b": [0.5, 0.51, 0.52, 0.53, 0.54]}
    result, _ = answer_and_caveats(tmp_path, {"ring": scores})
    assert result.best == ["b"]
    assert "a is next" not in result.reasons[0]


def test_a_verdict_by_overlap_tells_how_much_is_covered_and_what_is_missed(tmp_path):
    result, _ = answer_by_overlap(tmp_path, metrics_of_modes([5.0, 5.0, 5.0, 5.0, 6.0]))
    assert result.verdict == (
        "On ring, gan covers the modes best, but not the spread inside them (tests confirm it): "
        "it reproduces 36% of the modes' probability, misses 2.8 of 8 modes and "
        "has only 0.33 times the true spread inside those that it captures."
    )
    assert result.reasons == [
        "By overlap, gan is first (0.360 ± 0.020); ali is next, 0.050 [0.027, 0.073] behind.",
        "In overlap, real data scores 0.975; the dummies, which have learnt nothing: "
        "collapsed 0.100, noise 0.205.",
        "80.0% of the samples of gan are of high quality (real data: 99.0%).",
        "Samples without spread count as high quality, too; within_mode_std, "
        "which is 1 for the true spread, detects them: gan 0.330.",
    ]


def test_a_portrait_is_of_what_there_is(tmp_path):
    result, _ = answer_by_overlap(tmp_path / "none", metrics_of_modes([8.0] * 5, spread=0.75))
    assert result.verdict.startswith("On ring, gan covers the distribution best (tests confirm it): ")
    assert result.verdict.endswith(
        "reproduces 36% of the modes' probability, misses none of 8 modes and "
        "has 0.75 times the true spread inside those that it captures."
    )
    result, _ = answer_by_overlap(tmp_path / "confident", metrics_of_modes([8.0] * 5, [2.0] * 5))
    assert "misses 6.0 of 8 modes (by modes_confident) and" in result.verdict
    result, _ = answer_by_overlap(tmp_path / "alone", {})
    assert result.verdict == (
        "On ring, gan covers the distribution best (tests confirm it): "
        "it reproduces 36% of the modes' probability."
    )
    result, _ = answer_by_overlap(
        tmp_path / "one", {}, gan=[0.034, 0.035, 0.036], ali=["failed"], noise=[0.02], collapsed=[0.01]
    )
    assert result.verdict == (
        "On ring, only gan was run, so there is nothing to compare: "
        "it reproduces 3.5% of the modes' probability."
    )
    result, _ = answer_by_overlap(tmp_path / "apart", {}, ali=[0.33, 0.345, 0.355, 0.365, 0.375])
    assert result.verdict == (
        "On ring, no method stands out: ali cannot be distinguished from gan, which is first: "
        "it reproduces 36% of the modes' probability."
    )


@pytest.mark.parametrize(
    ("spread", "covers"),
    [
        (0.49, "covers the modes best, but, unlike ali, not the spread inside them: it reproduces 36%"),
        (0.5, "covers the distribution best: it reproduces 36%"),
    ],
)
def test_a_method_without_spread_covers_the_modes_alone(tmp_path, spread, covers):
    others = metrics_of_modes([8.0] * 5, spread=spread)
    close = [0.33, 0.345, 0.355, 0.365, 0.375]
    result, _ = answer_by_overlap(tmp_path / "several", others, ali=close, vae=[0.22, 0.23, 0.24, 0.25, 0.26])
    assert result.verdict.startswith(f"On ring, gan {covers}")
    assert "It cannot be distinguished from ali; the others are behind" in result.verdict
    result, _ = answer_by_overlap(tmp_path / "none", others, ali=close)
    assert "but not the spread" not in result.verdict


@pytest.mark.parametrize(("confident", "by"), [(None, ""), ([5.0] * 5, "by modes_confident; ")])
def test_a_portrait_has_the_modes_that_real_data_misses_too(tmp_path, confident, by):
    """Of rare modes a perfect sampler may have too few samples to capture them."""
    others = metrics_of_modes([5.0] * 5, confident)
    others["modes"]["scores"]["real-data"] = [7.0, 7.0] if confident else [6.0, 6.0]
    if confident:
        others["modes_confident"]["scores"]["real-data"] = [6.0, 6.0]
    result, _ = answer_by_overlap(tmp_path, others)
    assert f"misses 3.0 of 8 modes ({by}fresh real data misses 2.0) and" in result.verdict


def test_only_a_verdict_by_overlap_has_a_portrait(tmp_path):
    scores = {**OVERLAP, "gan": GAN, "ali": ALI}
    for name in ("coverage", "fid"):
        result, _ = answer_and_caveats(
            tmp_path / name, {"ring": scores}, name=name, modes=8, others=metrics_of_modes([5.0] * 5)
        )
        assert result.verdict == "On ring, gan covers the distribution best (tests confirm it)."


@pytest.mark.parametrize("ahead", ["gan", "ali"])
def test_the_headline_alone_decides_and_its_tests_alone_confirm(tmp_path, ahead):
    # By the number of modes, ALI is best and far ahead.
    first, last = ("gan", "ali") if ahead == "gan" else ("ali", "gan")
    close = [0.35, 0.36, 0.37, 0.375, 0.34]
    modes = {
        "collapsed": [1.0],
        "noise": [8.0],
        "gan": [2.0, 2.1, 2.2, 2.3, 2.4],
        "ali": [8.0, 7.9, 7.8, 7.7, 7.6],
    }
    others = {"modes": {"scores": modes}}
    scores = {"noise": [0.2], "collapsed": [0.1], first: [0.36, 0.37, 0.38, 0.39, 0.35], last: close}
    result, _ = answer_and_caveats(tmp_path, {"ring": scores}, name="overlap", modes=8, others=others)
    assert result.best[0] == first
    assert "tests confirm it" not in result.verdict
    assert result.certainty.endswith("confirm " + first + " against no other.")
    scores |= {last: [0.3, 0.31, 0.32, 0.33, 0.34]}
    result, _ = answer_and_caveats(
        tmp_path / "apart", {"ring": scores}, name="overlap", modes=8, others=others
    )
    assert result.best == [first]
    assert f"{first} covers the distribution best (tests confirm it)" in result.verdict
