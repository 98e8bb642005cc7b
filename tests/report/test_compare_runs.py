"""Two runs side by side, from records made by hand."""

import io
import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from support.made_up import made_up_run

from benchmark.errors import UsageError
from benchmark.records.results import read_run
from benchmark.records.schema import Manifest
from benchmark.records.sealed_files import read_sealed, write_sealed
from benchmark.report.compare_runs import COLUMNS, Comparison, compare_runs
from benchmark.report.statistics.over_seeds import change, mean_interval

NAN = math.nan
GOOD, BAD = [0.9, 0.8, 0.95, 0.7, 0.85, 0.9], [0.5, 0.55, 0.6, 0.35, 0.5, 0.45]
WITHIN = [x + 0.1 * (-1) ** i for i, x in enumerate(GOOD)]
CALIBRATED = {"real-data": [1.0], "collapsed": [0.0]}
ENDS = ["difference", "ci_low", "ci_high"]


def of(scores, method="gan", dataset="ring"):
    return {dataset: {method: scores}}


@pytest.fixture
def runs(tmp_path):
    """Writes two runs, of which the one after may differ in some parts; returns their directories."""

    def write(before, after, changed=(), **facts):
        made_up_run(tmp_path / "before", before, **facts)
        made_up_run(tmp_path / "after", after, **{**facts, **dict(changed)})
        return tmp_path / "before", tmp_path / "after"

    return write


@pytest.fixture
def compared(runs):
    """The comparison of two runs."""

    def compare(before, after, changed=(), chosen=(), simultaneous=False, **facts):
        return compare_runs(*map(read_run, runs(before, after, changed, **facts)), dict(chosen), simultaneous)

    return compare


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
def test_a_difference_is_after_less_before_and_the_direction_says_which_is_worse(
    compared, better, before, after, sign, verdict
):
    comparison = compared(of(before), of(after), better=better)
    row = comparison.frame.iloc[0]
    assert list(comparison.frame.columns) == COLUMNS
    assert tuple(row[["dataset", "method", "metric", "better", "seeds", "paired"]]) == (
        "ring",
        "gan",
        "score",
        better,
        "6",
        True,
    )
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
    row = compared(of(before), of(after), better=better).frame.iloc[0]
    assert row["verdict"] == verdict


def test_shared_seeds_are_paired_and_others_left_out(compared):
    before = {0: 99.0, 1: 1.0, 2: 5.0, 5: 9.0}
    row = compared(of(before), of({7: -99.0, 5: 9.5, 2: 5.6, 1: 1.7})).frame.iloc[0]
    assert tuple(row[["seeds", "paired", "verdict"]]) == ("3", True, "better")
    assert tuple(row[["before", "after"]]) == pytest.approx((5, 5.6))
    assert tuple(row[ENDS]) == pytest.approx(mean_interval([0.7, 0.6, 0.5])[1:])


@pytest.mark.parametrize(
    ("before", "after"),
    [(dict(enumerate(GOOD)), {1: 0.5}), ({1: 0.5}, dict(enumerate(GOOD))), ({1: 0.8}, {1: 0.5})],
)
def test_one_shared_seed_is_a_pair_where_a_run_has_no_other(compared, before, after):
    row = compared(of(before), of(after)).frame.iloc[0]
    assert tuple(row[["seeds", "paired", "before", "after", "difference"]]) == (
        "1",
        True,
        before[1],
        after[1],
        after[1] - before[1],
    )


@pytest.mark.parametrize("first", [6, 5])
@pytest.mark.parametrize(("better", "verdict"), [("higher", "worse"), ("lower", "better")])
def test_runs_that_share_one_of_several_seeds_or_none_are_independent(compared, first, better, verdict):
    row = compared(of(GOOD), of({first + i: x for i, x in enumerate(BAD[:4])}), better=better).frame.iloc[0]
    assert tuple(row[["seeds", "paired", "verdict"]]) == ("6 → 4", False, verdict)
    assert tuple(row[ENDS]) == pytest.approx(change(GOOD, BAD[:4])[1:])


