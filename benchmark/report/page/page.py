"""`report.html`: one page that needs nothing beside it."""

import base64
import contextlib
import inspect
import json
import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context

from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import MetricFacts
from benchmark.registry import METRICS
from benchmark.report.findings import answer, caveats
from benchmark.report.headline import headline, headline_first
from benchmark.report.page.published_part import published_chart, reproduced
from benchmark.report.pictures.axes import draw_best_of, draw_course, draw_profiles, draw_scores, shortened
from benchmark.report.pictures.svg import STYLE, to_svg
from benchmark.report.pictures.thumbnails import Panel, panels
from benchmark.report.scores import CAPTION, Row, notes_on, score_rows
from benchmark.report.tables.published_words import published_rows
from benchmark.report.tables.tables import Tables
from benchmark.report.view import BROKEN, DatasetView, MethodStyle, styles_of
from benchmark.report.words import (
    AGAINST,
    ARROWS,
    DIRECTIONS,
    budget_text,
    budget_unit,
    equal_column,
    estimate,
    gap,
    number,
    p_value,
)

__all__ = ["make_page"]

LARGEST = 4_500_000
"""Bytes that pictures and tables of pairs may take together."""

PAIR = 300
"""Bytes of a row in a table of pairs, about."""

AUDIT = {
    "flops": "FLOPs",
    "generator_steps": "generator steps",
    "discriminator_steps": "discriminator steps",
    "samples_seen": "real samples",
    "device_seconds": "device-seconds",
    "parameters": "parameters",
    "peak_memory_bytes": "peak memory, MiB",
}

NOTES = {"no test can succeed": "none can succeed", "alike": "alike in all seeds"}
"""What a note of `pairwise.csv` starts with, and what stands for it in place of p."""

SCALES = {"linear": "differences", "log": "quotients"}
"""How values are compared, by scale."""


class Allowance:
    """Bytes that may still be spent, and how much was left out for want of them."""

    def __init__(self, left: float) -> None:
        self.left = left
        self.left_out = 0

    def take(self, size: float) -> bool:
        """Takes that many if there are."""
        if size > self.left:
            self.left = 0  # what comes later matters less
            self.left_out += 1
            return False
        self.left -= size
        return True

    def draw(self, picture: Callable[[], Markup]) -> Markup | None:
        """The picture, if it fits; it is not even drawn once something did not fit."""
        drawn = picture() if self.left else None
        return drawn if self.take(len(drawn) if drawn else 1) else None


@rc_context(STYLE)
def make_page(results: Results, tables: Tables, shown: Sequence[DatasetView], problems: list[str]) -> str:
    """The page of a run.

    Arguments:
        results: The results of the run.
        tables: Its tables.
        shown: The datasets on which a method has finished.
        problems: Where to tell, in lines, what cannot be shown on it.
    """
    allowances = [Allowance(LARGEST / len(shown)) for _ in shown]
    parts = [_part(part, allowance, problems) for part, allowance in zip(shown, allowances, strict=True)]
    styles = styles_of(list(dict.fromkeys(method for part in shown for method in part.styles)))
    script, css = (
        Markup(files("benchmark.report.page").joinpath("templates", name).read_text("utf-8"))
        for name in ("page.js", "page.css")
    )
    leading = list(dict.fromkeys(metric for part in shown if (metric := headline(part.scored_metrics))))
    environment = Environment(
        loader=PackageLoader("benchmark.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        suite=results.suite,
        equal=_equal(tables),
        facts=_facts(tables),
        answers=[part["answer"] for part in parts],
        caveats=caveats(results, tables, shown),
        left_out=sum(allowance.left_out for allowance in allowances),
        parts=parts,
        reproduced=reproduced(results, tables),
        styles=styles,
        dashes=_dashes,
        axes=AGAINST,
        against=equal_column(tables.trials),
        aggregates=_aggregates(tables, leading),
        profiles=_profiles(tables, leading, styles),
        improvements=_improvements(tables, leading),
        audit=list(_audit(tables)),
        caption=CAPTION,
        audit_columns=list(AUDIT.values()),
        metrics=list(_metrics(results)),
        meanings=_meanings(results),
        manifest=results.manifest,
        commands=_commands(results),
        environment=_environment(results),
        script=script,
        css=css,
        script_hash=f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}",
    )


