"""Fixtures of tests of runs: a small run, the same run interrupted, and a longer one."""

import pytest
from support.faults import LONGER, SMALL, Inline, draw_nothing, finished, use
from support.searches import search
from support.shared import shared_folder


@pytest.fixture
def undrawn(monkeypatch):
    """The reports of runs in this process have no pictures and no page."""
    draw_nothing(monkeypatch)


@pytest.fixture
def inline(monkeypatch, undrawn):
    """Cells run in this process, and nothing is drawn."""
    use(monkeypatch, Inline())


def run_inline(out, arguments):
    """Makes a run in this process, from start to end, and draws nothing."""
    from benchmark.commands.cli import main

    with pytest.MonkeyPatch.context() as patch:
        use(patch, Inline())
        draw_nothing(patch)
        assert main([*arguments, "--out", str(out)]) == 0


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A small run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "run"
    run_inline(out, SMALL)
    return out


@pytest.fixture(scope="session")
def longer(tmp_path_factory):
    """A run long enough to be interrupted, which nothing happened to."""

    def fill(folder):
        run_inline(folder / "run", LONGER)

    return shared_folder(tmp_path_factory, "longer", fill) / "run"


@pytest.fixture(scope="session")
def half(tmp_path_factory):
    """The same run, interrupted: some trials are finished, and one cell has a checkpoint."""
    from benchmark.commands.cli import main

    out = tmp_path_factory.mktemp("half") / "run"
    with pytest.MonkeyPatch.context() as patch:
        use(patch, Inline(stop_after=80, capacity=1))
        draw_nothing(patch)
        patch.setattr("benchmark.running.executors.worker.REPORT_EVERY", 0.0)
        main([*SMALL, "--out", str(out), "--checkpoint-every", "0s"])
    assert len(list(out.glob("trials/*/*/training-*/checkpoint.json"))) == 1
    assert finished(out)
    return out


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """A tiny search."""
    out = tmp_path_factory.mktemp("search") / "search"
    assert search(out) == 0
    return out
