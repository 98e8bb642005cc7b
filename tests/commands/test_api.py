"""Python's `run` and `load_results`, in scripts and in notebooks."""

import json
import multiprocessing
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark
from benchmark import load_results, run
from benchmark.errors import UsageError

DOCS = Path(__file__).parents[2] / "docs"
SMALL_REQUEST = {
    "datasets": ["ring"],
    "methods": ["gan", "dcgan"],
    "seeds": 2,
    "budget": "3e8flops",
    "settings": {"ivom": {"iterations": 3}},
}
FRAMES = ("trials", "summary", "curves", "pairwise")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return run("synthetic", **SMALL_REQUEST, out=tmp_path_factory.mktemp("api") / "run")


@pytest.mark.parametrize("name", FRAMES)
def test_frames_are_those_of_the_files(small, name):
    file = pd.read_csv(small.directory / f"{name}.csv", keep_default_na=False, na_values=[""])
    frame = getattr(small, name)
    assert list(frame.columns) == list(file.columns)
    assert len(frame) == len(file) > 0
    for column in frame.select_dtypes("number"):
        np.testing.assert_allclose(frame[column].astype(float), file[column].astype(float), rtol=1e-15)


def test_loading_gives_what_running_gave(small):
    loaded = load_results(str(small.directory))
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(small, name))
    assert set(loaded.trials["method"]) == {"real-data", "collapsed", "noise", "gan", "dcgan"}


def test_the_manifest_has_the_command_line_that_does_the_same(small, cli):
    command = json.loads((small.directory / "manifest.json").read_text())["command"]
    assert command[:2] == ["benchmark", "run"]
    status, _, err = cli(*command[1:])
    assert status == 0
    assert "0 trials to train" in err


def test_pictures_show_themselves_and_samples_are_arrays(small):
    for name, against in (("samples", "flops"), ("metrics", "flops"), ("curves", "samples_seen")):
        figure = small.figure("ring", name, against)
        assert figure._repr_png_().startswith(b"\x89PNG")
    assert {axes.get_xlabel() for axes in small.figure("ring", "curves", "samples_seen").axes} == {
        "real samples seen per trial"
    }
    assert small.samples("ring", "gan", 1).shape == (2500, 2)
    scores = small.scores("ring")
    assert set(scores.index) == {"real-data", "collapsed", "noise", "gan", "dcgan"}
    assert scores.loc["real-data", "modes"] == "8 ± 0"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"methods": ["gna"]}, "did you mean gan"),
        ({"seeds": [1, 1]}, "a seed is given twice"),
        ({"budget": "3 apples"}, "--budget"),
        ({"wokers": 2}, "unknown option 'wokers'; there are suite"),
        ({"settings": {"gan": {"lr": [1]}}}, "--set gan.lr=[1]: give a finite number"),
        ({"tensorboard": "yes"}, "run: tensorboard must be true or false"),
        ({"plugins": ["missing.py"]}, "no such file"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_written(tmp_path, wrong, told):
    with pytest.raises(UsageError) as caught:
        run("synthetic", **{**SMALL_REQUEST, **wrong}, out=tmp_path / "run")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_is_not_there_is_told(small, tmp_path):
    for ask, told in (
        (lambda: load_results(tmp_path), "holds no run"),
        (lambda: small.figure("grid"), "has no dataset 'grid'; it has ring"),
        (
            lambda: small.figure("ring", "scores"),
            "no picture 'scores' of ring; there are metrics, curves, samples",
        ),
        (lambda: small.figure("ring", "curves", "hours"), "choose from flops"),
        (lambda: small.samples("ring", "gan", 7), "has none of gan on ring with seed 7"),
        (lambda: small.scores("grid"), "it has ring"),
    ):
        with pytest.raises(UsageError, match=re.escape(told)):
            ask()


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'torch', 'pandas', 'matplotlib'} & sys.modules.keys()"
    code = f"import sys, benchmark; before = {heavy}; print(benchmark.run.__name__, len(before))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "run 0\n"
    with pytest.raises(AttributeError, match="has no attribute 'walk'"):
        benchmark.walk  # noqa: B018


@pytest.mark.long
def test_a_script_needs_no_guard_around_its_main_part(tmp_path):
    out = tmp_path / "run"
    script = tmp_path / "script.py"
    script.write_text(
        "from benchmark import run\nprint('once')\n"
        f"print(len(run('synthetic', **{SMALL_REQUEST!r}, out={str(out)!r}).trials))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "once\n10\n"), done.stderr


@pytest.mark.long
def test_a_method_of_the_script_itself_is_refused_in_one_line(tmp_path):
    script = tmp_path / "script.py"
    method = (DOCS / "adding-a-method.md").read_text().split("```python\n")[1].split("```")[0]
    script.write_text(
        f"{method}\nfrom benchmark import run\n"
        f"run('synthetic', datasets=['ring'], methods=['my-lsgan'], out={str(tmp_path / 'run')!r})\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "put it in a file and name that as a plug-in" in done.stderr
    assert not (tmp_path / "run").exists()
    plugin = tmp_path / "my_lsgan.py"
    plugin.write_text(method)
    request = {**SMALL_REQUEST, "methods": ["my-lsgan"]}
    results = run("synthetic", **request, plugins=[plugin], out=tmp_path / "run")
    assert set(results.trials["status"]) == {"ok"}


@pytest.mark.long
def test_the_notebook_of_the_documentation_runs(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    text = (DOCS / "notebook.ipynb").read_text(encoding="utf-8")
    assert "2e10flops" in text
    notebook = nbformat.reads(text.replace("2e10flops", "2e9flops"), as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs += cell.outputs
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    assert sum("text/html" in output.get("data", {}) for output in outputs) == 3
    progress = "".join(output["text"] for output in outputs if output.output_type == "stream")
    assert "25 trials trained" in progress
    assert "left" in progress
    assert (tmp_path / "ring-run" / "report.html").is_file()


def refused_in_a_pool(out):
    """Runs in a process of a pool, which may start no processes."""
    with pytest.raises(UsageError, match=r"daemonic process.*; use concurrent\.futures\.ProcessPoolExecutor"):
        run("synthetic", **SMALL_REQUEST, out=out)


def test_a_pool_that_forbids_workers_is_told_before_anything_is_written(tmp_path):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(refused_in_a_pool, (tmp_path / "run",))
    assert not (tmp_path / "run").exists()
