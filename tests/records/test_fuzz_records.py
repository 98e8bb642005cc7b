"""Whatever is in the files of a run, there is a report or a line about damage."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fuzz import CASES, fuzz, run_many_cases

from benchmark.commands.cli import main
from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.schema import SCHEMA_VERSION, DatasetFacts
from benchmark.records.sealed_files import DamagedError, write_sealed
from benchmark.records.store import Store
from benchmark.suites.budget import Budget

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.just(10**400),
        st.just("../../x"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)

KL = {
    "better": "lower",
    "bounds": [0.0, None],
    "best": None,
    "scale": "linear",
    "ranked": True,
    "samples": 10,
}

FACTS = DatasetFacts(8, {"kl": KL})

SPENT = {"flops": 1, "generator_steps": 1, "discriminator_steps": 1, "samples_seen": 1, "device_seconds": 1.0}

CELL = Cell(
    "synthetic",
    Configured("ring", {"width": 4}),
    Configured("gan", {"lr": 0.1}),
    (Configured("kl", {}),),
    Budget(5, "steps"),
    (0, 1),
    (0, 1),
)


def made_up(root):
    from benchmark.records.checkpoint import Checkpoint

    store = Store(root)
    audit = {"group": [0, 1], "compiled": False, "peak_memory_bytes": 1, **SPENT, "parameters": 3}
    curve = [{"point": 1, **SPENT, "metrics": {"kl": 0.5}}]
    arrays = {"samples": np.zeros((5, 2), np.float32)}
    store.trials.write(
        CELL,
        [Trial(seed, "ok", {"kl": 0.1}, audit, curve, arrays, {"w": np.zeros(2)}) for seed in (0, 1)],
        FACTS,
    )
    store.checkpoints.write(
        replace(CELL, group=(2,), wanted=(2,)), Checkpoint({"a": np.zeros(3)}, {"run": {"done": 3}})
    )
    names = ("costs", "metrics", "modes", "fingerprints", "files", "versions", "hardware", "groups")
    manifest = {
        "suite": "synthetic",
        "command": [],
        "configuration": {"datasets": {"ring": {}}, "methods": {"ring": {"gan": {}}}},
        "commit": None,
    }
    store.write_manifest({**manifest, **{name: {} for name in names}})
    store.tables.write({"trials.csv": b""})
    return store


def places(value, path=()):
    """The paths to all values within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_value(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(copy[path[0]], path[1:], new)
    return copy


def spoil(file, data, new, sealed):
    """Puts a new value anywhere into a file of JSON."""
    content = json.loads(file.read_text())
    del content["checksum"]
    content = with_value(content, data.draw(st.sampled_from(list(places(content)))), new)
    if sealed and isinstance(content, dict):
        write_sealed(file, {**content, "schema_version": SCHEMA_VERSION})
    else:
        file.write_text(json.dumps(content))


@settings(fuzz, max_examples=max(10, CASES // 40))
@given(data=st.data(), new=JSON, name=st.sampled_from(["result.json", "manifest.json"]))
def test_reports_and_comparisons_of_records_with_anything_in_them(
    tmp_path_factory, monkeypatch, capsys, data, new, name
):
    monkeypatch.setattr("benchmark.report.write.write_plots", lambda *arguments: [])
    root = tmp_path_factory.mktemp("fuzz")
    made_up(root / "before")
    spoil(next(made_up(root / "after").root.rglob(name)), data, new, sealed=True)
    for arguments in (
        ["report", str(root / "after")],
        ["compare", str(root / "before"), str(root / "after")],
    ):
        status = main(arguments)
        err = capsys.readouterr().err
        assert status in (0, 1, 2, 3)
        assert all(line.startswith(("benchmark: ", "tables")) for line in err.splitlines()), err


@fuzz
@given(
    data=st.data(),
    new=JSON,
    name=st.sampled_from(["result.json", "manifest.json", "checkpoint.json", "tables.json"]),
    sealed=st.booleans(),
)
def test_records_with_anything_in_them(tmp_path_factory, data, new, name, sealed):
    """Whole ones by their checksum, made by someone who can compute one, and plain text."""
    from benchmark.plan.remaining import groups_in_manifest
    from benchmark.records.results import read_run
    from benchmark.report.tables.tables import make_tables, write_tables

    root = tmp_path_factory.mktemp("fuzz")
    store = made_up(root)
    spoil(next(root.rglob(name)), data, new, sealed)
    for cell in (CELL, replace(CELL, group=(2,), wanted=(2,))):
        with contextlib.suppress(DamagedError):
            store.checkpoints.read(cell)
    write_tables(store, make_tables(read_run(root)))
    groups_in_manifest(store)
    store.recover()
    store.move_damaged(store.trials.survey())
    assert [path for path in root.parent.iterdir() if path.name == "x"] == []


@pytest.mark.long
def test_hundreds_of_cases():
    run_many_cases(__file__)
