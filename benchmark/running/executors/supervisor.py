"""Keeps an executor busy, and decides what becomes of cells that are lost, hang or must stop."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.running.executors.base import Event, Executor, Failed, Lost, Message, Progress, Saved, Task

if TYPE_CHECKING:
    from benchmark.records.cell import Cell
    from benchmark.records.checkpoint import Checkpoint

__all__ = ["Policy", "run_cells"]

GRACE = 6.0
"""Seconds that cells have to save their training when the run is interrupted."""

TRIES = 2
"""How often a cell is run that loses its process."""

MOVES = 10
"""How often a cell is run again that was lost without being to blame."""


@dataclass(frozen=True)
class Policy:
    """What a run wants of its cells.

    Attributes:
        resume: Where a cell's training goes on, if anywhere.
        every: Seconds between two checkpoints of a cell; `None` for none.
        patience: Seconds without a word from a cell after which it is taken to hang.
        interrupted: Whether the run is to end.
    """

    resume: "Callable[[Cell], Checkpoint | None]"
    every: float | None
    patience: float
    interrupted: Callable[[], bool]


def run_cells(cells: "Sequence[Cell]", executor: Executor, policy: Policy) -> Generator[Event, None, None]:
    """Runs cells and yields what happens, as it happens; `Lost` is not among it.

    A cell that is lost is run again behind the others, from its last checkpoint, and has failed if it is lost twice. An
    interruption ends the iterator, after the cells have had a few seconds to save. The executor is closed with it.
    """
    waiting = deque(cells)
    running: dict[tuple, Cell] = {}
    heard: dict[tuple, float] = {}
    lost: Counter[tuple] = Counter()
    moved: Counter[tuple] = Counter()
    deadline = float("inf")
    try:
        while (waiting or running) and time.monotonic() < deadline:
            if deadline == float("inf") and policy.interrupted():
                deadline = time.monotonic() + GRACE
                waiting.clear()
                executor.stop()
            while waiting and (executor.capacity is None or len(running) < executor.capacity):
                cell = waiting.popleft()
                running[cell.key] = cell
                executor.start(Task(cell, policy.resume(cell), policy.every))
                if executor.capacity is not None:
                    heard[cell.key] = time.monotonic()
            for event in executor.poll(0.2):
                key = event.cell.key
                heard[key] = time.monotonic()
                if not isinstance(event, Progress | Message | Saved):
                    del running[key], heard[key]
                if not isinstance(event, Lost):
                    yield event
                elif deadline == float("inf"):
                    (moved if event.blameless else lost)[key] += 1
                    if lost[key] < TRIES and moved[key] <= MOVES:
                        waiting.append(event.cell)
                        yield Message(event.cell, f"{event.cell.label}: {event.reason}; trying again")
                    else:
                        yield Failed(event.cell, f"{event.reason}, and so it was before")
            for key in [key for key, then in heard.items() if time.monotonic() - then > policy.patience]:
                heard[key] = time.monotonic()
                executor.kill(running[key], f"nothing was heard of it for {policy.patience:g} s")
    finally:
        executor.close()
