"""What the figures do not show."""

import numpy as np
from support.views import NEAR, SEEDS, answer_and_caveats, answer_by_overlap


def test_samples_out_of_range_are_told_by_method_and_seed(tmp_path):
    astray = {
        "better": "lower",
        "ranked": False,
        "scores": {"noise": [0.9, 0.9], "gan": [0.0, 0.04, 0.05, 0.5, 0.0], "ali": [0.0] * 5},
    }
    _, sentences = answer_by_overlap(tmp_path, {"out_of_range": astray})
    expected = (
        "Out of range: samples of gan on ring (seed 2: 5%, seed 3: 50%) are more than twice as far "
        "from the data's mean as any real sample."
    )
    assert [line for line in sentences if line.startswith("Out of range")] == [expected]
    astray["scores"]["ali"] = [1.0, 0.0, 0.0, 0.0, 0.0]
    _, sentences = answer_by_overlap(tmp_path / "both", {"out_of_range": astray})
    assert any(
        "samples of gan on ring (seed 2: 5%, seed 3: 50%) and ali on ring (seed 0: 100%) are" in line
        for line in sentences
    )
    astray["scores"] |= {"gan": [0.049] * 5, "ali": [0.0] * 5}
    _, sentences = answer_by_overlap(tmp_path / "none", {"out_of_range": astray})
    assert not any("Out of range" in line for line in sentences)


def test_caveats_tell_what_intervals_and_tests_are_of(tmp_path):
    _, sentences = answer_and_caveats(tmp_path, {"ring": {"a": NEAR, "b": NEAR[:4]}})
    assert sentences[0].startswith("Intervals are about seeds alone (4 to 12 per method), not about other")
    assert sentences[0].endswith("all tests of one metric on one dataset hold at once.")
    assert not any("could not have been significant" in line for line in sentences)


def test_one_method_alone_and_failed_trials(tmp_path):
    result, sentences = answer_and_caveats(tmp_path, {"ring": {"a": [*NEAR[:-1], "failed"], "b": ["failed"]}})
    assert result.verdict == "On ring, only a was run, so there is nothing to compare."
    assert "Failed, and not in any figure: a on ring (seed 11), b on ring (seed 0)." in sentences


def test_a_method_that_still_improves_is_named(tmp_path):
    rising = [list(0.1 * np.arange(1, 11) + 0.01 * seed) for seed in range(SEEDS)]
    _, sentences = answer_and_caveats(
        tmp_path, {"ring": {"a": rising, "b": [[value] * 10 for value in NEAR]}}
    )
    assert any("Not converged on ring: a still improved" in line for line in sentences)


def test_a_curve_that_ended_early_does_not_still_improve(tmp_path):
    ended = [[0.1 * k for k in range(1, 5)] + [None]] * SEEDS
    _, sentences = answer_and_caveats(tmp_path, {"ring": {"a": ended, "b": [[value] * 20 for value in NEAR]}})
    assert not any("Not converged" in line for line in sentences)
    _, sentences = answer_and_caveats(
        tmp_path / "one", {"ring": {"a": [[0.1 * k for k in range(1, 11)]], "b": [[5.0] * 10]}}
    )
    assert not any("Not converged" in line for line in sentences)
