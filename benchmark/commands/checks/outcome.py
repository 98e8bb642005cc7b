"""The outcome of a check."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmark.errors import first_line

__all__ = ["Outcome", "outcome_of"]


class Outcome(NamedTuple):
    """What was checked, and what is wrong; `None` if nothing is."""

    title: str
    problem: str | None


def outcome_of(title: str, check: Callable[..., None], *arguments: Any) -> Outcome:
    """Runs a check, which raises an `AssertionError` that names the problem.

    What is checked may be foreign code, which may fail in any way: whatever it raises is the problem.
    """
    try:
        check(*arguments)
    except AssertionError as error:
        return Outcome(title, str(error))
    except (Exception, SystemExit) as error:
        return Outcome(title, f"{type(error).__name__}: {first_line(error)}")
    return Outcome(title, None)
