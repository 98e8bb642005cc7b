"""Writes down what the cells of a run send, and shows how far the run is."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from benchmark.plan.remaining import Remaining
from benchmark.records.cell import Cell, CellKey
from benchmark.records.layout import TrialId
from benchmark.records.schema import DatasetFacts
from benchmark.records.store import Store
from benchmark.records.trial_files import Survey
from benchmark.running.executors.base import Done, Event, Failed, Message, Progress, Saved
from benchmark.running.progress_line import ProgressLine

__all__ = ["RunWriter"]


MOST_LABELS = 4
"""Up to so many workers, the line of progress names the cell of each."""


class Stage(NamedTuple):
    """What a worker is doing: `compiling`, `training` or `scoring`, and the label of its cell."""

    name: str
    label: str


class RunWriter:
    """Writes records, checkpoints and errors as they come.

    Arguments:
        remaining: What is to be trained.
        survey: The trials that were there before.
        facts: The facts of each dataset.
        store: Where to write.
        line: Where to show progress.

    Attributes:
        trained: The number of trials that were trained.
        diverged: The number of those that diverged.
        failed: The cells that failed, one line each.
    """

    def __init__(
        self,
        remaining: Remaining,
        survey: Survey,
        facts: Mapping[str, DatasetFacts],
        store: Store,
        line: ProgressLine,
    ) -> None:
        self.store = store
        self.facts = facts
        self.line = line
        self.records = list(survey.records)
        self.failures = set(survey.failures)
        self.trained = 0
        self.diverged = 0
        self.failed: list[str] = []
        self._works = {cell.key: planned.work(len(cell.group)) for planned, cell in remaining.cells}
        self._first_shares: dict[CellKey, float] = {}
        self._shares: dict[CellKey, float] = {}
        self._stages: dict[CellKey, Stage] = {}

    def take(self, event: Event) -> None:
        """Writes down an event, and shows it."""
        match event:
            case Progress():
                self._take_progress(event)
            case Message():
                self.line.say(event.text)
                self._stages.pop(event.cell.key, None)  # of a cell that was lost, say
            case Saved():
                self.store.checkpoints.write(event.cell, event.checkpoint)
            case Done():
                self._take_trials(event)
            case Failed():
                self._take_failure(event)
        self.line.update(self.trained, self._spent(), self._stages_in_words())

    def survey(self) -> Survey:
        """The trials that are there now."""
        return Survey(self.records, sorted(self.failures), [])

    def _take_progress(self, event: Progress) -> None:
        key = event.cell.key
        first = self._first_shares.get(key)
        if first is None or event.share < first:
            # A cell that goes on from a checkpoint has spent a share of its work before; one whose checkpoint
            # proves useless starts anew.
            self._first_shares[key] = event.share
            self.line.skip(self._works[key] * (event.share - (first or 0.0)))
        self._shares[key] = event.share
        self._stages[key] = Stage(event.stage, event.cell.label)

    def _take_trials(self, event: Done) -> None:
        facts = self.facts[event.cell.dataset.name]
        self.records += self.store.trials.write(event.cell, event.trials, facts)
        self.failures.difference_update(_trials_of(event.cell))
        self.trained += len(event.trials)
        self.diverged += sum(trial.status == "diverged" for trial in event.trials)
        self._shares[event.cell.key] = 1.0
        self._stages.pop(event.cell.key, None)

    def _take_failure(self, event: Failed) -> None:
        file = self.store.trials.write_error(event.cell, event.details or event.reason)
        self.failures.update(_trials_of(event.cell))
        failure = f"{event.cell.label}: {event.reason} (see {file})"
        self.failed.append(failure)
        self.line.say(f"failed: {failure}")
        key = event.cell.key
        self.line.skip(self._works[key] * (1 - self._shares.get(key, 0.0)))
        self._stages.pop(key, None)

    def _stages_in_words(self) -> str:
        """What each worker does, such as `training ring gan`; of many workers, how many do what."""
        stages = list(self._stages.values())
        if len(stages) <= MOST_LABELS:
            return ", ".join(f"{stage.name} {stage.label}" for stage in stages)
        counts = Counter(stage.name for stage in stages)
        return ", ".join(f"{count} {name}" for name, count in counts.items())

    def _spent(self) -> float:
        """The work that was done in this run."""
        spent = 0.0
        for key, share in self._shares.items():
            spent += self._works[key] * (share - self._first_shares.get(key, 0.0))
        return spent


def _trials_of(cell: Cell) -> list[TrialId]:
    return [TrialId(cell.dataset.name, cell.method.name, seed) for seed in cell.wanted]
