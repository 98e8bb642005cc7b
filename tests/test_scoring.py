import pytest
import torch

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.registry import METRICS
from benchmark.scoring import Scorer, collapsed, real_data

CPU = torch.device("cpu")
METRIC = {name: METRICS.get(name)() for name in METRICS.names()}


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda d: d.name)
def test_calibration_rows(data):
    scorer = Scorer(data, METRIC, CPU)
    rows = {"real": [], "collapsed": []}
    for seed in range(3):
        for name, source in (("real", real_data), ("collapsed", collapsed)):
            samples = source(data, seed, CPU)(data.samples)[None]
            rows[name] += scorer.final(samples, [seed])
    for row in rows["real"]:
        assert row["modes"] == row["modes_robust"] == data.modes
        assert abs(row["high_quality"] - 0.989) <= 0.006 if data.noisy == 2 else row["high_quality"] >= 0.99
        assert row["kl"] <= 3 * METRIC["kl"].floor(data)
        assert row["within_mode_std"] == pytest.approx(1, abs=0.03)
    for row in rows["collapsed"]:
        assert row["modes"] == row["modes_robust"] == 1
        assert row["high_quality"] == 1
        assert row["within_mode_std"] == 0
        assert row["kl"] == pytest.approx(torch.tensor(float(data.modes)).log().item(), rel=1e-6)
        assert row["ivom"] > 100 * rows["real"][0]["ivom"] or data.noisy > 2
        assert row["fid"] > rows["real"][0]["fid"]


def test_evaluation_noise_is_the_same_for_all_methods_and_differs_between_seeds():
    scorer = Scorer(Ring(), {}, CPU)
    assert torch.equal(scorer.latents(0, 10), Scorer(Ring(), {}, CPU).latents(0, 10))
    assert not torch.equal(scorer.latents(0, 10), scorer.latents(1, 10))


def test_costly_metrics_are_taken_at_the_end_only():
    data = Ring()
    scorer = Scorer(data, METRIC, CPU)
    samples = real_data(data, 0, CPU)(100)[None]
    assert "ivom" not in scorer.curve(samples, [0])[0]
    assert "fid" in scorer.curve(samples, [0])[0]
    assert "ivom" in scorer.final(samples, [0])[0]
    assert "ivom" not in scorer.final(samples, [0], generator_metrics=False)[0]
    assert set(scorer.large(real_data(data, 0, CPU), 0)) == {"modes_robust_large", "high_quality_large", "kl_large"}