def test_of_independent_runs_distances_from_the_best_are_compared(compared):
    row = compared(of([0.5, 1.5, 0.6]), of({3: 0.9, 4: 1.1}), better="one").frame.iloc[0]
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
    row = compared(of(before), of(after), better=better).frame.iloc[0]
    assert (row["seeds"], row["verdict"]) == (seeds, verdict)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [([*BAD, 0.5], [*GOOD, None], "worse"), ([*GOOD, None], [*BAD, 0.5], "worse")],
)
def test_neither_a_lost_score_nor_worse_ones_are_made_good(compared, before, after, verdict):
    assert compared(of(before), of(after)).frame["verdict"][0] == verdict


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (BAD, 3),
        (WITHIN, 0),
        (GOOD, 0),
        ([1.0] * 6, 0),
        ([*GOOD[:5], None], 3),
        ([*GOOD[:5], "failed"], 1),
        ([*BAD[:5], "failed"], 3),
    ],
)
def test_the_status_is_three_for_worse_one_for_failed_and_else_zero(cli, runs, after, status):
    places = runs(of(GOOD), of(after))
    written = {file: file.read_bytes() for place in places for file in place.rglob("*") if file.is_file()}
    found, out, err = cli("compare", *places)
    assert (found, err) == (status, "")
    assert "1 compared: " in out
    assert {
        file: file.read_bytes() for place in places for file in place.rglob("*") if file.is_file()
    } == written


def test_what_failed_after_is_missing_and_what_failed_before_is_told(compared):
    before = {"ring": {"gan": GOOD, "ali": GOOD, "vae": ["failed", *GOOD[1:]]}}
    comparison = compared(
        before, {"ring": {"gan": ["failed", "failed", *GOOD[2:]], "ali": ["failed"] * 6, "vae": GOOD}}
    )
    assert list(comparison.frame["method"]) == ["gan", "vae"]
    assert comparison.missing == [
        "not in the run after: ali on ring (score)",
        "seeds that failed in the run after: ali on ring (0, 1, 2, 3, 4 and 5)",
        "seeds that failed in the run after: gan on ring (0 and 1)",
    ]
    assert comparison.changes == ["seeds that failed in the run before: vae on ring (0)"]


def test_a_run_in_which_all_has_failed_is_no_bad_usage(cli, runs):
    status, out, err = cli("compare", *runs(of(GOOD), of(["failed"] * 6)), "--simultaneous")
    assert (status, err) == (1, "")
    assert "0 compared: 0 worse" in out
    assert "missing: seeds that failed in the run after: gan on ring (0, 1, 2, 3, 4 and 5)" in out


def test_what_only_the_run_before_has_is_missing_and_what_only_the_run_after_has_is_not(compared):
    before = {"ring": {"gan": GOOD, "ali": GOOD, "vae": [None]}, "grid": {"gan": GOOD}}
    comparison = compared(before, {"ring": {"gan": GOOD, "new": BAD}, "cube": {"gan": BAD}})
    assert list(comparison.frame[["dataset", "method"]].itertuples(index=False, name=None)) == [
        ("ring", "gan")
    ]
    assert comparison.missing == [
        f"not in the run after: {place} (score)" for place in ("ali on ring", "vae on ring", "gan on grid")
    ]


@pytest.mark.parametrize("seeds", [[4, 5], range(6)])
def test_a_run_that_has_not_finished_is_partial(cli, runs, seeds):
    places = runs(of(GOOD), of(GOOD))
    for seed in seeds:
        shutil.rmtree(places[1] / f"trials/ring/gan/seed-{seed}")
    status, out, err = cli("compare", *places)
    assert (status, err) == (1, "")
    assert re.findall("missing: (seeds.*)", out) == [
        f"seeds without a whole record in the run after: gan on ring ({', '.join(map(str, seeds[:-1]))} and {seeds[-1]})"
    ]
    assert cli("compare", *places, "--datasets", "ring", "--methods", "gan")[0] == 1


