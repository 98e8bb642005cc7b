"""Whole runs: records, tables, plots, resumption."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from support.faults import GAN_AND_DCGAN, same, tables

from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS

METHOD_NAMES = ["gan", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan"]
COLUMNS = [
    "suite",
    "dataset",
    "method",
    "seed",
    "status",
    "modes",
    "modes_total",
    "high_quality",
    "kl",
    "ivom",
    "fid",
]
AUDIT = [
    "fid_features",
    "budget",
    "flops",
    "generator_steps",
    "discriminator_steps",
    "samples_seen",
    "device_seconds",
    "parameters",
    "config_hash",
]


def test_every_trial_has_a_row_and_the_columns_are_in_order(tiny):
    trials = pd.read_csv(tiny / "trials.csv")
    assert list(trials.columns[: len(COLUMNS)]) == COLUMNS
    at = list(trials.columns).index("fid_features")
    assert list(trials.columns[at : at + len(AUDIT)]) == AUDIT
    assert len(trials) == 2 * 2 * (len(METHOD_NAMES) + 3)
    assert set(trials["status"]) == {"ok"}
    for _, rows in trials.groupby("dataset", sort=False):
        assert list(rows["method"].unique()) == ["real-data", "collapsed", "noise", *METHOD_NAMES]
        trained = rows[rows["method"].isin(METHOD_NAMES)]
        assert trained["flops"].max() / trained["flops"].min() < 1.5  # of one or a few cycles
        assert trained[AUDIT].notna().all(axis=None)
    assert trials["modes_total"].groupby(trials["dataset"]).first().to_dict() == {
        "ring": 8,
        "high-dimensional": 10,
    }
    assert trials.loc[trials["dataset"] == "ring", "high_quality_legacy"].isna().all()
    real = trials[(trials["method"] == "real-data") & (trials["dataset"] == "high-dimensional")]
    assert (real["high_quality_legacy"] == 0).all()


def test_the_audit_counts_real_steps(tiny):
    trials = pd.read_csv(tiny / "trials.csv")
    wgan = trials[trials["method"] == "wgan-gp"]
    assert (wgan["discriminator_steps"] == 5 * wgan["generator_steps"]).all()
    assert (wgan["samples_seen"] == 64 * wgan["discriminator_steps"]).all()
    costs = json.loads((tiny / "manifest.json").read_text())["costs"]
    for row in trials[trials["flops"].notna()].itertuples():
        cost = costs[row.dataset][row.method]
        assert row.flops == cost["cycles"] * cost["flops"]
        assert row.generator_steps == cost["cycles"] * cost["generator_steps"]


def test_the_audit_has_the_seconds_of_each_stage(tiny):
    """The seeds of a group share them. Nothing is compiled in this short run."""
    for file in tiny.glob("trials/ring/*/seed-0/result.json"):
        record = json.loads(file.read_text())
        if record["method"] not in METHOD_NAMES:
            continue
        audit = record["audit"]
        seconds = audit["group_seconds"]
        assert list(seconds) == ["training", "compiling", "evaluation", "rest"]
        assert seconds["training"] == pytest.approx(len(audit["group"]) * audit["device_seconds"])
        assert seconds["compiling"] == 0
        assert seconds["evaluation"] > 0
        assert seconds["rest"] > 0


def test_the_summary_and_the_curves_agree_with_the_trials(tiny):
    trials, summary, curves = (pd.read_csv(tiny / f"{name}.csv") for name in ("trials", "summary", "curves"))
    row = summary[
        (summary["dataset"] == "ring") & (summary["method"] == "ali") & (summary["metric"] == "kl")
    ].iloc[0]
    values = trials[(trials["dataset"] == "ring") & (trials["method"] == "ali")]["kl"]
    assert row["mean"] == pytest.approx(values.mean())
    assert row["std"] == pytest.approx(values.std())
    assert (row["n"], row["best"], row["worst"]) == (2, values.min(), values.max())
    curve = curves[
        (curves["dataset"] == "ring")
        & (curves["method"] == "gan")
        & (curves["seed"] == 0)
        & (curves["metric"] == "kl")
    ]
    assert list(curve["point"]) == list(range(1, 21))
    last = trials[(trials["dataset"] == "ring") & (trials["method"] == "gan") & (trials["seed"] == 0)].iloc[0]
    assert curve["value"].iloc[-1] == last["kl"]
    assert curve["flops"].iloc[-1] == last["flops"]


def test_a_trial_leaves_its_files(tiny):
    folder = tiny / "trials" / "ring" / "wgan-gp" / "seed-1"
    assert {file.name for file in folder.iterdir()} == {"result.json", "samples.npz", "generator.safetensors"}
    with np.load(folder / "samples.npz") as archive:
        assert archive["samples"].shape == (2500, 2)
    weights = load_file(folder / "generator.safetensors")
    network = METHODS.get("wgan-gp")().networks(Ring().spec)["generator"]
    assert {k: v.shape for k, v in weights.items()} == {
        k: tuple(v.shape) for k, v in network.state_dict().items()
    }
    assert not list(tiny.rglob(".*"))


def test_plots(tiny):
    import matplotlib.image

    names = {f"{kind}.png" for kind in ("ring-samples", "ring-metrics", "ring-curves")}
    names |= {name.replace("ring", "high-dimensional") for name in names}
    assert {file.name for file in (tiny / "plots").iterdir()} == names
    for name in names:
        picture = matplotlib.image.imread(tiny / "plots" / name)
        assert min(picture.shape[:2]) > 300
        assert picture[..., :3].std() > 0.02


def test_the_report_is_rebuilt_from_the_records_alone(cli, tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    before = {name: (copy / f"{name}.csv").read_bytes() for name in ("trials", "summary", "curves")}
    for name in before:
        (copy / f"{name}.csv").write_text("nonsense")
    shutil.rmtree(copy / "plots")
    assert cli("report", copy)[0] == 0
    assert {name: (copy / f"{name}.csv").read_bytes() for name in before} == before
    assert len(list((copy / "plots").iterdir())) == 6


def test_two_runs_are_identical_and_so_is_an_interrupted_one(cli, undrawn, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert cli(*GAN_AND_DCGAN, "--seeds", "3", "--out", one)[0] == 0
    assert cli(*GAN_AND_DCGAN, "--seeds", "3", "--out", two, "--workers", "1")[0] == 0
    same(tables(one), tables(two))
    # As if it had been killed after the first of a group's records.
    for gone in ("ring/gan/seed-1", "ring/gan/seed-2", "ring/dcgan/seed-0", "ring/collapsed/seed-1"):
        shutil.rmtree(two / "trials" / gone)
    kept = {file: file.stat().st_mtime_ns for file in two.rglob("result.json")}
    status, _, err = cli(*GAN_AND_DCGAN, "--seeds", "3", "--out", two)
    assert status == 0
    assert "4 trials to train in 3 cells, 11 done already" in err
    same(tables(one), tables(two))
    assert all(file.stat().st_mtime_ns == then for file, then in kept.items())
    status, _, err = cli(*GAN_AND_DCGAN, "--seeds", "3", "--out", two)
    assert status == 0
    assert "0 trials to train" in err


@pytest.mark.long
def test_more_seeds_leave_finished_ones_untouched(cli, undrawn, tmp_path):
    out = tmp_path / "run"
    assert cli(*GAN_AND_DCGAN, "--seeds", "2", "--out", out)[0] == 0
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in out.rglob("result.json")}
    assert cli(*GAN_AND_DCGAN, "--seeds", "4", "--out", out)[0] == 0
    assert all((file.read_bytes(), file.stat().st_mtime_ns) == then for file, then in before.items())
    trials = pd.read_csv(out / "trials.csv")
    gan = trials[trials["method"] == "gan"]
    assert list(gan["group"]) == ["0 1", "0 1", "2 3", "2 3"]
    # Another group rounds differently, and a seed's record says so; its streams are its own.
    assert len(gan["kl"].unique()) == 4


@pytest.mark.long
def test_fresh_moves_the_old_run_aside(cli, undrawn, tmp_path):
    out = tmp_path / "run"
    assert cli(*GAN_AND_DCGAN, "--seeds", "1", "--out", out)[0] == 0
    assert cli(*GAN_AND_DCGAN, "--seeds", "1", "--out", out, "--fresh", "--budget", "bogus")[0] == 2
    assert len(list(tmp_path.iterdir())) == 1
    status, _, err = cli(*GAN_AND_DCGAN, "--seeds", "1", "--out", out, "--fresh", "--set", "gan.lr=0.01")
    assert status == 0
    aside = [path for path in tmp_path.iterdir() if path != out]
    assert len(aside) == 1
    assert str(aside[0]) in err
    assert (aside[0] / "trials.csv").exists()


@pytest.mark.long
def test_other_budgets(cli, undrawn, tmp_path):
    for budget, column, amount in (("40steps", "generator_steps", 40), ("2560samples", "samples_seen", 2560)):
        out = tmp_path / column
        assert cli(*GAN_AND_DCGAN[:7], "--budget", budget, "--seeds", "1", "--out", out)[0] == 0
        trials = pd.read_csv(out / "trials.csv")
        assert (trials[trials["method"].isin(["gan", "dcgan"])][column] == amount).all()
    out = tmp_path / "seconds"
    assert cli(*GAN_AND_DCGAN[:7], "--budget", "0.3s", "--seeds", "1", "--out", out)[0] == 0
    trials = pd.read_csv(out / "trials.csv")
    assert trials.loc[trials["method"] == "gan", "device_seconds"].between(0.3, 3).all()


@pytest.mark.long
def test_compiled_and_eager_groups_are_told_apart(cli, undrawn, tmp_path):
    """A group is repeated as it was trained, whatever --compile says now."""
    out = tmp_path / "run"
    arguments = [*GAN_AND_DCGAN[:5], "--methods", "gan", *GAN_AND_DCGAN[7:], "--seeds", "2", "--out", out]
    assert cli(*arguments, "--compile", "on")[0] == 0
    before = tables(out)
    assert before["trials"].set_index("method")["compiled"]["gan"].all()
    shutil.rmtree(out / "trials" / "ring" / "gan" / "seed-0")
    assert cli(*arguments, "--compile", "off")[0] == 0
    same(before, tables(out))


@pytest.mark.long
def test_a_run_grows_by_datasets_and_methods(cli, tmp_path):
    out = tmp_path / "run"
    arguments = [
        "run",
        "--suite",
        "synthetic",
        "--budget",
        "3e8flops",
        "--set",
        "ivom.iterations=3",
        "--seeds",
        "1",
        "--out",
        out,
    ]
    assert cli(*arguments, "--datasets", "ring", "--methods", "gan")[0] == 0
    assert cli(*arguments, "--datasets", "grid", "--methods", "dcgan")[0] == 0
    trials = pd.read_csv(out / "trials.csv")
    assert set(zip(trials["dataset"], trials["method"], strict=True)) == {
        *(("ring", name) for name in ("real-data", "collapsed", "noise", "gan")),
        *(("grid", name) for name in ("real-data", "collapsed", "noise", "dcgan")),
    }
    assert len(list((out / "plots").iterdir())) == 6
