"""Runs of the image suites, on made-up data in the real files' formats."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.digit_classifier import digit_classifier
from benchmark.datasets.image_files import load_digits
from benchmark.datasets.places import using
from benchmark.datasets.stacked import StackedMNIST
from benchmark.suites.equal_compute import METHODS

STACKED = {
    "stacked-mnist.original": "false",
    "stacked-mnist.width": 2,
    "stacked-mnist.latent": 4,
    "stacked-mnist.batch": 8,
    "stacked-mnist.samples": 600,
    "stacked-mnist.held_out": 100,
    "ivom.points": 2,
    "ivom.iterations": 3,
}
CIFAR = {
    "cifar10.original": "false",
    "cifar10.width": 2,
    "cifar10.latent": 4,
    "cifar10.batch": 8,
    "cifar10.samples": 100,
    "cifar10.held_out": 60,
}
CIFAR |= {"ivom.points": 2, "ivom.iterations": 3}


def options(settings):
    words = []
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    return words


@pytest.fixture(scope="module")
def stacked(tmp_path_factory, digits_root):
    from benchmark.commands.cli import main

    out = tmp_path_factory.mktemp("stacked") / "run"
    arguments = [
        "--data-root",
        str(digits_root),
        "--seeds",
        "2",
        "--budget",
        "6steps",
        "--out",
        str(out),
        *options(STACKED),
    ]
    assert main(["run", "--suite", "stacked-mnist", *arguments]) == 0
    return out, arguments


def test_all_methods_are_trained_and_scored(stacked):
    trials = pd.read_csv(stacked[0] / "trials.csv")
    assert set(trials["method"]) == {"real-data", "collapsed", "noise", *METHODS}
    assert (trials["status"] == "ok").all()
    assert (trials["modes_total"] == 1000).all()
    assert (trials["fid_features"] == "classifier").all()
    numbers = [
        "modes",
        "modes_robust",
        "high_quality",
        "kl",
        "ivom",
        "fid",
        "precision",
        "recall",
        "density",
        "coverage",
    ]
    numbers += ["overlap", "mode_entropy", "modes_confident", "modes_confident_robust"]
    assert trials[numbers].notna().all().all()
    assert trials["high_quality"].between(0, 1).all()
    trained = trials[trials["flops"].notna()]
    assert (trained["generator_steps"].isin([6, 8])).all()  # AEGAN takes four per cycle
    assert (trained["group"].astype(int) == trained["seed"]).all()  # images are trained one seed at a time
    assert set(pd.read_csv(stacked[0] / "curves.csv")["point"]) <= set(range(1, 6))


def test_the_manifest_names_the_classifier_and_the_data(stacked, digits_root):
    manifest = json.loads((stacked[0] / "manifest.json").read_text())
    with using(str(digits_root), None):
        files = load_digits("MNIST", False)
        trained = digit_classifier(files)
    assert manifest["files"]["stacked-mnist"] == {
        "data": files.digest,
        "classifier": trained.fingerprint,
        "classifier_accuracy": trained.accuracy,
    }
    assert str(digits_root) not in json.dumps(manifest["configuration"])


def test_records_keep_what_pictures_need(stacked):
    for method, has_encoder in (
        ("dcgan", False),
        ("ali", True),
        ("veegan", True),
        ("aegan", True),
        ("real-data", False),
    ):
        with np.load(stacked[0] / "trials" / "stacked-mnist" / method / "seed-1" / "samples.npz") as arrays:
            assert arrays["samples"].dtype == np.uint8
            assert arrays["samples"].shape == (425, 3, 28, 28)
            assert arrays["mode_counts"].sum() == 600
            assert arrays["nearest"].shape == (12, 3, 28, 28)
            assert ("reconstructions" in arrays) == has_encoder
            if has_encoder:
                assert arrays["reconstructions"].shape == (2, 12, 3, 28, 28)


@pytest.mark.long
def test_the_same_command_again_finds_nothing_to_do_and_one_with_another_classifier_is_refused(
    stacked, cli, monkeypatch, tmp_path
):
    status, _, err = cli("run", "--suite", "stacked-mnist", *stacked[1])
    assert status == 0
    assert "0 trials to train" in err
    monkeypatch.setattr("benchmark.datasets.digit_classifier.VERSION", -1)
    digit_classifier.cache_clear()
    status, _, err = cli("run", "--suite", "stacked-mnist", *stacked[1])
    digit_classifier.cache_clear()
    assert status == 2
    assert "files.classifier is" in err


def test_a_report_needs_no_images(stacked, cli):
    before = (stacked[0] / "trials.csv").read_bytes()
    assert cli("report", stacked[0])[0] == 0  # without --data-root
    assert (stacked[0] / "trials.csv").read_bytes() == before
    assert (stacked[0] / "plots" / "stacked-mnist-samples.png").is_file()


def test_cifar10_runs_on_its_own_metrics(cli, cifar_root, tmp_path):
    arguments = [
        "--data-root",
        cifar_root,
        "--seeds",
        "1",
        "--methods",
        "gan,veegan",
        "--budget",
        "6steps",
        *options(CIFAR),
    ]
    status, _, err = cli(
        "run", "--suite", "cifar10", *arguments, "--fid-features", "raw", "--out", tmp_path / "run"
    )
    assert status == 0, err
    trials = pd.read_csv(tmp_path / "run" / "trials.csv")
    assert "modes" not in trials
    assert (trials["fid_features"] == "raw").all()
    assert trials[["ivom", "fid", "precision"]].notna().all().all()
    assert trials.set_index("method")["fid"]["real-data"] < trials.set_index("method")["fid"]["collapsed"]


def test_cifar10_without_weights_of_inception_says_how_to_go_on(cli, cifar_root, tmp_path):
    status, _, err = cli(
        "run", "--suite", "cifar10", "--data-root", cifar_root, *options(CIFAR), "--out", tmp_path / "run"
    )
    assert status == 2
    assert err.count("\n") == 1
    assert "pt_inception-2015-12-05-6726825d.pth: No such file or directory; give --fid-weights FILE" in err
    assert not (tmp_path / "run").exists()


def test_more_held_out_images_than_there_are(cli, cifar_root, tmp_path):
    settings = options(CIFAR | {"cifar10.held_out": 2001})
    status, _, err = cli(
        "run",
        "--suite",
        "cifar10",
        "--data-root",
        cifar_root,
        *settings,
        "--fid-features",
        "raw",
        "--out",
        tmp_path / "run",
    )
    assert status == 2
    assert "cifar10: 2001 held-out images were asked for, and there are 2000" in err


@pytest.mark.parametrize("features", ["pixels", "inception-"])
def test_unknown_features(cli, digits_root, tmp_path, features):
    arguments = (
        "--data-root",
        digits_root,
        *options(STACKED),
        "--fid-features",
        features,
        "--out",
        tmp_path / "run",
    )
    status, _, err = cli("run", "--suite", "stacked-mnist", *arguments)
    assert status == 2
    assert err.count("\n") == 1


def test_a_wrong_data_root_is_one_line_and_writes_nothing(cli, tmp_path):
    status, _, err = cli(
        "run", "--suite", "stacked-mnist", "--data-root", tmp_path / "nowhere", "--out", tmp_path / "run"
    )
    assert status == 2
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


PLUGIN = """
from dataclasses import dataclass
from benchmark.datasets.stacked import StackedMNIST
from benchmark.registry import register_dataset

