"""Words for what a report shows: directions, budgets, captions of trials, lists of names."""

from collections.abc import Sequence

import pandas as pd

from benchmark.errors import UsageError
from benchmark.suites.budget import Budget, parse_budget

__all__ = [
    "AGAINST",
    "ARROWS",
    "DIRECTIONS",
    "budget_of",
    "budget_text",
    "budget_unit",
    "equal_column",
    "joined",
    "median_words",
    "seeds_text",
    "setting_text",
    "settings_sentence",
    "span",
    "trial_name",
    "trial_scores",
]

DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}

ARROWS = {"higher": "↑", "lower": "↓", "one": "→ 1"}

AGAINST = {
    "flops": "FLOPs",
    "device_seconds": "device-seconds",
    "generator_steps": "generator steps",
    "samples_seen": "real samples seen",
}
"""What curves can be drawn against: columns of `budget.csv`, with their names for people."""

COLUMN_OF_UNIT = {
    "flops": "flops",
    "s": "device_seconds",
    "steps": "generator_steps",
    "samples": "samples_seen",
}
"""The key of `AGAINST` that measures a budget, by the unit of the budget."""

SMALLEST_SHARE_OUTSIDE = 0.005
"""The smallest share of samples outside a picture that its caption mentions."""

CAPTIONS_OF_COVERAGE = {
    "overlap": "overlap {overlap:.2f}",
    "modes": "{modes:.0f} of {modes_total:.0f} modes",
    "high_quality": "{high_quality:.1%} high quality",
}
"""Parts of a trial's caption, by metric."""

CAPTIONS_WITHOUT_MODES = {
    "clipped_coverage": "clipped coverage {clipped_coverage:.2f}",
    "ivom": "IvOM {ivom:.1g}",
    "fid": "FID {fid:.4g} ({fid_features})",
}
"""Those of a trial that has no score in the metrics of `CAPTIONS_OF_COVERAGE`."""


def median_words(confidence: float) -> str:
    """What a line along the budget shows, and the band around it.

    Arguments:
        confidence: That of the least certain interval; 0 where there is a single seed.
    """
    if confidence == 0:
        return "median over seeds, with its interval as a band; a method with a single seed has none"
    return f"median over seeds, with its interval of at least {confidence:.1%} confidence as a band"


def joined(names: Sequence[str]) -> str:
    """Names as part of a sentence: `a`, `a and b`, `a, b and c`; empty for no names."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def setting_text(name: str, value: object) -> str:
    """A setting and its value, such as `lr 0.001234` or `beta2 0.999`."""
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def settings_sentence(settings: pd.DataFrame) -> str:
    """Which settings methods have, and how much search stands behind them, by rows of `settings.csv`."""
    tuned = settings[settings["settings"] == "tuned"]
    sentence = "Settings: those of the suite, not searched"
    if not tuned.empty:
        sentence = f"Settings: tuned, {joined(_searches(tuned))}"
    changed = []
    for method, names in settings[["method", "changed"]].dropna().itertuples(index=False, name=None):
        changed += [name if "." in name else f"{method}.{name}" for name in names.split()]
    if changed:
        sentence += f"; changed: {joined(list(dict.fromkeys(changed)))}"
    return f"{sentence}."


def _searches(tuned: pd.DataFrame) -> list[str]:
    """How much was searched, and which file has what was chosen."""
    sizes = []
    searches = ["file", "checksum", "points", "seeds", "rungs"]
    for (file, _, points, seeds, rungs), _ in tuned.groupby(searches, sort=False):
        how = "" if rungs == 1 else " by successive halving"
        sizes.append(f"the best of {points} of each method{how}, with {seeds_text(seeds)} each ({file})")
    return sizes


def seeds_text(seeds: object) -> str:
    """A number of seeds, such as `1 seed` or `5 seeds`."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def span(fewest: int, most: int) -> str:
    """A range of counts, such as `4 to 5`, or `5` for equal ones."""
    return str(most) if fewest == most else f"{fewest} to {most}"


def trial_name(method: str, row: pd.Series) -> str:
    """A trial, by its method and its row of `trials.csv`."""
    name = f"{method}, seed {row['seed']}"
    if row["status"] == "ok":
        return name
    return f"{name} ({row['status']})"


def trial_scores(row: pd.Series, outside: float = 0.0) -> str:
    """The scores of a trial for a caption, and the share of its samples that cannot be seen.

    Arguments:
        row: The trial's row of `trials.csv`.
        outside: The share of its samples outside the picture.
    """
    parts = _caption(row, CAPTIONS_OF_COVERAGE) or _caption(row, CAPTIONS_WITHOUT_MODES)
    if outside > SMALLEST_SHARE_OUTSIDE:
        parts.append(f"{outside:.0%} out of sight")
    return ", ".join(parts)


def _caption(row: pd.Series, texts: dict[str, str]) -> list[str]:
    scored = [name for name in texts if pd.notna(row.get(name))]
    return [texts[name].format_map(dict(row)) for name in scored]


def budget_of(text: str) -> Budget | None:
    """The budget of a record; `None` if the record is from elsewhere and its budget is none that we know."""
    try:
        return parse_budget(text)
    except UsageError:
        return None


def budget_unit(trials: pd.DataFrame) -> str | None:
    """The unit that all budgets in some rows of `trials.csv` share, one of `UNITS`.

    `None` if the units differ, if a budget is none that we know, or if there is no budget.
    """
    budgets = [budget_of(text) for text in trials["budget"].dropna().unique()]
    units = {None if budget is None else budget.unit for budget in budgets}
    return units.pop() if len(units) == 1 else None


def budget_text(trials: pd.DataFrame) -> str:
    """The budgets in some rows of `trials.csv`, such as `5e11flops`."""
    return " or ".join(trials["budget"].dropna().unique()).replace("e+", "e")


def equal_column(trials: pd.DataFrame) -> str:
    """The key of `AGAINST` of which all trials had the same amount; by default, curves are drawn against it.

    Arguments:
        trials: Rows of `trials.csv`. Where their budgets have several units, the result is `flops`.
    """
    return COLUMN_OF_UNIT[budget_unit(trials) or "flops"]
