"""Files in the working directory that are called like modules which the program imports."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from benchmark.errors import UsageError
from benchmark.registry import is_installed, use_own_packages, what_is_in_the_way
from benchmark.registry.packages import ROOT

RUN = (
    "--suite",
    "synthetic",
    "--datasets",
    "ring",
    "--methods",
    "gan",
    "--budget",
    "20steps",
    "--seeds",
    "1",
)
NAMES = ("metrics.py", "random.py", "torch.py", "numpy.py", "baselines/__init__.py", "results/__init__.py")

SCRIPT = "import sys; from benchmark.commands.cli import main; sys.exit(main())"
"""What `pip` makes of the program's entry point."""


def run_in(folder, *command, **variables):
    """Runs Python in a folder, with the program on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, *command]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def fill(folder, names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x = 1\n")


def test_names_in_the_working_directory_do_not_count(tmp_path):
    fill(tmp_path, NAMES)
    run = run_in(tmp_path, "-m", "benchmark", "run", *RUN, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "ring       gan" in run.stdout


def test_the_working_directory_is_searched_last(tmp_path):
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "suite.py").write_text(
        "import helper\nfrom benchmark.registry import register_suite\n"
        "from benchmark.suites import Suite\n@register_suite('helped')\ndef helped():\n    return None\n"
    )
    assert "helped" in run_in(tmp_path, "-m", "benchmark", "list", "suites", "--plugin", "suite.py").stdout


def test_workers_start_without_the_working_directory(tmp_path):
    """Python imports `types` before a worker knows where the program is."""
    fill(tmp_path, [*NAMES, "types.py"])
    options = ("--set", "ivom.iterations=1", "--set", "ring.samples_large=0", "--out", "run")
    run = run_in(tmp_path, "-P", "-c", SCRIPT, "run", *RUN, *options)
    assert "its worker process ended" not in run.stderr
    assert (tmp_path / "run" / "trials" / "ring" / "noise" / "seed-0" / "result.json").exists()


def test_a_module_that_was_imported_before_is_named(tmp_path):
    fill(tmp_path, ["metrics.py"])
    script = "import metrics; from benchmark import run; run('synthetic', budget='20steps')"
    run = run_in(tmp_path, "-c", script)
    assert f"UsageError: {tmp_path / 'metrics.py'} is imported as 'metrics', the name of" in run.stderr
    assert not (tmp_path / "results").exists()


def test_a_package_without_a_file_is_named(monkeypatch, tmp_path):
    package = ModuleType("baselines")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "baselines", package)
    with pytest.raises(UsageError, match=f"^{tmp_path} is imported as 'baselines'"):
        use_own_packages()


def test_a_file_in_the_way_of_an_import_is_named(tmp_path):
    fill(tmp_path, ["torch.py"])
    run = run_in(tmp_path, "-P", "-c", SCRIPT, "run", *RUN, "--dry-run", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert run.returncode != 0
    assert run.stderr.count("\n") == 1
    assert str(tmp_path / "torch.py") in run.stderr


def test_a_missing_module_is_in_nobodys_way():
    error = ModuleNotFoundError("No module named 'never.heard'", name="never.heard")
    assert what_is_in_the_way(error) == "No module named 'never.heard'"


def test_a_directory_without_code_is_no_library(monkeypatch, tmp_path):
    (tmp_path / "no_library").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("no_library")
    assert is_installed("torch")
