"""How the cost of scoring grows with the number of samples, in one run."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmark.commands.perf.timing import seconds_of
from benchmark.datasets.base import Dataset
from benchmark.metric import Metric
from benchmark.registry import DATASETS, METRICS
from benchmark.scoring.calibration import real_data
from benchmark.scoring.scorer import Scorer
from benchmark.suites import get_suite

__all__ = ["measure_scoring"]

TIMES = (1, 2, 4)
"""Multiples of a dataset's own number of samples."""


def measure_scoring(device: torch.device, quick: bool = False) -> None:
    """Prints what all metrics that need no generator take on real samples, with one thread.

    Arguments:
        device: Where to score.
        quick: Whether to leave out the larger samples.
    """
    suite = get_suite("synthetic")
    print("\nscoring: seconds per seed for real samples, all metrics that need no generator, one thread")
    for name in suite.datasets:
        data = DATASETS.get(name)()
        texts = []
        for times in TIMES[:1] if quick else TIMES:
            samples = times * data.samples
            seconds = _seconds(replace(data, samples=samples), suite.metrics, device)
            texts.append(f"{samples} samples {seconds:.2f}")
        print(f"{name:<18}{', '.join(texts)}", flush=True)


def _seconds(data: Dataset, names: Sequence[str], device: torch.device) -> float:
    """Seconds to score as many real samples as the dataset takes."""
    metrics: dict[str, Metric] = {}
    for name in names:
        metric: Metric = METRICS.build(name, {}).on(data)
        if not metric.needs_generator:
            metrics[name] = metric
    scorer = Scorer(data, metrics, device)
    samples = real_data(data, 0, device)(data.samples)[None]

    def score() -> None:
        scorer.final(scorer.evaluation(samples, [0]))

    score()  # draws the held-out data, too
    return seconds_of(score, device)
