"""Suites: which datasets, methods, metrics and default budgets belong together. Imports nothing heavy."""

from dataclasses import replace

from benchmark.errors import UsageError, in_one_line
from benchmark.registry import SUITES, user_path
from benchmark.suites.rules import check_rules
from benchmark.suites.suite import CheckedRun, Protocol, Suite

__all__ = [
    "CheckedRun",
    "Protocol",
    "Suite",
    "find_or_read_suite",
    "find_suite",
    "get_suite",
    "registered_suites",
]


def get_suite(name: str) -> Suite:
    """The suite that is registered under a name.

    Raises:
        UsageError: If there is none, or it breaks a rule of suites.
    """
    make_suite = SUITES.get(name)
    try:
        suite = make_suite()
        if not isinstance(suite, Suite):
            raise UsageError(f"its function returns {type(suite).__name__}; return a Suite")
        check_rules(suite)
    except Exception as error:  # a suite may be foreign code, and fail in any way
        reason = error if isinstance(error, UsageError) else in_one_line(error)
        raise UsageError(f"suite {name!r}: {reason}") from error
    return replace(suite, name=name)


def find_suite(name: str) -> Suite | None:
    """The suite that is registered under a name; `None` for one from elsewhere, such as a file."""
    return get_suite(name) if name in SUITES.names() else None


def find_or_read_suite(name: str) -> Suite:
    """The registered suite of that name, or the suite in the file of that name, which ends in `.toml`.

    Raises:
        UsageError: If there is none, or the file is not that of a suite.
    """
    if not name.endswith(".toml"):
        return get_suite(name)

    from benchmark.suites.suite_file import read_suite

    return read_suite(user_path(name))


def registered_suites() -> list[Suite]:
    """All registered suites, sorted by name."""
    return [get_suite(name) for name in SUITES.names()]
