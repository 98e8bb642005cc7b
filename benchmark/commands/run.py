"""The main job, from options to a report: what the command line and Python's `run` share. Imports nothing heavy until it must."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.commands import options
from benchmark.commands.options import EXTRAS
from benchmark.datasets import places
from benchmark.errors import UsageError, complain
from benchmark.registry import DATASETS, METHODS, METRICS, Registry, load_plugin
from benchmark.suites import get_suite

if TYPE_CHECKING:
    from benchmark.plan.plan import Request
    from benchmark.records.store import Store
    from benchmark.report.write import Report
    from benchmark.running.run import Limits, Outcome

__all__ = [
    "KINDS",
    "RUN_OPTIONS",
    "Job",
    "carry_out",
    "extras_of",
    "load_plugins",
    "make_job",
    "show_plan",
    "tell",
]

LIMITS = ("checkpoint-every", "stall-timeout", "worker-memory")
RUN_OPTIONS = (
    *("suite", "datasets", "methods", "seeds", "budget", "out", "device", "workers", "compile", "plugin"),
    *("data-root", "fid-features", "fid-weights", "set", "executor", "ray-address", *LIMITS, *EXTRAS),
)
FEATURE_METRICS = ("fid", "precision", "recall", "density", "coverage")
KINDS: dict[str, Registry] = {"methods": METHODS, "datasets": DATASETS, "metrics": METRICS}


@dataclass(frozen=True)
class Job:
    """What to run, where to keep it, and where and how to run it.

    Attributes:
        request: What to train and score.
        store: Where to keep it.
        limits: What cells may take.
        executor: `local` or `ray`.
        workers: Worker processes; `None` for one per processor.
        memory: Bytes that a worker may hold; `None` for its share of the machine's.
        ray_address: Of the Ray cluster, if one is given.
        data_root: Where the image datasets are, if that is given.
        fid_weights: Where the weights of Inception are, if that is given.
        extras: What to write besides, of `EXTRAS`.
    """

    request: "Request"
    store: "Store"
    limits: "Limits"
    executor: str
    workers: int | None
    memory: float | None
    ray_address: str | None
    data_root: str | None
    fid_weights: str | None
    extras: tuple[str, ...]


def load_plugins(plugins: Sequence[str]) -> list[str]:
    """Loads plug-in files and returns what they registered."""
    return [name for file in plugins for name in load_plugin(Path(file))]


def extras_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of `EXTRAS` that are asked for.

    Raises:
        UsageError: If a library is missing that one of them takes.
    """
    extras = tuple(name for name in EXTRAS if given.get(name))
    for name in extras:
        if find_spec(EXTRAS[name]) is None:
            raise UsageError(
                f"--{name}: needs {EXTRAS[name]}, which is not installed; pip install 'mode-collapse-benchmark[{name}]'"
            )
    return extras


def make_job(given: Mapping[str, Any], fresh: bool = False) -> Job:
    """Reads options as the command line gives them, by name without dashes in front. Loads plug-ins; writes nothing.

    Raises:
        UsageError: If one of them is missing or wrong.
    """
    suite = get_suite(options.required(given, "suite"))
    plugins = tuple(str(Path(file).resolve()) for file in given.get("plugin") or ())
    load_plugins(plugins)
    chosen = {name: options.names(name, given.get(name)) for name in ("datasets", "methods")}
    for kind, names in chosen.items():
        for name in names or ():
            if (kind, name) != ("methods", "all"):
                KINDS[kind].check(name)
    seeds = options.seeds(given.get("seeds", "5"))
    compile = options.choice("--compile", given.get("compile", "auto"), ("auto", "on", "off"))
    executor = options.choice("--executor", given.get("executor", "local"), ("local", "ray"))
    if "ray-address" in given and executor != "ray":
        raise UsageError("--ray-address: is for --executor ray")
    workers = options.count("--workers", given["workers"]) if "workers" in given else None
    memory = options.size("--worker-memory", given["worker-memory"]) if "worker-memory" in given else None
    every = given.get("checkpoint-every", "60s")
    every = None if every == "off" else options.seconds("--checkpoint-every", every)
    timeout = options.seconds("--stall-timeout", given.get("stall-timeout", "30min"))
    settings = options.settings(given.get("set") or ())
    for name in set(FEATURE_METRICS) & set(suite.metrics) if "fid-features" in given else ():
        settings[name] = {"features": given["fid-features"], **settings.get(name, {})}
    extras = extras_of(given)

    from benchmark.plan.devices import choose_device
    from benchmark.plan.plan import Request
    from benchmark.records.store import Store
    from benchmark.running.run import Limits

    device = choose_device(given.get("device", "auto"))
    request = Request(
        suite.name,
        seeds,
        chosen["datasets"],
        chosen["methods"],
        given.get("budget"),
        settings,
        device,
        compile,
        plugins,
    )
    store = Store(Path(given.get("out") or Path("results") / suite.name))
    store.check(suite.name, fresh=fresh)
    places = given.get("ray-address"), given.get("data-root"), given.get("fid-weights")
    return Job(request, store, Limits(every, timeout), executor, workers, memory, *places, extras)


def show_plan(job: Job, fresh: bool) -> str:
    """The cells that the job would run, with their costs. Damaged records are complained of."""
    from benchmark.plan.dry_run import describe
    from benchmark.plan.plan import make_plan
    from benchmark.plan.remaining import groups_of, prepare
    from benchmark.records.store import NOTHING
    from benchmark.running.executors.machine import default_workers

    with places.using(job.data_root, job.fid_weights):
        survey = NOTHING if fresh else job.store.survey()
        prepared = prepare(job.request, make_plan(job.request), survey, {} if fresh else groups_of(job.store))
        for damage in survey.damaged:
            complain(f"{damage}; its trial would be trained again")
        return describe(prepared, job.workers or default_workers(job.request.device))


def carry_out(job: Job, fresh: bool, command: Sequence[str]) -> "tuple[Outcome, Report]":
    """Runs all that is missing and writes the report.

    Arguments:
        job: The job.
        fresh: Whether to move an existing run aside.
        command: What the manifest tells of how to repeat it.

    Raises:
        UsageError: If the request is wrong; nothing has been written then.
        Interrupted: If the run was asked to end.
        OSError: If something cannot be written.
    """
    from benchmark.plan.plan import make_plan
    from benchmark.plan.remaining import groups_of, prepare
    from benchmark.records.lock import RunLock
    from benchmark.records.store import NOTHING
    from benchmark.report.write import write_report
    from benchmark.running.executors.choose import make_executor
    from benchmark.running.run import run

    store = job.store
    with places.using(job.data_root, job.fid_weights):
        executor = make_executor(job.executor, job.request.device, job.workers, job.memory, job.ray_address)
        plan = make_plan(job.request)
        # What is wrong with the request is told before anything is written or moved.
        prepare(job.request, plan, NOTHING if fresh else store.survey(), {} if fresh else groups_of(store))
        if fresh:
            with RunLock(store.root):
                aside = store.set_aside()
            if aside:
                print(f"the old run is now {aside}", file=sys.stderr)
        with RunLock(store.root) as lock:
            if lock.left_by:
                complain(
                    f"{lock.left_by} was working in {store.root} and was killed; going on from what it saved"
                )
            outcome = run(job.request, plan, store, executor, job.limits, command)
            report = write_report(store, job.extras)
            return replace(outcome, reported=not report.problems), report


def tell(outcome: "Outcome") -> bool:
    """Complains of what failed in a run, and returns whether nothing did."""
    for failure in outcome.failed:
        complain(f"failed: {failure}")
    return outcome.reported and not outcome.failed