@register_dataset("own-digits")
@dataclass(frozen=True)
class OwnDigits(StackedMNIST):
    original: bool = False
    held_out: int = 100
"""


@pytest.fixture
def score(cli, digits_root, tmp_path):
    """Scores an array against the made-up digits."""
    plugin = tmp_path / "own_digits.py"
    plugin.write_text(PLUGIN)

    def run(array, *arguments):
        np.save(tmp_path / "mine.npy", array)
        return cli(
            "score",
            tmp_path / "mine.npy",
            "--dataset",
            "own-digits",
            "--plugin",
            plugin,
            "--data-root",
            digits_root,
            *arguments,
        )

    return run


@pytest.fixture
def stacks(digits_root):
    with using(str(digits_root), None):
        data = StackedMNIST(original=False)
        return data.draw(500, data.stream(0, "x")).numpy()


def test_images_from_elsewhere_are_scored_in_any_form(score, stacks):
    status, out, err = score(stacks, "--csv")
    assert status == 0, err
    eight_bit = pd.read_csv(io.StringIO(out)).set_index("method")
    assert eight_bit.loc["mine", "modes"] > 300
    assert eight_bit.loc["collapsed", "modes"] == 1
    assert "ivom" not in eight_bit
    assert err.endswith("benchmark: 500 samples, pixels taken for [0, 255]\n")
    undershoot = np.where(stacks == 0, -0.02, stacks / np.float32(255))
    for array, options in (
        (stacks.astype(np.float32) / 127.5 - 1, ()),
        (undershoot, ()),
        (stacks.transpose(0, 2, 3, 1), ("--range", "0,255")),
    ):
        status, out, _ = score(array, "--csv", *options)
        assert status == 0
        assert pd.read_csv(io.StringIO(out)).set_index("method").equals(eight_bit)


def test_black_images_are_scored(score, stacks):
    _, out, _ = score(np.zeros(stacks.shape, np.float32), "--metrics", "modes")
    assert out.startswith("500 samples, pixels taken for [0, 1]; compared with own-digits\n")
    assert next(line for line in out.splitlines() if line.startswith("modes ")).split()[1] == "1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x.transpose(0, 2, 1, 3), "has shape (500, 28, 3, 28); give"),
        (lambda x: x[:, :1], "has shape (500, 1, 28, 28)"),
        (
            lambda x: (x.astype(np.float32) / 255 - 0.13) / 0.31,
            "has float32 pixels from -0.419355 to 2.",
        ),
        (lambda x: x // 200, "has uint8 pixels from 0 to 1; give --range"),
        (lambda x: np.where(x > 200, np.nan, 0.0), "are not finite"),
    ],
)
def test_images_of_another_shape_or_range(score, stacks, change, expected):
    status, out, err = score(change(stacks))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert expected in err


PICTURES = """
from dataclasses import dataclass
from benchmark.datasets.cifar import CIFAR10
from benchmark.registry import register_dataset

