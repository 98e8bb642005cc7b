"""Settings from several places: of a suite, of a search, and of the command line."""

from collections.abc import Mapping
from typing import Any

from benchmark.registry import METHODS

__all__ = ["Settings", "merged_settings"]

Settings = dict[str, dict[str, Any]]
"""Values by owner and field."""

EXCLUDED_BY = {"average": "average_half_life", "average_half_life": "average"}
"""Settings of every method that exclude each other: the one that a layer gives switches the other off."""


def merged_settings(*layers: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings of all layers, those of later ones over those of earlier ones and of classes."""
    merged: Settings = {}
    for settings in layers:
        for owner, values in settings.items():
            switched_off = _switched_off(values) if owner in METHODS.names() else {}
            merged[owner] = {**merged.get(owner, {}), **switched_off, **values}
    return merged


def _switched_off(values: Mapping[str, Any]) -> dict[str, float]:
    off = {}
    for name, other in EXCLUDED_BY.items():
        if values.get(name, 0) not in (0, "0", "0.0"):
            off[other] = 0.0
    return off
