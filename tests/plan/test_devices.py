"""Whether training can be compiled here is tried before it is planned."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark.errors import UsageError
from benchmark.plan.plan import make_plan
from benchmark.plan.remaining import find_remaining
from benchmark.plan.request import Request
from benchmark.records.trial_files import NOTHING
from benchmark.suites import get_suite

RUN = ("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "gan", "--seeds", "1", "--dry-run")

SICK_COMPILER = """#!/bin/sh
case "$*" in
    *--version*|*-v|*-dump*) exec g++ "$@" ;;
esac
echo "g++: fatal error: Python.h: No such file or directory" >&2
exit 1
"""


@pytest.fixture(scope="module")
def plan():
    suite = get_suite("synthetic")
    return make_plan(Request(suite, (0,), datasets=("ring",), methods=("gan",), device="cpu"))


def asked_for(plan, compile):
    return replace(plan, request=replace(plan.request, compile=compile))


def set_fault(monkeypatch, fault):
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: fault)


def test_what_would_be_compiled_is_not_where_that_does_not_work(plan, monkeypatch):
    set_fault(monkeypatch, None)
    remaining = find_remaining(plan, NOTHING, {})
    assert remaining.fault is None
    assert any(cell.compile for _, cell in remaining.cells)
    set_fault(monkeypatch, "no luck")
    remaining = find_remaining(plan, NOTHING, {})
    assert remaining.fault == "no luck"
    assert not any(cell.compile for _, cell in remaining.cells)


def test_compilation_that_was_asked_for_is_refused_where_it_does_not_work(plan, monkeypatch):
    set_fault(monkeypatch, "no luck")
    with pytest.raises(UsageError, match=r"--compile on: .*: no luck; give --compile auto or off"):
        find_remaining(asked_for(plan, "on"), NOTHING, {})


def test_nothing_is_tried_where_nothing_is_to_be_compiled(plan, monkeypatch):
    monkeypatch.delattr("benchmark.plan.remaining.compilation_fault")
    assert find_remaining(asked_for(plan, "off"), NOTHING, {}).fault is None


@pytest.mark.parametrize(
    ("compiler", "reason"),
    [
        ("/no/such/compiler g++", "No working C++ compiler found"),
        ("sick", "g++: fatal error: Python.h: No such file or directory"),
    ],
)
def test_a_compiler_that_does_not_work_is_named_in_one_line(tmp_path, compiler, reason):
    """In a process of its own: torch looks for the compiler once."""
    if compiler == "sick":
        file = tmp_path / "g++-sick"
        file.write_text(SICK_COMPILER)
        file.chmod(0o755)
        compiler = str(file)
    environment = {**os.environ, "CXX": compiler, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "benchmark", *RUN, "--out", str(tmp_path / "run")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("\n") == 1
    assert "compiling does not work here, training is several times slower: " in run.stderr
    assert reason in run.stderr
