"""What a newcomer adds from the documentation's templates: a metric, a dataset with unequal weights, a
suite.
"""

import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import pytest

from benchmark.commands.cli import main
from benchmark.registry import SUITES

DOCS = Path(__file__).parents[2] / "docs"


def template(page, language, block=0):
    """A block of code of a page of the documentation; by default the first one."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[block]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the templates as files."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "missing_mass.py").write_text(template("adding-a-metric.md", "python"))
    (folder / "rare_mode.py").write_text(template("adding-a-dataset.md", "python"))
    (folder / "mine.toml").write_text(template("adding-a-suite.md", "toml"))
    return folder


@pytest.fixture(scope="module")
def plugins(folder):
    """The options that name the plug-ins."""
    return ["--plugin", str(folder / "missing_mass.py"), "--plugin", str(folder / "rare_mode.py")]


OPTIONS = ["--seeds", "2", "--budget", "3e8flops", "--set", "wgan-gp.penalty=0.1"]


@pytest.fixture(scope="module")
def run(folder, plugins):
    """The directory of a run of the templates."""
    out = folder / "run"
    with redirect_stdout(io.StringIO()) as stdout:
        suite = str(folder / "mine.toml")
        assert main(["run", "--suite", suite, *plugins, *OPTIONS, "--out", str(out)]) == 0
    assert "On rare-mode, " in " ".join(stdout.getvalue().split())
    assert f"report: {out / 'report.html'}" in stdout.getvalue()
    return out


def test_the_templates_pass_their_checks(cli, folder, plugins):
    status, out, _ = cli("check", *plugins)
    assert status == 0
    assert "missing_mass: prefers real data to the worse dummy (ring): ok" in out
    assert "rare-mode: draws modes by their weights: ok" in out
    status, out, _ = cli("check", folder / "mine.toml", *plugins)
    assert status == 0
    assert "can be planned on rare-mode: ok" in out


def test_the_templates_are_in_every_table_plot_and_on_the_page(run):
    trials = pd.read_csv(run / "trials.csv")
    assert set(trials["dataset"]) == {"ring", "rare-mode"}
    assert trials["missing_mass"].notna().all()
    for name in ("summary", "curves", "budget", "best_of", "pairwise"):
        table = pd.read_csv(run / f"{name}.csv")
        assert set(table["dataset"]) == {"ring", "rare-mode"}, name
        assert "missing_mass" in set(table["metric"]), name
    plots = {file.name for file in (run / "plots").iterdir()}
    assert {f"rare-mode-{picture}.png" for picture in ("samples", "metrics", "curves")} <= plots
    page = (run / "report.html").read_text()
    assert "The true probability of the modes that no sample captures." in page
    assert "missing_mass on rare-mode, lower is better: gan " in page
    assert "Samples of gan, seed 0" in page
    for name in ("summary.md", "summary.tex"):
        assert "missing" in (run / name).read_text()


def test_real_data_has_the_weights_of_the_template(run):
    trials = pd.read_csv(run / "trials.csv")
    real = trials[(trials["dataset"] == "rare-mode") & (trials["method"] == "real-data")]
    assert (real["modes"] == 4).all()
    assert (real["kl"] < 0.01).all()  # against unequal weights; equal ones would give 0.2
    assert (real["missing_mass"] == 0).all()
    collapsed = trials[(trials["dataset"] == "rare-mode") & (trials["method"] == "collapsed")]
    assert set(collapsed["missing_mass"].round(6)) <= {0.68, 0.96}


def test_records_have_the_source_of_the_plugins(cli, run, folder, plugins, tmp_path):
    """An edited metric or dataset is another configuration."""
    record = json.loads((run / "trials" / "rare-mode" / "gan" / "seed-0" / "result.json").read_text())
    assert list(record["configuration"]["dataset"]["sources"]) == ["rare_mode.py"]
    assert list(record["configuration"]["metrics"]["missing_mass"]["sources"]) == ["missing_mass.py"]
    metric = folder / "missing_mass.py"
    text = metric.read_text()
    metric.write_text(text.replace("== 0\n", "<= 1\n"))
    try:
        status, _, err = cli("run", "--suite", folder / "mine.toml", *plugins, *OPTIONS, "--out", run)
    finally:
        metric.write_text(text)
    assert status == 2
    assert "the metric missing_mass has changed in missing_mass.py" in err


def test_a_metric_that_a_run_lacks_is_named(cli, run, folder, plugins):
    arguments = ["run", "--suite", folder / "mine.toml", *plugins, *OPTIONS, "--out", run]
    status, _, err = cli(*arguments, "--metrics", "+precision")
    assert status == 2
    assert "another configuration: it has no metric precision; use --fresh" in err
    status, _, err = cli(*arguments, "--metrics", "overlap,modes,high_quality,kl")
    assert "another configuration: it has the metric missing_mass, too; use --fresh" in err


def test_a_report_without_the_plugins_has_all_that_needs_none(run, tmp_path):
    """In a process of its own: in this one, the plug-ins are loaded."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    command = [sys.executable, "-m", "benchmark", "report", str(copy)]
    report = subprocess.run(command, capture_output=True, text=True, check=False)
    assert report.returncode == 1
    assert "the run had --plugin missing_mass.py --plugin rare_mode.py" in report.stderr
    plots = {file.name for file in (copy / "plots").iterdir()}
    assert {"rare-mode-metrics.png", "rare-mode-curves.png", "ring-samples.png"} <= plots


