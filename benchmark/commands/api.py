"""Python's way to run and to read: `from benchmark import run, load_results`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.commands.options import as_text
from benchmark.commands.run import RUN_OPTIONS, carry_out, make_job, tell
from benchmark.errors import UsageError, complain
from benchmark.records.results import Results, read_run
from benchmark.records.store import Store
from benchmark.report.pictures.plots import figures
from benchmark.report.scores import score_rows
from benchmark.report.tables.tables import Tables, make_tables
from benchmark.report.view import DatasetView
from benchmark.report.words import AGAINST
from benchmark.running.interruption import Interruption

__all__ = ["Run", "load_results", "run"]


@dataclass(frozen=True, repr=False)
class Run:
    """What a run has left, as pandas frames. The frames are those of the CSV files of that name; docs/results.md says what their columns are.

    Attributes:
        directory: The directory of the run.
        results: Its records, and what is damaged or failed.
        tables: Its tables.
    """

    directory: Path
    results: Results
    tables: Tables

    def __repr__(self) -> str:
        states = ", ".join(
            f"{count} {state}" for state, count in self.trials["status"].value_counts().items()
        )
        missing = f", {len(self.results.missing)} missing" if self.results.missing else ""
        return f"<Run of suite {self.results.suite!r} in {self.directory}: {states or 'no trials'}{missing}>"

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
        """One row per dataset, metric and pair of methods: the difference by seed, its interval and its test."""
        return self.tables.pairwise

    def figure(self, dataset: str, name: str = "metrics", against: str | None = None) -> Figure:
        """A picture of the run, as in its `plots/`.

        Arguments:
            dataset: The dataset.
            name: `samples`, `metrics` or `curves`; of images also `mode-counts`, `nearest` or `reconstructions`; of a suite that reproduces a
                paper also `published`.
            against: What `curves` are drawn against: `flops`, `device_seconds`, `generator_steps` or `samples_seen`; by default
                what the budget is of.

        Raises:
            UsageError: If the run has no such picture.
            DamagedError: If the samples to show are not the ones that were written.
        """
        if against is not None and against not in AGAINST:
            raise UsageError(f"figure: against {against!r}; choose from {', '.join(AGAINST)}")
        others = []
        for found, figure in figures(self._shown(dataset), against):
            if found == name:
                return figure
            others.append(found)
        raise UsageError(f"figure: no picture {name!r} of {dataset}; there are {', '.join(others) or 'none'}")

    def samples(self, dataset: str, method: str, seed: int) -> np.ndarray:
        """The samples that were kept of a trial, shape (N, *); images have 8 bits.

        Raises:
            UsageError: If there is no such finished trial, or it kept none.
            DamagedError: If the file is not the one that was written.
        """
        for record in self.results.records:
            if (record["dataset"], record["method"], record["seed"]) == (dataset, method, seed):
                arrays = Store(self.directory).arrays(record)
                if "samples" in arrays:
                    return arrays["samples"]
        raise UsageError(f"samples: {self.directory} has none of {method} on {dataset} with seed {seed}")

    def scores(self, dataset: str) -> pd.DataFrame:
        """The scores of a dataset as people read them: a row per method, a column per metric, mean and half of the 95 % interval."""
        rows = score_rows(self._shown(dataset))
        texts = {
            row.method: {"seeds": row.seeds, **{metric: score.text for metric, score in row.scores.items()}}
            for row in rows
        }
        return pd.DataFrame.from_dict(texts, orient="index").rename_axis("method")

    def _shown(self, dataset: str) -> DatasetView:
        if dataset not in self.results.datasets:
            raise UsageError(
                f"{self.directory} has no dataset {dataset!r}; it has {', '.join(self.results.datasets) or 'none'}"
            )
        return DatasetView(Store(self.directory), self.results, self.tables, dataset)


def load_results(directory: str | Path) -> Run:
    """Reads what a run has left, finished or not. Writes nothing; damaged records are told of and left out.

    Raises:
        UsageError: If there is no run, or one of another version.
    """
    results = read_run(Path(directory))
    for damage in results.damaged:
        complain(f"{damage}; left out")
    problems: list[str] = []
    tables = make_tables(results, problems)
    for problem in problems:
        complain(problem)
    return Run(Path(directory).absolute(), results, tables)


def run(
    suite: str,
    *,
    datasets: Sequence[str] | None = None,
    methods: Sequence[str] | str | None = None,
    seeds: int | Sequence[int] = 5,
    budget: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    plugins: str | Path | Sequence[str | Path] = (),
    **options: Any,
) -> Run:
    """Trains and scores methods under equal budgets, writes what `python -m benchmark run` writes, and returns it.

    It continues a run that was interrupted, and shows progress on stderr.

    Arguments:
        suite: The suite's name.
        datasets: Some of the suite's datasets; all of them by default.
        methods: Methods, or `"all"`; the suite's own by default.
        seeds: 5 for the seeds 0 to 4, or a list of seeds.
        budget: Per trial, such as `"1e12flops"`; the suite's by default.
        settings: Settings by owner: `{"wgan-gp": {"penalty": 1}}`.
        out: The directory; `results/SUITE` by default.
        fresh: Whether to move an existing run aside.
        plugins: One or more files that register methods, datasets or metrics.
        options: Any other option of a configuration file, with `_` for `-`: `device="cpu"`, `workers=2`, `data_root="..."`.

    Raises:
        UsageError: If something in the request is wrong, in one line; nothing has been written then.
        KeyboardInterrupt: If it was interrupted; what was trained is saved.
    """
    if not isinstance(fresh, bool):
        raise UsageError(f"run: fresh={fresh!r}: give True or False")
    plugins = [plugins] if isinstance(plugins, str | Path) else plugins
    named = {
        "suite": suite,
        "datasets": datasets,
        "methods": methods,
        "seeds": seeds,
        "budget": budget,
        "set": settings,
        "out": out,
    }
    given = (
        named
        | {"plugin": [str(file) for file in plugins] or None}
        | {name.replace("_", "-"): value for name, value in options.items()}
    )
    known = [name.replace("-", "_") for name in RUN_OPTIONS if name not in ("set", "plugin")] + [
        "settings",
        "plugins",
        "fresh",
    ]
    for name in options:
        if name not in known:
            raise UsageError(f"run: unknown option {name!r}; there are {', '.join(known)}")
    texts = {name: as_text(name, _plain(value), "run") for name, value in given.items() if value is not None}
    with Interruption():
        job = make_job(texts, fresh)
        outcome, report = carry_out(job, fresh, list(_command(texts)))
    tell(outcome)
    return Run(job.store.root, report.results, report.tables)


def _plain(value: Any) -> Any:
    """Sequences and arrays as lists, paths as texts."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _command(texts: Mapping[str, Any]) -> Iterator[str]:
    """The command line that does the same."""
    yield from ("benchmark", "run")
    for name, value in texts.items():
        if name == "set":
            for owner, field, item in value:
                yield from (
                    "--set",
                    f"{owner}.{field}={str(item).lower() if isinstance(item, bool) else item}",
                )
        elif isinstance(value, list):
            for item in value:
                yield from (f"--{name}", item)
        elif value is True:
            yield f"--{name}"
        elif value is not False:
            yield from (f"--{name}", value)
