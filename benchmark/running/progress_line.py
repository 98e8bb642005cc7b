"""How far a run is, on stderr: one live line on a terminal or in a notebook, else a plain line now and
then.
"""

import sys
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

from benchmark.errors import dispensable, printable
from benchmark.plan.dry_run import duration

__all__ = ["ProgressLine"]

PLAIN_EVERY = 15.0
"""Seconds between two plain lines."""

FIRST_ESTIMATE = 0.02
"""The share of the work from which the time left is estimated: workers start and compile before, which would
count as slow training.
"""


class ProgressLine:
    """Counts trials, parts of a trial included, and estimates the time left from the work done so far.

    Arguments:
        trials: The number of trials to run.
        work: Their total work, in any unit.
        rate: The unit of the throughput.
        scale: Work per second in one such unit.
        stream: Where to write; stderr by default.
    """

    def __init__(
        self, trials: int, work: float, rate: str, scale: float, stream: TextIO | None = None
    ) -> None:
        self.trials = trials
        self.work = work
        self.rate = rate
        self.scale = scale
        self.stream = sys.stderr if stream is None else stream
        # A notebook shows a line that is written anew, like a terminal.
        notebook = type(self.stream).__module__.startswith("ipykernel.")
        self.live = self.stream.isatty() or notebook
        self.began = self.written = time.monotonic()
        self.bar = tqdm(
            total=trials,
            file=self.stream,
            disable=not self.live,
            ncols=100 if notebook else None,
            dynamic_ncols=not notebook,
            bar_format="{desc} {bar} {postfix}",
        )

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with dispensable(self.stream):
            self.bar.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def skip(self, work: float) -> None:
        """Leaves out work that was done before."""
        self.work -= work

    def update(self, done: int, spent: float, stages: str) -> None:
        """Shows how far the run is.

        Arguments:
            done: Trials that are finished.
            spent: Work that is done.
            stages: What the workers are doing, such as `training ring gan`.
        """
        share = spent / self.work if self.work else 1.0
        pace = self._pace(spent, share)
        if self.live:
            self.bar.set_description_str(f"{done}/{self.trials} trials", refresh=False)
            self.bar.set_postfix_str("; ".join(filter(None, (pace, stages))), refresh=False)
            self.bar.n = self.trials * share
            with dispensable(self.stream):
                self.bar.refresh()
        elif time.monotonic() - self.written >= PLAIN_EVERY:
            self.written = time.monotonic()
            parts = [f"{done}/{self.trials} trials", f"{share:.0%}", pace]
            line = ", ".join(filter(None, parts))
            self.say(f"{line} ({stages})" if stages else line)

    def _pace(self, spent: float, share: float) -> str:
        """Throughput and time left, as far as they are known."""
        elapsed = max(self.elapsed, 1e-9)
        parts = []
        if spent:
            parts.append(f"{spent / self.scale / elapsed:.1f} {self.rate}")
        if FIRST_ESTIMATE <= share < 1:
            parts.append(f"{duration(elapsed * (1 - share) / share)} left")
        return ", ".join(parts)

    def say(self, line: str) -> None:
        """A line of its own, above the live one."""
        line = printable(line)
        with dispensable(self.stream):
            if self.live:
                self.bar.write(line, file=self.stream)
            else:
                print(line, file=self.stream, flush=True)
