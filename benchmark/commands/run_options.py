"""The options of `run`, read and checked. Imports nothing heavy, so that a mistake is reported at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmark.commands import option_values
from benchmark.commands.plugins import load_plugins
from benchmark.errors import UsageError
from benchmark.plan.request import Request
from benchmark.registry import DATASETS, METHODS, user_path
from benchmark.running.executors.options import EXECUTORS, ExecutorOptions, require_ray
from benchmark.running.limits import Limits
from benchmark.suites import Suite, find_or_read_suite
from benchmark.suites.budget import parse_budget
from benchmark.suites.search import MOST_SEEDS_OF_A_POINT, Rung, Search, most_rungs
from benchmark.suites.tuned import TunedFile, read_tuned, shipped_tuning

__all__ = ["RUN_OPTIONS", "TUNE_OPTIONS", "RunOptions", "read_run_options", "read_tune_options"]

T = TypeVar("T")

RUN_OPTIONS = (
    "suite",
    "datasets",
    "methods",
    "metrics",
    "seeds",
    "budget",
    "out",
    "device",
    "workers",
    "compile",
    "plugin",
    "data-root",
    "fid-features",
    "fid-weights",
    "set",
    "settings",
    "executor",
    "ray-address",
    "checkpoint-every",
    "stall-timeout",
    "worker-memory",
    *option_values.FLAGS,
)
"""The options that a file may have, too."""

TUNE_OPTIONS = (
    *[name for name in RUN_OPTIONS if name not in ("metrics", "settings", *option_values.FLAGS)],
    "trials",
    "halving",
    "rungs",
)
"""Those of a search."""

MOST_POINTS = 4096
"""The most points of a search."""

MOST_HALVING = 16
"""The most points of which one goes on."""


@dataclass(frozen=True)
class RunOptions:
    """What to run, where to keep it, and where and how to run it.

    Attributes:
        request: What to train and score.
        out: The directory to keep it in.
        fresh: Whether to move an existing run aside.
        limits: What cells may take.
        executor: Where cells run.
        data_root: The directory of the image datasets, if one was given.
        fid_weights: The file with Inception's weights, if one was given.
        explore: Whether to explore the latents of the models, with each method's lowest seed.
        extras: The parts of the report that are only made on request, of `EXTRAS`.
    """

    request: Request
    out: Path
    fresh: bool
    limits: Limits
    executor: ExecutorOptions
    data_root: str | None
    fid_weights: str | None
    explore: bool
    extras: tuple[str, ...]


def read_tune_options(texts: Mapping[str, Any], fresh: bool = False) -> RunOptions:
    """Reads the options of a search, as those of a run."""
    points = option_values.count("--trials", texts.get("trials", "32"), most=MOST_POINTS)
    seeds = option_values.count("--seeds", texts.get("seeds", "2"), most=MOST_SEEDS_OF_A_POINT)
    search = Search(points, seeds)
    if texts.get("halving", "off") != "off":
        if not texts["halving"].isdigit():
            raise UsageError(
                f"--halving {texts['halving']!r}: give off, or a number from 2 to {MOST_HALVING}"
            )
        halving = option_values.count("--halving", texts["halving"], least=2, most=MOST_HALVING)
        most = most_rungs(points, halving)
        if most < 2:
            raise UsageError(f"--halving {halving}: needs at least as many --trials, of which one goes on")
        rungs = option_values.count("--rungs", texts.get("rungs", str(most)), least=1, most=most)
        search = search._replace(halving=halving, rungs=rungs)
    elif "rungs" in texts:
        raise UsageError(f"--rungs {texts['rungs']}: is for successive halving; give --halving, too")
    return read_run_options(texts, fresh, search)


def read_run_options(
    texts: Mapping[str, Any], fresh: bool = False, search: Search | None = None
) -> RunOptions:
    """Reads options. Loads plug-ins and the file of a suite; writes nothing.

    Arguments:
        texts: Values as the command line has them, by the option's name without its dashes.
        fresh: Whether to move an existing run aside.
        search: The search that it is, if it is one.

    Raises:
        UsageError: If one of them is missing or wrong.
    """
    executor = _read_executor(texts)
    request = _read_request(texts, search)
    default = request.suite.name if search is None else f"{request.suite.name}-search"
    return RunOptions(
        request=request,
        out=option_values.path("--out", texts.get("out", f"results/{default}")),
        fresh=fresh,
        limits=_read_limits(texts),
        executor=executor,
        data_root=texts.get("data-root"),
        fid_weights=texts.get("fid-weights"),
        explore=texts.get("explore", False),
        extras=option_values.extras(texts),
    )


def _read_executor(texts: Mapping[str, Any]) -> ExecutorOptions:
    name = option_values.choice("--executor", texts.get("executor", "local"), EXECUTORS)
    address = texts.get("ray-address")
    if address is not None:
        if name != "ray":
            raise UsageError("--ray-address: is for --executor ray")
        if not re.fullmatch(r"auto|.+:\d+", address):
            raise UsageError(f"--ray-address {address}: give auto, or HOST:PORT of the cluster's head")
    if name == "ray":
        require_ray()
    return ExecutorOptions(
        name=name,
        workers=_read(option_values.count, texts, "workers"),
        worker_memory=_read(option_values.size, texts, "worker-memory"),
        ray_address=address,
    )


def _read_request(texts: Mapping[str, Any], search: Search | None) -> Request:
    name = option_values.required(texts, "suite")
    plugins = tuple(str(user_path(file).resolve()) for file in texts.get("plugin") or ())
    load_plugins(plugins)
    suite = find_or_read_suite(name)
    datasets = option_values.names("datasets", texts.get("datasets"))
    methods = option_values.names("methods", texts.get("methods"))
    if datasets is not None:
        DATASETS.check_names(datasets)
    if methods not in (None, ("all",)):
        METHODS.check_names(methods)
    settings = option_values.settings(texts.get("set") or ())
    if search is not None:
        _check_searched(settings)
    return Request(
        suite=suite,
        seeds=option_values.seeds(texts.get("seeds", "5")) if search is None else search.seeds_of(0),
        datasets=datasets,
        methods=methods,
        metrics=option_values.metrics(texts.get("metrics"), suite.metrics),
        budget=parse_budget(texts["budget"]) if "budget" in texts else None,
        settings=settings,
        fid_features=option_values.features(texts.get("fid-features")),
        device=texts.get("device", "auto"),
        compile=option_values.choice("--compile", texts.get("compile", "auto"), ("auto", "on", "off")),
        plugins=plugins,
        tuned=_read_tuned(texts.get("settings"), suite) if search is None else None,
        rung=None if search is None else Rung(search, 1),
    )


def _check_searched(settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises a `UsageError` for settings of methods: those are searched, or as published."""
    for owner, values in settings.items():
        if owner in METHODS.names():
            raise UsageError(
                f"--set {owner}.{next(iter(values))}: a search keeps to the published settings of methods "
                "beside those that it searches; set those of datasets and metrics"
            )


def _read_tuned(text: str | None, suite: Suite) -> TunedFile | None:
    """The settings that were asked for, beyond the published ones.

    Those that come with the suite if nothing was asked for.
    """
    shipped = shipped_tuning(suite.name)
    if text == "published" or (text is None and shipped is None):
        return None
    file = shipped if text in ("tuned", None) else user_path(text)
    if file is None:
        raise UsageError(
            f"--settings tuned: none come with suite {suite.name!r}; "
            "give published, or the tuned.toml of a search"
        )
    return read_tuned(file, suite.name)


def _read(read: Callable[[str, str], T], texts: Mapping[str, Any], option: str) -> T | None:
    """The value of an option as `read` reads it; `None` if it was not given."""
    return read(f"--{option}", texts[option]) if option in texts else None


def _read_limits(texts: Mapping[str, Any]) -> Limits:
    every = texts.get("checkpoint-every", "60s")
    return Limits(
        checkpoint_every=None if every == "off" else option_values.seconds("--checkpoint-every", every),
        stall_timeout=option_values.seconds("--stall-timeout", texts.get("stall-timeout", "30min")),
    )
