"""`python -m benchmark sanity`."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from pathlib import Path

import torch

from benchmark.commands.plugins import load_plugins
from benchmark.commands.sanity.checks import CHECKS
from benchmark.commands.sanity.measure import Measured, measure_course
from benchmark.commands.sanity.table import Result, failures, markdown, results_of, values_table
from benchmark.errors import UsageError, tell
from benchmark.metric import Metric
from benchmark.records.sealed_files import write_at_once
from benchmark.records.writable import check_writable
from benchmark.registry import METRICS
from benchmark.running.interruption import deaf_children

__all__ = ["sanity", "suitable_metrics"]

PAGE, VALUES = "sanity.md", "sanity.csv"
"""The files that are written."""


def suitable_metrics() -> list[str]:
    """The metrics that apply to some check. One of the generator is taken by its score of samples alone."""
    metrics = {name: METRICS.build(name, {}) for name in METRICS.names()}
    generator = torch.Generator().manual_seed(0)
    suitable = set()
    for check in CHECKS:
        course = check.courses[0]
        data = course.step(course.values[0], generator).data
        suitable |= {name for name, metric in metrics.items() if metric.applies(data)}
    return [name for name in metrics if name in suitable]


def sanity(names: Sequence[str] | None, plugins: Sequence[str], workers: int, out: Path) -> None:
    """Measures metrics on all checks, prints the tables and writes them.

    Arguments:
        names: The metrics; `None` for all that some check is for.
        plugins: The files that register them, if any do.
        workers: Processes to measure with.
        out: The directory for `sanity.md` and `sanity.csv`.

    Raises:
        UsageError: If no check is for one of the metrics, or the directory cannot be written to.
    """
    suitable = suitable_metrics()
    names = names or suitable
    for name in names:
        if name not in suitable:
            raise UsageError(
                f"--metrics {name}: no sanity check is for it; choose from {', '.join(suitable)}"
            )
    metrics = {name: METRICS.build(name, {}) for name in names}
    _check_out(out)
    results = _measure(metrics, plugins, workers)
    table = markdown(results, metrics, CHECKS)
    print(table)
    for name, failed in failures(results).items():
        print(f"{name} fails: {', '.join(failed)}")
    out.mkdir(parents=True, exist_ok=True)
    write_at_once(out / PAGE, _page(table).encode())
    write_at_once(out / VALUES, values_table(results).to_csv(index=False, float_format="%.6g").encode())


def _check_out(out: Path) -> None:
    check_writable(f"--out {out}", out)
    if not out.exists():
        return
    for path in out.iterdir():
        if path.name not in (PAGE, VALUES) and not path.name.startswith("."):
            raise UsageError(
                f"--out {out}: holds {path.name}, which is of something else; give a new directory"
            )


def _measure(metrics: dict[str, Metric], plugins: Sequence[str], workers: int) -> list[Result]:
    """The results on all courses, in their order."""
    places: list[tuple[int, int]] = []
    for i, check in enumerate(CHECKS):
        places += [(i, j) for j in range(len(check.courses))]
    measured: dict[tuple[int, int], dict[str, Measured]] = {}
    others = active_children()
    # A fresh interpreter: one that has used threads cannot be forked.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare_worker, (tuple(plugins),))
    try:
        with deaf_children():
            tasks = {pool.submit(_measure_one, place, tuple(metrics)): place for place in places}
        for task in as_completed(tasks):
            measured[tasks[task]] = task.result()
            tell(f"{len(measured)} of {len(places)} courses measured")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            if process not in others:  # what it still measures, after an interruption, is of no use
                process.terminate()
    results = []
    for i, j in places:
        check = CHECKS[i]
        results += results_of(check, check.courses[j], measured[i, j], metrics)
    return results


def _prepare_worker(plugins: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    load_plugins(plugins)


def _measure_one(place: tuple[int, int], names: tuple[str, ...]) -> dict[str, Measured]:
    """The scores of metrics on one course, which is named by its place: courses cannot be sent."""
    i, j = place
    check = CHECKS[i]
    return measure_course(check, check.courses[j], {name: METRICS.build(name, {}) for name in names})


def _page(table: str) -> str:
    questions = "\n".join(f"* **{check.title}**: {check.question}" for check in CHECKS)
    return f"{INTRODUCTION}\n{questions}\n\n{table}"


INTRODUCTION = """# Sanity checks of metrics

Made by `python -m benchmark sanity`. Each check changes the samples, or real data, step by step, in a way
whose effect on fidelity and on diversity everyone knows. Most checks have several courses, in 1 to 128
dimensions; a metric passes a check if it passes all of them. `sanity.csv` has every score.

The first mark of a cell says whether the course of the scores is right: high where samples are as real data
and low where they are not, or flat where nothing changes that the metric judges. The second mark says whether
single scores are right within 0.05: 1 where samples are as real data, 0 where they have nothing in common
with it; `–` for metrics without a greatest value. An empty cell: the metric does not apply, such as one of
modes where there are none.

What changes along each check:
"""
