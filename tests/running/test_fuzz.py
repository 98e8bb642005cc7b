"""Whatever comes in, there is a result or one line. Some cases of each kind; thousands behind the marker."""

import contextlib
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.commands.cli import main
from benchmark.errors import UsageError
from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.schema import SCHEMA_VERSION
from benchmark.records.sealed_files import DamagedError, write_sealed
from benchmark.records.store import Store
from benchmark.registry import DATASETS, METHODS, METRICS
from benchmark.suites import SUITES
from benchmark.suites.budget import Budget

CASES = int(os.environ.get("BENCHMARK_FUZZ_CASES", "50"))
LONG_CASES = 2000

fuzz = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "-1",
            "0",
            "1e999",
            "nan",
            "inf",
            "9" * 5000,
            "5",
            "../..",
            "/",
            "~",
            "\x1b[2J",
            "a\nb",
            "=1+1",
            "ring",
            "all",
            "auto",
            "\0",
        ]
    ),
)
NAMES = [*SUITES, *DATASETS.names(), *METHODS.names(), *METRICS.names()]
VALUES = st.one_of(TEXT, st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3).map(",".join))
OPTIONS = (
    *(
        "--suite",
        "--datasets",
        "--methods",
        "--seeds",
        "--budget",
        "--out",
        "--config",
        "--device",
        "--workers",
        "--compile",
        "--plugin",
    ),
    *(
        "--data-root",
        "--fid-features",
        "--fid-weights",
        "--executor",
        "--ray-address",
        "--checkpoint-every",
        "--stall-timeout",
        "--worker-memory",
    ),
    *("--dataset", "--metrics", "--nonsense", "-x", "--"),
)
OPTION = st.tuples(st.sampled_from(OPTIONS), VALUES).map(list)
SETTING = st.builds(
    lambda o, f, v: ["--set", f"{o}.{f}={v}"],
    st.sampled_from(NAMES),
    st.sampled_from(["lr", "batch", "penalty", "width", ""]),
    VALUES,
)
FLAG = st.sampled_from(
    [
        ["--fresh"],
        ["--dry-run"],
        ["--long"],
        ["--csv"],
        ["--quick"],
        ["--executors"],
        ["--parquet"],
        ["--tensorboard"],
        ["--simultaneous"],
    ]
)
PROPER = st.sampled_from(
    [
        ["--suite", "synthetic"],
        ["--seeds", "2"],
        ["--datasets", "ring"],
        ["--methods", "gan,ali"],
        ["--budget", "5steps"],
        ["--out", "run"],
        ["--dry-run"],
    ]
)
COMMAND = st.tuples(
    st.sampled_from(["run", "list", "report", "compare", "score", "check", "perf", "nonsense"]),
    st.lists(st.one_of(PROPER, PROPER, PROPER, OPTION, SETTING, FLAG, VALUES.map(lambda v: [v])), max_size=7),
).map(lambda parts: [parts[0], *(token for option in parts[1] for token in option)])


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path):
    """Command lines are read and planned, and then nothing is trained, measured or connected to."""
    from benchmark.running.executors.base import Executor
    from benchmark.running.run import Outcome
    from benchmark.training.cost import Cost

    class Idle(Executor):
        capacity = 1

        def describe(self):
            return "nobody"

        start = poll = kill = stop = close = lambda self, *arguments: None

    monkeypatch.setattr(Idle, "__abstractmethods__", frozenset())
    monkeypatch.setattr("benchmark.plan.plan.cost_of", lambda method, data: Cost(100, 1, 1, 64, 1000, 10, 10))
    monkeypatch.setattr("benchmark.running.run.run", lambda *arguments: Outcome(0, 0, 0, []))
    monkeypatch.setattr("benchmark.running.executors.choose.make_executor", lambda *arguments: Idle())
    monkeypatch.setattr("benchmark.report.write.write_report", lambda store, extras: True)
    monkeypatch.setattr("benchmark.commands.perf.throughput.measure", lambda quick: None)
    monkeypatch.setattr("benchmark.commands.perf.executors.measure_executors", lambda quick: None)
    monkeypatch.setattr("benchmark.commands.check.check_method", lambda name: [])
    monkeypatch.setenv("BENCHMARK_DATA_ROOT", str(tmp_path / "no-data"))
    monkeypatch.chdir(tmp_path)


