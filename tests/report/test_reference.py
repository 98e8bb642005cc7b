"""The reference results: what is committed, and the script that makes them."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
SCRIPT = runpy.run_path(str(REFERENCE / "regenerate.py"))
COMMITTED = sorted(file.parent.name for file in REFERENCE.glob("*/manifest.json"))


def options_of(name):
    """The options of the command of a committed run."""
    _, *arguments = SCRIPT["RUNS"][name].split()
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


@pytest.fixture
def regenerate(tmp_path, monkeypatch):
    """The script's function, at work in a directory of its own on a run that takes seconds."""
    monkeypatch.chdir(tmp_path)
    function = SCRIPT["regenerate"]
    options = "--suite synthetic --datasets ring --methods gan --budget 3e8flops --seeds 2"
    runs = {
        "synthetic": f"run {options} --settings published --set ivom.iterations=3",
        "synthetic-search": f"tune {options} --trials 2",
    }
    monkeypatch.setitem(function.__globals__, "RUNS", runs)
    monkeypatch.setitem(function.__globals__, "HERE", tmp_path / "reference")
    monkeypatch.setitem(function.__globals__, "TUNINGS", tmp_path / "tunings")
    return function


def test_tables_plots_and_page_are_copied_and_records_are_not(regenerate, tmp_path):
    assert regenerate("synthetic", ["--workers", "1"]) == 0
    copied = tmp_path / "reference" / "synthetic"
    for name in ("manifest.json", "trials.csv", "summary.csv", "curves.csv", "report.html", "plots"):
        assert (copied / name).exists()
    assert not (copied / "trials").exists()
    assert not [file for file in copied.rglob("*") if file.suffix in (".safetensors", ".npz", ".lock")]
    assert (tmp_path / "results" / "runs" / "synthetic" / "trials").exists()


def test_runs_whose_models_are_explored_have_sheets_and_a_section_of_the_page(
    regenerate, tmp_path, monkeypatch
):
    monkeypatch.setitem(regenerate.__globals__, "EXPLORED", {"synthetic": "0,1"})
    assert regenerate("synthetic", ["--workers", "1"]) == 0
    copied = tmp_path / "reference" / "synthetic"
    assert len(list(copied.glob("explore/ring/gan-seed-*.png"))) == 6
    assert not (copied / "explore/ring/explore.html").exists()
    assert "What the latents know" in (copied / "report.html").read_text()


def test_the_settings_that_a_search_has_chosen_go_to_the_suites(regenerate, tmp_path):
    assert regenerate("synthetic-search", ["--workers", "1"]) == 0
    copied = tmp_path / "reference" / "synthetic-search"
    assert sorted(file.name for file in copied.iterdir()) == [
        "manifest.json",
        "report.html",
        "search.csv",
        "tuned.toml",
    ]
    tuning = tmp_path / "tunings" / "synthetic.toml"
    assert tuning.read_bytes() == (copied / "tuned.toml").read_bytes()


def test_a_run_that_fails_leaves_the_committed_results_alone(regenerate, tmp_path, capsys):
    old = tmp_path / "reference" / "synthetic" / "trials.csv"
    old.parent.mkdir(parents=True)
    old.write_text("kept")
    assert regenerate("synthetic", ["--budget", "nonsense"]) == 2
    assert old.read_text() == "kept"
    assert "--budget" in capsys.readouterr().err


@pytest.mark.parametrize("suite", COMMITTED)
def test_committed_results_say_what_made_them(suite):
    manifest = json.loads((REFERENCE / suite / "manifest.json").read_text())
    assert manifest["suite"] == options_of(suite)["--suite"]
    assert re.fullmatch("[0-9a-f]{40}", manifest["commit"])
    assert {"python", "torch", "numpy", "scipy"} <= set(manifest["versions"])
    assert manifest["hardware"]["processors"] >= 1
    for option in SCRIPT["RUNS"][suite].split():
        assert option in manifest["command"]


