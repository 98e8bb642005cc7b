"""Pictures look the same whatever a user's matplotlibrc says."""

import logging
import os
import subprocess
import sys

import pytest
from matplotlib import rc_context, rcParams
from support.made_up import made_up_run, report_of

from benchmark import load_results
from benchmark.report.pictures.own_style import own_style

CURVES = {"ring": {"gan": [[0.3, 0.5], [0.2, 0.6]], "ali": [[0.1, 0.2], [0.3, 0.4]]}}
NO_LATEX = {"text.usetex": True, "text.latex.preamble": r"\nonsense"}
NO_FONT = {"font.family": "Nonsense", "font.size": 30, "figure.facecolor": "black"}


@pytest.mark.parametrize("settings", [NO_LATEX, NO_FONT])
def test_a_report_does_not_depend_on_the_users_style(tmp_path, settings, caplog):
    store = made_up_run(tmp_path, CURVES)
    report_of(store)
    names = ("report.html", "plots/ring-metrics.png", "plots/ring-curves.png")
    expected = [(tmp_path / name).read_bytes() for name in names]
    with rc_context(settings), caplog.at_level(logging.WARNING, "matplotlib"):
        assert report_of(store).problems == []
    assert [(tmp_path / name).read_bytes() for name in names] == expected
    assert caplog.records == []


@pytest.mark.parametrize("settings", [NO_LATEX, NO_FONT])
def test_a_figure_in_a_notebook_does_not_depend_on_the_users_style(tmp_path, settings):
    report_of(made_up_run(tmp_path, CURVES))
    results = load_results(tmp_path)
    expected = results.figure("ring", "metrics")._repr_png_()
    with rc_context(settings):
        assert results.figure("ring", "metrics")._repr_png_() == expected


def test_the_users_style_is_left_as_it_is():
    with rc_context({"font.size": 30}):
        with own_style({"axes.labelsize": 3}):
            assert (rcParams["font.size"], rcParams["axes.labelsize"]) == (10, 3)
        assert rcParams["font.size"] == 30


def test_a_backend_that_matplotlib_does_not_know_does_not_matter(tmp_path):
    report_of(made_up_run(tmp_path, CURVES))
    command = [sys.executable, "-m", "benchmark", "report", str(tmp_path)]
    environment = {**os.environ, "MPLBACKEND": "Qt4Agg"}
    report = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stderr
