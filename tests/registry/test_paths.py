"""Paths as users write them: `~`, no home directory, names that are not UTF-8."""

import os
import sys
from pathlib import Path

import pytest

from benchmark import load_results
from benchmark.commands.run_options import read_run_options
from benchmark.datasets import places
from benchmark.errors import UsageError
from benchmark.registry import as_text, user_path

NOT_UTF8 = os.fsdecode(b"name-\xff")


@pytest.fixture
def homeless(monkeypatch):
    """A user without an entry, and without the variable HOME."""

    def unknown(user):
        raise KeyError(user)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_tilde_is_the_home_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/run") == tmp_path / "run"
    assert user_path(Path("a/~/b")) == Path("a/~/b")
    options = {"suite": "synthetic", "out": "~/run", "plugin": [], "methods": "gan"}
    assert read_run_options(options).out == tmp_path / "run"
    monkeypatch.setenv("BENCHMARK_DATA_ROOT", "~/data")
    monkeypatch.setenv("BENCHMARK_CACHE", "~/cache")
    assert places.data_root() == tmp_path / "data"
    assert places.cache_directory() == tmp_path / "cache"
    (tmp_path / "other").mkdir()
    (tmp_path / "weights.pth").touch()
    with places.using("~/other", "~/weights.pth"):
        assert places.data_root() == tmp_path / "other"
        assert places.fid_weights() == tmp_path / "weights.pth"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("~/none", None), "--data-root ~/none: there is no such directory"),
        ((None, "~/none.pth"), "--fid-weights ~/none.pth: there is no such file"),
    ],
)
def test_places_that_are_not_there_are_refused(given, problem):
    with pytest.raises(UsageError, match=problem), places.using(*given):
        pass


def test_runs_and_files_are_found_at_home(cli, tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tiny.parent))
    assert load_results("~/run").directory == tiny
    assert cli("compare", "~/run", "~/run")[0] == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bad.toml").write_text("colour = 'red'")
    assert "unknown option 'colour'" in cli("run", "--config", "~/bad.toml")[2]
    assert "unknown entry 'colour'" in cli("run", "--suite", "~/bad.toml")[2]
    (tmp_path / "plug.py").write_text("x = 1")
    assert f"--plugin {tmp_path / 'plug.py'}: registers nothing" in cli("check", "--plugin", "~/plug.py")[2]


def test_a_home_that_is_not_there_is_named(cli):
    status, _, err = cli("report", "~nobody-of-this-name/run")
    assert (status, err.count("\n")) == (2, 1)
    assert "~nobody-of-this-name/run: there is no such home directory" in err


def test_without_a_home_the_cache_is_where_it_was_given(homeless, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHMARK_CACHE", str(tmp_path))
    assert places.cache_directory() == tmp_path
    monkeypatch.delenv("BENCHMARK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.cache_directory() == tmp_path / "mode-collapse-benchmark"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(UsageError, match="no home directory for the cache; set BENCHMARK_CACHE"):
        places.cache_directory()


def test_a_name_that_is_not_utf8_can_be_written_down():
    assert as_text(NOT_UTF8) == r"name-\udcff"
    assert as_text("Größe") == "Größe"


@pytest.mark.skipif(sys.platform == "darwin", reason="file names of macOS are UTF-8")
def test_a_plugin_whose_name_no_record_could_have_is_refused(cli, tmp_path):
    (tmp_path / f"{NOT_UTF8}.py").write_text("x = 1")
    status, _, err = cli("check", "--plugin", tmp_path / f"{NOT_UTF8}.py")
    assert (status, err.count("\n")) == (2, 1)
    assert "its name is not UTF-8" in err
    folder = tmp_path / NOT_UTF8
    folder.mkdir()
    (folder / "plug.py").write_text("x = 1")
    assert "registers nothing" in cli("check", "--plugin", folder / "plug.py")[2]
