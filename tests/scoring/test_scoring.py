"""The scorer, the calibration rows, and the text of tables."""

import io
import sys
from dataclasses import dataclass

import pandas as pd
import pytest
import torch

from baselines.gan import GAN
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.method import Latents
from benchmark.metric import Metric
from benchmark.records.schema import (
    CALIBRATION_ROWS,
    COLLAPSED,
    DUMMY_ROWS,
    NOISE,
    REAL_DATA,
    STANDARD_ROWS,
)
from benchmark.registry import METRICS
from benchmark.report.tables.csv_text import to_csv
from benchmark.scoring.calibration import CALIBRATIONS, collapsed, noise, real_data
from benchmark.scoring.fitted_rows import FITTED
from benchmark.scoring.scorer import MetricError, Scorer
from benchmark.suites import get_suite
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import initialise

CPU = torch.device("cpu")
SUITE = get_suite("synthetic")


def metrics_on(data):
    return {name: METRICS.get(name)().on(data) for name in SUITE.metrics}


@pytest.mark.parametrize(
    "data", [Ring(), Grid(), HighDimensional(samples=1000, held_out=3000)], ids=lambda data: data.name
)
def test_calibration_rows(data):
    scorer = Scorer(data, metrics_on(data), CPU)
    rows = {}
    for name, source in CALIBRATIONS.items():
        rows[name] = []
        for seed in range(3):
            samples = source(data, seed, CPU)(data.samples)[None]
            rows[name] += scorer.final(scorer.evaluation(samples, [seed]))
    real = rows[REAL_DATA][0]
    in_plane = data.noisy == 2
    for row in rows[REAL_DATA]:
        assert row["modes"] == row["modes_robust"] == data.modes
        assert row["high_quality"] >= 0.99 or in_plane
        assert abs(row["high_quality"] - 0.989) <= 0.006 or not in_plane
        assert row["kl"] <= 3 * scorer.metrics["kl"].best(data)
        assert row["within_mode_std"] == pytest.approx(1, abs=0.03)
    for row in rows[COLLAPSED]:
        assert row["modes"] == row["modes_robust"] == 1
        assert row["high_quality"] == 1
        assert row["within_mode_std"] == 0
        assert row["kl"] == pytest.approx(torch.tensor(float(data.modes)).log().item(), rel=1e-6)
        assert row["ivom"] > 100 * real["ivom"] or not in_plane
        assert row["fid"] > real["fid"]
        assert row["overlap"] == pytest.approx(real["high_quality"] / data.modes, rel=0.02)
    for row in rows[NOISE]:
        if in_plane:
            assert row["overlap"] < 0.05
            assert row["high_quality"] < 0.03
        else:  # the modes lie on a line, and the Gaussian lies along it
            assert 0.2 < row["overlap"] < 0.33
            assert 0.2 < row["high_quality"] < 0.33
        assert row["modes_robust"] < data.modes
        assert row["kl_joint"] > 1 > 100 * real["kl_joint"] > 0


def test_the_rows_that_are_scored_are_those_that_the_files_know():
    assert tuple(CALIBRATIONS) == STANDARD_ROWS == ("real-data", *DUMMY_ROWS)
    assert (*CALIBRATIONS, *FITTED) == CALIBRATION_ROWS
    assert {"real-data": real_data, "collapsed": collapsed, "noise": noise} == CALIBRATIONS


def test_evaluation_noise_is_the_same_for_all_methods_and_differs_between_seeds(monkeypatch):
    def numbers(seed, n=10):
        return torch.cat(list(Scorer(Ring(), {}, CPU).numbers([seed], n, 8)), dim=1)[0]

    assert torch.equal(numbers(0), numbers(0))
    assert not torch.equal(numbers(0), numbers(1))
    # In parts they are those of a single draw.
    monkeypatch.setattr("benchmark.scoring.scorer.NUMBERS_AT_A_TIME", 1000)
    assert len(list(Scorer(Ring(), {}, CPU).numbers([0], 5000, 8))) > 40
    assert torch.equal(numbers(0, 5000), torch.randn(5000, 8, generator=Ring().stream(0, "evaluation")))


@dataclass(frozen=True)
class Noisy(GAN):
    def latents(self, data):
        return Latents(data.latent, noise=2)

    def sample(self, nets, z, noise):
        return nets.generator(z) + noise


