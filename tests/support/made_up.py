"""Runs whose records are written by hand, for tests of what is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.results import read_run
from benchmark.records.schema import CALIBRATION_ROWS, DatasetFacts
from benchmark.records.store import Store
from benchmark.registry import DATASETS, METHODS, METRICS, resolved
from benchmark.report.tables.tables import make_tables
from benchmark.report.write import write_report
from benchmark.suites import get_suite
from benchmark.suites.budget import Budget, parse_budget

SUITE, METRIC, BUDGET = "made-up", "score", "5steps"
SPENT = {
    "flops": 10,
    "generator_steps": 1,
    "discriminator_steps": 2,
    "samples_seen": 100,
    "device_seconds": 0.5,
}
"""What a trial spends up to each evaluation point."""


class ForeignBudget(Budget):
    """A budget as a record from elsewhere may have it: any text."""

    def __init__(self, text):
        super().__init__(1, text)

    def __str__(self):
        return self.unit


@dataclass(frozen=True)
class MadeUpRun:
    """A run with one metric, and perhaps others.

    Attributes:
        scores: By dataset and method the trials, a list or a dictionary by seed. A trial is a number, or a
            list of numbers, one per evaluation point; `None` ends a trial that diverged there, `"failed"` is
            one that failed, NaN a score that is not defined.
        name: The metric's name.
        better: Its facts, as all up to `samples`.
        others: By further metric its facts where they are others than plain ones, and `scores`: final values
            by method and seed, on all datasets alike.
        modes: The number of modes of every dataset.
        budget: The budget of every trial; a text is one of the command line.
        files: What every dataset is read from.
        data: Settings of all datasets.
        metric: Settings of the metric.
        methods: Settings of methods, by name.
        sampling: What a sample takes, FLOPs and evaluations of networks, by method.
        suite: The suite, a part of the manifest as all below.
        configuration: The settings that were asked for; by default, the datasets and methods without any.
    """

    scores: Mapping[str, Mapping[str, Any]]
    name: str = METRIC
    better: str = "higher"
    best: float | None = None
    scale: str = "linear"
    ranked: bool = True
    samples: int = 500
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    modes: int = 0
    budget: str | Budget = BUDGET
    files: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metric: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sampling: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    suite: str = SUITE
    configuration: Mapping[str, Any] | None = None
    commit: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    def write(self, root):
        """Writes the run to a directory, and returns its store."""
        store = Store(root)
        store.write_manifest(self.manifest())
        for dataset, trials_by_method in self.scores.items():
            for method, trials in trials_by_method.items():
                for seed, trial in by_seed(trials).items():
                    self.write_trial(store, dataset, method, seed, trial)
        return store

    def write_trial(self, store, dataset, method, seed, trial):
        """Writes a trial, or why it failed."""
        cell = self.cell(dataset, method, seed)
        if trial == "failed":
            store.trials.write_error(cell, "made up")
            return
        final = {}
        for metric, facts in self.others.items():
            if method in facts["scores"]:
                final[metric] = facts["scores"][method][seed]
        written = made_up_trial(method, seed, trial, self.name, final)
        if method in self.sampling:
            flops, evaluations = self.sampling[method]
            written.audit |= {"sample_flops": flops, "sample_evaluations": evaluations}
        store.trials.write(cell, [written], DatasetFacts(self.modes, self.facts()))

    def cell(self, dataset, method, seed):
        """The cell of a trial."""
        return Cell(
            suite=self.suite,
            dataset=Configured(dataset, dict(self.data)),
            method=Configured(method, self.methods.get(method, {})),
            metrics=(
                Configured(self.name, dict(self.metric)),
                *(Configured(other, {}) for other in self.others),
            ),
            budget=parse_budget(self.budget) if isinstance(self.budget, str) else self.budget,
            group=(seed,),
            wanted=(seed,),
            files=self.files,
        )

    def facts(self):
        """How to read the metrics, by name."""
        plain = {
            "better": "higher",
            "bounds": [None, None],
            "best": None,
            "scale": "linear",
            "ranked": True,
            "samples": self.samples,
        }
        own = {"better": self.better, "best": self.best, "scale": self.scale, "ranked": self.ranked}
        facts = {self.name: {**plain, **own}}
        for metric, of_metric in self.others.items():
            facts[metric] = {key: of_metric.get(key, plain[key]) for key in plain}
        return facts

    def manifest(self):
        """The content of the manifest."""
        groups = {}
        requested = {}
        for dataset, trials_by_method in self.scores.items():
            groups[dataset] = {}
            for method, trials in trials_by_method.items():
                groups[dataset][method] = [{"seeds": [seed], "compiled": False} for seed in by_seed(trials)]
                if method not in CALIBRATION_ROWS:
                    requested[method] = self.methods.get(method, {})
        plain = {
            "datasets": {dataset: {} for dataset in self.scores},
            "methods": dict.fromkeys(self.scores, requested),
        }
        return {
            "suite": self.suite,
            "command": [],
            "configuration": self.configuration or plain,
            "commit": self.commit,
            "groups": groups,
            "metrics": dict.fromkeys(self.scores, self.facts()),
            "modes": dict.fromkeys(self.scores, self.modes),
            "costs": {},
            "fingerprints": self.fingerprints,
            "files": {},
            "versions": self.versions,
            "hardware": self.hardware,
        }


def made_up_run(root, scores, **parts):
    """Writes a run and returns its store; `parts` are attributes of `MadeUpRun`."""
    return MadeUpRun(scores, **parts).write(root)


def by_seed(trials):
    """Trials by seed, which are counted where trials are a list."""
    return trials if isinstance(trials, dict) else dict(enumerate(trials))


def made_up_trial(method, seed, points, name, others):
    """A trial with these values at the evaluation points, and final values of other metrics."""
    if not isinstance(points, list):
        points = [points]
    scores = [{name: point} for point in points if point is not None]
    trial = Trial(seed, audit={"group": [seed], "compiled": False, "peak_memory_bytes": 1})
    if scores:
        trial.metrics |= scores[-1]  # also of a trial that diverged
    if points[-1] is None:
        trial.status = "diverged"
    else:
        trial.metrics |= others
    if method not in CALIBRATION_ROWS:
        trial.curve = [made_up_point(*numbered) for numbered in enumerate(scores, 1)]
    return trial


def made_up_point(number, scores):
    """An evaluation point, counted from 1."""
    spent = {key: number * amount for key, amount in SPENT.items()}
    return {"point": number, **spent, "metrics": scores}


def made_up_tables(root, scores, **parts):
    """The tables of such a run; arguments as those of `made_up_run`."""
    return make_tables(read_run(made_up_run(root, scores, **parts).root))


def report_of(store, extras=()):
    """Writes the report of a run, and returns it."""
    return write_report(store, read_run(store.root), extras)


def paper_run(
    root, scores, suite="pacgan-2018", dataset="ring", name="modes", changed=None, budget=None, **parts
):
    """A run of a suite that reproduces a paper, on one dataset and with one metric of it.

    `scores` holds the trials by method. Settings are the suite's own but for those in `changed`, by
    `owner.field`.
    """
    suite = get_suite(suite)
    exceptions = {dataset: {**suite.exceptions.get(dataset, {}), **(changed or {})}}
    settings = replace(suite, exceptions=exceptions).settings_on(dataset)
    data = DATASETS.build(dataset, settings.get(dataset, {}))
    metric = METRICS.build(name, settings.get(name, {}))
    methods = {}
    for method in scores:
        if method not in CALIBRATION_ROWS:
            methods[method] = resolved(METHODS.build(method, settings.get(method, {})))
    return made_up_run(
        root,
        {dataset: scores},
        suite=suite.name,
        name=name,
        better=metric.better,
        budget=budget or suite.budgets[dataset],
        data=resolved(data),
        metric=resolved(metric.on(data)),
        methods=methods,
        **parts,
    )
