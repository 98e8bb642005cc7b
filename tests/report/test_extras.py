"""The tables as Parquet, the curves for TensorBoard, and the options that ask for them."""

import numpy as np
import pandas as pd
import pytest
from support.made_up import SPENT, made_up_run
from support.views import (
    CALIBRATED,
    COURSES,
    SCORES,
)

from benchmark.records.results import read_run
from benchmark.report.exports.tensorboard import write_event_files
from benchmark.report.exports.text import parquet_tables
from benchmark.report.tables.tables import make_tables
from benchmark.report.write import Report


@pytest.mark.parametrize(
    "scores",
    [COURSES, SCORES, {"ring": {**CALIBRATED, "gan": [None, "failed"]}}],
    ids=["courses", "scores", "nothing"],
)
def test_parquet_holds_the_tables(tmp_path, scores):
    pytest.importorskip("pyarrow")
    tables = make_tables(read_run(made_up_run(tmp_path, scores).root)).files
    files = parquet_tables(tables)
    assert list(files) == [f"{name}.parquet" for name in tables]
    for name, frame in tables.items():
        (tmp_path / "file").write_bytes(files[f"{name}.parquet"])
        read = pd.read_parquet(tmp_path / "file")
        pd.testing.assert_frame_equal(read, frame.reset_index(drop=True), check_exact=True)


def scalars(folder):
    """All scalars of the event files in a folder by trial, metric and step."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    values = {}
    for place in sorted({file.parent for file in folder.rglob("events.out.tfevents.*")}):
        events = accumulator.EventAccumulator(str(place)).Reload()
        for tag in events.Tags()["scalars"]:
            for event in events.Scalars(tag):
                values[*place.relative_to(folder).parts, tag, event.step] = event.value
    return values


def curves_of(root, scores):
    """The rows of `curves.csv` of a run written by hand."""
    return make_tables(read_run(made_up_run(root, scores).root)).curves


def test_event_files_hold_the_curves_and_nothing_of_an_earlier_report(tmp_path):
    pytest.importorskip("tensorboard")
    folder = tmp_path / "tensorboard"
    earlier = {"ring": {"old": [[9.0, 9.0]], "gan": [[9.0, 9.0, 9.0, 9.0]]}}
    for name, scores in (("earlier", earlier), ("run", COURSES)):
        curves = curves_of(tmp_path / name, scores)
        curves["generator_steps"] *= 7
        write_event_files(folder, curves)
    expected = {}
    for row in curves[np.isfinite(curves["value"])].itertuples():
        place = (row.dataset, row.method, f"seed-{row.seed}", row.metric, row.generator_steps)
        expected[place] = np.float32(row.value)
    assert len(expected) == 7
    assert ("ring", "gan", "seed-0", "score", 21 * SPENT["generator_steps"]) in expected
    assert scalars(folder) == expected


@pytest.mark.parametrize("kind", ["link", "file"])
def test_event_files_are_not_written_through_a_link_or_over_a_file(tmp_path, kind):
    pytest.importorskip("tensorboard")
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.write_text("x")
    folder = tmp_path / "tensorboard"
    if kind == "link":
        folder.symlink_to(kept.parent)
    else:
        folder.write_text("x")
    curves = curves_of(tmp_path / "run", {"ring": {"gan": [[0.1, 0.2]]}})
    with pytest.raises(OSError, match="is a link or a file"):
        write_event_files(folder, curves)
    assert list(kept.parent.iterdir()) == [kept]
    assert kept.read_text() == "x"
    assert folder.is_symlink() == (kind == "link")


def test_a_link_within_event_files_is_removed_and_not_followed(tmp_path):
    pytest.importorskip("tensorboard")
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.write_text("x")
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "ring").symlink_to(kept.parent)
    curves = curves_of(tmp_path / "run", {"ring": {"gan": [[0.1, 0.2]]}})
    write_event_files(tmp_path / "tensorboard", curves)
    assert list(kept.parent.iterdir()) == [kept]
    assert len(scalars(tmp_path / "tensorboard")) == 2


def test_a_report_writes_extras_where_they_are_asked_for(cli, tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("tensorboard")
    made_up_run(tmp_path, COURSES)
    assert cli("report", tmp_path)[0] == 0
    assert (tmp_path / "summary.md").read_text().startswith("## ring\n")
    assert (tmp_path / "summary.tex").read_text().startswith("\\begin{table}")
    assert not list(tmp_path.rglob("*.parquet"))
    assert not (tmp_path / "tensorboard").exists()
    assert cli("report", tmp_path, "--parquet", "--tensorboard")[0] == 0
    tables = {file.stem for file in tmp_path.glob("*.csv")}
    assert {file.stem for file in tmp_path.glob("*.parquet")} == tables
    assert len(scalars(tmp_path / "tensorboard")) == 7
    (tmp_path / "tensorboard").rename(tmp_path / "elsewhere")
    (tmp_path / "tensorboard").symlink_to(tmp_path / "elsewhere")
    status, out, err = cli("report", tmp_path, "--tensorboard")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "tensorboard: is a link" in err
    assert len(scalars(tmp_path / "elsewhere")) == 7


@pytest.mark.parametrize(("extra", "library"), [("parquet", "pyarrow"), ("tensorboard", "tensorboard")])
@pytest.mark.parametrize("verb", ["run", "report", "config"])
def test_without_its_library_an_extra_is_bad_usage_before_anything_is_written(
    cli, tmp_path, monkeypatch, extra, library, verb
):
    monkeypatch.setattr("benchmark.commands.option_values.is_installed", lambda name: name != library)
    made_up_run(tmp_path / "made-up", {"ring": {"gan": [0.5]}})
    (tmp_path / "c.toml").write_text(f"{extra} = true")
    before = sorted(tmp_path.rglob("*"))
    run = ("run", "--suite", "synthetic", "--budget", "5steps", "--out", tmp_path / "run")
    command = {
        "run": (*run, f"--{extra}"),
        "config": (*run, "--config", tmp_path / "c.toml"),
        "report": ("report", tmp_path / "made-up", f"--{extra}"),
    }
    status, out, err = cli(*command[verb])
    assert (status, out) == (2, "")
    assert err == (
        f"benchmark: --{extra}: needs {library}, which is not installed; "
        f"pip install 'mode-collapse-benchmark[{extra}]'\n"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [(), ("--parquet",), ("--tensorboard",)])
def test_a_report_needs_no_library_of_an_extra_that_is_not_asked_for(cli, tmp_path, monkeypatch, arguments):
    libraries = {(): (), ("--parquet",): ("pyarrow",), ("--tensorboard",): ("tensorboard",)}
    present = libraries[arguments]
    monkeypatch.setattr("benchmark.commands.option_values.is_installed", lambda name: name in present)
    written = []

    def write_report(store, results, extras):
        written.append(extras)
        return Report(store.root, results, None, [], [])

    monkeypatch.setattr("benchmark.report.write.write_report", write_report)
    assert cli("report", made_up_run(tmp_path, {"ring": {"gan": [0.5]}}).root, *arguments)[0] == 0
    assert written == [tuple(argument.removeprefix("--") for argument in arguments)]