def test_a_dataset_without_modes_is_run(cli, tmp_path):
    file = tmp_path / "circle.py"
    file.write_text(template("adding-a-dataset.md", "python", block=1))
    suite = tmp_path / "round.toml"
    suite.write_text(
        'datasets = ["circle"]\nmethods = ["gan"]\nmetrics = ["coverage", "modes", "fid"]\n'
        'budgets = "1e8flops"'
    )
    status, out, _ = cli("check", "--plugin", file)
    assert status == 0, out
    run = tmp_path / "run"
    status, _, err = cli("run", "--suite", suite, "--plugin", file, "--seeds", "2", "--out", run)
    assert status == 0, err
    trials = pd.read_csv(run / "trials.csv")
    assert trials[["coverage", "fid"]].notna().all(axis=None)
    assert "modes" not in trials
    assert (run / "plots" / "circle-samples.png").exists()


def test_scores_of_samples_have_the_metric(cli, plugins, tmp_path):
    samples = tmp_path / "samples.csv"
    samples.write_text("\n".join(["-1,-1", "1,1", "-1.01,-1"] * 20))
    options = ["--dataset", "rare-mode", *plugins, "--metrics", "overlap,missing_mass"]
    status, out, _ = cli("score", samples, *options)
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert float(rows["missing_mass"][0]) == pytest.approx(0.64)
    assert "kl" not in rows


def test_a_suite_of_others_does_not_choose_the_metrics_of_scores(cli, tmp_path):
    suite = tmp_path / "another.py"
    suite.write_text(template("adding-a-suite.md", "python").replace('"rare-modes"', '"a-suite"'))
    samples = tmp_path / "samples.csv"
    samples.write_text("\n".join(["1,0", "0,1", "-1,0"] * 20))
    options = ["--dataset", "ring", "--csv"]
    expected = cli("score", samples, *options)
    try:
        assert cli("score", samples, *options, "--plugin", suite) == expected
        assert "a-suite" in SUITES.names()
    finally:
        SUITES.forget(SUITES.get("a-suite").__module__)


@pytest.mark.parametrize("metrics", ["modes,modes", "+kl", "mdoes"])
def test_metrics_of_scores_are_checked_first(cli, tmp_path, metrics):
    samples = tmp_path / "samples.csv"
    samples.write_text("1,0\n0,1\n-1,0\n0,0\n")
    status, out, err = cli("score", samples, "--dataset", "ring", "--metrics", metrics)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert any(words in err for words in ("given twice", "is there without +", "did you mean modes"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('datasets = ["ring"]', "Object missing required field `methods`"),
        ("datasets = 5", "Expected `array`, got `int`"),
        ("x = ", "not TOML"),
        ('colour = "red"', "unknown entry 'colour'; there are datasets, methods, metrics, budgets"),
    ],
)
def test_a_bad_suite_is_refused_in_one_line(cli, tmp_path, text, problem):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    status, out, err = cli("run", "--suite", file)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"--suite {file}: " in err
    assert problem in err