def test_a_metric_that_does_not_apply_to_a_method_is_left_out():
    data = Ring()
    scorer = Scorer(data, metrics_on(data), CPU)
    generators = TrainedGenerators.of(Noisy(), data.spec, initialise(Noisy(), data, [0], CPU))
    samples, finite = scorer.sample(generators, [0], 50)
    assert bool(finite.all())
    assert samples.shape == (1, 50, 2)
    (scores,) = scorer.final(scorer.evaluation(samples, [0], generators))
    assert set(scorer.metrics) - set(scores) == {"ivom"}


def test_costly_metrics_are_taken_at_the_end_only():
    data = Ring()
    scorer = Scorer(data, metrics_on(data), CPU)
    evaluation = scorer.evaluation(real_data(data, 0, CPU)(100)[None], [0])
    assert "ivom" not in scorer.curve(evaluation)[0]
    assert "fid" in scorer.curve(evaluation)[0]
    assert "ivom" in scorer.final(evaluation)[0]
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


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (
            lambda samples: samples.mean(dim=1),
            "a tensor of torch.float32 of shape (1, 2); it must be a float",
        ),
        (lambda samples: samples.mean(), "of shape ()"),
        (lambda samples: torch.ones(1, dtype=torch.bool), "a tensor of torch.bool"),
        (lambda samples: 0.5, "returns float"),
        (lambda samples: 1 / 0, "metric 'mine': ZeroDivisionError: division by zero"),
        (lambda samples: sys.exit(), "metric 'mine': SystemExit"),
    ],
)
def test_a_metric_that_returns_anything_but_a_score_is_named(returned, problem):
    class Mine(Metric):
        better = "higher"
        bounds = (0.0, 1.0)

        def score(self, evaluation):
            return returned(evaluation.samples)

    scorer = Scorer(Ring(), {"mine": Mine()}, CPU)
    evaluation = scorer.evaluation(torch.zeros(1, 5, 2), [0])
    with pytest.raises(MetricError) as error:
        scorer.final(evaluation)
    assert problem in str(error.value)


@pytest.mark.parametrize("given", ["samples", "counts"])
def test_a_metric_that_writes_into_what_it_was_given_is_named(given):
    """What metrics share is computed once: another one would score what this one has written."""

    class Writes(Metric):
        better = "higher"
        bounds = (0.0, 1.0)

        def score(self, evaluation):
            getattr(evaluation, given).zero_()
            return torch.zeros(len(evaluation.samples))

    scorer = Scorer(Ring(), {"kl": METRICS.get("kl")(), "mine": Writes()}, CPU)
    with pytest.raises(MetricError, match="metric 'mine': writes into its evaluation"):
        scorer.final(scorer.evaluation(torch.zeros(1, 50, 2), [0]))


def test_held_out_data_is_kept_from_one_cell_to_the_next():
    """With what the same metrics derived from it; not for other settings of the data or of a metric."""
    first = Scorer(Ring(), metrics_on(Ring()), CPU)
    first.held_out.once("derived", lambda: 1)
    again = Scorer(Ring(), metrics_on(Ring()), CPU)
    assert again.held_out.once("derived", lambda: 2) == 1
    others = {**metrics_on(Ring()), "ivom": METRICS.get("ivom")(points=3)}
    assert Scorer(Ring(), others, CPU).held_out is not first.held_out
    assert len(Scorer(Ring(held_out=30), metrics_on(Ring()), CPU).held_out.x) == 30


def test_a_metric_that_fails_leaves_no_held_out_data_behind():
    @dataclass(frozen=True)
    class Spoils(Metric):
        name = "spoils"
        settings: tuple[int, ...] = (1,)

        def score(self, evaluation):
            evaluation.held_out.x.zero_()
            raise ValueError("no score")

    scorer = Scorer(Ring(), {"spoils": Spoils()}, CPU)
    with pytest.raises(MetricError):
        scorer.final(scorer.evaluation(torch.zeros(1, 10, 2), [0]))
    assert Scorer(Ring(), {"spoils": Spoils()}, CPU).held_out.x.any()


def test_held_out_data_of_other_files_is_drawn_anew(monkeypatch):
    first = Scorer(Ring(), metrics_on(Ring()), CPU).held_out
    monkeypatch.setattr(Ring, "fingerprint", "of other files")
    assert Scorer(Ring(), metrics_on(Ring()), CPU).held_out is not first