def test_a_baseline_that_has_not_finished_and_a_run_of_fewer_seeds_are_whole(cli, runs):
    places = runs(of(GOOD), of(GOOD[:3]))
    shutil.rmtree(places[0] / "trials/ring/gan/seed-0")
    status, out, _ = cli("compare", *places)
    assert status == 0
    assert "missing" not in out
    assert re.search(r"\| score ↑ +\| 2 +\|", out)


@pytest.mark.parametrize(
    ("changed", "told"),
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
def test_what_is_measured_otherwise_is_told_and_not_compared(cli, runs, changed, told):
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
        *told,
        "measured otherwise, and not compared: gan on ring (score)",
    ]


@pytest.mark.parametrize(
    ("changed", "told"),
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
def test_what_changed_is_told_once_and_compared(compared, changed, told):
    scores = {dataset: {**CALIBRATED, "gan": [0.5], "ali": [0.5]} for dataset in ("ring", "grid")}
    manifest = {
        "commit": "a" * 40,
        "versions": {"torch": "2.8", "numpy": "2.0"},
        "hardware": {"name": "x"},
        "fingerprints": {"ring": "0"},
    }
    manifest["configuration"] = {"datasets": {}, "methods": {}, "seeds": [0, 1], "compile": "auto"}
    comparison = compared(scores, scores, changed, data={"batch": 32}, **manifest)
    assert comparison.changes == told
    assert comparison.missing == []
    assert list(comparison.frame["verdict"]) == ["same"] * 4


@pytest.mark.parametrize(
    ("chosen", "places"),
    [
        ({}, " (gan on ring and grid)"),
        ({"methods": ["gan"]}, ""),
        ({"methods": ["ali"], "datasets": ["ring"]}, None),
    ],
)
def test_a_change_of_some_methods_names_them_if_they_are_chosen(compared, chosen, places):
    before = {"ring": {"gan": [0.5], "ali": [0.5]}, "grid": {"gan": [0.5]}}
    comparison = compared(
        before, before, {"methods": {"gan": {"lr": 0.2}}}, chosen, methods={"gan": {"lr": 0.1}}
    )
    assert comparison.changes == ([] if places is None else [f"method.lr: 0.1 → 0.2{places}"])


def test_a_damaged_manifest_hides_versions_and_not_settings(cli, runs):
    places = runs(of(GOOD), of(BAD), {"budget": "9steps"})
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
        dataset: {"real-data": [1.0, 2.0], "collapsed": [0.5, 0.0], "gan": [0.5]}
        for dataset in ("ring", "grid")
    }
    before["cube"] = {"real-data": [1.0], "collapsed": [NAN], "gan": [0.5]}
    after = {
        "ring": {"real-data": [1.01, 2.02], "collapsed": [0.5, 1e-8], "gan": [0.5]},
        "grid": {"real-data": ["failed", 2.001], "collapsed": [0.5, 1e-8], "gan": [0.5]},
        "cube": {"real-data": [1.0005], "collapsed": [NAN], "gan": [0.5]},
    }
    places = runs(before, after)
    status, out, _ = cli("compare", *places, "--methods", "gan")
    assert status == 0
    assert re.findall("changed: (.*)", out) == [
        "calibration: score of real-data on ring, collapsed on ring and collapsed on grid is another, so the metric or the data is not the same"
    ]
    assert "changed" not in cli("compare", *places, "--datasets", "cube")[1]
    assert "of collapsed on grid is another" in cli("compare", *places, "--datasets", "grid")[1]


def test_simultaneous_intervals_are_wider_by_the_number_of_comparisons(compared, cli, tmp_path):
    before = {"ring": {"gan": GOOD, "ali": GOOD}, "grid": {"gan": GOOD, "gone": GOOD}}
    after = {
        "ring": {"gan": [x - 0.025 - 0.02 * (-1) ** i for i, x in enumerate(GOOD)], "ali": WITHIN},
        "grid": {"gan": {8: 0.5, 9: 0.6}},
    }
    alone, together = (compared(before, after, simultaneous=simultaneous) for simultaneous in (False, True))
    d = np.array(after["ring"]["gan"]) - GOOD
    assert tuple(alone.frame[ENDS].iloc[0]) == pytest.approx(mean_interval(d)[1:])
    assert tuple(together.frame[ENDS].iloc[0]) == pytest.approx(mean_interval(d, 0.05 / 3)[1:])
    assert tuple(together.frame[ENDS].iloc[2]) == pytest.approx(change(GOOD, [0.5, 0.6], 0.05 / 3)[1:])
    assert [list(comparison.frame["verdict"]) for comparison in (alone, together)] == [
        ["worse", "within", "worse"],
        ["within"] * 3,
    ]
    status, out, _ = cli("compare", tmp_path / "before", tmp_path / "after", "--simultaneous")
    assert status == 1
    assert "after − before [98.333 %]" in out


