"""Scores of two runs to compare."""

GOOD = [0.9, 0.8, 0.95, 0.7, 0.85, 0.9]
BAD = [0.5, 0.55, 0.6, 0.35, 0.5, 0.45]
WITHIN = [x + 0.1 * (-1) ** i for i, x in enumerate(GOOD)]
"""Differs from `GOOD` by about nothing on average."""

ENDS = ["difference", "ci_low", "ci_high"]


def scores_of_method(scores, method="gan", dataset="ring"):
    """The scores of a run of one method on one dataset."""
    return {dataset: {method: scores}}
