"""Python's way to run and to read: `from benchmark import run, load_results`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.commands.explore.options import EXPLORE_OPTIONS, read_explore_options
from benchmark.commands.option_values import Assignment, as_text
from benchmark.commands.run import print_failures, run_and_report
from benchmark.commands.run_options import RUN_OPTIONS, read_run_options
from benchmark.datasets import places
from benchmark.errors import UsageError, complain
from benchmark.records.layout import TrialId
from benchmark.records.results import Results, read_scores
from benchmark.records.store import Store
from benchmark.registry import use_own_packages, user_path
from benchmark.report.pictures.own_style import own_style
from benchmark.report.pictures.plots import figures
from benchmark.report.scores import COST_HEADINGS, score_rows
from benchmark.report.tables.tables import Tables, make_tables
from benchmark.report.view import DatasetView
from benchmark.report.words import AGAINST
from benchmark.running.interruption import Interruption

__all__ = ["Run", "load_results", "run"]


@dataclass(frozen=True, repr=False)
class Run:
    """The results of a run, as pandas frames.

    The frames are those of the CSV files of that name; docs/results.md and docs/report.md explain their
    columns.

    Attributes:
        directory: The directory of the run.
        results: Its records, and what is damaged or failed.
        tables: Its tables.
    """

    directory: Path
    results: Results
    tables: Tables

    def __repr__(self) -> str:
        counts = self.trials["status"].value_counts()
        states = [f"{count} {state}" for state, count in counts.items()] or ["no trials"]
        if self.results.missing:
            states.append(f"{len(self.results.missing)} missing")
        return f"<Run of suite {self.results.suite!r} in {self.directory}: {', '.join(states)}>"

    @property
    def trials(self) -> pd.DataFrame:
        """One row per dataset, method and seed."""
        return self.tables.trials

    @property
    def summary(self) -> pd.DataFrame:
        """One row per dataset, method and metric: mean, standard deviation, interval, best, worst, rank."""
        return self.tables.summary

    @property
    def curves(self) -> pd.DataFrame:
        """One row per dataset, method, seed, evaluation point and metric."""
        return self.tables.curves

    @property
    def pairwise(self) -> pd.DataFrame:
        """One row per dataset, metric and pair of methods: the difference of means, its interval and
        its test.
        """
        return self.tables.pairwise

    def figure(self, dataset: str, name: str = "metrics", against: str | None = None) -> Figure:
        """A picture of the run, as in its `plots/`.

        Arguments:
            dataset: The dataset.
            name: `samples`, `metrics`, `curves` or `cost`; of images also `mode-counts`, `nearest` or
                `reconstructions`; of a suite that reproduces a paper also `published`.
            against: What `curves` are drawn against: `flops`, `device_seconds`, `generator_steps` or
                `samples_seen`; by default the unit of the budget.

        Raises:
            UsageError: If the run has no such picture.
            DamagedError: If the samples are not the ones that were written.
        """
        if against is not None and against not in AGAINST:
            raise UsageError(f"figure: against {against!r}; choose from {', '.join(AGAINST)}")
        others = []
        with own_style():
            for picture, figure in figures(self._view(dataset), against):
                if picture == name:
                    return figure
                others.append(picture)
        raise UsageError(f"figure: no picture {name!r} of {dataset}; there are {', '.join(others) or 'none'}")

    def samples(self, dataset: str, method: str, seed: int) -> np.ndarray:
        """The samples that were kept of a trial, shape (N, *); images have 8 bits.

        Raises:
            UsageError: If there is no such finished trial, or it kept none.
            DamagedError: If the file is not the one that was written.
        """
        record = self.results.record(TrialId(dataset, method, seed))
        arrays = {} if record is None else Store(self.directory).trials.arrays(record)
        if "samples" in arrays:
            return arrays["samples"]
        raise UsageError(f"samples: {self.directory} has none of {method} on {dataset} with seed {seed}")

    def scores(self, dataset: str) -> pd.DataFrame:
        """The scores of a dataset for people: a row per method, a column per metric, and what a sample takes.

        A score is the mean ± half of its 95 % interval; of a metric on a logarithmic scale, the median and
        its interval.
        """
        rows = {}
        for row in score_rows(self._view(dataset)):
            texts = {metric: score.text for metric, score in row.scores.items()}
            costs = dict(zip(COST_HEADINGS, row.costs, strict=True))
            rows[row.label] = {"seeds": row.seeds, **texts, **costs}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")

    def explore(
        self,
        dataset: str,
        *,
        data_root: str | Path | None = None,
        fid_weights: str | Path | None = None,
        **options: Any,
    ) -> pd.DataFrame:
        """Explores the latents of the models of a run, as the command `explore` does, and writes what it
        writes.

        Arguments:
            dataset: The dataset.
            data_root: The directory of the image datasets, if needed.
            fid_weights: The file with Inception's weights, if needed.
            options: `methods`, `seeds`, `steps`, `pairs`, `image`, `loss`, `starts`, `iterations`,
                `array`, `range` and `device`, as those of the command.

        Returns:
            The rows of `explore.csv`.

        Raises:
            UsageError: If there is nothing to explore, or an option is wrong.
        """
        for name in options:
            if name not in EXPLORE_OPTIONS:
                raise UsageError(f"explore: unknown option {name!r}; there are {', '.join(EXPLORE_OPTIONS)}")
        texts = {}
        for name, value in options.items():
            texts[name] = None if value is None else as_text(name, _plain(value), "explore")
        use_own_packages()
        from benchmark.commands.explore.command import explore  # imports metrics

        root = None if data_root is None else str(data_root)
        weights = None if fid_weights is None else str(fid_weights)
        with places.using(root, weights):
            return explore(self.directory, read_explore_options(dataset, texts)).summary

    def _view(self, dataset: str) -> DatasetView:
        if dataset not in self.results.datasets:
            datasets = ", ".join(self.results.datasets) or "none"
            raise UsageError(f"{self.directory} has no dataset {dataset!r}; it has {datasets}")
        return DatasetView(Store(self.directory), self.results, self.tables, dataset)


def load_results(directory: str | Path) -> Run:
    """Reads the results of a run, finished or not. Writes nothing; damaged records are reported and skipped.

    Raises:
        UsageError: If there is no run, or one of another version.
    """
    folder = user_path(directory).absolute()
    results = read_scores(folder)
    problems: list[str] = []
    tables = make_tables(results, problems)
    for damage in results.damaged:
        complain(f"{damage}; left out")
    for problem in problems:
        complain(problem)
    return Run(folder, results, tables)


def run(
    suite: str | Path,
    *,
    datasets: Sequence[str] | None = None,
    methods: Sequence[str] | str | None = None,
    metrics: Sequence[str] | str | None = None,
    seeds: int | Sequence[int] = 5,
    budget: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    track: str | Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    plugins: str | Path | Sequence[str | Path] = (),
    **options: Any,
) -> Run:
    """Trains and scores methods under equal budgets, writes what `python -m benchmark run` writes, and
    returns it.

    It continues a run that was interrupted, and shows progress on stderr.

    Arguments:
        suite: The suite's name, or a TOML file that holds one.
        datasets: Some of the suite's datasets; all of them by default.
        methods: Methods, or `"all"`; the suite's own by default.
        metrics: Metrics, or `"+mine"` for metrics in addition to the suite's own; the suite's own by default.
        seeds: 5 for the seeds 0 to 4, or a list of seeds.
        budget: Per trial, such as `"1e12flops"`; the suite's by default.
        settings: Settings by owner: `{"wgan-gp": {"penalty": 1}}`, over those of the track.
        track: The command line's `--settings`: `"published"`, `"tuned"` or the `tuned.toml` of a search;
            `"tuned"` by default, for suites that come with tuned settings.
        out: The directory; `results/SUITE` by default.
        fresh: Whether to move an existing run aside.
        plugins: One or more files that register methods, datasets, metrics or suites.
        options: Any other option of a configuration file, with `_` for `-`: `device="cpu"`, `workers=2`,
            `data_root="..."`.

    Raises:
        UsageError: If something in the request is wrong, in one line; no trial has been changed then.
        KeyboardInterrupt: If it was interrupted; what was trained is saved.
    """
    if not isinstance(fresh, bool):
        raise UsageError(f"run: fresh={fresh!r}: give True or False")
    _check_options(options)
    files = [plugins] if isinstance(plugins, str | Path) else plugins
    arguments = {
        "suite": suite,
        "datasets": datasets,
        "methods": methods,
        "metrics": metrics,
        "seeds": seeds,
        "budget": budget,
        "set": settings,
        "settings": track,
        "out": out,
        "plugin": [str(file) for file in files] or None,
    }
    for name, value in options.items():
        arguments[name.replace("_", "-")] = value
    texts = {}
    for name, value in arguments.items():
        if value is not None:
            texts[name] = as_text(name, _plain(value), "run")
    with Interruption():
        run_options = read_run_options(texts, fresh)
        outcome = run_and_report(run_options, list(_command(texts)))
    print_failures(outcome)
    report = outcome.report
    return Run(report.directory, report.results, report.tables)


def _check_options(options: Mapping[str, Any]) -> None:
    others = [name.replace("-", "_") for name in RUN_OPTIONS if name not in ("set", "settings", "plugin")]
    names = [*others, "settings", "track", "plugins", "fresh"]
    for name in options:
        if name not in names:
            raise UsageError(f"run: unknown option {name!r}; there are {', '.join(names)}")


def _plain(value: Any) -> Any:
    """Sequences and arrays as lists, paths as texts."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return value


def _command(texts: Mapping[str, Any]) -> Iterator[str]:
    """The command line that does the same."""
    yield from ("benchmark", "run")
    for name, value in texts.items():
        if name == "set":
            for assignment in value:
                yield from ("--set", _assignment(assignment))
        elif isinstance(value, list):
            for item in value:
                yield from (f"--{name}", item)
        elif value is True:
            yield f"--{name}"
        elif value is not False:
            yield from (f"--{name}", value)


def _assignment(assignment: Assignment) -> str:
    value = assignment.value
    if isinstance(value, bool):
        value = str(value).lower()
    return f"{assignment.owner}.{assignment.field}={value}"
