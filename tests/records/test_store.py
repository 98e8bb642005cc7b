"""Records, checkpoints and tables: whole or absent, whatever happens."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.layout import TrialId
from benchmark.records.schema import Commit, DatasetFacts, MetricFacts
from benchmark.records.sealed_files import (
    DamagedError,
    digest,
    read_checked,
    read_sealed,
    write_at_once,
    write_sealed,
)
from benchmark.records.store import Store
from benchmark.suites.budget import Budget

KL: MetricFacts = {
    "better": "lower",
    "bounds": [0.0, None],
    "best": None,
    "scale": "linear",
    "ranked": True,
    "samples": 10,
}
FACTS = DatasetFacts(8, {"kl": KL})
CELL = Cell(
    "synthetic",
    Configured("ring", {"width": 4}),
    Configured("gan", {"lr": 0.1}),
    (Configured("kl", {}),),
    Budget(5, "steps"),
    (0, 1),
    (0, 1),
)
CHECKPOINT = Checkpoint(
    {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3, dtype=np.int64)}, {"done": 7, "list": [1, None]}
)


def trial(seed):
    audit = {"group": [0, 1], "compiled": False, "peak_memory_bytes": 1}
    return Trial(
        seed, "ok", {"kl": 0.1 * seed}, audit, [], {"samples": np.full((5, 2), seed)}, {"w": np.full(3, seed)}
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "run")


@pytest.fixture
def full(store):
    """A store with two trials."""
    store.trials.write(CELL, [trial(0), trial(1)], FACTS)
    return store


def mend(store):
    """What a run does before it trains; the survey, and what was moved away."""
    store.recover()
    survey = store.trials.survey()
    return survey, store.move_damaged(survey)


def seeds(store):
    survey = store.trials.survey()
    assert survey.damaged == []
    return [record["seed"] for record in survey.records]


def test_a_cell_is_written_as_a_whole(full):
    assert seeds(full) == [0, 1]
    record = full.trials.survey().records[1]
    assert record["metrics"] == {"kl": 0.1}
    assert full.trials.arrays(record)["samples"].tolist() == [[1, 1]] * 5
    assert sorted(path.name for path in full.layout.trial(TrialId("ring", "gan", 0)).parent.iterdir()) == [
        "seed-0",
        "seed-1",
    ]


@pytest.mark.parametrize("call", range(1, 40))
def test_a_crash_in_the_middle_of_writing_leaves_all_or_nothing(store, monkeypatch, call):
    """Whatever operation on files is the last one before the crash."""
    store.checkpoints.write(CELL, CHECKPOINT)
    calls = 0

    class CrashError(BaseException):
        pass

    def crashing(original):
        def operation(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls >= call:
                raise CrashError
            return original(*arguments, **options)

        return operation

    with monkeypatch.context() as patch:
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (os, "open"),
            (Path, "rename"),
            (Path, "mkdir"),
            (shutil, "rmtree"),
        ):
            patch.setattr(owner, name, crashing(getattr(owner, name)))
        try:
            store.trials.write(CELL, [trial(0), trial(1)], FACTS)
            crashed = False
        except CrashError:
            crashed = True
    assert crashed == (calls >= call)
    survey, aside = mend(store)
    assert aside == []
    done = [record["seed"] for record in survey.records]
    assert done in ([], [0, 1])
    assert (
        store.checkpoints.read(CELL) is None
        if done
        else store.checkpoints.read(CELL).values == CHECKPOINT.values
    )
    store.trials.write(CELL, [trial(0), trial(1)], FACTS)
    assert seeds(store) == [0, 1]
    assert not list(store.root.rglob(".*"))


def test_a_finished_trial_is_never_replaced(full):
    place = full.layout.trial(TrialId("ring", "gan", 0))
    before = (place / "result.json").stat()
    full.trials.write(CELL, [trial(0), trial(1)], FACTS)
    assert os.path.samestat(before, (place / "result.json").stat())


def test_a_failed_write_says_which_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_at_once(file, b"old")
    monkeypatch.setattr(
        "benchmark.records.sealed_files.os.fsync",
        lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(OSError, match="No space left") as caught:
        write_at_once(file, b"new")
    assert caught.value.filename == str(file)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_checkpoint_comes_back_as_it_was_and_only_the_last_is_kept(store):
    for i in range(3):
        store.checkpoints.write(CELL, Checkpoint(CHECKPOINT.arrays, {"done": i}))
    loaded = store.checkpoints.read(CELL)
    assert loaded.values == {"done": 2}
    for name, array in CHECKPOINT.arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert np.array_equal(loaded.arrays[name], array)
    assert len(list(store.layout.trials.rglob("*.safetensors"))) == 1


def test_a_checkpoint_of_another_configuration_or_group_is_not_taken(store):
    from dataclasses import replace

    store.checkpoints.write(CELL, CHECKPOINT)
    assert store.checkpoints.read(replace(CELL, wanted=(1,))) is not None
    assert store.checkpoints.read(replace(CELL, group=(0, 1, 2))) is None
    assert store.checkpoints.read(replace(CELL, compile=True)) is None
    assert store.checkpoints.read(replace(CELL, budget=Budget(6, "steps"))) is None


def test_damaged_checkpoints_are_told(store):
    store.checkpoints.write(CELL, CHECKPOINT)
    (folder,) = store.layout.trials.glob("*/*/training-*")
    tensors, facts = next(folder.glob("*.safetensors")), folder / "checkpoint.json"
    whole = {file: file.read_bytes() for file in (tensors, facts)}
    for file, data in whole.items():
        for bad in (
            b"",
            data[: len(data) // 2],
            data.replace(b"7", b"8", 1) if b"7" in data else data[:-1] + b"\x01",
        ):
            file.write_bytes(bad)
            with pytest.raises(DamagedError):
                store.checkpoints.read(CELL)
        file.write_bytes(data)
    content = json.loads(facts.read_text())
    del content["checksum"]
    for name in ("../../../../secret.safetensors", "tensors-1.safetensors/../x", "/etc/passwd"):
        write_sealed(facts, {**content, "files": {name: "0" * 64}})
        with pytest.raises(DamagedError, match="names a file"):
            store.checkpoints.read(CELL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 7}, "is the record of ring/gan/seed-7"),
        ({"method": "../../../x"}, "is the record of"),
        ({"files": {"../../../../secret": "0" * 64}}, "names a file"),
        ({"metrics": {"kl": "low"}}, "does not have the form"),
        ({"metrics": {"other": 1.0}}, "does not tell how to read it"),
        ({"curve": [1]}, "does not have the form"),
        ({"config_hash": "0" * 12}, "configuration hash"),
    ],
)
def test_a_resealed_record_is_held_against_its_form_and_place(full, change, message):
    """Whoever makes a record can make its checksum, too."""
    file = full.layout.trial(TrialId("ring", "gan", 0)) / "result.json"
    content = json.loads(file.read_text())
    del content["checksum"]
    write_sealed(file, {**content, **change})
    survey = full.trials.survey()
    assert [record["seed"] for record in survey.records] == [1]
    assert message in str(survey.damaged[0])


def test_links_and_pipes_are_not_followed(full, tmp_path):
    outside = tmp_path / "outside"
    shutil.move(full.layout.trial(TrialId("ring", "gan", 0)), outside)
    full.layout.trial(TrialId("ring", "gan", 0)).symlink_to(outside)
    file = full.layout.trial(TrialId("ring", "gan", 1)) / "result.json"
    file.unlink()
    os.mkfifo(file)
    assert [
        "lies behind a link" in str(d) or "is not a plain file" in str(d)
        for d in full.trials.survey().damaged
    ] == [True, True]
    survey, aside = mend(full)
    assert survey.records == []
    assert len(aside) == 2
    assert (outside / "result.json").exists()
    (full.root / "plots").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is a link"):
        full.holds_run()


def test_a_link_higher_up_is_put_aside_itself(full, tmp_path):
    outside = tmp_path / "outside"
    shutil.move(full.layout.trials / "ring", outside)
    (full.layout.trials / "ring").symlink_to(outside)
    survey, aside = mend(full)
    assert survey.records == []
    assert len(aside) == 1
    assert aside[0].place.is_symlink()
    assert (outside / "gan" / "seed-0" / "result.json").exists()
    assert not (full.layout.trials / "ring").exists()


def test_a_directory_of_something_else_is_not_taken_for_a_run(tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "a web site"}')
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "mine.db").touch()
    (tmp_path / "index.html").touch()
    store = Store(tmp_path)
    assert not store.holds_run()
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        store.check("synthetic")


def test_versions_are_told_apart_from_damage(full):
    file = full.layout.trial(TrialId("ring", "gan", 0)) / "result.json"
    content = json.loads(file.read_text())
    del content["checksum"]
    write_sealed(file, {**content, "schema_version": 1})
    with pytest.raises(UsageError, match="has schema version 1"):
        full.trials.survey()


def test_deep_and_huge_files_are_damaged_ones(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    for text in (
        "[" * 100_000,
        '{"checksum": ' + "9" * 5000 + "}",
        '"text"',
        "null",
        '{"checksum": 1, "schema_version": NaN}',
    ):
        file.write_text(text)
        with pytest.raises(DamagedError):
            read_sealed(file, Commit)
    monkeypatch.setattr("benchmark.records.sealed_files.LARGEST_BYTES", 10)
    with pytest.raises(DamagedError, match="more than any such file"):
        read_sealed(file, Commit)


def test_tensors_may_be_larger_than_records(tmp_path, monkeypatch):
    file = tmp_path / "tensors-1.safetensors"
    file.write_bytes(b"x" * 100)
    monkeypatch.setattr("benchmark.records.sealed_files.LARGEST_BYTES", 10)
    assert read_checked(file, digest(file)) == file.read_bytes()


def test_tables_that_someone_changed_are_put_aside(store):
    store.root.mkdir()
    assert store.tables.write({"a.csv": b"one"}) == []
    assert store.tables.write({"a.csv": b"two"}) == []
    (store.root / "a.csv").write_bytes(b"mine")
    ((file, place),) = store.tables.write({"a.csv": b"three"})
    assert file.read_bytes() == b"three"
    assert place.read_bytes() == b"mine"
    # A crash after the new hashes were written and before the new table was.
    (store.root / "a.csv").write_bytes(b"two")
    assert store.tables.write({"a.csv": b"three"}) == []
