"""Methods, datasets, metrics and suites by their names. Imports nothing heavy."""

from benchmark.registry.packages import is_installed, use_own_packages, what_is_in_the_way
from benchmark.registry.paths import as_text, user_path
from benchmark.registry.plugin_files import load_plugin
from benchmark.registry.registries import (
    DATASETS,
    METHODS,
    METRICS,
    REGISTRIES,
    SUITES,
    Registry,
    recorded_settings,
    register_dataset,
    register_method,
    register_metric,
    register_suite,
    settings_of,
    unknown,
)
from benchmark.registry.values import describe, plain, resolved

__all__ = [
    "DATASETS",
    "METHODS",
    "METRICS",
    "REGISTRIES",
    "SUITES",
    "Registry",
    "as_text",
    "describe",
    "is_installed",
    "load_plugin",
    "plain",
    "recorded_settings",
    "register_dataset",
    "register_method",
    "register_metric",
    "register_suite",
    "resolved",
    "settings_of",
    "unknown",
    "use_own_packages",
    "user_path",
    "what_is_in_the_way",
]
