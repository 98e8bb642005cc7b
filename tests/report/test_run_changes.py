"""What changed from one run to another, and what is missing in it."""

import re
import shutil

import pytest
from support.numbers import NAN
from support.two_runs import BAD, GOOD, scores_of_method
from support.views import CALIBRATED


def test_what_failed_after_is_missing_and_what_failed_before_is_told(compared):
    before = {"ring": {"gan": GOOD, "ali": GOOD, "vae": ["failed", *GOOD[1:]]}}
    after = {"ring": {"gan": ["failed", "failed", *GOOD[2:]], "ali": ["failed"] * 6, "vae": GOOD}}
    comparison = compared(before, after)
    assert list(comparison.frame["method"]) == ["gan", "vae"]
    assert comparison.missing == [
        "not in the run after: ali on ring (score)",
        "seeds that failed in the run after: ali on ring (0, 1, 2, 3, 4 and 5)",
        "seeds that failed in the run after: gan on ring (0 and 1)",
    ]
    assert comparison.changes == ["seeds that failed in the run before: vae on ring (0)"]


def test_a_run_in_which_all_has_failed_is_no_bad_usage(cli, runs):
    places = runs(scores_of_method(GOOD), scores_of_method(["failed"] * 6))
    status, out, err = cli("compare", *places, "--simultaneous")
    assert (status, err) == (1, "")
    assert "0 compared: 0 worse" in out
    assert "missing: seeds that failed in the run after: gan on ring (0, 1, 2, 3, 4 and 5)" in out


def test_what_only_the_run_before_has_is_missing_and_what_only_the_run_after_has_is_not(compared):
    before = {"ring": {"gan": GOOD, "ali": GOOD, "vae": [None]}, "grid": {"gan": GOOD}}
    comparison = compared(before, {"ring": {"gan": GOOD, "new": BAD}, "cube": {"gan": BAD}})
    assert comparison.frame[["dataset", "method"]].to_numpy().tolist() == [["ring", "gan"]]
    assert comparison.missing == [
        "not in the run after: ali on ring (score)",
        "not in the run after: vae on ring (score)",
        "not in the run after: gan on grid (score)",
    ]


@pytest.mark.parametrize(("seeds", "names"), [([4, 5], "4 and 5"), (range(6), "0, 1, 2, 3, 4 and 5")])
def test_a_run_that_has_not_finished_is_partial(cli, runs, seeds, names):
    places = runs(scores_of_method(GOOD), scores_of_method(GOOD))
    for seed in seeds:
        shutil.rmtree(places[1] / f"trials/ring/gan/seed-{seed}")
    status, out, err = cli("compare", *places)
    assert (status, err) == (1, "")
    assert re.findall("missing: (seeds.*)", out) == [
        f"seeds without a whole record in the run after: gan on ring ({names})"
    ]
    assert cli("compare", *places, "--datasets", "ring", "--methods", "gan")[0] == 1


