"""`score`: its options, and datasets that have fewer samples than a file."""

import os

import numpy as np
import pytest

from benchmark.datasets.mixtures import Grid


@pytest.fixture
def grid(tmp_path):
    """A file with samples of a grid of another spacing."""
    data = Grid(spacing=1)
    file = tmp_path / "mine.npy"
    np.save(file, data.draw(500, data.stream(9, "data")).numpy())
    return file


def score(cli, file, *options):
    status, out, err = cli("score", file, "--dataset", "grid", "--metrics", "modes,high_quality", *options)
    assert status == 0, err
    return {line.split()[0]: line.split()[1] for line in out.splitlines() if line}


def test_settings_of_the_dataset_and_of_metrics_hold(cli, grid):
    assert score(cli, grid)["modes"] == "9"
    assert score(cli, grid, "--set", "grid.spacing=1")["modes"] == "25"
    settings = ("--set", "grid.spacing=1", "--set", "coverage.k=1", "--metrics", "coverage")
    assert float(score(cli, grid, *settings)["coverage"]) < 0.8


def test_the_suite_with_the_fewest_datasets_has_the_metrics(cli, grid):
    """`synthetic`, whose metrics lack the one that `references` has."""
    status, out, err = cli("score", grid, "--dataset", "grid", "--metrics", "+minority_recall")
    assert status == 0, err
    assert "minority_recall" in out


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--set", "ring.circle=2"), "'ring' has no part in this run; the parts are grid, modes"),
        (("--set", "grid.space=1"), "has no such setting"),
        (("--set", "grid.samples=9"), "score takes all samples of a file"),
        (("--range", "0,1"), "--range 0,1: is for images; grid has points"),
        (("--range", "0,2"), "choose from 0,1, -1,1, 0,255"),
        (("--range", "-1,1"), "is for images"),
        (("--array", "arr_0"), "--array is for .npz files"),
    ],
)
def test_options_that_do_not_apply_are_one_line(cli, grid, options, problem):
    status, out, err = cli("score", grid, "--dataset", "grid", "--metrics", "modes", *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_metric_that_cannot_score_samples_is_named(cli, grid):
    status, out, _ = cli("score", grid, "--dataset", "grid", "--metrics", "ivom,modes,off_manifold")
    assert status == 0
    assert out.startswith("500 samples, without ivom and off_manifold; compared with grid\n")
    status, out, err = cli("score", grid, "--dataset", "grid", "--metrics", "ivom")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--metrics ivom: none of them scores samples of grid; a metric may be for other data" in err
    assert "without" not in cli("score", grid, "--dataset", "grid")[1]


def test_a_table_is_said_to_have_a_header(cli, tmp_path):
    (tmp_path / "mine.csv").write_text("x,y\n0,0\n1,1\n")
    options = ("--dataset", "grid", "--metrics", "modes")
    _, out, _ = cli("score", tmp_path / "mine.csv", *options)
    assert out.startswith("2 samples, line 1 (x,y) taken for a header; compared with grid\n")
    _, out, err = cli("score", tmp_path / "mine.csv", *options, "--csv")
    assert out.startswith("suite,")
    assert err == "benchmark: 2 samples, line 1 (x,y) taken for a header\n"


def test_what_a_header_holds_does_not_steer_the_terminal(cli, tmp_path):
    (tmp_path / "mine.csv").write_text("\x1b[2J,y\n1,2\n3,4\n")
    _, out, _ = cli("score", tmp_path / "mine.csv", "--dataset", "grid", "--metrics", "modes")
    assert out.startswith(r"2 samples, line 1 (\x1b[2J,y) taken for a header;")


def test_a_directory_that_is_no_file_is_called_one(cli, tmp_path):
    (tmp_path / "samples.npy").mkdir()
    status, _, err = cli("score", tmp_path / "samples.npy", "--dataset", "cifar10")
    assert (status, err.count("\n")) == (2, 1)
    assert "samples.npy: is a directory without PNG pictures" in err


def test_the_working_directory_has_a_name(cli, tmp_path, monkeypatch):
    (tmp_path / "real-data").mkdir()
    monkeypatch.chdir(tmp_path / "real-data")
    for place in (".", f"..{os.sep}real-data{os.sep}"):
        assert "name of a calibration row" in cli("score", place, "--dataset", "grid")[2]


FEW = """
from dataclasses import dataclass
import torch
from benchmark.datasets.images import Images
from benchmark.registry import register_dataset

@dataclass(frozen=True)
class Few(Images):
    features = "raw"
    shape = (1, 4, 4)
    samples: int = 100
    held_out: int = 100

    def nearest_training(self, packed):
        return packed

    def draw(self, n, rng, split="train"):
        pool = (torch.arange(4800) % 256).to(torch.uint8).view(300, 1, 4, 4)
        if split == "train":
            return pool[torch.randint(300, (n,), generator=rng)]
        return self.choose(pool, n, rng)

@register_dataset("few-raises")
@dataclass(frozen=True)
class FewRaises(Few):
    def choose(self, pool, n, rng):
        return pool[torch.arange(n)]

@register_dataset("few-fewer")
@dataclass(frozen=True)
class FewFewer(Few):
    def choose(self, pool, n, rng):
        return pool[torch.randperm(300, generator=rng)[:n]]

@register_dataset("few-refuses")
@dataclass(frozen=True)
class FewRefuses(FewFewer):
    def __post_init__(self):
        super().__post_init__()
        if self.samples > 300:
            raise ValueError("there are 300")
"""


@pytest.fixture
def score_few(cli, tmp_path):
    """Scores so many images against one of the datasets above."""
    (tmp_path / "few.py").write_text(FEW)

    def run(number, dataset, *options):
        np.save(tmp_path / "mine.npy", np.full((number, 1, 4, 4), 99, np.uint8))
        chosen = ("--dataset", dataset, "--plugin", tmp_path / "few.py", "--metrics", "fid")
        return cli("score", tmp_path / "mine.npy", *chosen, *options)

    return run


@pytest.mark.parametrize(
    ("dataset", "options", "problem"),
    [
        ("few-raises", (), "few-raises: cannot draw 400 samples for the row real-data (IndexError: "),
        ("few-fewer", (), "few-fewer: has 300 of the 400 samples for the row real-data"),
        ("few-refuses", (), "few-refuses: does not take 400 samples: there are 300"),
        (
            "few-fewer",
            ("--set", "few-fewer.held_out=301"),
            "few-fewer: has 300 of the 301 samples for held-out data",
        ),
    ],
)
def test_more_samples_than_a_dataset_has_are_one_line(score_few, dataset, options, problem):
    status, out, err = score_few(400, dataset, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


@pytest.mark.parametrize("dataset", ["few-raises", "few-fewer", "few-refuses"])
def test_as_many_samples_as_a_dataset_has_are_scored(score_few, dataset):
    assert score_few(300, dataset)[0] == 0
