"""Whether the range that was searched was wide enough."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["at_an_edge"]

EDGE = 0.05
"""The share of a range, at each end, that is its edge."""


def at_an_edge(settings: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The settings that lie at an end of the range that was searched: better ones may lie beyond."""
    names = []
    for name, facts in space.items():
        if "low" not in facts or name not in settings:
            continue
        low, high, value = facts["low"], facts["high"], settings[name]
        if facts["scale"] == "log":
            low, high, value = math.log(low), math.log(high), math.log(value)
        if not EDGE <= (value - low) / (high - low) <= 1 - EDGE:
            names.append(name)
    return names