def _equal(tables: Tables) -> str:
    """What the trials had in equal amounts, by the unit of their budgets; those of papers are numbers of updates."""
    meanings = {
        "flops": "compute",
        "steps": "numbers of generator updates",
        "samples": "numbers of real samples",
        "s": "time",
    }
    return meanings.get(budget_unit(tables.trials) or "", "budgets")


def _part(shown: DatasetView, allowance: Allowance, problems: list[str]) -> dict[str, Any]:
    """A dataset; what matters most takes its share of the bytes first."""
    facts = {metric: shown.results.facts(shown.name, metric) for metric in shown.results.metrics(shown.name)}
    leading = headline(shown.scored_metrics)
    rows = score_rows(shown)
    kept: list[Panel] = []
    try:
        kept = [panel for panel in panels(shown) if allowance.take(len(panel.picture))]
    except BROKEN as error:
        problems.append(f"{shown.name}: not all samples can be shown ({type(error).__name__}: {error})")
    pairs: dict[str, list[dict[str, Any]]] = {}
    scores, published, courses, best_of = [], [], [], []
    for metric in headline_first(shown.scored_metrics):
        scores.append(allowance.draw(partial(_scores, shown, metric, facts[metric], rows)))
        if metric in shown.published_metrics:
            published.append(allowance.draw(partial(published_chart, shown, metric)))
        if metric in shown.metrics_on_curve:
            courses.append(
                {
                    against: allowance.draw(partial(_course, shown, metric, facts[metric], against))
                    for against in AGAINST
                }
            )
        if metric == leading and shown.tables.best_of["k"].max() > 2:
            best_of.append(allowance.draw(partial(_best_of, shown, metric, facts[metric])))
        chosen = shown.tables.pairwise[shown.tables.pairwise["metric"] == metric]
        if len(chosen) and allowance.take(PAIR * len(chosen)):
            pairs[metric] = [_pair(row, facts[metric]) for row in chosen.to_dict("records")]
    named = rows[0].scores if rows else ()
    return {
        "name": shown.name,
        "answer": answer(shown),
        "notes": notes_on(shown),
        "metrics": [_heading(shown, metric) for metric in named],
        "rows": [
            [row for row in rows if row.method in shown.styles],
            [row for row in rows if row.method not in shown.styles],
        ],
        "panels": kept,
        "scores": scores,
        "published": published_rows(shown.tables.published),
        "published_charts": published,
        "courses": courses,
        "best_of": best_of,
        "confidence": f"{shown.tables.budget['confidence'].min():.1%}",
        "pairs": pairs,
    }


def _heading(shown: DatasetView, metric: str) -> dict[str, str]:
    better = shown.results.facts(shown.name, metric)["better"]
    return {"name": metric, "arrow": ARROWS[better], "direction": DIRECTIONS[better]}


def _title(metric: str, facts: MetricFacts) -> str:
    return f"{metric} {ARROWS[facts['better']]}"


def _scores(shown: DatasetView, metric: str, facts: MetricFacts, rows: Sequence[Row]) -> Markup:
    told = "; ".join(f"{row.method} {row.scores[metric].text}" for row in rows)
    beneath = 0.25 + 0.06 * max(len(shortened(method)) for method in shown.styles)
    draw = partial(
        draw_scores,
        trials=shown.trials,
        summary=shown.tables.summary,
        metric=metric,
        facts=facts,
        styles=shown.styles,
    )
    return to_svg(
        draw,
        f"{metric} on {shown.name}, {DIRECTIONS[facts['better']]}: {told}",
        _title(metric, facts),
        beneath,
    )