@pytest.mark.parametrize("suite", COMMITTED)
def test_committed_results_are_whole_and_name_no_place_of_a_machine(suite):
    options = options_of(suite)
    if "--trials" not in options:
        trials = pd.read_csv(REFERENCE / suite / "trials.csv")
        assert trials.groupby(["dataset", "method"]).seed.nunique().eq(int(options["--seeds"])).all()
        assert set(trials.status) <= {"ok", "diverged"}
    for file in (REFERENCE / suite).rglob("*"):
        if file.suffix in (".json", ".csv", ".md", ".tex", ".html"):
            assert not re.search(r"/(home|root|tmp|work|Users)/", file.read_text()), file


def test_records_samples_and_weights_are_not_committed():
    command = ["git", "ls-files", "results"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("this is no git checkout")
    names = result.stdout.split()
    assert not [name for name in names if name.endswith((".safetensors", ".npz"))]
    assert not [name for name in names if "/trials/" in name]


def test_the_readmes_table_and_picture_are_those_of_the_reference_run():
    if "synthetic" not in COMMITTED:
        pytest.skip("no reference run of the synthetic suite")
    readme = (ROOT / "README.md").read_text()
    summary = (REFERENCE / "synthetic" / "summary.md").read_text()
    table = SCRIPT["columns_of"](summary, "grid", SCRIPT["README_COLUMNS"])
    _, _, after_start = readme.partition(SCRIPT["TABLE_START"])
    before_end, _, _ = after_start.partition(SCRIPT["TABLE_END"])
    assert before_end == f"{table}\n"
    assert "](results/reference/synthetic/plots/grid-samples.png)" in readme


def test_columns_of_a_dataset_are_taken_from_the_summary():
    ring = "## ring\n\n| method | kl ↓ |\n|---|---|\n| a | 1 |\n"
    grid = "## grid\n\nScores.\n\n| method | modes ↑ | kl ↓ |\n|--|--|--|\n| b | 2 | **3** |\n"
    table = SCRIPT["columns_of"](f"{ring}\n{grid}", "grid", ("method", "kl"))
    assert table == "| method | kl ↓ |\n| -- | -- |\n| b | **3** |"


def test_an_interrupted_suite_is_the_last(monkeypatch):
    done = []
    function = SCRIPT["regenerate_all"]

    def regenerate(suite, options):
        done.append(suite)
        return 130 if suite == "b" else 0

    monkeypatch.setitem(function.__globals__, "regenerate", regenerate)
    assert function(["a", "b", "c"], []) == 130
    assert done == ["a", "b"]


def test_a_readme_without_marks_is_left_alone(monkeypatch, tmp_path):
    function = SCRIPT["update_readme"]
    readme = tmp_path / "README.md"
    readme.write_text("no marks")
    monkeypatch.setitem(function.__globals__, "README", readme)
    with pytest.raises(ValueError, match="substring not found"):
        function()
    assert readme.read_text() == "no marks"


def refused(*options, cwd=ROOT, flags=(), env=None):
    """What the script prints when it refuses."""
    result = subprocess.run(
        [sys.executable, *flags, REFERENCE / "regenerate.py", *options],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    return result.stderr


def test_the_script_takes_the_program_from_its_own_checkout(tmp_path):
    """Without the packages that are installed, but for one that reads settings, the script still finds it."""
    (tmp_path / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    env = {"PYTHONPATH": str(tmp_path)}
    assert "is not among synthetic" in refused("--results", "nonsense", flags=("-S",), env=env)


@pytest.mark.parametrize("names", ["", "synthetic,", "nonsense"])
def test_results_that_are_none_are_refused(names):
    assert f"--results {names!r}: " in refused("--results", names)


def test_another_directory_is_refused(tmp_path):
    assert "start it from the top of the repository" in refused("--results", "synthetic", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_options_that_change_results_are_refused():
    for option in ("--seeds", "--budget", "--dry-run"):
        assert f"unrecognized arguments: {option}" in refused(option, "1")