def tell(arguments, capsys):
    """Runs a command line; it ends with a status and at most one line of complaint per problem."""
    status = main(arguments)
    err = capsys.readouterr().err
    assert status in (0, 1, 2), arguments
    assert "Traceback" not in err, arguments
    if status == 2:
        assert err.startswith("benchmark: "), (arguments, err)
        assert err.count("\n") == 1, (arguments, err)
        assert err[:-1].isprintable(), (arguments, err)
    return status, err


@fuzz
@given(arguments=COMMAND)
def test_command_lines(nothing_runs, capsys, arguments):
    tell(arguments, capsys)


LEAF = st.one_of(
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.just(10**400),
)
TOML = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "suite",
        "datasets",
        "methods",
        "seeds",
        "budget",
        "out",
        "workers",
        "set",
        "plugin",
        "checkpoint-every",
        "executor",
        "other",
        "device",
    ]
)
DEEP = st.integers(1, 4000).map(lambda n: f"seeds = {'[' * n}{']' * n}".encode())
DEEPER = st.integers(1, 2000).map(lambda n: ("[set" + ".a" * n + "]\nx = 1").encode())


def toml_value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


CONFIG = st.one_of(
    st.binary(max_size=60),
    DEEP,
    DEEPER,
    st.dictionaries(KEYS, TOML, max_size=5).map(
        lambda table: "\n".join(f"{k} = {toml_value(v)}" for k, v in table.items()).encode("utf-8", "replace")
    ),
)


@fuzz
@given(content=CONFIG, suite=st.booleans())
def test_configuration_files(nothing_runs, capsys, content, suite):
    file = Path("config.toml")
    file.write_bytes(content)
    tell(["run", "--config", str(file), "--dry-run", *(["--suite", "synthetic"] if suite else [])], capsys)


OWNER = st.sampled_from(
    [(registry, name) for registry in (DATASETS, METHODS, METRICS) for name in registry.names()]
)
FIELD_VALUE = st.one_of(
    TEXT,
    st.integers(-3, 10**20),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.just(10**400),
)


@fuzz
@given(owner=OWNER, number=st.integers(0, 30), value=FIELD_VALUE)
def test_settings_build_or_are_refused(owner, number, value):
    from dataclasses import fields

    registry, name = owner
    names = [field.name for field in fields(registry.get(name))] or ["none"]
    with contextlib.suppress(UsageError):
        registry.build(name, {names[number % len(names)]: value})