@register_dataset("own-pictures")
@dataclass(frozen=True)
class OwnPictures(CIFAR10):
    original: bool = False
"""


def test_too_few_images_to_score_with_are_one_line(cli, cifar_root, tmp_path):
    plugin = tmp_path / "own_pictures.py"
    plugin.write_text(PICTURES)
    np.save(
        tmp_path / "mine.npy", np.random.default_rng(0).integers(256, size=(5, 3, 32, 32), dtype=np.uint8)
    )
    status, out, err = cli(
        "score",
        tmp_path / "mine.npy",
        "--dataset",
        "own-pictures",
        "--plugin",
        plugin,
        "--data-root",
        cifar_root,
        "--metrics",
        "coverage",
        "--fid-features",
        "raw",
    )
    assert (status, out) == (2, "")
    assert err == "benchmark: own-pictures: 10000 held-out images were asked for, and there are 2000\n"


def dry_run_of_images(cli, out, digits_root):
    arguments = ["--data-root", digits_root, "--seeds", "2", "--budget", "6steps", "--out", out]
    status, table, err = cli("run", "--suite", "stacked-mnist", *arguments, *options(STACKED), "--dry-run")
    assert status == 0
    return table, err


def test_a_dry_run_trains_no_classifier_and_says_that_one_will_be(
    cli, stacked, digits_root, tmp_path, monkeypatch
):
    told = "first, for stacked-mnist, the digit classifier is trained, once: about 3 s on two CPU cores\n"
    with monkeypatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE", str(tmp_path / "cache"))
        table, err = dry_run_of_images(cli, tmp_path / "run", digits_root)
        assert told in table
        assert "20 trials to train, 0 done already" in table
        assert "0 trials to train, 20 done already" in dry_run_of_images(cli, stacked[0], digits_root)[0]
        assert err == ""
        assert not list(tmp_path.iterdir())
    table, _ = dry_run_of_images(cli, stacked[0], digits_root)
    assert "0 trials to train, 20 done already" in table
    assert told not in table
