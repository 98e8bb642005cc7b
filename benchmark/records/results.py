"""What a report is made of: the records of a run, whole ones only, in the run's order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.records.layout import TrialId
from benchmark.records.schema import CALIBRATION_ROWS, LARGE, Manifest, MetricFacts, Record
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.records.trial_files import Survey

__all__ = ["Results", "results_of"]


@dataclass(frozen=True)
class Results:
    """The results of a run.

    Attributes:
        suite: The suite's name.
        manifest: What was asked for, by what and where; `None` if that is damaged or missing.
        records: The finished trials.
        failures: Dataset, method and seed of every trial that failed.
        damaged: What is not as it was written, and left out.
    """

    suite: str
    manifest: Manifest | None
    records: list[Record]
    failures: list[TrialId]
    damaged: list[DamagedError]

    @property
    def missing(self) -> list[tuple[str, str, int]]:
        """Dataset, method and seed of every trial that was asked for and has neither a record nor failed."""
        known = {
            *((record["dataset"], record["method"], record["seed"]) for record in self.records),
            *self.failures,
        }
        groups = self.manifest["groups"] if self.manifest else {}
        asked = [
            (dataset, method, seed)
            for dataset, methods in groups.items()
            for method, found in methods.items()
            for g in found
            for seed in g["seeds"]
        ]
        return [trial for trial in asked if trial not in known]

    def facts(self, dataset: str, metric: str) -> MetricFacts:
        """How to read a metric that a record of the dataset has."""
        name = metric.removesuffix(LARGE)
        return next(
            record["facts"][name]
            for record in self.records
            if record["dataset"] == dataset and name in record["facts"]
        )

    @property
    def datasets(self) -> list[str]:
        """The datasets that have a finished trial."""
        return list(dict.fromkeys(record["dataset"] for record in self.records))

    def metrics(self, dataset: str) -> list[str]:
        """The metrics of a dataset, in the suite's order."""
        return list(self.metric_settings(dataset))

    def metric_settings(self, dataset: str) -> dict[str, dict[str, Any]]:
        """The metrics of a dataset with their settings."""
        return self._first(dataset)["configuration"]["metrics"]

    def modes(self, dataset: str) -> int:
        """The number of modes of a dataset; 0 where they are not known."""
        return self._first(dataset)["modes_total"]

    def settings(self, dataset: str) -> dict[str, Any]:
        """The settings of a dataset."""
        return {
            key: value
            for key, value in self._first(dataset)["configuration"]["dataset"].items()
            if key not in ("name", "source")
        }

    def _first(self, dataset: str) -> Record:
        return next(record for record in self.records if record["dataset"] == dataset)


def results_of(store: Store, survey: Survey) -> Results:
    """The results of a run whose records have been read.

    Arguments:
        store: The run.
        survey: The trials in its directory.

    Raises:
        UsageError: If it is of another version.
    """
    damaged = list(survey.damaged)
    manifest: Manifest | None = None
    try:
        manifest = store.manifest()
    except DamagedError as damage:
        damaged.append(damage)
    except FileNotFoundError:
        pass
    suite = manifest["suite"] if manifest else next((record["suite"] for record in survey.records), "")
    return Results(suite, manifest, _ordered(survey.records, manifest), survey.failures, damaged)


def _ordered(records: list[Record], manifest: Manifest | None) -> list[Record]:
    """By dataset and method in the order of the configuration, others after them, then by seed."""
    asked = manifest["configuration"] if manifest else {"datasets": {}, "methods": {}}
    datasets = list(asked["datasets"])
    methods = [*CALIBRATION_ROWS, *dict.fromkeys(name for own in asked["methods"].values() for name in own)]

    def place(names: Sequence[str], name: str) -> tuple[int, str]:
        return (names.index(name), "") if name in names else (len(names), name)

    return sorted(
        records, key=lambda r: (place(datasets, r["dataset"]), place(methods, r["method"]), r["seed"])
    )


def read_run(root: Path) -> Results:
    """The results that lie in the directory of a run.

    Raises:
        UsageError: If there is no run, one of another version, or one whose records were taken away.
    """
    store = Store(root)
    if not store.holds_run():
        raise UsageError(f"{root}: holds no run; give the directory of a run")
    if not store.layout.trials.exists() and _lines(root / "trials.csv") > 1:
        raise UsageError(
            f"{root}: holds tables without the records that they were made of (trials/); "
            "give the directory of a whole run"
        )
    return results_of(store, store.trials.survey())


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0