def test_a_baseline_that_has_not_finished_and_a_run_of_fewer_seeds_are_whole(cli, runs):
    places = runs(scores_of_method(GOOD), scores_of_method(GOOD[:3]))
    shutil.rmtree(places[0] / "trials/ring/gan/seed-0")
    status, out, _ = cli("compare", *places)
    assert status == 0
    assert "missing" not in out
    assert re.search(r"\| score ↑ +\| 2 +\|", out)


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"samples": 2500}, []),
        ({"modes": 8}, []),
        ({"better": "lower"}, []),
        ({"metric": {"features": "inception"}}, ["metrics.score.features: raw → inception"]),
        ({"data": {"held_out": 500, "std": 0.1}}, ["dataset.held_out: 1000 → 500"]),
        ({"data": {"held_out": 1000, "std": 0.2}}, ["dataset.std: 0.1 → 0.2"]),
        ({"files": {"classifier": "efgh"}}, ["files.classifier: abcd → efgh"]),
    ],
)
def test_what_is_measured_otherwise_is_told_and_not_compared(cli, runs, changed, lines):
    measure = {
        "metric": {"features": "raw"},
        "data": {"held_out": 1000, "std": 0.1},
        "files": {"classifier": "abcd"},
    }
    places = runs(
        {"ring": {**CALIBRATED, "gan": GOOD}},
        {"ring": {"real-data": [7.0], "collapsed": [0.0], "gan": BAD}},
        changed,
        **measure,
    )
    status, out, err = cli("compare", *places)
    assert (status, err) == (1, "")
    assert "0 compared" in out
    assert re.findall("(?:changed|missing): (.*)", out) == [
        *lines,
        "measured differently, and not compared: gan on ring (score)",
    ]


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"data": {"batch": 64, "width": 8}}, ["dataset.batch: 32 → 64", "dataset.width: not set → 8"]),
        ({"budget": "9steps"}, ["budget: 5steps → 9steps"]),
        ({"best": 1.0, "scale": "log", "ranked": False}, []),
        ({"commit": "b" * 40 + "-dirty"}, [f"commit: {'a' * 40} → {'b' * 40}-dirty"]),
        ({"commit": None}, [f"commit: {'a' * 40} → not set"]),
        ({"versions": {"torch": "2.9", "numpy": "2.0"}}, ["versions.torch: 2.8 → 2.9"]),
        ({"hardware": {"name": "y" * 99}}, [f"hardware.name: x → {'y' * 49}…"]),
        ({"fingerprints": {"ring": "1"}}, ["fingerprints.ring: 0 → 1"]),
        (
            {"configuration": {"datasets": {}, "methods": {}, "seeds": [0], "compile": "off"}},
            ["compile: auto → off", "seeds: [0, 1] → [0]"],
        ),
    ],
)
def test_what_changed_is_told_once_and_compared(compared, changed, lines):
    scores = {dataset: {**CALIBRATED, "gan": [0.5], "ali": [0.5]} for dataset in ("ring", "grid")}
    manifest = {
        "commit": "a" * 40,
        "versions": {"torch": "2.8", "numpy": "2.0"},
        "hardware": {"name": "x"},
        "fingerprints": {"ring": "0"},
    }
    manifest["configuration"] = {"datasets": {}, "methods": {}, "seeds": [0, 1], "compile": "auto"}
    comparison = compared(scores, scores, changed, data={"batch": 32}, **manifest)
    assert comparison.changes == lines
    assert comparison.missing == []
    assert list(comparison.frame["verdict"]) == ["same"] * 4


@pytest.mark.parametrize(
    ("selection", "lines"),
    [
        ({}, ["method.lr: 0.1 → 0.2 (gan on ring and grid)"]),
        ({"methods": ["gan"]}, ["method.lr: 0.1 → 0.2"]),
        ({"methods": ["ali"], "datasets": ["ring"]}, []),
    ],
)
def test_a_change_of_some_methods_names_them_if_they_are_chosen(compared, selection, lines):
    before = {"ring": {"gan": [0.5], "ali": [0.5]}, "grid": {"gan": [0.5]}}
    changed = {"methods": {"gan": {"lr": 0.2}}}
    comparison = compared(before, before, changed, selection, methods={"gan": {"lr": 0.1}})
    assert comparison.changes == lines


def test_a_damaged_manifest_hides_versions_and_not_settings(cli, runs):
    places = runs(scores_of_method(GOOD), scores_of_method(BAD), {"budget": "9steps"})
    (places[0] / "manifest.json").write_text("{}")
    status, out, err = cli("compare", *places)
    assert status == 3
    assert re.findall("changed: (.*)", out) == [
        "budget: 5steps → 9steps",
        "versions and machine: a manifest is damaged or missing",
    ]
    assert re.fullmatch("benchmark: .*before/manifest.json: is damaged .*; left out\n", err)


def test_calibration_rows_that_changed_are_told_once_and_do_not_fail(cli, runs):
    before = {
        "ring": {"real-data": [1.0, 2.0], "collapsed": [0.5, 0.0], "gan": [0.5]},
        "grid": {"real-data": [1.0, 2.0], "collapsed": [0.5, 0.0], "gan": [0.5]},
        "cube": {"real-data": [1.0], "collapsed": [NAN], "gan": [0.5]},
    }
    after = {
        "ring": {"real-data": [1.01, 2.02], "collapsed": [0.5, 1e-8], "gan": [0.5]},
        "grid": {"real-data": ["failed", 2.001], "collapsed": [0.5, 1e-8], "gan": [0.5]},
        "cube": {"real-data": [1.0005], "collapsed": [NAN], "gan": [0.5]},
    }
    places = runs(before, after)
    status, out, _ = cli("compare", *places, "--methods", "gan")
    assert status == 0
    assert re.findall("changed: (.*)", out) == [
        "calibration: score of real-data on ring, collapsed on ring and collapsed on grid differs, "
        "so the metric or the data is not the same"
    ]
    assert "changed" not in cli("compare", *places, "--datasets", "cube")[1]
    assert "of collapsed on grid differs" in cli("compare", *places, "--datasets", "grid")[1]
