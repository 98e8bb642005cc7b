"""Numbers for people. Files have all digits."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.schema import MetricFacts
from benchmark.suites.budget import Budget, parse_budget

__all__ = [
    "budget_of",
    "budget_text",
    "budget_unit",
    "estimate",
    "gap",
    "number",
    "p_value",
    "spread",
    "trial_name",
    "trial_scores",
]

LARGEST, SMALLEST = 1e6, 1e-4
"""Beyond these, numbers are written with a power of ten."""

LARGEST_EXPONENT = 700.0
"""Of what is raised to it, so that the power is a finite number."""

NOTHING = "–"
"""What stands for a number that there is not."""

UNSEEN = 0.005
"""The share of samples outside of a picture from which that is told."""

SCORES = (
    {
        "overlap": "overlap {overlap:.2f}",
        "modes": "{modes:.0f} of {modes_total:.0f} modes",
        "high_quality": "{high_quality:.1%} high quality",
    },
    {"ivom": "IvOM {ivom:.4f}", "fid": "FID {fid:.4g} ({fid_features})"},
)
"""What captions tell of a trial, by metric: the second where it has nothing of the first."""


def number(x: float, digits: int = 4) -> str:
    """A number with that many significant digits, whole ones in full."""
    if not math.isfinite(x):
        return NOTHING
    if x != 0 and not SMALLEST <= abs(x) < LARGEST:
        return _minus(f"{x:.{digits - 1}e}")
    return _fixed(
        x, 0 if x == 0 or float(x).is_integer() else max(0, digits - 1 - math.floor(math.log10(abs(x))))
    )


def spread(mean: float, low: float, high: float) -> str:
    """A mean and half the width of its interval, to the digits that this leaves some meaning."""
    half = (high - low) / 2
    if not math.isfinite(half):
        return number(mean)
    if half == 0:
        return f"{number(mean)} ± 0"
    if max(abs(mean), half) >= LARGEST or half < SMALLEST:
        return _minus(f"{mean:.3e} ± {half:.1e}")
    decimals = _decimals(half)
    return f"{_fixed(mean, decimals)} ± {_fixed(half, decimals)}"


def estimate(x: float, low: float, high: float) -> str:
    """A number and the ends of its interval, to digits that fit the width of that."""
    width = high - low
    if not math.isfinite(width):
        return number(x)
    # An end beside 0 is shown as such.
    nearest = min(abs(low), abs(high)) if low > 0 or high < 0 else width
    if min(width, nearest) < SMALLEST or max(abs(low), abs(high)) >= LARGEST:
        return f"{number(x)} [{number(low)}, {number(high)}]"
    decimals = max(_decimals(width), -math.floor(math.log10(nearest)))
    return "{} [{}, {}]".format(*(_fixed(end, decimals) for end in (x, low, high)))


def gap(pair: Mapping[Any, Any], facts: MetricFacts, turned: bool = False) -> str:
    """The difference of a row of `pairwise.csv` with its interval; of a metric on a logarithmic scale, the quotient.

    Arguments:
        pair: The row.
        facts: How to read its metric.
        turned: Whether to say it of b and a instead of a and b.
    """
    ends = (pair["difference"], pair["ci_low"], pair["ci_high"])
    if turned:
        ends = (-pair["difference"], -pair["ci_high"], -pair["ci_low"])
    if facts["scale"] == "log" and math.isfinite(pair["difference"]):
        return f"× {estimate(*(math.exp(min(end, LARGEST_EXPONENT)) for end in ends))}"
    return estimate(*ends)


def p_value(p: float) -> str:
    """A p value, to two digits."""
    if not math.isfinite(p):
        return NOTHING
    return "< 0.0001" if p < SMALLEST else f"{p:.2g}"


def trial_name(method: str, row: pd.Series) -> str:
    """A trial, by its row of `trials.csv`."""
    return f"{method}, seed {row['seed']}" + ("" if row["status"] == "ok" else f" ({row['status']})")


def trial_scores(row: pd.Series, outside: float = 0.0) -> str:
    """The first group of `SCORES` of which a trial has any, and how much cannot be seen.

    Arguments:
        row: The trial's row of `trials.csv`.
        outside: The share of its samples outside of the picture.
    """
    groups = [
        [text.format_map(dict(row)) for name, text in group.items() if pd.notna(row.get(name))]
        for group in SCORES
    ]
    facts = next(filter(None, groups), [])
    return ", ".join([*facts, f"{outside:.0%} out of sight"] if outside > UNSEEN else facts)


def budget_of(text: str) -> Budget | None:
    """The budget of a record; `None` if it is from elsewhere and says something else."""
    try:
        return parse_budget(text)
    except UsageError:
        return None


def budget_unit(trials: pd.DataFrame) -> str | None:
    """The unit that the budgets of some rows of `trials.csv` share, one of `UNITS`; `None` if they differ in it or say something else."""
    units = {
        budget.unit if (budget := budget_of(text)) else None for text in trials["budget"].dropna().unique()
    }
    return units.pop() if len(units) == 1 else None


def budget_text(trials: pd.DataFrame) -> str:
    """The budgets of some rows of `trials.csv`, such as `5e11flops`."""
    return " or ".join(trials["budget"].dropna().unique()).replace("e+", "e")


def _decimals(width: float) -> int:
    """How many decimals show two digits of a width."""
    return max(0, 1 - math.floor(math.log10(width)))


def _fixed(x: float, decimals: int) -> str:
    """With no minus sign before a zero."""
    text = f"{x:.{decimals}f}"
    return _minus(text.removeprefix("-") if float(text) == 0 else text)


def _minus(text: str) -> str:
    """With a minus sign that is one."""
    return text.replace("-", "−")


DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}

ARROWS = {"higher": "↑", "lower": "↓", "one": "→ 1"}

AGAINST = {
    "flops": "FLOPs",
    "device_seconds": "device-seconds",
    "generator_steps": "generator steps",
    "samples_seen": "real samples seen",
}
"""What a budget can be told in, by column."""

COLUMNS = {"flops": "flops", "s": "device_seconds", "steps": "generator_steps", "samples": "samples_seen"}
"""The column that tells a budget, by its unit."""


def equal_column(trials: pd.DataFrame) -> str:
    """The key of `AGAINST` of which all trials were given the same: what their curves are drawn against unless told otherwise.

    Arguments:
        trials: Rows of `trials.csv`. Where their budgets have several units, it is `flops`.
    """
    return COLUMNS[budget_unit(trials) or "flops"]
