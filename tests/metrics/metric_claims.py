"""What every metric notices of eight generators whose faults are known, and what it does not.

`python tests/metrics/test_metric_behaviour.py` prints these claims as docs/metrics.md shows them.
"""

import math
from typing import NamedTuple

__all__ = ["CLAIMS", "DUMMIES", "Claim", "all_claims", "claims_on", "render"]

DUMMIES = {
    "real": "fresh real data",
    "collapsed": "one real sample, repeated",
    "half": "real data of the first half of the modes only",
    "unequal": "real data of all modes, four fifths of it of the first half of them",
    "noisy": "real data with noise: 5 standard deviations of a mode; for digits, 32 of 255 levels",
    "memorising": "100 training samples, repeated; for mixtures, as many of each mode",
    "narrow": "real data moved half of the way to the centre of its mode; a digit to the mean of its class",
    "points": "one point for every mode: its centre; for digits, one image of each class",
    "noise": "one Gaussian with the mean and covariance of training data; images clipped to their range",
}

# A claim compares a dummy's score with that of the `real-data` row at the same sample size:
#   same T: at most T away              ~ F: within a factor F
#   by A B: more by A to B              these three do not count as moved
#   up T, down T: at least T more, or less
#   up? T: as up, or not defined        x F: at least F times
#   = V T: V itself, T away at most     none: not defined
# They hold for the scores of twenty seeds on the plane, of eight in 1200 dimensions, and of three with each
# of three digit classifiers. Most thresholds are half of the least effect, or twice the greatest accident, of
# these.
CLAIMS = {
    "ring": """
    metric          | real       | collapsed     | half          | unequal
    modes           | same 0     | = 1           | = 4           | same 0
    modes_robust    | same 0     | = 1           | = 4           | same 0
    high_quality    | same 0.015 | = 1           | same 0.015    | same 0.015
    kl              | same 0.006 | = 2.079 0.001 | = 0.694 0.005 | up 0.12
    kl_high_quality | same 0.006 | = 2.079 0.001 | = 0.694 0.005 | up 0.12
    within_mode_std | same 0.05  | = 0           | same 0.05     | same 0.06
    ivom            | ~ 2        | x 1000        | x 1000        | ~ 3.5
    fid             | same 0.005 | up 1.5        | up 0.4        | up 0.1
    precision       | same 0.015 | = 1           | same 0.015    | same 0.015
    recall          | same 0.02  | = 0           | down 0.4      | same 0.02
    density         | same 0.06  | same 1        | same 0.1      | same 0.06
    coverage        | same 0.04  | down 0.9      | down 0.4      | by -0.15 0
    overlap         | same 0.035 | = 0.124 0.005 | = 0.505 0.005 | = 0.703 0.03
    kl_joint        | same 0.006 | = 2.09 0.01   | = 0.686 0.006 | up 0.12
    mode_entropy    | same 0.003 | = 0           | = 0.666 0.003 | down 0.04
    out_of_range    | same 0     | same 0        | same 0        | same 0

    metric          | noisy         | memorising    | narrow       | points     | noise
    modes           | same 0        | same 0        | same 0       | same 0     | down 1
    modes_robust    | down 5        | same 0        | same 0       | same 0     | = 0
    high_quality    | = 0.159 0.03  | same 0.06     | = 1          | = 1        | = 0.003 0.004
    kl              | same 0.006    | same 0.006    | same 0.006   | same 0.006 | same 0.006
    kl_high_quality | by -0.01 0.05 | same 0.01     | same 0.006   | same 0.006 | up? 0.15
    within_mode_std | up 0.3        | by -0.3 0.1   | = 0.513 0.03 | = 0        | none
    ivom            | x 2           | x 5           | x 2          | x 20       | x 100
    fid             | same 0.005    | same 0.005    | same 0.005   | same 0.005 | same 0.005
    precision       | down 0.5      | same 0.04     | same 0.015   | = 1        | down 0.9
    recall          | same 0.03     | = 0           | down 0.1     | = 0        | by -0.1 0.03
    density         | down 0.6      | same 0.2      | same 0.1     | same 0.12  | down 0.9
    coverage        | down 0.4      | down 0.6      | down 0.15    | down 0.9   | down 0.9
    overlap         | = 0.17 0.02   | by -0.06 0.03 | same 0.035   | same 0.035 | = 0.013 0.004
    kl_joint        | up 1.7        | by -0.01 0.06 | up 0.003     | up 0.003   | up 2.2
    mode_entropy    | same 0.003    | same 0.003    | same 0.003   | same 0.003 | same 0.003
    out_of_range    | same 0        | same 0        | same 0       | same 0     | up 0.004
    """,
    "grid": """
    metric          | real       | collapsed     | half          | unequal
    modes           | same 0     | = 1           | = 12          | same 0
    modes_robust    | same 0     | = 1           | = 12          | same 0
    high_quality    | same 0.015 | = 1           | same 0.015    | same 0.015
    kl              | same 0.01  | = 3.219 0.001 | = 0.736 0.006 | up 0.14
    kl_high_quality | same 0.01  | = 3.219 0.001 | = 0.736 0.006 | up 0.14
    within_mode_std | same 0.06  | = 0           | same 0.06     | same 0.06
    ivom            | ~ 2        | x 1000        | x 1000        | ~ 3
    fid             | same 0.06  | up 10         | up 5          | up 1.5
    precision       | same 0.015 | = 1           | same 0.02     | same 0.015
    recall          | same 0.02  | = 0           | down 0.4      | same 0.03
    density         | same 0.06  | same 1        | same 0.1      | same 0.06
    coverage        | same 0.04  | down 0.9      | down 0.4      | by -0.15 0
    overlap         | same 0.045 | = 0.04 0.005  | = 0.485 0.005 | = 0.683 0.025
    kl_joint        | same 0.012 | = 3.23 0.01   | = 0.728 0.01  | up 0.1
    mode_entropy    | same 0.004 | = 0           | = 0.771 0.003 | down 0.03
    out_of_range    | same 0     | same 0        | same 0        | same 0

    metric          | noisy         | memorising    | narrow       | points     | noise
    modes           | same 0        | same 0        | same 0       | same 0     | down 2
    modes_robust    | down 10       | same 0        | same 0       | same 0     | = 0
    high_quality    | = 0.159 0.03  | same 0.08     | = 1          | = 1        | = 0.015 0.01
    kl              | same 0.01     | same 0.01     | same 0.01    | same 0.01  | up 0.025
    kl_high_quality | by -0.01 0.08 | same 0.015    | same 0.01    | same 0.01  | up 0.18
    within_mode_std | up 0.3        | by -0.4 0     | = 0.513 0.03 | = 0        | none
    ivom            | x 3           | x 6           | x 1.5        | x 10       | x 35
    fid             | same 0.06     | same 0.06     | same 0.06    | same 0.06  | same 0.06
    precision       | down 0.5      | same 0.05     | same 0.03    | = 1        | down 0.9
    recall          | same 0.03     | = 0           | down 0.1     | = 0        | same 0.04
    density         | down 0.6      | same 0.25     | up 0.04      | same 0.15  | down 0.9
    coverage        | down 0.4      | down 0.6      | down 0.1     | down 0.8   | down 0.8
    overlap         | = 0.17 0.025  | by -0.06 0.03 | same 0.045   | same 0.045 | = 0.026 0.01
    kl_joint        | up 1.6        | by -0.01 0.09 | up 0.003     | up 0.0025  | up 2.1
    mode_entropy    | same 0.004    | same 0.004    | same 0.004   | same 0.004 | down 0.008
    out_of_range    | same 0        | same 0        | same 0       | same 0     | same 0.003
    """,
    "high-dimensional": """
    metric              | real       | collapsed     | half          | unequal
    modes               | same 0     | = 1           | = 5           | same 0
    modes_robust        | same 0     | = 1           | = 5           | same 0
    high_quality        | same 0.02  | = 1           | same 0.02     | same 0.02
    high_quality_legacy | same 0     | same 0        | same 0        | same 0
    kl                  | same 0.02  | = 2.303 0.001 | = 0.697 0.02  | up 0.1
    kl_high_quality     | same 0.02  | = 2.303 0.001 | = 0.697 0.02  | up 0.1
    within_mode_std     | same 0.01  | = 0           | same 0.01     | same 0.01
    ivom                | same 0.01  | up 10         | up 10         | by 0 0.02
    fid                 | ~ 4        | x 15          | x 15          | x 2
    precision           | same 0.1   | = 1           | same 0.15     | same 0.12
    recall              | same 0.1   | = 0           | down 0.25     | same 0.1
    density             | same 0.2   | by -1 5       | same 0.3      | same 0.2
    coverage            | same 0.05  | down 0.8      | down 0.2      | by -0.15 0
    overlap             | same 0.06  | = 0.1 0.005   | = 0.5 0.01    | = 0.705 0.04
    kl_joint            | same 0.02  | = 2.305 0.005 | = 0.697 0.02  | up 0.08
    mode_entropy        | same 0.007 | = 0           | = 0.697 0.005 | down 0.035
    out_of_range        | same 0     | same 0        | same 0        | same 0

    metric              | noisy         | memorising | narrow     | points     | noise
    modes               | = 0           | same 0     | same 0     | same 0     | by -2 0
    modes_robust        | = 0           | same 0     | same 0     | same 0     | down 1
    high_quality        | = 0           | same 0.03  | = 1        | = 1        | = 0.265 0.06
    high_quality_legacy | same 0        | same 0     | same 0     | = 1        | same 0
    kl                  | same 0.02     | same 0.02  | same 0.02  | same 0.02  | up 0.13
    kl_high_quality     | none          | same 0.02  | same 0.02  | same 0.02  | up 0.04
    within_mode_std     | none          | down 0.02  | = 0.5 0.01 | = 0        | same 0.02
    ivom                | up 10         | up 0.01    | down 0.2   | down 0.3   | up 0.02
    fid                 | x 15          | ~ 6        | ~ 4        | ~ 5        | ~ 4
    precision           | = 0           | same 0.12  | up 0.1     | up 0.1     | down 0.3
    recall              | up 0.08       | down 0.2   | = 0        | = 0        | up 0.04
    density             | = 0           | same 0.5   | up 10      | up 10      | down 0.35
    coverage            | = 0           | down 0.15  | up 0.01    | up 0.01    | down 0.2
    overlap             | = 0.002 0.005 | same 0.09  | same 0.06  | same 0.08  | = 0.27 0.06
    kl_joint            | up 3          | same 0.02  | same 0.02  | same 0.02  | up 1.9
    mode_entropy        | same 0.007    | same 0.01  | same 0.007 | same 0.011 | down 0.06
    out_of_range        | same 0        | same 0     | same 0     | same 0     | same 0
    """,
    "stacked-mnist": """
    metric                 | real       | collapsed     | half          | unequal
    modes                  | same 12    | = 1           | = 500 3       | down 25
    modes_robust           | same 12    | = 1           | = 500 3       | down 25
    high_quality           | same 0.02  | same 0.02     | same 0.02     | same 0.02
    kl                     | same 0.03  | = 6.908 0.01  | = 0.76 0.03   | up 0.12
    kl_high_quality        | same 0.03  | = 6.908 0.01  | = 0.76 0.03   | up 0.12
    ivom                   | ~ 1.1      | x 4           | x 1.2         | ~ 1.2
    fid                    | ~ 1.4      | x 40          | x 5           | x 2
    precision              | same 0.01  | same 0.02     | same 0.02     | same 0.01
    recall                 | same 0.02  | = 0           | down 0.35     | same 0.02
    density                | same 0.08  | same 1.2      | same 0.1      | same 0.08
    coverage               | same 0.05  | down 0.9      | down 0.25     | by -0.15 0
    overlap                | same 0.02  | = 0.001 0.001 | = 0.492 0.015 | = 0.67 0.02
    kl_joint               | same 0.03  | = 6.91 0.03   | = 0.765 0.03  | up 0.09
    mode_entropy           | same 0.003 | = 0           | = 0.889 0.003 | down 0.013
    modes_confident        | same 12    | = 1           | = 500 3       | down 25
    modes_confident_robust | same 12    | = 1           | = 500 3       | down 25

    metric                 | noisy      | memorising    | narrow       | points        | noise
    modes                  | same 15    | down 850      | same 15      | same 15       | down 130
    modes_robust           | same 15    | down 850      | same 15      | same 15       | down 130
    high_quality           | down 0.4   | same 0.02     | down 0.07    | same 0.02     | = 0 0.005
    kl                     | same 0.03  | up 1.5        | same 0.03    | same 0.04     | up 0.35
    kl_high_quality        | up 0.4     | up 1.5        | up 0.01      | same 0.04     | up? 2.5
    ivom                   | x 1.12     | x 1.6         | x 1.08       | x 1.4         | x 1.5
    fid                    | x 3        | x 2           | x 4          | x 2           | x 15
    precision              | down 0.02  | same 0.04     | by -0.2 0.02 | same 0.02     | down 0.8
    recall                 | down 0.08  | = 0           | down 0.1     | down 0.02     | down 0.9
    density                | down 0.15  | same 0.2      | by -0.6 0.1  | same 0.25     | down 0.8
    coverage               | down 0.03  | down 0.6      | down 0.02    | by -0.12 0.02 | down 0.7
    overlap                | down 0.3   | = 0.093 0.015 | down 0.045   | same 0.03     | = 0 0.005
    kl_joint               | up 1       | up 1.1        | up 0.05      | same 0.04     | up 3
    mode_entropy           | same 0.003 | down 0.16     | same 0.003   | same 0.006    | down 0.05
    modes_confident        | down 280   | down 850      | by -400 5    | same 15       | down 900
    modes_confident_robust | down 280   | down 850      | by -400 5    | same 15       | down 900
    """,
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
        return self.kind not in ("same", "~", "by")

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
        }[self.kind]

    def render(self):
        """The claim as the page shows it, in bold if the score is moved."""
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
        }[self.kind].format(*numbers)
        return f"**{text}**" if self.is_moved else text


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
