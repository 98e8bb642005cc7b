"""The command `compare`: its options, its output and its exit status."""

import io
import re

import pandas as pd
import pytest
from support.made_up import made_up_run
from support.two_runs import BAD, GOOD, WITHIN, scores_of_method
from support.views import CALIBRATED

from benchmark.records.results import read_run
from benchmark.records.schema import Manifest
from benchmark.records.sealed_files import read_sealed, write_sealed
from benchmark.report.compare_runs import compare_runs


def contents_of(folders):
    """The contents of all files in some folders."""
    contents = {}
    for folder in folders:
        contents |= {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return contents


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
    places = runs(scores_of_method(GOOD), scores_of_method(after))
    contents = contents_of(places)
    exit_status, out, err = cli("compare", *places)
    assert (exit_status, err) == (status, "")
    assert "1 compared: " in out
    assert contents_of(places) == contents


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
    exit_status, out, _ = cli("compare", *runs(before, after), *options, "--csv")
    frame = pd.read_csv(io.StringIO(out))
    assert list(frame["method"] + " on " + frame["dataset"]) == rows
    assert exit_status == status


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
    places = runs({"ring": {**CALIBRATED, "gan": GOOD}}, {"ring": {"gan": BAD, "new": GOOD}})
    status, out, err = cli("compare", *places, *options)
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
    places = runs(scores_of_method([0.5]), scores_of_method([0.5]))
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
            lambda place: made_up_run(place, scores_of_method(GOOD, dataset="grid")),
            "the runs share no dataset, method and metric",
        ),
        (
            lambda place: made_up_run(place, scores_of_method([], "gan")),
            "the runs share no dataset, method and metric",
        ),
    ],
    ids=["absent", "empty", "file", "foreign", "manifest", "link", "other", "nothing"],
)
def test_a_directory_that_holds_nothing_to_compare_is_bad_usage(cli, tmp_path, which, make, problem):
    made_up_run(tmp_path / "run", scores_of_method(GOOD))
    make(tmp_path / "other")
    places = [tmp_path / "run", tmp_path / "run"]
    places[which] = tmp_path / "other"
    status, out, err = cli("compare", *places)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_run_of_another_version_is_bad_usage(cli, runs):
    places = runs(scores_of_method(GOOD), scores_of_method(GOOD))
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
    rows = [re.findall(r"(?:\\.|[^\\|])+(?=\|)", row) for row in table.splitlines()]
    assert list(map(len, rows)) == [8] * 3
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
    before, after = map(read_run, places)
    pd.testing.assert_frame_equal(read, compare_runs(before, after, {}).frame, check_dtype=False)
    assert f",{1 / 3!r},{2 / 3!r},{1 / 3!r}," in out
