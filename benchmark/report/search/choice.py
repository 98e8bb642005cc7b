"""What a search has chosen: the best settings of each method on each dataset."""

from collections.abc import Mapping
from typing import Any

from benchmark.report.search.view import MethodView, SearchView
from benchmark.suites.tuned import FORMAT, Chosen, Tuned

__all__ = ["tuned_of"]


def tuned_of(view: SearchView) -> Tuned:
    """The best point of each method on each dataset."""
    metrics: dict[str, str] = {}
    chosen: dict[str, dict[str, Chosen]] = {}
    searched: dict[str, dict[str, dict[str, Any]]] = {}
    for dataset, methods in view.datasets.items():
        metric = next(iter(methods.values())).metric  # that of all methods
        metrics[dataset] = metric
        chosen[dataset] = {}
        searched[dataset] = {
            dataset: _stored(view.results.settings(dataset)),
            metric: _stored(view.results.metric_settings(dataset)[metric]),
        }
        for method in methods.values():
            chosen[dataset][method.method] = _chosen(view, method)
            searched[dataset][method.method] = _stored(view.settings(dataset, method.method, method.best))
    return Tuned(
        format=FORMAT,
        suite=view.results.suite,
        points=view.search.points,
        seeds=view.search.seeds,
        halving=view.search.halving,
        rungs=view.search.rungs,
        metrics=metrics,
        budgets=dict(zip(view.whole["dataset"], view.whole["budget"], strict=True)),
        commit=view.manifest["commit"] or "",
        chosen=chosen,
        searched=searched,
    )


def _stored(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that TOML has no word for."""
    return {name: value for name, value in settings.items() if value is not None}


def _chosen(view: SearchView, method: MethodView) -> Chosen:
    best = view.settings(method.dataset, method.method, method.best)
    published = view.published(method.dataset, method.method)
    return Chosen(
        settings={name: value for name, value in best.items() if published.get(name) != value},
        point=method.best,
        score=method.best_score,
        published_score=method.published_score,
        flops=method.spent,
    )
