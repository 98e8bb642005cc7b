"""What to do about torch's errors that have their cause in how a method is written."""

import re
from textwrap import shorten
from typing import NamedTuple

from benchmark.errors import UsageError, first_line, in_one_line

__all__ = ["explain"]


class _Advice(NamedTuple):
    pattern: str
    advice: str


LONGEST_LINE = 200
"""Characters of torch's words that stand before an advice."""

ADVICE = (
    _Advice(
        r"meta tensor|device meta",
        "networks are built without values first: do not look at values in a constructor (.item(), float()), "
        "and keep tensors in registered buffers",
    ),
    _Advice(
        r"called random operation",
        "a network, a loss or a sampler draws random numbers, as dropout does: "
        "declare them as noise of the player, or of latents() for a sampler",
    ),
    _Advice(
        r"calling \.item\(\)|data-dependent control flow",
        "losses, players and samplers run for many models at once, whose settings differ; they must not look "
        "at values: use torch.where instead of `if`, and no .item()",
    ),
    _Advice(
        r"uninitialized parameter",
        "a lazy module has no shapes before its first call; give the numbers of its features",
    ),
    _Advice(
        r"data pointer|call numpy\(\)",
        "networks and losses are made of torch's operations alone; NumPy cannot run for many seeds at once",
    ),
    _Advice(
        r"modified by an inplace operation|mutating directly with `\.data`|mutate a captured Tensor",
        "networks, losses and optimisers write neither into parameters nor into the batch",
    ),
    _Advice(
        r"[Bb]atching rule|vmap: inplace",
        "an operation has no rule for many seeds at once; instead of torch's spectral_norm, use "
        "that of baselines.spectral_norm, and assign buffers anew instead of writing into them",
    ),
)


def explain(error: BaseException) -> str:
    """An error in one line, with advice if there is some.

    A `UsageError` needs no name, nor does a `ValueError`, which is one of a contract of this program, as a
    rule.
    """
    line = first_line(error) if isinstance(error, ValueError | UsageError) else in_one_line(error)
    for advice in ADVICE:
        if re.search(advice.pattern, str(error)):
            return f"{shorten(line, LONGEST_LINE, placeholder=' ...').rstrip('.; ')}; {advice.advice}"
    return line