def _course(shown: DatasetView, metric: str, facts: MetricFacts, against: str) -> Markup:
    budget = shown.tables.budget[shown.tables.budget["metric"] == metric]
    ends = budget.groupby("method", sort=False).last()
    told = "; ".join(f"{method} {number(end)}" for method, end in ends["median"].astype(float).items())
    draw = partial(
        draw_course,
        budget=budget,
        trials=shown.trials,
        metric=metric,
        facts=facts,
        styles=shown.styles,
        against=against,
    )
    what = f"Median of {metric} on {shown.name} against {AGAINST[against]}, {DIRECTIONS[facts['better']]}; at the end of the budget: {told}"
    return to_svg(draw, what, _title(metric, facts))


def _best_of(shown: DatasetView, metric: str, facts: MetricFacts) -> Markup:
    chosen = shown.tables.best_of[shown.tables.best_of["metric"] == metric]
    ends = chosen[chosen["k"] == chosen["k"].max()].groupby("method", sort=False).last()
    told = "; ".join(f"{method} {number(end)}" for method, end in ends["expected"].items())
    draw = partial(draw_best_of, best_of=chosen, metric=metric, facts=facts, styles=shown.styles)
    what = f"Expected {metric} of the best of k runs on {shown.name}; of {chosen['k'].max()}: {told}"
    return to_svg(draw, what, _title(metric, facts))


def _pair(row: Mapping[Any, Any], facts: MetricFacts) -> dict[str, Any]:
    return {
        "a": row["a"],
        "b": row["b"],
        "value": row["difference"],
        "difference": gap(row, facts),
        "superiority": row["superiority"],
        "favours": row["favours"],
        "seeds": " and ".join(dict.fromkeys(str(row[name]) for name in ("n_a", "n_b"))),
        "p_value": row["p"],
        "p": next(
            (short for start, short in NOTES.items() if row["note"].startswith(start)), p_value(row["p"])
        ),
    }


def _commands(results: Results) -> list[str]:
    """What was typed to get the run, which may have grown from one command to the next."""
    manifest = results.manifest
    return (
        [
            shlex.join(["python", "-m", *command])
            for command in manifest.get("commands", [manifest["command"]])
        ]
        if manifest
        else []
    )


def _facts(tables: Tables) -> str:
    """Budgets and seeds in a sentence."""
    trained = tables.trials[tables.trials["budget"].notna()]
    told = [f"{budget_text(rows)} on {dataset}" for dataset, rows in trained.groupby("dataset", sort=False)]
    seeds = trained["seed"].nunique()
    return f"Per trial: {', '.join(told)}; {seeds} seed{'s' if seeds != 1 else ''}." if told else ""


def _aggregates(tables: Tables, leading: Sequence[str]) -> list[dict[str, Any]]:
    """The leading metrics, where there is more than one dataset: each figure with the number of datasets that it is of."""
    rows = []
    for row in tables.aggregate[tables.aggregate["metric"].isin(leading)].to_dict("records"):
        told = {"metric": row["metric"], "method": row["method"]}
        for name, datasets in (("iqm", row["datasets"]), ("rank", row["rank_datasets"])):
            there = pd.notna(datasets) and datasets > 1
            told[f"{name}_value"] = row[name] if there else math.nan
            told[name] = (
                f"{estimate(row[name], row[f'{name}_low'], row[f'{name}_high'])}"
                if there
                else number(math.nan)
            )
            told[f"{name}_datasets"] = datasets if there else 0
        if told["iqm_datasets"] or told["rank_datasets"]:
            rows.append(told)
    return rows


def _profiles(tables: Tables, leading: Sequence[str], styles: Mapping[str, MethodStyle]) -> list[Markup]:
    pictures = []
    for metric in leading:
        chosen = tables.profiles[(tables.profiles["metric"] == metric) & (tables.profiles["datasets"] > 1)]
        if len(chosen):
            halfway = chosen[(chosen["score"] - 0.5).abs() < 1e-9].set_index("method")["share"]
            told = "; ".join(f"{method} {share:.0%}" for method, share in halfway.items())
            draw = partial(draw_profiles, profiles=chosen, metric=metric, styles=styles)
            pictures.append(
                to_svg(
                    draw,
                    f"Performance profiles by {metric}; share of runs that reach half of the way to perfect: {told}",
                    metric,
                )
            )
    return pictures


