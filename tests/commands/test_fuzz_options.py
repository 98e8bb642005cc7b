"""Whatever the options are, there is a result or one line."""

import contextlib
import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzz import TEXT, fuzz, run_many_cases
from support.made_up import made_up_run, report_of

from benchmark.commands.cli import main
from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, SUITES

NAMES = [*SUITES.names(), *DATASETS.names(), *METHODS.names(), *METRICS.names()]

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
).map(lambda parts: [parts[0], *chain.from_iterable(parts[1])])


@pytest.fixture(scope="module")
def made_up_report(tmp_path_factory):
    """The report of two methods on a ring."""
    scores = {"ring": {"gan": [0.5, 0.4], "ali": [0.3, 0.6]}}
    return report_of(made_up_run(tmp_path_factory.mktemp("made-up"), scores))


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path, made_up_report):
    """Command lines are read and planned, and then nothing is trained, measured or connected to; the report
    is a made-up one.
    """
    from benchmark.commands.check import CHECKS
    from benchmark.records.trial_files import NOTHING
    from benchmark.running.executors.base import Executor
    from benchmark.running.run import RunResult
    from benchmark.training.cost import Cost

    class Idle(Executor):
        capacity = 1

        def describe(self):
            return "nobody"

        start = poll = kill = stop = close = lambda self, *arguments: None

    monkeypatch.setattr(Idle, "__abstractmethods__", frozenset())
    monkeypatch.setattr("benchmark.plan.plan.cost_of", lambda method, data: Cost(100, 1, 1, 64, 1000, 10, 10))
    monkeypatch.setattr("benchmark.commands.run.run_plan", lambda *arguments: RunResult(NOTHING, []))
    monkeypatch.setattr("benchmark.commands.run.make_executor", lambda *arguments: Idle())
    monkeypatch.setattr("benchmark.commands.run.write_report", lambda *arguments: made_up_report)
    monkeypatch.setattr("benchmark.report.write.write_report", lambda *arguments: made_up_report)
    monkeypatch.setattr("benchmark.commands.perf.measure.measure", lambda device, quick: None)
    monkeypatch.setattr("benchmark.commands.perf.executors.measure_executors", lambda quick: None)
    for registry in (DATASETS, METHODS, METRICS):
        monkeypatch.setitem(CHECKS, registry, lambda name: iter(()))
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


def toml_file(table):
    """The content of a file with these entries."""
    lines = [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines).encode("utf-8", "replace")


CONFIG = st.one_of(
    st.binary(max_size=60), DEEP, DEEPER, st.dictionaries(KEYS, TOML, max_size=5).map(toml_file)
)


@fuzz
@given(content=CONFIG, suite=st.booleans())
def test_configuration_files(nothing_runs, capsys, content, suite):
    file = Path("config.toml")
    file.write_bytes(content)
    tell(["run", "--config", str(file), "--dry-run", *(["--suite", "synthetic"] if suite else [])], capsys)


ENTRIES = st.sampled_from(["datasets", "methods", "metrics", "budgets", "title", "settings", "other"])

NAMES_IN_SUITES = st.lists(st.sampled_from([*NAMES, "nonsense"]), max_size=3)

PROPER_SUITE = {"datasets": ["ring"], "methods": ["gan"], "metrics": ["modes"], "budgets": "5steps"}

SUITE_TABLE = st.dictionaries(ENTRIES, st.one_of(TOML, NAMES_IN_SUITES, st.just("5steps")), max_size=7)

SUITE = st.one_of(
    st.binary(max_size=60),
    SUITE_TABLE.map(toml_file),
    SUITE_TABLE.map(lambda table: toml_file({**PROPER_SUITE, **table})),
)


@fuzz
@given(content=SUITE)
def test_suite_files(nothing_runs, capsys, content):
    file = Path("mine.toml")
    file.write_bytes(content)
    tell(["run", "--suite", str(file), "--dry-run"], capsys)
    tell(["check", str(file)], capsys)


OWNERS = []
for registry in (DATASETS, METHODS, METRICS):
    OWNERS += [(registry, name) for name in registry.names()]

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
@given(owner=st.sampled_from(OWNERS), number=st.integers(0, 30), value=FIELD_VALUE)
def test_settings_build_or_are_refused(owner, number, value):
    from dataclasses import fields

    registry, name = owner
    names = [field.name for field in fields(registry.get(name))] or ["none"]
    with contextlib.suppress(UsageError):
        registry.build(name, {names[number % len(names)]: value})


@pytest.mark.long
def test_hundreds_of_cases():
    run_many_cases(__file__)
