"""Keeps an executor busy, and decides what happens to cells that are lost, hang or must stop."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.running.executors.base import Event, Executor, Failed, Lost, Message, Report, Task
from benchmark.running.executors.waking_clock import WakingClock
from benchmark.running.limits import Limits

if TYPE_CHECKING:
    from benchmark.records.cell import Cell, CellKey
    from benchmark.records.checkpoint import Checkpoint

__all__ = ["Policy", "run_cells"]

GRACE = 6.0
"""Seconds that cells have to save their training when the run is interrupted."""

TRIES = 2
"""How often a cell is run that loses its process."""

MOVES = 10
"""How often a cell is run again that was lost without being to blame."""

POLL_TIMEOUT = 0.2
"""Seconds that the executor may wait for an event."""


@dataclass(frozen=True)
class Policy:
    """What a run wants of its cells.

    Attributes:
        resume: The checkpoint from which a cell's training goes on, if it has one.
        limits: What a cell may take.
        interrupted: Whether the run is to end.
    """

    resume: "Callable[[Cell], Checkpoint | None]"
    limits: Limits
    interrupted: Callable[[], bool]


def run_cells(cells: "Sequence[Cell]", executor: Executor, policy: Policy) -> Generator[Event, None, None]:
    """Runs cells and yields the events as they happen, apart from `Lost`.

    A cell that is lost is run again after the others, from its last checkpoint; if it is lost twice, it has
    failed. An interruption ends the iterator, after the cells have had a few seconds to save. The executor is
    closed with it.
    """
    supervisor = _Supervisor(cells, executor, policy)
    try:
        while supervisor.has_work():
            supervisor.clock.tick()
            supervisor.stop_if_interrupted()
            supervisor.start_cells()
            for event in executor.poll(POLL_TIMEOUT):
                reported = supervisor.handle(event)
                if reported is not None:
                    yield reported
            supervisor.kill_silent_cells()
    finally:
        executor.close()


class _Supervisor:
    """Which cells wait and which run, when each was heard of last, and how often it was lost."""

    def __init__(self, cells: "Sequence[Cell]", executor: Executor, policy: Policy) -> None:
        self.executor = executor
        self.policy = policy
        self.waiting = deque(cells)
        self.running: dict[CellKey, Cell] = {}
        self.last_event: dict[CellKey, float] = {}
        self.lost: Counter[CellKey] = Counter()
        self.moved: Counter[CellKey] = Counter()
        self.clock = WakingClock()
        self.deadline: float | None = None

    def has_work(self) -> bool:
        """Whether cells wait or run, and the time to save has not run out."""
        if self.deadline is not None and self.clock.now >= self.deadline:
            return False
        return bool(self.waiting or self.running)

    def stop_if_interrupted(self) -> None:
        if self.deadline is None and self.policy.interrupted():
            self.deadline = self.clock.now + GRACE
            self.waiting.clear()
            self.executor.stop()

    def start_cells(self) -> None:
        """Starts cells while there is room."""
        capacity = self.executor.capacity
        while self.waiting and (capacity is None or len(self.running) < capacity):
            cell = self.waiting.popleft()
            self.running[cell.key] = cell
            self.executor.start(Task(cell, self.policy.resume(cell), self.policy.limits.checkpoint_every))
            # In an executor's own queue a cell may be silent for long, until it has begun.
            if capacity is not None:
                self.last_event[cell.key] = self.clock.now

    def handle(self, event: Event) -> Event | None:
        """The event to report, if any."""
        key = event.cell.key
        self.last_event[key] = self.clock.now
        if not isinstance(event, Report):
            del self.running[key], self.last_event[key]
        if not isinstance(event, Lost):
            return event
        if self.deadline is not None:
            return None
        return self._retry(event)

    def _retry(self, event: Lost) -> Event:
        """Runs a lost cell again after the others, unless it was lost too often."""
        cell = event.cell
        losses = self.moved if event.blameless else self.lost
        losses[cell.key] += 1
        if self.lost[cell.key] >= TRIES or self.moved[cell.key] > MOVES:
            times = self.lost[cell.key] + self.moved[cell.key]
            return Failed(cell, f"lost {times} times, the last time because {event.reason}")
        self.waiting.append(cell)
        return Message(cell, f"{cell.label}: {event.reason}; trying again")

    def kill_silent_cells(self) -> None:
        now = self.clock.now
        timeout = self.policy.limits.stall_timeout
        silent = [key for key, then in self.last_event.items() if now - then > timeout]
        for key in silent:
            self.last_event[key] = now
            self.executor.kill(self.running[key], f"nothing was heard of it for {timeout:g} s")