@pytest.mark.parametrize(
    ("options", "rows", "status"),
    [
        (["--datasets", "ring"], ["gan on ring", "ali on ring"], 3),
        (["--methods", "ali"], ["ali on ring", "ali on grid"], 0),
        (["--methods", "ali, gan", "--datasets", "ring"], ["gan on ring", "ali on ring"], 3),
        (["--metrics", "score", "--datasets", "grid"], ["ali on grid"], 1),
    ],
)
def test_only_what_is_chosen_is_compared_and_can_be_missing(cli, runs, options, rows, status):
    before = {"ring": {"gan": GOOD, "ali": GOOD}, "grid": {"ali": GOOD, "vae": GOOD}}
    after = {"ring": {"gan": BAD, "ali": GOOD}, "grid": {"ali": GOOD, "vae": ["failed"]}}
    found, out, _ = cli("compare", *runs(before, after), *options, "--csv")
    frame = pd.read_csv(io.StringIO(out))
    assert [
        f"{method} on {dataset}" for dataset, method in zip(frame["dataset"], frame["method"], strict=True)
    ] == rows
    assert found == status


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--methods", "gan,wgan"], "--methods wgan: the run before has gan"),
        (["--methods", "new"], "--methods new: the run before has gan"),
        (["--methods", "real-data"], "--methods real-data: the run before has gan"),
        (["--datasets", "rnig"], "--datasets rnig: the run before has ring"),
        (["--metrics", "fid"], "--metrics fid: the run before has score"),
        (["--metrics", "score,"], "--metrics 'score,': give names with commas between them"),
        (["--seeds", "3"], "unrecognized arguments: --seeds 3"),
    ],
)
def test_a_name_that_the_run_before_does_not_have_is_bad_usage(cli, runs, options, problem):
    status, out, err = cli(
        "compare", *runs({"ring": {**CALIBRATED, "gan": GOOD}}, {"ring": {"gan": BAD, "new": GOOD}}), *options
    )
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


@pytest.mark.parametrize("which", [0, 1])
def test_damaged_records_are_told_and_the_others_compared(cli, runs, which):
    places = runs({"ring": {"gan": GOOD, "ali": GOOD}}, {"ring": {"gan": GOOD, "ali": GOOD}})
    file = places[which] / "trials/ring/gan/seed-2/result.json"
    file.write_bytes(file.read_bytes().replace(b"0.95", b"0.96"))
    status, out, err = cli("compare", *places)
    assert status == 1
    assert "2 compared: 0 worse, 0 better, 0 within, 2 same" in out
    assert err == f"benchmark: {file}: is damaged (its checksum does not hold); left out\n"