class Payload:
    """Leaves a file where it is unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(arrays, compressed=True):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, data in arrays.items():
            archive.writestr(name, data)
    return stream.getvalue()


def header(description):
    """A .npy file that promises what it does not hold."""
    text = repr(description).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


GOOD = npy(np.zeros((5, 2), np.float32))
FILES = {
    "good": GOOD,
    "pickle": pickle.dumps(Payload()),
    "objects": npy(np.array([Payload()], dtype=object), allow_pickle=True),
    "objects-in-npz": npz({"a.npy": npy(np.array([Payload()], dtype=object), allow_pickle=True)}),
    "promise": header({"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)}),
    "endless": header({"descr": "<f8", "fortran_order": False, "shape": (10**400,)}),
    "negative": header({"descr": "<f8", "fortran_order": False, "shape": (-5, 2)}),
    "structured": npy(np.zeros(3, dtype=[("a", "f4"), ("b", "i2")])),
    "complex": npy(np.zeros((4, 2), np.complex64)),
    "text": npy(np.array([["a", "b"]] * 3)),
    "times": npy(np.zeros((4, 2), "datetime64[s]")),
    "empty": npy(np.zeros((0, 2))),
    "scalar": npy(np.float32(3)),
    "boolean": npy(np.ones((4, 2), bool)),
    "huge": npy(np.full((3, 2), 1e300)),
    "half": npy(np.zeros((4, 2), np.float16)),
    "npz": npz({"a.npy": GOOD}),
    "two": npz({"a.npy": GOOD, "b.npy": GOOD}),
    "not-npy": npz({"a.txt": b"hello"}),
    "csv": b"x,y\n1,2\n3,4\n",
    "csv-ragged": b"1,2\n3\n",
    "csv-quote": b'"1,2\n3,4',
    "csv-wide": b",".join([b"1"] * 5000) + b"\n",
    "csv-digits": b"1," + b"9" * 6000 + b"\n1,2\n",
}


@st.composite
def broken(draw):
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    if data and len(data) < 10**6:
        for _ in range(draw(st.integers(0, 3))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        if draw(st.booleans()):
            data = data[: draw(st.integers(0, len(data)))]
    return bytes(data)


@fuzz
@given(
    data=st.one_of(broken(), st.binary(max_size=40)),
    suffix=st.sampled_from([".npy", ".npz", ".csv", ".pkl", ""]),
)
def test_sample_files(tmp_path, monkeypatch, data, suffix):
    from benchmark.scoring.given_samples import check_samples, load_samples

    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"samples{suffix}"
    file.write_bytes(data)
    with contextlib.suppress(UsageError):
        check_samples(load_samples(file), file, DATASETS.get("ring")())
    assert not (tmp_path / "unpickled").exists()


def test_an_archive_that_unpacks_to_more_than_fits_is_not_unpacked(tmp_path, monkeypatch):
    from benchmark.scoring.given_samples import load_samples

    file = tmp_path / "samples.npz"
    file.write_bytes(npz({"a.npy": npy(np.zeros((10**6, 2)))}))
    assert file.stat().st_size < 10**5
    monkeypatch.setattr("benchmark.scoring.given_samples.LARGEST_ARCHIVE_BYTES", 10**6)
    with pytest.raises(UsageError, match="unpacks to 16000128 bytes"):
        load_samples(file)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
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
FACTS = {
    "modes_total": 8,
    "facts": {
        "kl": {
            "better": "lower",
            "bounds": [0.0, None],
            "best": None,
            "scale": "linear",
            "ranked": True,
            "samples": 10,
        }
    },
}
SPENT = {"flops": 1, "generator_steps": 1, "discriminator_steps": 1, "samples_seen": 1, "device_seconds": 1.0}
CELL = Cell(
    "synthetic",
    Configured("ring", {"width": 4}),
    Configured("gan", {"lr": 0.1}),
    {"kl": {}},
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
    store.write(
        CELL,
        [Trial(seed, "ok", {"kl": 0.1}, audit, curve, arrays, {"w": np.zeros(2)}) for seed in (0, 1)],
        FACTS,
    )
    store.write_checkpoint(
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
    store.write_tables({"trials.csv": b""})
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


@settings(fuzz, max_examples=max(10, CASES // 10))
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
        assert all(line.startswith(("benchmark: ", "tables, plots")) for line in err.splitlines()), err


@fuzz
@given(
    data=st.data(),
    new=JSON,
    name=st.sampled_from(["result.json", "manifest.json", "checkpoint.json", "tables.json"]),
    sealed=st.booleans(),
)
def test_records_with_anything_in_them(tmp_path_factory, data, new, name, sealed):
    """Whole ones by their checksum, made by someone who can compute one, and plain text."""
    from benchmark.plan.remaining import groups_of
    from benchmark.records.results import read_results
    from benchmark.report.tables.tables import make_tables, write_tables

    root = tmp_path_factory.mktemp("fuzz")
    store = made_up(root)
    spoil(next(root.rglob(name)), data, new, sealed)
    for cell in (CELL, replace(CELL, group=(2,), wanted=(2,))):
        with contextlib.suppress(DamagedError):
            store.checkpoint(cell)
    results = read_results(store)
    write_tables(store, make_tables(results))
    groups_of(store)
    store.mend()
    assert [path for path in root.parent.iterdir() if path.name == "x"] == []


@pytest.mark.long
def test_thousands_of_cases():
    """The same properties with LONG_CASES cases each."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        __file__,
    ]
    result = subprocess.run(
        command,
        env={**os.environ, "BENCHMARK_FUZZ_CASES": str(LONG_CASES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
