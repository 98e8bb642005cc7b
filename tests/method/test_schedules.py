"""Schedules at points where their values are known."""

import pytest
import torch

from benchmark.method import Cosine, Linear, WarmUp


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        (Linear(), {0.0: 1.0, 0.25: 0.75, 1.0: 0.0}),
        (Linear(0.5), {0.0: 1.0, 0.5: 1.0, 0.75: 0.5, 1.0: 0.0}),
        (Linear(0.5, end=0.2), {0.25: 1.0, 0.75: 0.6, 1.0: 0.2}),
        (Linear(end=3.0), {0.0: 1.0, 0.5: 2.0, 1.0: 3.0}),
        (Cosine(), {0.0: 1.0, 0.5: 0.5, 1.0: 0.0, 1 / 3: 0.75}),
        (Cosine(0.2), {0.0: 1.0, 0.5: 0.6, 1.0: 0.2}),
        (WarmUp(0.1), {0.0: 0.0, 0.05: 0.5, 0.1: 1.0, 1.0: 1.0}),
        (WarmUp(0.5, Linear()), {0.0: 0.0, 0.25: 0.375, 0.5: 0.5, 1.0: 0.0}),
    ],
)
def test_shares(schedule, shares):
    for progress, share in shares.items():
        assert schedule(torch.tensor(progress)).item() == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    "build", [lambda: Linear(1.0), lambda: Linear(-0.1), lambda: WarmUp(0), lambda: WarmUp(1.1)]
)
def test_what_cannot_work_is_refused(build):
    with pytest.raises(ValueError, match="must"):
        build()
