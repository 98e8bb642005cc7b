"""The outcome of a check."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmark.errors import in_one_line

__all__ = ["ContractError", "Outcome", "outcome_of", "require"]


class ContractError(Exception):
    """What is checked does not keep its contract."""


class Outcome(NamedTuple):
    """What was checked, and what is wrong; `None` if nothing is."""

    title: str
    problem: str | None


def require(condition: object, problem: str) -> None:
    """Raises `ContractError` unless a condition holds. Unlike `assert`, it cannot be switched off."""
    if not condition:
        raise ContractError(problem)


def outcome_of(title: str, check: Callable[..., None], *arguments: Any) -> Outcome:
    """Runs a check, which raises `ContractError` with the problem.

    What is checked may be foreign code, which may fail in any way: whatever it raises is the problem.
    """
    try:
        check(*arguments)
    except ContractError as error:
        return Outcome(title, str(error))
    except (Exception, SystemExit) as error:
        return Outcome(title, in_one_line(error))
    return Outcome(title, None)
