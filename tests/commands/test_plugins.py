"""What plug-ins bring to a run: what it does not take, and what it cannot take."""

import pytest

RUN = (
    *("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "gan"),
    *("--budget", "5steps", "--dry-run"),
)

METRIC = """
from dataclasses import dataclass
from benchmark.metric import Metric
from benchmark.registry import register_metric

@register_metric("own")
@dataclass(frozen=True)
class Own(Metric):
    better = "lower"
    bounds = (0.0, 1.0)

    def score(self, evaluation):
        return evaluation.samples.isnan().double().mean(dim=(-1, -2))

    def best(self, data):
        return 0.0
"""

DATASET = """
from dataclasses import dataclass
import torch
from benchmark.datasets import Mixture
from benchmark.registry import register_dataset

@register_dataset("own-ring")
@dataclass(frozen=True)
class OwnRing(Mixture):
    std: float = 0.1

    @property
    def means(self):
        return torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])

    @property
    def mode_weights(self):
        return torch.tensor({weights}, dtype=torch.float64)
"""

SUITE = """
datasets = ["own-ring"]
methods = ["gan"]
metrics = ["modes"]
budgets = "5steps"
"""


def test_what_a_run_does_not_take_is_named(cli, tmp_path):
    metric, dataset = tmp_path / "metric.py", tmp_path / "dataset.py"
    metric.write_text(METRIC)
    dataset.write_text(DATASET.format(weights=[0.5, 0.25, 0.25]))
    arguments = (*RUN, "--plugin", metric, "--plugin", dataset, "--out", tmp_path / "run")
    status, _, err = cli(*arguments)
    assert status == 0, err
    assert "benchmark: metric 'own' of a plug-in has no part in this run; add it: --metrics +own\n" in err
    assert (
        "benchmark: dataset 'own-ring' of a plug-in has no part in this run; give a --suite that has it\n"
        in err
    )
    assert "metric 'own'" not in cli(*arguments, "--metrics", "+own")[2]


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ([0.5, 0.5, 0.5], "mode_weights sum to 1.5; they must sum to 1"),
        ([1.0, 1.0, -1.0], "mode_weights has a weight of -1; each must be positive"),
        ([0.5, 0.5, 0.0], "mode_weights has a weight of 0; each must be positive"),
    ],
)
def test_weights_that_are_none_are_refused(cli, tmp_path, weights, problem):
    file, suite = tmp_path / "dataset.py", tmp_path / "own.toml"
    file.write_text(DATASET.format(weights=weights))
    suite.write_text(SUITE)
    status, _, err = cli("run", "--suite", suite, "--plugin", file, "--out", tmp_path / "run", "--dry-run")
    assert status == 2
    assert err == f"benchmark: dataset 'own-ring': {problem}\n"
