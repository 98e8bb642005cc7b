"""`explore`: what it writes of a run, and what it refuses."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark import load_results
from benchmark.commands.explore.models import Model
from benchmark.errors import UsageError
from benchmark.records.lock import RunLock
from benchmark.records.schema import Record
from benchmark.records.sealed_files import read_sealed, write_sealed

QUICK = ("--pairs", "3", "--starts", "2", "--iterations", "5", "--steps", "4")
SMALL_IMAGES = {
    "stacked-mnist.original": "false",
    "stacked-mnist.width": 2,
    "stacked-mnist.latent": 4,
    "stacked-mnist.batch": 8,
    "stacked-mnist.samples": 200,
    "stacked-mnist.held_out": 80,
    "ivom.points": 2,
    "ivom.iterations": 3,
}


@pytest.fixture
def run(tiny, tmp_path):
    """A copy of the tiny run that may be explored."""
    return shutil.copytree(tiny, tmp_path / "run")


@pytest.fixture(scope="module")
def images(tmp_path_factory, digits_root):
    from benchmark.commands.cli import main

    out = tmp_path_factory.mktemp("images") / "run"
    settings = []
    for name, value in SMALL_IMAGES.items():
        settings += ["--set", f"{name}={value}"]
    options = ["--methods", "gan,ali", "--seeds", "1", "--budget", "4steps", "--data-root", str(digits_root)]
    command = ["run", "--suite", "stacked-mnist", *options, *settings, "--settings", "published"]
    assert main([*command, "--out", str(out)]) == 0
    return out


def test_numbers_sheets_and_a_page_are_written(cli, run):
    status, out, err = cli(
        "explore", run, "--dataset", "ring", "--methods", "gan,ali", "--seeds", "0,1", *QUICK
    )
    assert status == 0, err
    folder = run / "explore" / "ring"
    summary = pd.read_csv(folder / "explore.csv")
    assert set(summary["method"]) == {"real-data", "latents", "gan", "ali"}
    assert (summary.loc[summary["method"].isin(["gan", "ali"]), "seeds"] == 2).all()
    values = pd.read_csv(folder / "values.csv")
    stretch = values[(values["method"] == "gan") & (values["measure"] == "stretch")]
    assert set(stretch["path"]) == {"searched", "spherical", "straight"}
    assert (stretch.groupby(["path", "seed"]).size() == 3).all()
    row = summary[(summary["method"] == "gan") & (summary["path"] == "straight")].set_index("measure")
    mean = np.log(stretch.loc[stretch["path"] == "straight", "value"]).mean()
    assert row["mean"]["stretch"] == pytest.approx(np.exp(mean))
    modes = pd.read_csv(folder / "modes.csv")
    assert modes.groupby(["method", "seed"]).size().tolist() == [8] * 4
    facts = json.loads((folder / "explore.json").read_text())
    names = [sheet["name"] for sheet in facts["sheets"] if sheet["model"] == "ali, seed 1"]
    assert names == ["paths", "reconstructions", "map"]
    page = (folder / "explore.html").read_text()
    for sheet in facts["sheets"]:
        with Image.open(folder / sheet["file"]) as picture:
            assert picture.width > 400
        assert sheet["description"] in page
    assert "latent_usage" in out
    assert "exploring gan, seed 0 (1 of 4" in err


def test_the_same_is_found_again(cli, run):
    for _ in range(2):
        assert cli("explore", run, "--dataset", "ring", "--methods", "veegan", *QUICK)[0] == 0
        (run / "explore/ring/values.csv").rename(run / f"{len(list(run.glob('*.copy')))}.copy")
    first, second = sorted(run.glob("*.copy"))
    assert first.read_bytes() == second.read_bytes()


def test_the_page_of_the_run_has_a_section_of_it(cli, run):
    assert "What the latents know" not in (run / "report.html").read_text()
    assert cli("explore", run, "--dataset", "ring", "--methods", "aegan", *QUICK)[0] == 0
    assert cli("report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert "What the latents know" in page
    assert "aegan, seed 0: paths between latents" in page


def test_a_damaged_exploration_is_reported_and_left_out(cli, run):
    assert cli("explore", run, "--dataset", "ring", "--methods", "gan", *QUICK)[0] == 0
    (run / "explore/ring/gan-seed-0-map.png").write_bytes(b"something else")
    status, _, err = cli("report", run)
    assert status == 1
    assert "ring: its exploration cannot be shown" in err
    assert "What the latents know" not in (run / "report.html").read_text()


def test_a_run_explores_its_lowest_seed_if_asked(cli, tmp_path):
    command = ("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "gan", "--seeds", "3,5")
    status, _, err = cli(*command, "--budget", "1e8flops", "--explore", "--out", tmp_path / "run")
    assert status == 0, err
    values = pd.read_csv(tmp_path / "run/explore/ring/values.csv")
    assert set(values.loc[values["method"] == "gan", "seed"]) == {3}
    assert "What the latents know" in (tmp_path / "run/report.html").read_text()


def test_from_python(run):
    frame = load_results(run).explore("ring", methods=["gan"], seeds=[1], pairs=2, iterations=3, starts=1)
    assert frame.loc[frame["method"] == "gan", "pairs"].max() == 4
    with pytest.raises(UsageError, match=r"explore: unknown option 'pair'; there are methods, seeds, steps"):
        load_results(run).explore("ring", pair=3)


def test_images_have_walks_and_the_nearest_training_images(cli, images, digits_root, tmp_path):
    given = np.linspace(0, 1, 2 * 3 * 28 * 28, dtype=np.float32).reshape(2, 3, 28, 28)
    np.save(tmp_path / "two.npy", given)
    places = ("--data-root", digits_root, "--image", tmp_path / "two.npy")
    for loss in ("pixels", "features"):
        status, _, err = cli("explore", images, "--dataset", "stacked-mnist", *QUICK, *places, "--loss", loss)
        assert status == 0, err
        assert "left out" not in err, err
    folder = images / "explore" / "stacked-mnist"
    sheets = json.loads((folder / "explore.json").read_text())["sheets"]
    assert [sheet["name"] for sheet in sheets] == 2 * ["paths", "reconstructions", "given", "walks"]
    assert "coordinate" in sheets[-1]["description"]
    summary = pd.read_csv(folder / "explore.csv")
    assert {"on_modes", "encoder_over_search", "code_energy"} <= set(summary["measure"])
    assert not (folder / "modes.csv").exists()


def test_a_picture_is_searched(cli, images, digits_root, tmp_path):
    Image.new("RGB", (28, 28), (250, 10, 120)).save(tmp_path / "one.png")
    options = ("--data-root", digits_root, "--methods", "gan", "--image", tmp_path / "one.png")
    status, _, err = cli("explore", images, "--dataset", "stacked-mnist", *QUICK, *options)
    assert status == 0, err
    assert (images / "explore/stacked-mnist/gan-seed-0-given.png").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--dataset", "rung"), "explore: the run has no dataset 'rung'; it has ring, high-dimensional"),
        (("--dataset", "ring", "--methods", "gann"), "has no method 'gann' on ring; it has gan, dcgan"),
        (
            ("--dataset", "ring", "--seeds", "7"),
            "--seeds 7: no generator of that seed was kept; there are 0, 1",
        ),
        (("--dataset", "ring", "--pairs", "0"), "--pairs '0': give a whole number from 1 to 50"),
        (("--dataset", "ring", "--steps", "1"), "--steps '1': give a whole number from 2 to 33"),
        (("--dataset", "ring", "--methods", "gan,gan"), "--methods: gan given twice; give each name once"),
        (("--dataset", "ring", "--seeds", "x"), "--seeds 'x': give the seeds themselves, such as 0 or 0,1,2"),
        (("--dataset", "ring", "--starts", "9" * 12), "give a whole number from 1 to 1000"),
        (("--dataset", "ring", "--image", ""), "--image '': give a file"),
        (("--dataset", "ring", "--array", "x"), "--array x: is for the file of --image; give that, too"),
        (("--dataset", "ring", "--range", "-1,1"), "--range -1,1: is for the file of --image"),
        (("--dataset", "ring", "--loss", "mse"), "--loss 'mse': choose from pixels, features"),
        (
            ("--dataset", "ring", "--loss", "features"),
            "--loss features: ring has no features with gradients; choose pixels",
        ),
        (("--dataset", "ring", "--image", "none.npy"), "none.npy: no such file"),
    ],
)
def test_bad_input_is_one_line(cli, run, arguments, problem):
    status, _, err = cli("explore", run, *arguments)
    assert status == 2
    assert problem in err
    assert err.count("\n") == 1
    assert not (run / "explore").exists()


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((3, 3), np.float32), "has shape (3, 3); give finite real numbers of shape (N, 2)"),
        (np.full((1, 2), np.nan, np.float32), "are not finite"),
        (np.zeros((25, 2), np.float32), "holds 25 data; give at most 24"),
    ],
)
def test_a_file_of_something_else_is_one_line(cli, run, tmp_path, array, problem):
    np.save(tmp_path / "given.npy", array)
    status, _, err = cli("explore", run, "--dataset", "ring", "--image", tmp_path / "given.npy")
    assert status == 2
    assert problem in err
    assert err.count("\n") == 1


def test_more_pairs_than_held_out_data_are_refused(cli, images, digits_root):
    places = ("--data-root", digits_root, "--pairs", "41")
    status, _, err = cli("explore", images, "--dataset", "stacked-mnist", *places)
    assert status == 2
    assert "--pairs 41: takes 82 held-out data, and stacked-mnist has 80; give at most 40" in err


def test_a_directory_without_generators_is_refused(cli, run):
    shutil.rmtree(run / "trials")
    status, _, err = cli("explore", run, "--dataset", "ring")
    assert status == 2
    assert "holds tables without the records that they were made of" in err


def test_an_older_run_is_explored_without_encoders(cli, run):
    for file in run.glob("trials/ring/ali/seed-0/encoder.safetensors"):
        file.unlink()
        record = read_sealed(file.with_name("result.json"), Record)
        del record["files"]["encoder.safetensors"]
        write_sealed(file.with_name("result.json"), {**record, "schema_version": 4})
    status, _, err = cli("explore", run, "--dataset", "ring", "--methods", "ali", *QUICK)
    assert status == 0
    assert "ring/ali/seed-0: was written by an older version, which kept no encoder" in err
    summary = pd.read_csv(run / "explore/ring/explore.csv")
    assert "encoder_error" not in set(summary["measure"])


def test_a_damaged_model_is_left_out(cli, run):
    (run / "trials/ring/gan/seed-0/generator.safetensors").write_bytes(b"nothing")
    options = ("--dataset", "ring", "--methods", "gan", "--seeds")
    status, _, err = cli("explore", run, *options, "0")
    assert status == 2
    assert "generator.safetensors: is damaged" in err
    assert "no model on ring can be explored; see above" in err
    status, _, err = cli("explore", run, *options, "2")
    assert status == 2
    assert "--seeds 2: no generator of that seed was kept; there are 1" in err
    status, _, err = cli("explore", run, *options, "0,1", *QUICK)
    assert status == 1
    assert "ring/gan/seed-0" in err
    assert cli("explore", run, *options, "1", *QUICK)[0] == 0
    status, _, err = cli("explore", run, *options[:-1], *QUICK)
    assert status == 1
    assert "ring/gan/seed-0" in err
    values = pd.read_csv(run / "explore/ring/values.csv")
    assert set(values.loc[values["method"] == "gan", "seed"]) == {1}
    facts = json.loads((run / "explore/ring/explore.json").read_text())
    assert facts["left_out"] == ["ring/gan/seed-0"]
    assert (
        "Left out, for they could not be explored: ring/gan/seed-0."
        in (run / "explore/ring/explore.html").read_text()
    )


def test_two_explorations_of_a_run_do_not_mix(cli, run):
    with RunLock(run / "explore"):
        status, _, err = cli("explore", run, "--dataset", "ring", "--methods", "gan", *QUICK)
        assert status == 2
        assert "is working there; wait for it to end" in err
    assert not (run / "explore").exists()


def test_each_method_is_explored_with_its_lowest_seed_that_has_not_diverged(cli, run):
    file = run / "trials/ring/gan/seed-0/result.json"
    record = read_sealed(file, Record)
    write_sealed(file, {**record, "status": "diverged"})
    assert cli("explore", run, "--dataset", "ring", "--methods", "gan,ali", *QUICK)[0] == 0
    values = pd.read_csv(run / "explore/ring/values.csv")
    assert set(values.loc[values["method"] == "gan", "seed"]) == {1}
    assert set(values.loc[values["method"] == "ali", "seed"]) == {0}


def test_a_model_that_fails_is_left_out(cli, run, monkeypatch):
    def fail(model, x):
        raise AssertionError("no code is found")

    monkeypatch.setattr(Model, "encode", fail)
    status, _, err = cli("explore", run, "--dataset", "ring", "--methods", "gan,ali", *QUICK)
    assert status == 1
    assert "ring/ali/seed-0: cannot be explored (AssertionError: no code is found); left out" in err
    assert "ali" not in set(pd.read_csv(run / "explore/ring/explore.csv")["method"])
