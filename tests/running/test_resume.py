"""Training goes on from checkpoints, in the groups that were begun."""

import json
import os
import shutil
import sys

import pandas as pd
import pytest
from support.faults import SMALL, Inline, finished, same, tables

from benchmark.records.results import read_run
from benchmark.records.schema import Manifest
from benchmark.records.sealed_files import read_sealed, write_sealed
from benchmark.report.page.run_part import environment


def test_training_goes_on_from_its_checkpoint_to_the_same_numbers(cli, whole, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    before = finished(out)
    told = []
    original = Inline.start
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inline, "start", lambda self, task: (told.append(task), original(self, task))[1])
        assert cli(*SMALL, "--out", out)[0] == 0
    assert [task.start is not None for task in told].count(True) == 1
    same(tables(out), tables(whole))
    assert before.items() <= finished(out).items()
    assert not list(out.glob("trials/*/*/training-*"))


@pytest.mark.parametrize("every", ["0s", "off"])
def test_checkpoints_do_not_change_results(cli, whole, tmp_path, inline, every):
    out = tmp_path / "run"
    assert cli(*SMALL, "--out", out, "--checkpoint-every", every)[0] == 0
    same(tables(out), tables(whole))


def test_a_group_that_was_begun_is_finished_whatever_is_asked_next(cli, whole, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    arguments = [*SMALL[:-1], "4", "--out", out]
    assert cli(*arguments)[0] == 0
    trials = pd.read_csv(out / "trials.csv")
    assert set(trials["group"]) == {"0 1", "2 3"}
    kept = tables(out)["trials"].query("seed < 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, tables(whole)["trials"], check_exact=True)


def test_a_group_that_was_begun_is_given_up_for_fewer_seeds(cli, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    assert cli(*SMALL[:-1], "1", "--out", out)[0] == 0
    trials = pd.read_csv(out / "trials.csv").query("method == 'wgan-gp'")
    assert trials[["seed", "group"]].astype(str).to_numpy().tolist() == [["0", "0"]]


def test_a_training_that_was_begun_with_other_settings_is_given_up_with_a_line(cli, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    status, _, err = cli(*SMALL, "--set", "wgan-gp.penalty=3", "--out", out)
    assert status == 0
    assert err.count("ring wgan-gp: the saved training is one of other settings") == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="file names of macOS are UTF-8")
def test_a_run_that_goes_on_with_other_versions_says_so_and_keeps_them(cli, whole, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    file = out / "manifest.json"
    manifest = read_sealed(file, Manifest)
    torch_now = manifest["versions"]["torch"]
    write_sealed(file, {**manifest, "versions": {**manifest["versions"], "torch": "1.0"}})
    status, _, err = cli(*SMALL, "--out", out)
    assert status == 0
    assert "trials that are there were made with others: " in err
    assert f"versions.torch is now {torch_now}, and was 1.0" in err
    manifest = read_sealed(file, Manifest)
    assert [environment["versions"]["torch"] for environment in manifest["earlier"]] == ["1.0"]
    assert manifest["versions"]["torch"] == torch_now
    earlier = environment(read_run(out))["Versions and machines of earlier trials"]
    assert earlier["earlier 1"]["versions.torch"] == "1.0"
    assert "were made with others" not in cli(*SMALL, "--out", out)[2]
    assert read_sealed(file, Manifest)["earlier"] == manifest["earlier"]
    assert "earlier" in json.loads(file.read_text())


def test_a_directory_that_is_not_utf8_is_one_like_others(cli, whole, tmp_path, inline):
    """Its command is in the manifest, as text."""
    out = tmp_path / os.fsdecode(b"run-\xff")
    shutil.copytree(whole, out)
    (out / "manifest.json").unlink()
    assert cli(*SMALL, "--out", out)[0] == 0
    status, _, err = cli(*SMALL, "--out", out)
    assert status == 0
    assert "damaged" not in err
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["command"][-1] == rf"{tmp_path}/run-\udcff"
