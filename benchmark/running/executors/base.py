"""Where cells run, seen from the driver: what an executor can do, and the events that it reports."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.records.cell import Cell, Trial
    from benchmark.records.checkpoint import Checkpoint

__all__ = [
    "Begun",
    "Done",
    "Event",
    "Executor",
    "Failed",
    "Lost",
    "Message",
    "Progress",
    "Report",
    "Saved",
    "Stopped",
    "Task",
]


@dataclass(frozen=True)
class Task:
    """A cell to run.

    Attributes:
        cell: The cell.
        start: Where its training goes on, if not at its beginning.
        every: Seconds between two checkpoints; `None` if only an interruption makes one.
    """

    cell: "Cell"
    start: "Checkpoint | None" = None
    every: float | None = None


@dataclass(frozen=True)
class Begun:
    """A cell that waited in a queue of the executor's own now runs."""

    cell: "Cell"


@dataclass(frozen=True)
class Progress:
    """How far a cell is.

    Attributes:
        cell: The cell.
        share: The share of its budget that is spent, in [0, 1].
        stage: `compiling`, `training` or `scoring`.
    """

    cell: "Cell"
    share: float
    stage: str


@dataclass(frozen=True)
class Message:
    """A line for the user."""

    cell: "Cell"
    text: str


@dataclass(frozen=True)
class Saved:
    """A cell's training can go on from here."""

    cell: "Cell"
    checkpoint: "Checkpoint"


@dataclass(frozen=True)
class Done:
    """A cell is finished."""

    cell: "Cell"
    trials: "list[Trial]"


@dataclass(frozen=True)
class Failed:
    """A cell raised an error, which it will raise again, or it was lost too often.

    Attributes:
        cell: The cell.
        reason: What happened, in one line.
        details: The same at length, if there is more to say.
    """

    cell: "Cell"
    reason: str
    details: str = ""


@dataclass(frozen=True)
class Lost:
    """A cell lost its process, its node or its patience, so that it is worth another try.

    Attributes:
        cell: The cell.
        reason: What happened.
        blameless: Whether the cell cannot have caused it.
    """

    cell: "Cell"
    reason: str
    blameless: bool = False


@dataclass(frozen=True)
class Stopped:
    """A cell has ended because it was asked to; its training was saved, if it had begun."""

    cell: "Cell"


Report = Begun | Progress | Message | Saved
"""What happens to a cell that goes on."""

Event = Report | Done | Failed | Lost | Stopped


class Executor(ABC):
    """Runs cells somewhere. It writes nothing into the directory of a run: it reports events, by `poll`.

    Attributes:
        capacity: How many cells it takes at a time; `None` if it keeps a queue of its own.
    """

    capacity: int | None

    @abstractmethod
    def describe(self) -> str:
        """In words, such as `2 workers`."""

    @abstractmethod
    def start(self, task: Task) -> None:
        """Runs a cell as soon as there is room."""

    @abstractmethod
    def poll(self, timeout: float) -> list[Event]:
        """The events since the last call, waiting at most that many seconds for one."""

    @abstractmethod
    def kill(self, cell: "Cell", reason: str) -> None:
        """Ends a running cell at once; `poll` reports it as `Lost`."""

    @abstractmethod
    def stop(self) -> None:
        """Asks all cells to save their training and to end."""

    @abstractmethod
    def close(self) -> None:
        """Ends all that is left. It may be called more than once."""
