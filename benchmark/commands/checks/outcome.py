"""The outcome of a check."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmark.training.advice import explain

__all__ = ["ContractError", "Outcome", "outcome_of", "require"]


class ContractError(Exception):
    """What is checked does not keep its contract."""


class Outcome(NamedTuple):
    """What was checked.

    Attributes:
        title: The check.
        problem: What is wrong; `None` if nothing is.
        remark: What is right and yet worth knowing; may be empty.
    """

    title: str
    problem: str | None
    remark: str = ""


def require(condition: object, problem: str) -> None:
    """Raises `ContractError` unless a condition holds. Unlike `assert`, it cannot be switched off."""
    if not condition:
        raise ContractError(problem)


def outcome_of(title: str, check: Callable[..., str | None], *arguments: Any) -> Outcome:
    """Runs a check, which raises `ContractError` with the problem, and may return a remark.

    What is checked may be foreign code, which may fail in any way: whatever it raises is the problem.
    """
    try:
        remark = check(*arguments)
    except ContractError as error:
        return Outcome(title, str(error))
    except (Exception, SystemExit) as error:
        return Outcome(title, explain(error))
    return Outcome(title, None, remark or "")
