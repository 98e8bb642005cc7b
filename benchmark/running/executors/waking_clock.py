"""A clock that stands still while this process does."""

import time

__all__ = ["WakingClock"]

LONGEST_STEP = 1.0
"""Seconds between two ticks that count at most; what is beyond was a stop."""


class WakingClock:
    """Seconds that this process was running, as far as its ticks tell.

    A job that was suspended (SIGSTOP, Ctrl-Z, a machine that sleeps) finds on waking that hours have passed,
    in which its workers stood still, too. Here they count as one step.

    Attributes:
        now: The seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.ticked = time.monotonic()

    def tick(self) -> None:
        """Lets the clock go on. It is to be called several times a second."""
        ticked = time.monotonic()
        self.now += min(ticked - self.ticked, LONGEST_STEP)
        self.ticked = ticked