@pytest.mark.parametrize(
    ("entry", "value", "problem"),
    [
        ("datasets", '["rnig"]', "unknown dataset 'rnig'; did you mean ring"),
        ("methods", '["gan", "gan"]', "methods: gan given twice; give each name once"),
        ("metrics", "[]", "metrics is empty"),
        ("budgets", '"5 apples"', "'5 apples': give a positive number"),
        ("budgets", '{grid = "5steps"}', "budgets are for grid; give one for each of ring"),
        ("settings", "{gan = {bogus = 1}}", "'gan' has no such setting"),
        ("settings", "{nobody = {x = 1}}", "settings of 'nobody', which is no dataset, method or metric"),
    ],
)
def test_a_suite_with_a_bad_entry_is_refused_in_one_line(cli, tmp_path, entry, value, problem):
    entries = {"datasets": '["ring"]', "methods": '["gan"]', "metrics": '["kl"]', "budgets": '"5steps"'}
    entries[entry] = value
    file = tmp_path / "bad.toml"
    file.write_text("\n".join(f"{key} = {text}" for key, text in entries.items()))
    status, out, err = cli("run", "--suite", file, "--dry-run")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_file_that_is_called_like_a_suite_is_refused(cli, tmp_path):
    file = tmp_path / "synthetic.toml"
    file.write_text(template("adding-a-suite.md", "toml"))
    status, _, err = cli("run", "--suite", file)
    assert status == 2
    assert "there is a registered suite 'synthetic'; rename the file" in err
    assert "No such file" in cli("run", "--suite", tmp_path / "absent.toml")[2]


def test_the_suite_of_a_plugin_is_listed_and_planned(cli, tmp_path):
    file = tmp_path / "rare_modes.py"
    file.write_text(template("adding-a-suite.md", "python"))
    assert "rare-modes" in cli("list", "suites", "--plugin", file)[1].split()
    status, table, _ = cli("run", "--suite", "rare-modes", "--plugin", file, "--dry-run", "--seeds", "1")
    assert status == 0
    assert "10 trials to train" in table


@pytest.mark.parametrize(
    ("metrics", "columns"),
    [("kl,modes", ["kl", "modes"]), ("+precision", None), ("modes , kl", ["modes", "kl"])],
)
def test_metrics_are_chosen_or_added(cli, tmp_path, metrics, columns):
    out = tmp_path / "run"
    options = ["--datasets", "ring", "--methods", "gan", "--seeds", "1", "--budget", "50steps"]
    options += ["--set", "ring.samples_large=0", "--set", "ring.evaluations=1"]
    status, _, err = cli("run", "--suite", "synthetic", *options, "--metrics", metrics, "--out", out)
    assert status == 0, err
    record = json.loads((out / "trials" / "ring" / "gan" / "seed-0" / "result.json").read_text())
    names = list(record["configuration"]["metrics"])
    if columns is None:
        assert names[-1] == "precision"
        assert "overlap" in names
    else:
        assert names == columns


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        ("overlpa", "unknown metric 'overlpa'; did you mean overlap"),
        ("+kl", "--metrics '+kl': kl is there without +; add other metrics"),
        ("+", "give names with commas between them"),
        ("", "give names with commas between them"),
    ],
)
def test_metrics_that_cannot_be_are_refused(cli, metrics, problem):
    status, _, err = cli("run", "--suite", "synthetic", "--dry-run", "--metrics", metrics)
    assert status == 2
    assert problem in err
    assert err.count("\n") == 1


def test_features_are_those_of_every_metric_that_has_them(cli, tmp_path):
    """Asked of the metrics, and not of a list of names."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom metrics.fid import FID\n"
        "from benchmark.registry import register_metric\n"
        "@register_metric('my_fid')\n@dataclass(frozen=True)\nclass Mine(FID):\n    'Mine.'\n"
    )
    options = ["--datasets", "ring", "--methods", "gan", "--seeds", "1", "--dry-run"]
    options += ["--plugin", file, "--metrics", "my_fid", "--fid-features", "inception"]
    status, _, err = cli("run", "--suite", "synthetic", *options)
    assert status == 2
    assert "features 'inception' do not fit ring" in err


def test_the_documented_method_runs_as_a_plugin(cli, tmp_path):
    code = template("adding-a-method.md", "python")
    assert len(code.splitlines()) <= 40
    file = tmp_path / "my_lsgan.py"
    file.write_text(code)
    assert cli("check", "--plugin", file)[0] == 0
    out = tmp_path / "run"
    arguments = [
        "run",
        "--suite",
        "synthetic",
        "--datasets",
        "ring",
        "--methods",
        "gan,my-lsgan",
        "--budget",
        "3e8flops",
        "--seeds",
        "1",
    ]
    assert cli(*arguments, "--plugin", file, "--out", out)[0] == 0
    for name in ("trials", "summary", "curves"):
        assert "my-lsgan" in set(pd.read_csv(out / f"{name}.csv")["method"])
    assert "my-lsgan" in json.loads((out / "manifest.json").read_text())["configuration"]["methods"]["ring"]