def _improvements(tables: Tables, leading: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    chosen = tables.improvement[
        tables.improvement["metric"].isin(leading) & (tables.improvement["datasets"] > 1)
    ]
    for row in chosen.to_dict("records"):
        text = estimate(row["probability"], row["low"], row["high"])
        found.setdefault(row["metric"], []).append(
            {"a": row["a"], "b": row["b"], "value": row["probability"], "probability": text}
        )
    return found


def _audit(tables: Tables) -> Iterator[dict[str, Any]]:
    trained = tables.trials[tables.trials["flops"].notna()]
    for (dataset, method), rows in trained.groupby(["dataset", "method"], sort=False):
        cells = []
        for name in AUDIT:
            values = rows[name].dropna().astype(float) / (2**20 if name == "peak_memory_bytes" else 1)
            middle = values.median()
            text = number(middle)
            if len(values) and values.max() > values.min():
                text += f" ({number(values.min())} – {number(values.max())})"
            cells.append({"value": middle, "text": text})
        yield {"dataset": dataset, "method": method, "budget": budget_text(rows), "cells": cells}


def _metrics(results: Results) -> Iterator[dict[str, Any]]:
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            facts = results.facts(dataset, metric)
            low, high = (
                unbounded if bound is None else number(bound)
                for bound, unbounded in zip(facts["bounds"], ("−∞", "∞"), strict=True)
            )
            yield {
                "metric": metric,
                "dataset": dataset,
                "direction": DIRECTIONS[facts["better"]],
                "range": f"{low} to {high}",
                "best": "the real-data row" if facts["best"] is None else number(facts["best"]),
                "scale": SCALES[facts["scale"]] if facts["ranked"] else "not compared by it",
                "samples": facts["samples"],
            }


def _meanings(results: Results) -> dict[str, str]:
    """The first paragraph of what each metric's code says of itself, as far as that is at hand."""
    meanings = {}
    for name in dict.fromkeys(metric for dataset in results.datasets for metric in results.metrics(dataset)):
        with contextlib.suppress(UsageError):  # a third party's, not installed here
            meanings[name] = " ".join(
                (inspect.getdoc(METRICS.get(name)) or "").split("\n\n")[0].replace("`", "").split()
            )
    return meanings


def _environment(results: Results) -> dict[str, Mapping[str, Any]]:
    manifest = results.manifest
    if manifest is None:
        return {}
    asked: Mapping[str, Any] = manifest["configuration"]
    other = {
        name: value if isinstance(value, str | dict) else json.dumps(value) for name, value in asked.items()
    }
    return {
        "Methods": _methods(asked["methods"]),
        "Datasets": asked["datasets"],
        "Metrics": {
            f"{metric} on {dataset}": held
            for dataset, found in asked.get("metrics", {}).items()
            for metric, held in found.items()
        },
        "Configuration": {
            name: value for name, value in other.items() if name not in ("methods", "datasets", "metrics")
        },
        "Versions": manifest["versions"],
        "Hardware": manifest["hardware"],
        "Fingerprints of the datasets": manifest["fingerprints"],
        "Files": manifest["files"],
    }


def _methods(asked: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of each method, by dataset where they differ."""
    told: dict[str, Any] = {}
    for name in dict.fromkeys(name for own in asked.values() for name in own):
        held = {dataset: own[name] for dataset, own in asked.items() if name in own}
        alike = all(settings == next(iter(held.values())) for settings in held.values())
        told |= (
            {name: next(iter(held.values()))}
            if alike
            else {f"{name} on {dataset}": settings for dataset, settings in held.items()}
        )
    return told


def _dashes(style: MethodStyle) -> str:
    return "none" if isinstance(style.dashes, str) else " ".join(map(str, style.dashes[1]))
