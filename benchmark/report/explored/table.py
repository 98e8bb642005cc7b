"""The numbers of an exploration as tables."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmark.report.explored.findings import FACTORS, Findings
from benchmark.report.numbers import estimate
from benchmark.report.statistics.over_pairs import crossed_interval
from benchmark.report.statistics.over_seeds import Interval

__all__ = [
    "LATENTS",
    "LATENT_MEASURES",
    "PATH_MEASURES",
    "Value",
    "summary_of",
    "terminal_tables",
    "text_table",
    "values_of",
]

LATENTS = "latents"
"""The row of drawn latents in place of codes."""

PATH_MEASURES = {
    "on_modes": "share of the points of a path that are on a mode, or sure to the classifier",
    "modes_met": "number of different modes among those points",
    "stretch": "length of a path over the distance of its ends; 1 is a straight line (geometric mean)",
    "largest_jump": "longest of 64 steps of a path over its mean step; 1 is even, 64 is one jump (geometric "
    "mean)",
}

LATENT_MEASURES = {
    "latent_usage": "share of the latent coordinates that have 95 % of the effects",
    "encoder_error": "error of held-out data after encoder and generator, by the loss",
    "search_error": "error of held-out data and the best that a search of latents has found, by the loss",
    "encoder_over_search": "the first error over the second, where the second is more than rounding: what "
    "the encoder loses, as a factor (geometric mean)",
    "given_encoder_error": "error of the user's own data after encoder and generator, by the loss",
    "given_search_error": "error of the user's own data and the best that a search has found, by the loss",
    "code_error": "mean squared error of the codes of the model's own samples; 0 inverts the generator",
    "code_mean": "root mean square of the means of the codes' coordinates; 0 is that of latents",
    "code_variance": "mean variance of the codes' coordinates; 1 is that of latents",
    "code_covariance": "distance of the codes' covariance from that of latents, relative to the latter",
    "code_energy": "energy distance of the codes from drawn latents",
}

BOUNDS = {
    "on_modes": (0.0, 1.0),
    "latent_usage": (0.0, 1.0),
    "stretch": (1.0, math.inf),
    "largest_jump": (1.0, math.inf),
}
"""What a measure can be, if not any number from 0 on. Intervals are cut there."""

LEAST_ERROR = 1e-6
"""The least error of a search that another one is compared with, as a share of the variance of data: below
it, rounding decides.
"""


class Value(NamedTuple):
    """One number.

    Attributes:
        method: The method, or a calibration row.
        seed: Its seed.
        path: The kind of the path that it was measured along; empty if it was not.
        measure: A key of `PATH_MEASURES` or `LATENT_MEASURES`.
        pair: The pair of ends, or the datum; 0 for a number of the whole model.
        value: The number.
    """

    method: str
    seed: int
    path: str
    measure: str
    pair: int
    value: float


def values_of(findings: Findings) -> Iterator[Value]:
    """All numbers of a model."""
    method, seed = findings.method, findings.seed
    for paths in findings.paths:
        for measure, values in paths.measures.items():
            for pair, value in enumerate(values):
                yield Value(method, seed, paths.kind, measure, pair, float(value))
    errors = findings.reconstructions.errors
    given = {} if findings.given is None else findings.given.errors
    for prefix, of_data in {"": errors, "given_": given}.items():
        for how, values in of_data.items():
            for datum, value in enumerate(values):
                yield Value(method, seed, "", f"{prefix}{how}_error", datum, float(value))
    if len(errors) == 2:
        least = LEAST_ERROR * findings.reconstructions.variance
        for datum, (encoder, search) in enumerate(zip(errors["encoder"], errors["search"], strict=True)):
            ratio = float(encoder / search) if encoder > 0 and search > least else math.nan
            yield Value(method, seed, "", "encoder_over_search", datum, ratio)
    for measure, value in findings.measures.items():
        yield Value(method, seed, "", measure, 0, value)


def summary_of(values: pd.DataFrame) -> pd.DataFrame:
    """Means with 95 % intervals over seeds and pairs.

    Arguments:
        values: Rows of `values.csv`.
    """
    rows = []
    for (method, path, measure), group in values.groupby(["method", "path", "measure"], sort=False):
        table = group.pivot_table("value", "seed", "pair", dropna=False)
        interval = _interval(str(measure), table.to_numpy(float))
        rows.append(
            {
                "method": method,
                "path": path,
                "measure": measure,
                "mean": interval.mean,
                "ci_low": interval.low,
                "ci_high": interval.high,
                "seeds": len(table),
                "pairs": table.shape[1],
                "undefined": table.size - interval.n,
            }
        )
    return pd.DataFrame(rows)


def _interval(measure: str, values: np.ndarray) -> Interval:
    """The mean of a measure over seeds and pairs $(S, P)$, with its interval, cut to what it can be."""
    if measure in FACTORS:
        interval = crossed_interval(np.log(values))
        interval = Interval(
            interval.n, math.exp(interval.mean), math.exp(interval.low), math.exp(interval.high)
        )
    else:
        interval = crossed_interval(values)
    least, most = BOUNDS.get(measure, (0.0, math.inf))
    return interval._replace(low=_cut(interval.low, least, most), high=_cut(interval.high, least, most))


def _cut(end: float, least: float, most: float) -> float:
    """An end of an interval within bounds; NaN stays NaN."""
    return end if math.isnan(end) else min(max(end, least), most)


def text_table(summary: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Some measures for people: a row per method and path, a column per measure that has a value."""
    wanted = summary[summary["measure"].isin(measures)]
    present = [measure for measure in measures if (wanted["measure"] == measure).any()]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in wanted.to_dict("records"):
        cells = rows.setdefault((row["method"], row["path"]), dict.fromkeys(present, ""))
        cells[row["measure"]] = estimate(row["mean"], row["ci_low"], row["ci_high"])
    return pd.DataFrame.from_dict(rows, orient="index", columns=present, dtype=object)


def terminal_tables(summary: pd.DataFrame) -> str:
    """Both tables for a terminal."""
    tables = [text_table(summary, list(measures)) for measures in (PATH_MEASURES, LATENT_MEASURES)]
    return "\n\n".join(table.to_string() for table in tables)
