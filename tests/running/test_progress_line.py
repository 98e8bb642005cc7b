"""What a run prints while it works."""

import io

import pytest

from benchmark.running import progress_line
from benchmark.running.progress_line import ProgressLine


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until a test moves it."""

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress_line, "time", clock)
    return clock


def test_the_time_left_is_estimated_from_some_work_on(clock):
    stream = io.StringIO()
    with ProgressLine(trials=10, work=1e12, rate="GFLOP/s", scale=1e9, stream=stream) as line:
        clock.now = 100.0
        line.update(done=0, spent=1e10, stages="compiling")
        clock.now = 200.0
        line.update(done=5, spent=5e11, stages="training")
    first, second = stream.getvalue().splitlines()
    assert first == "0/10 trials, 1%, 0.1 GFLOP/s (compiling)"
    assert second == "5/10 trials, 50%, 2.5 GFLOP/s, 3 min 20 s left (training)"
