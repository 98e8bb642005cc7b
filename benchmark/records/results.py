"""The results of a run, which a report is made of: the whole records, in the run's order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.records.layout import TrialId
from benchmark.records.schema import CALIBRATION_ROWS, LARGE, Manifest, MetricFacts, Record, Track
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.records.trial_files import Survey
from benchmark.registry import recorded_settings
from benchmark.suites.search import FIRST_TUNING_SEED

__all__ = ["Results", "read_run", "read_scores", "results_of"]


@dataclass(frozen=True)
class Results:
    """The results of a run. They are not changed once they are read: what is looked up often is remembered.

    Attributes:
        suite: The suite's name.
        manifest: What was asked for, by what and where; `None` if that is damaged or missing.
        records: The finished trials.
        failures: The trials that failed.
        damaged: What is not as it was written, and left out.
    """

    suite: str
    manifest: Manifest | None
    records: list[Record]
    failures: list[TrialId]
    damaged: list[DamagedError]

    @property
    def missing(self) -> list[TrialId]:
        """The trials that were asked for and have neither a record nor failed."""
        present = set(self.failures)
        for record in self.records:
            present.add(TrialId.of(record))
        return [trial for trial in self._requested() if trial not in present]

    @property
    def is_search(self) -> bool:
        """Whether it is a search of settings. Where the manifest is lost, the seeds show it."""
        if self.manifest is not None:
            return "search" in self.manifest
        return any(record["seed"] >= FIRST_TUNING_SEED for record in self.records)

    @property
    def plugins(self) -> list[str]:
        """The names of the plug-in files of the run."""
        if self.manifest is None:
            return []
        return self.manifest["configuration"].get("plugins", [])

    def track(self, dataset: str, method: str) -> Track:
        """Where the settings of a method on a dataset come from; as published where that is not known.

        Published settings are `not tuned` beside tuned ones. A calibration row has no settings.
        """
        tracks = self.manifest.get("tracks", {}) if self.manifest else {}
        own = tracks.get(dataset, {})
        track = own.get(method)
        if track is None:
            return Track(settings="published", changed=[], search=None)
        if track["settings"] == "published" and any(other["settings"] == "tuned" for other in own.values()):
            return {**track, "settings": "not tuned"}
        return track

    def record(self, trial: TrialId) -> Record | None:
        """The record of a trial, if it is finished."""
        for record in self.records:
            if TrialId.of(record) == trial:
                return record
        return None

    def _requested(self) -> list[TrialId]:
        """The trials that were asked for."""
        trials: list[TrialId] = []
        if self.manifest is None:
            return trials
        for dataset, groups_by_method in self.manifest["groups"].items():
            for method, groups in groups_by_method.items():
                for group in groups:
                    trials += [TrialId(dataset, method, seed) for seed in group["seeds"]]
        return trials

    def facts(self, dataset: str, metric: str) -> MetricFacts:
        """How to read a metric, on a larger sample or not.

        Raises:
            KeyError: If no record of the dataset has it.
        """
        return self._facts[dataset, metric.removesuffix(LARGE)]

    @cached_property
    def _facts(self) -> dict[tuple[str, str], MetricFacts]:
        """By dataset and metric, from the first record that has them."""
        first: dict[tuple[str, str], MetricFacts] = {}
        for record in self.records:
            for metric, facts in record["facts"].items():
                first.setdefault((record["dataset"], metric), facts)
        return first

    @property
    def datasets(self) -> list[str]:
        """The datasets that have a finished trial."""
        return list(self._first_records)

    def metrics(self, dataset: str) -> list[str]:
        """The metrics of a dataset, in the suite's order."""
        return list(self.metric_settings(dataset))

    def metric_settings(self, dataset: str) -> dict[str, dict[str, Any]]:
        """The metrics of a dataset with their settings."""
        return self._first_records[dataset]["configuration"]["metrics"]

    def without(self, dataset: str, metric: str) -> list[str]:
        """The methods to which a metric does not apply: those whose finished trials have none.

        Of a method whose trials all diverged it is not known, and it ranks last.
        """
        has_it: dict[str, bool] = {}
        for record in self.records:
            if record["dataset"] == dataset and record["status"] == "ok":
                method = record["method"]
                has_it[method] = has_it.get(method, False) or metric in record["metrics"]
        return [method for method, has in has_it.items() if not has]

    def modes(self, dataset: str) -> int:
        """The number of modes of a dataset; 0 where they are not known."""
        return self._first_records[dataset]["modes_total"]

    def settings(self, dataset: str) -> dict[str, Any]:
        """The settings of a dataset."""
        return recorded_settings(self._first_records[dataset]["configuration"]["dataset"])

    @cached_property
    def _first_records(self) -> dict[str, Record]:
        """The first record of each dataset, by its name."""
        first: dict[str, Record] = {}
        for record in self.records:
            first.setdefault(record["dataset"], record)
        return first


def read_run(root: Path) -> Results:
    """The results that lie in the directory of a run.

    Raises:
        UsageError: If there is no run, a search that has not come to its last rung, a run of another version,
            or one whose records were taken away.
    """
    store = Store(root)
    if not store.holds_run():
        raise UsageError(f"{root}: holds no run; give the directory of a run")
    if store.is_climbing:
        raise UsageError(f"{root}: holds a search without its last rung or its manifest; its command goes on")
    if not store.layout.trials.exists() and _lines(root / "trials.csv") > 1:
        raise UsageError(
            f"{root}: holds tables without the records that they were made of (trials/); "
            "give the directory of a whole run"
        )
    return results_of(store, store.trials.survey())


def read_scores(root: Path) -> Results:
    """The results of a run whose trials can be compared: no search, whose trials have different settings.

    Raises:
        UsageError: If it is a search, or for the reasons of `read_run`.
    """
    results = read_run(root)
    if results.is_search:
        raise UsageError(f"{root}: holds a search of settings, not a run; see its search.csv")
    return results


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
    suite = _suite(manifest, survey.records)
    return Results(suite, manifest, _ordered(survey.records, manifest), survey.failures, damaged)


def _suite(manifest: Manifest | None, records: Sequence[Record]) -> str:
    """The suite's name; empty if there is nothing that has it."""
    if manifest:
        return manifest["suite"]
    return records[0]["suite"] if records else ""


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _ordered(records: list[Record], manifest: Manifest | None) -> list[Record]:
    """Sorted by dataset and method in the order of the configuration, others after them, then by seed."""
    datasets: list[str] = []
    methods = list(CALIBRATION_ROWS)
    if manifest:
        configuration = manifest["configuration"]
        datasets = list(configuration["datasets"])
        for settings_by_method in configuration["methods"].values():
            methods += [method for method in settings_by_method if method not in methods]

    def place(record: Record) -> tuple[tuple[int, str], tuple[int, str], int]:
        return _place(datasets, record["dataset"]), _place(methods, record["method"]), record["seed"]

    return sorted(records, key=place)


def _place(names: Sequence[str], name: str) -> tuple[int, str]:
    """Sorts a name by its place among some, or behind them by its letters."""
    return (names.index(name), "") if name in names else (len(names), name)
