"""Compute budgets and their units."""

import math
import re
from dataclasses import dataclass

from benchmark.errors import UsageError

__all__ = ["UNITS", "Budget", "parse_budget"]

UNITS = ("flops", "steps", "samples", "s")
"""FLOPs, generator updates, real samples seen, device-seconds of training."""


@dataclass(frozen=True)
class Budget:
    """How long to train: an amount and its unit, one of `UNITS`."""

    amount: float
    unit: str

    def __str__(self) -> str:
        amount = f"{self.amount:g}"
        if float(amount) != self.amount:
            amount = repr(self.amount)
        return f"{amount}{self.unit}"

    def times(self, share: float) -> "Budget":
        """A share of it; a whole number of what is counted in whole numbers, and at least 1 of that."""
        amount = self.amount * share
        if self.unit in ("steps", "samples"):
            amount = max(round(amount), 1)
        return Budget(amount, self.unit)


def parse_budget(text: str) -> Budget:
    """Reads `1e12flops`, `20000steps`, `2e6samples` or `60s`.

    Raises:
        UsageError: If the amount is not positive and finite, or no whole number of steps or samples, or the
            unit is missing or unknown.
    """
    accepted = "a positive number and a unit, such as 1e12flops, 20000steps, 2e6samples or 60s"
    match = re.fullmatch(rf"\s*([-+.\w]*?)\s*({'|'.join(UNITS)})\s*", text, re.IGNORECASE)
    try:
        amount = float(match[1]) if match else math.nan
    except ValueError:
        amount = math.nan
    if match is None or not (math.isfinite(amount) and amount > 0):
        raise UsageError(f"--budget {text!r}: give {accepted}")
    unit = match[2].lower()
    if unit in ("steps", "samples") and not amount.is_integer():
        raise UsageError(f"--budget {text!r}: give a whole number of {unit}")
    return Budget(amount, unit)
