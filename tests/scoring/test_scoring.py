import io

import pandas as pd
import pytest
import torch

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.records.schema import CALIBRATIONS, DUMMIES
from benchmark.registry import METRICS
from benchmark.report.tables.csv_text import to_csv
from benchmark.scoring import scorer as scoring
from benchmark.scoring.calibration import collapsed, noise, real_data
from benchmark.scoring.scorer import Scorer
from benchmark.suites import get_suite

CPU = torch.device("cpu")
SUITE = get_suite("synthetic")


def metrics_on(data):
    return {name: METRICS.get(name)().on(data) for name in SUITE.metrics}


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda d: d.name)
def test_calibration_rows(data):
    scorer = Scorer(data, metrics_on(data), CPU)
    rows = {"real": [], "collapsed": [], "noise": []}
    for seed in range(3):
        for name, source in (("real", real_data), ("collapsed", collapsed), ("noise", noise)):
            samples = source(data, seed, CPU)(data.samples)[None]
            rows[name] += scorer.final(scorer.evaluation(samples, [seed]))
    for row in rows["real"]:
        assert row["modes"] == row["modes_robust"] == data.modes
        assert abs(row["high_quality"] - 0.989) <= 0.006 if data.noisy == 2 else row["high_quality"] >= 0.99
        assert row["kl"] <= 3 * scorer.metrics["kl"].best(data)
        assert row["within_mode_std"] == pytest.approx(1, abs=0.03)
    for row in rows["collapsed"]:
        assert row["modes"] == row["modes_robust"] == 1
        assert row["high_quality"] == 1
        assert row["within_mode_std"] == 0
        assert row["kl"] == pytest.approx(torch.tensor(float(data.modes)).log().item(), rel=1e-6)
        assert row["ivom"] > 100 * rows["real"][0]["ivom"] or data.noisy > 2
        assert row["fid"] > rows["real"][0]["fid"]
        assert row["overlap"] == pytest.approx(rows["real"][0]["high_quality"] / data.modes, rel=0.02)
    for row in rows["noise"]:
        # In 1200 dimensions the modes lie on a line, and the Gaussian lies along it.
        assert row["overlap"] < 0.05 if data.noisy == 2 else 0.2 < row["overlap"] < 0.33
        assert row["high_quality"] < 0.03 if data.noisy == 2 else 0.2 < row["high_quality"] < 0.33
        assert row["modes_robust"] < data.modes
        assert row["kl_joint"] > 1 > 100 * rows["real"][0]["kl_joint"] > 0


def test_the_rows_that_are_scored_are_those_that_the_files_know():
    assert tuple(scoring.CALIBRATIONS) == CALIBRATIONS == ("real-data", *DUMMIES)
    assert {"real-data": real_data, "collapsed": collapsed, "noise": noise} == scoring.CALIBRATIONS


def test_evaluation_noise_is_the_same_for_all_methods_and_differs_between_seeds():
    scorer = Scorer(Ring(), {}, CPU)
    assert torch.equal(scorer.latents(0, 10), Scorer(Ring(), {}, CPU).latents(0, 10))
    assert not torch.equal(scorer.latents(0, 10), scorer.latents(1, 10))


def test_costly_metrics_are_taken_at_the_end_only():
    data = Ring()
    scorer = Scorer(data, metrics_on(data), CPU)
    evaluation = scorer.evaluation(real_data(data, 0, CPU)(100)[None], [0])
    assert "ivom" not in scorer.curve(evaluation)[0]
    assert "fid" in scorer.curve(evaluation)[0]
    assert "ivom" in scorer.final(evaluation)[0]
    assert "ivom" not in scorer.final(evaluation, generator_metrics=False)[0]
    assert set(scorer.large(real_data(data, 0, CPU), 0)) == {
        "modes_robust_large",
        "high_quality_large",
        "kl_large",
        "overlap_large",
    }


def test_texts_that_a_spreadsheet_would_run_are_disarmed():
    frame = pd.DataFrame(
        {
            "a": ["=1+1", "+x", "-x", "@x", "\tx", "fine", None],
            "=b": [-1.5, 2, 3, 4, 5, 1 / 3, 7],
            "n": pd.array([1, None, 3, 4, 5, 6, -7], "Int64"),
        }
    )
    text = to_csv(frame)
    assert text.splitlines()[0] == "a,'=b,n"
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [
        "'=1+1",
        "'+x",
        "'-x",
        "'@x",
        "'\tx",
        "fine",
        "",
    ]
    again = pd.read_csv(io.StringIO(text))
    assert again["'=b"].tolist() == frame["=b"].tolist()
    assert text.splitlines()[1:3] == ["'=1+1,-1.5,1", "'+x,2.0,"]
