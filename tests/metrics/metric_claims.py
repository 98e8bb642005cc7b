"""What every metric notices of eight generators whose faults are known, and what it does not.

`python tests/metrics/test_metric_behaviour.py` prints these claims as docs/metrics.md shows them.
"""

import math
from pathlib import Path
from typing import NamedTuple

from benchmark.registry import METRICS

__all__ = ["CLAIMS", "DUMMIES", "Claim", "all_claims", "claims_on", "render"]

DUMMIES = {
    "real": "fresh real data",
    "collapsed": "one real sample, repeated",
    "half": "real data of the first half of the modes only",
    "unequal": "real data of all modes, four fifths of it of the first half of them",
    "noisy": "real data with noise: 5 standard deviations of a mode; for digits, 32 of 255 levels",
    "memorising": "100 training samples, repeated; for mixtures, as many of each mode",
    "narrow": "real data moved half of the way to the centre of its mode, a digit to the mean of its class",
    "points": "one point for every mode: its centre; for digits one image of each class, for shapes one pose",
    "noise": "one Gaussian with the mean and covariance of training data; images clipped to their range",
}

# A claim compares a dummy's score with that of the `real-data` row at the same sample size:
#   same T: at most T away              ~ F: within a factor F
#   by A B: more by A to B              these three do not count as moved
#   up T, down T: at least T more, or less
#   up? T: as up, or not defined        x F: at least F times
#   = V T: V itself, T away at most     none: not defined
#   any: an accident decides; nothing is claimed
# They hold for the scores of twenty seeds on the plane, of eight in 1200 dimensions, and of three with each
# of three digit classifiers; those of the later metrics, from clipped_density on, of ten seeds on the plane,
# six in 1200 dimensions and three of digits; all of shapes of three. Most thresholds are half of the least
# effect, or twice the greatest accident, of these.
CLAIMS = {
    name: (Path(__file__).parent / "claims" / f"{name}.txt").read_text()
    for name in ("ring", "grid", "high-dimensional", "stacked-mnist", "shapes")
}


class Claim(NamedTuple):
    """What a metric makes of a dummy on a dataset."""

    dataset: str
    metric: str
    dummy: str
    text: str

    @property
    def kind(self):
        return self.text.split()[0]

    @property
    def is_moved(self):
        """Whether it says that the dummy's score differs from that of real data."""
        return self.kind not in ("same", "~", "by", "any")

    @property
    def is_reward(self):
        """Whether it says that the dummy's score is better than that of real data."""
        better = METRICS.get(self.metric).better
        return (better, self.kind) in (("higher", "up"), ("higher", "x"), ("lower", "down"))

    @property
    def is_noticed(self):
        """Whether the metric takes the dummy for something else than real data, and not for better."""
        return self.is_moved and not self.is_reward

    def holds(self, score, real):
        """Whether a dummy's score is as claimed, beside the score of real data."""
        _, *numbers = self.text.split()
        a = float(numbers[0]) if numbers else 0.0
        b = float(numbers[1]) if len(numbers) > 1 else 0.0
        return {
            "same": abs(score - real) <= a + 1e-12,
            "~": real / max(a, 1) <= score <= real * a,
            "by": a - 1e-12 <= score - real <= b + 1e-12,
            "up": score - real >= a,
            "up?": score - real >= a or math.isnan(score),
            "down": score - real <= -a,
            "x": score >= a * real,
            "=": abs(score - a) <= b + 1e-12,
            "none": math.isnan(score),
            "any": True,
        }[self.kind]

    def render(self):
        """The claim as the page shows it: in bold if the fault is noticed, in italics if it is rewarded."""
        _, *numbers = self.text.replace("-", "−").split()
        text = {
            "same": "±{}",
            "~": "÷{0} to ×{0}",
            "by": "{} to {}",
            "up": "≥ +{}",
            "up?": "≥ +{} or none",
            "down": "≤ −{}",
            "x": "≥ ×{}",
            "=": "= {}" if len(numbers) == 1 else "= {} ± {}",
            "none": "none",
            "any": "any",
        }[self.kind].format(*numbers)
        if self.is_reward:
            return f"*{text}*"
        return f"**{text}**" if self.is_noticed else text


def claims_on(dataset):
    """The claims of one dataset, by metric: one for each of `DUMMIES`."""
    by_metric = {}
    for block in CLAIMS[dataset].strip().split("\n\n"):
        header, *rows = map(_cells, block.splitlines())
        _, *dummies = header
        for metric, *texts in rows:
            own = by_metric.setdefault(metric, [])
            own += [Claim(dataset, metric, *claim) for claim in zip(dummies, texts, strict=True)]
    return by_metric


def _cells(line):
    return [cell.strip() for cell in line.split("|")]


def all_claims():
    claims = []
    for dataset in CLAIMS:
        for own in claims_on(dataset).values():
            claims += own
    return claims


def render():
    """The tables of docs/metrics.md."""
    lines = []
    for dataset in CLAIMS:
        lines += [
            f"`{dataset}`",
            "",
            f"| metric | {' | '.join(DUMMIES)} |",
            "|---" * (len(DUMMIES) + 1) + "|",
        ]
        for metric, claims in claims_on(dataset).items():
            assert [claim.dummy for claim in claims] == list(DUMMIES)
            cells = [claim.render() for claim in claims]
            lines.append(f"| `{metric}` | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)
