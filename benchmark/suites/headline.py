"""The one metric that answers the question on a dataset."""

from collections.abc import Sequence

__all__ = ["HEADLINES", "headline"]

HEADLINES = ("overlap", "clipped_coverage", "coverage", "fid")
"""The metrics that answer it, the best one first.

Those behind the first are for data whose modes are not known.
"""


def headline(metrics: Sequence[str]) -> str | None:
    """The metric among those of a dataset that answers the question.

    The first of them if none measures coverage, `None` if there is none.
    """
    for name in (*HEADLINES, *metrics):
        if name in metrics:
            return name
    return None