@pytest.mark.parametrize("which", [0, 1])
def test_a_run_of_which_nothing_is_whole_is_no_bad_usage(cli, runs, which):
    places = runs(of([0.5]), of([0.5]))
    (places[which] / "trials/ring/gan/seed-0/result.json").write_text("")
    (places[which] / "manifest.json").unlink()
    status, out, err = cli("compare", *places)
    assert (status, err.count("\n")) == (1, 1)
    assert "0 compared" in out
    assert ("missing: not in the run after: gan on ring (score)" in out) == (which == 1)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda place: None, "holds no run; give the directory of a run"),
        (lambda place: place.mkdir(), "holds no run; give the directory of a run"),
        (lambda place: place.write_text("x"), "holds no run; give the directory of a run"),
        (
            lambda place: (place.mkdir(), (place / "thesis.tex").write_text("x")),
            "holds no run; give the directory of a run",
        ),
        (
            lambda place: (place.mkdir(), (place / "manifest.json").write_text("{}")),
            "holds no run; give the directory of a run",
        ),
        (lambda place: (place.mkdir(), (place / "trials").symlink_to("/")), "is a link"),
        (
            lambda place: made_up_run(place, of(GOOD, dataset="grid")),
            "the runs share no dataset, method and metric",
        ),
        (lambda place: made_up_run(place, of([], "gan")), "the runs share no dataset, method and metric"),
    ],
    ids=["absent", "empty", "file", "foreign", "manifest", "link", "other", "nothing"],
)
def test_a_directory_that_holds_nothing_to_compare_is_bad_usage(cli, tmp_path, which, make, problem):
    made_up_run(tmp_path / "run", of(GOOD))
    make(tmp_path / "other")
    places = [tmp_path / "run", tmp_path / "run"]
    places[which] = tmp_path / "other"
    status, out, err = cli("compare", *places)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_run_of_another_version_is_bad_usage(cli, runs):
    places = runs(of(GOOD), of(GOOD))
    write_sealed(
        places[1] / "manifest.json",
        {**read_sealed(places[1] / "manifest.json", Manifest), "schema_version": 99},
    )
    status, out, err = cli("compare", *places)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "has schema version 99" in err


@pytest.mark.parametrize(
    "name",
    [
        "a|b",
        "<script>alert(1)<script>",
        "*a*_b_",
        "back\\slash\\",
        "$x$",
        "new\n\nline",
        "\x1b[2J\x1b]0;x\x07",
        "=1+1",
        "a,b",
    ],
)
def test_names_from_strangers_stay_in_their_cells_and_steer_no_terminal(cli, runs, name):
    scores = {"ring": {name: GOOD, "gone": GOOD}}
    places = runs(scores, {"ring": {name: [*GOOD[:5], "failed"]}}, {"commit": name})
    status, out, err = cli("compare", *places)
    table, _, lines = out.partition("\n\n")
    assert (status, err) == (1, "")
    assert [len(re.findall(r"(?:\\.|[^\\|])+(?=\|)", row)) for row in table.splitlines()] == [8] * 3
    assert len(lines.splitlines()) == 4
    assert all(character.isprintable() for character in out.replace("\n", ""))
    assert "<script" not in table.replace(r"\<", "")
    csv = cli("compare", *places, "--csv")[1]
    assert list(pd.read_csv(io.StringIO(csv))["method"]) == [f"'{name}" if name.startswith("=") else name]


def test_the_csv_has_all_digits_and_the_rest_goes_to_stderr(cli, runs):
    places = runs(
        {"ring": {"gan": GOOD, "ali": [1 / 3]}}, {"ring": {"gan": BAD, "ali": [2 / 3]}}, {"budget": "9steps"}
    )
    status, out, err = cli("compare", *places, "--csv")
    assert status == 3
    assert err == "changed: budget: 5steps → 9steps\n"
    read = pd.read_csv(io.StringIO(out), dtype={"seeds": str})
    pd.testing.assert_frame_equal(read, compare_runs(*map(read_run, places), {}).frame, check_dtype=False)
    assert f",{1 / 3!r},{2 / 3!r},{1 / 3!r}," in out


def test_a_table_for_people_has_arrows_and_fitting_digits(compared):
    shown = compared(of(BAD), of(GOOD), better="lower").shown()
    assert list(shown.columns) == [
        "dataset",
        "method",
        "metric",
        "seeds",
        "before",
        "after",
        "after − before [95 %]",
        "",
    ]
    assert list(shown.iloc[0]) == [
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
DISTANCES = "; differences of metrics that are best at 1 are those of their distances from 1"


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
    frame = pd.DataFrame({"better": "higher", "verdict": ["worse", "within"] * 250})
    assert Comparison(frame, [], [], 0.05).summary().endswith(CHANCE.format("12"))


def test_python_raises_what_the_command_line_tells(compared):
    with pytest.raises(UsageError, match="--methods ali: the run before has gan"):
        compared(of(GOOD), of(GOOD), chosen={"methods": ["ali"]})
