"""What a user asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.registry import METRICS
from benchmark.suites import Suite
from benchmark.suites.budget import Budget
from benchmark.suites.search import Rung
from benchmark.suites.tuned import TunedFile

__all__ = ["Request", "features_settings"]


@dataclass(frozen=True)
class Request:
    """What a user asks for, checked for form but not for sense.

    Arguments:
        suite: The suite.
        seeds: The seeds.
        datasets: Some of the suite's datasets; all of them by default.
        methods: Registered methods, or `("all",)`; the suite's own by default.
        metrics: Registered metrics; the suite's own by default.
        budget: Overrides the suite's budgets.
        settings: Field values by owner and field.
        fid_features: The features of the metrics that have a setting `features`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        compile: `auto`, `on` or `off`.
        plugins: Plug-in files, already loaded.
        tuned: Settings that a search has chosen, over those that are published; none by default.
        rung: What is tried of a search, if it is one; `seeds` are those of the calibration rows then.
    """

    suite: Suite
    seeds: tuple[int, ...]
    datasets: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    metrics: tuple[str, ...] | None = None
    budget: Budget | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fid_features: str | None = None
    device: str = "auto"
    compile: str = "auto"
    plugins: tuple[str, ...] = ()
    tuned: TunedFile | None = None
    rung: Rung | None = None


def features_settings(metrics: Sequence[str], features: str | None) -> dict[str, dict[str, Any]]:
    """The settings, by metric, that make metrics on features use those that were asked for, if any were."""
    if features is None:
        return {}
    on_features = [name for name in metrics if METRICS.has_setting(name, "features")]
    return {name: {"features": features} for name in on_features}
