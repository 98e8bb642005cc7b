"""The file of the settings that a search has chosen."""

import msgspec
import pytest

from benchmark.errors import UsageError
from benchmark.suites.tuned import Chosen, Tuned, read_tuned, shipped_tuning


@pytest.fixture
def tuned():
    chosen = Chosen(
        settings={"lr": 1e-3, "fall": "linear"}, point=3, score=0.8, flops=1e12, published_score=0.4
    )
    return Tuned(
        format=1,
        suite="synthetic",
        points=8,
        seeds=2,
        halving=1,
        rungs=1,
        metrics={"ring": "overlap"},
        budgets={"ring": "1e9flops"},
        commit="",
        chosen={"ring": {"gan": chosen}},
    )


def test_what_is_written_is_read_back(tuned, tmp_path):
    file = tmp_path / "tuned.toml"
    file.write_text(tuned.as_text())
    read = read_tuned(file, "synthetic")
    assert read.content == tuned
    assert read.name == "tuned.toml"
    assert read.content.settings_on("ring") == {"gan": {"lr": 1e-3, "fall": "linear"}}
    assert read.content.settings_on("grid") == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"suite": "cifar10"}, "is of suite 'cifar10', not 'synthetic'"),
        ({"format": 2}, "has format 2; this program reads 1; search anew"),
        ({"points": "many"}, "is not the file of a search"),
        ({"more": 1}, "is not the file of a search"),
        ({"format": 2, "more": 1}, "has format 2; this program reads 1; search anew"),
        ({"points": -1}, "is not the file of a search"),
        ({"points": 0}, "is not the file of a search"),
        ({"points": 3}, "the point of gan on ring is 3, of 3"),
        ({"budgets": {"ring": "zzz"}}, "'zzz': give a positive number and a unit"),
        ({"budgets": {}}, "it has no metric or no budget of ring"),
        ({"metrics": {"grid": "overlap"}}, "it has no metric or no budget of ring"),
    ],
)
def test_other_files_are_refused_in_one_line(tuned, tmp_path, change, problem):
    content = {**msgspec.to_builtins(tuned), **change}
    file = tmp_path / "tuned.toml"
    file.write_bytes(msgspec.toml.encode(content))
    with pytest.raises(UsageError) as failure:
        read_tuned(file, "synthetic")
    assert problem in str(failure.value)
    assert str(failure.value).count("--settings ") == 1
    assert "\n" not in str(failure.value)


def test_a_score_that_is_no_number_is_refused(tuned, tmp_path):
    tuned.chosen["ring"]["gan"].score = float("nan")
    file = tmp_path / "tuned.toml"
    file.write_text(tuned.as_text())
    with pytest.raises(UsageError, match="the score of gan on ring is nan"):
        read_tuned(file, "synthetic")


def test_published_settings_may_have_no_score(tuned, tmp_path):
    tuned.chosen["ring"]["gan"].published_score = None
    file = tmp_path / "tuned.toml"
    file.write_text(tuned.as_text())
    assert read_tuned(file, "synthetic").content == tuned


@pytest.mark.parametrize("text", ["not toml [", "", "x = 1\n", "\x00", "x = " + "[" * 5000])
def test_what_is_no_file_of_a_search_is_refused(tmp_path, text):
    file = tmp_path / "tuned.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not the file of a search"):
        read_tuned(file, "synthetic")


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory; give published, tuned or a file"):
        read_tuned(tmp_path / "none.toml", "synthetic")


def test_suites_without_tuned_settings_have_no_file():
    assert shipped_tuning("cifar10") is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"score": float("nan")}, "the score of gan on ring is nan"),
        ({"published_score": float("inf")}, "the published_score of gan on ring is inf"),
        ({"flops": -5.0}, "the flops of gan on ring are -5.0"),
    ],
)
def test_numbers_that_no_search_writes_are_refused(tuned, tmp_path, change, problem):
    content = msgspec.to_builtins(tuned)
    content["chosen"]["ring"]["gan"] |= change
    file = tmp_path / "tuned.toml"
    file.write_bytes(msgspec.toml.encode(content))
    with pytest.raises(UsageError, match=problem):
        read_tuned(file, "synthetic")


def test_what_differs_from_the_search_is_named(tuned):
    tuned.searched = {"ring": {"ring": {"batch": 64}, "gan": {"lr": 1e-3, "beta1": 0.5}}}
    assert tuned.changed("ring", "ring", {"batch": 16, "width": 8}) == {"batch"}
    assert tuned.changed("ring", "gan", {"lr": 1e-3, "beta1": 0.5}) == set()
    assert tuned.changed("ring", "dcgan", {"lr": 1e-3}) == set()
    assert tuned.changed("grid", "gan", {"lr": 1e-3}) == set()
