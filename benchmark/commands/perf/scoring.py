"""How the cost of scoring grows with the number of samples, in one run."""

from dataclasses import replace

import torch

from benchmark.commands.perf.timing import seconds_of
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
    torch.set_num_threads(1)
    print("\nscoring: seconds per seed for real samples, all metrics that need no generator, one thread")
    for name in suite.datasets:
        data = DATASETS.get(name)()
        seconds = []
        for times in TIMES[:1] if quick else TIMES:
            samples = times * data.samples
            larger = replace(data, samples=samples)
            metrics: dict[str, Metric] = {metric: METRICS.build(metric, {}) for metric in suite.metrics}
            scorer = Scorer(larger, {key: metric.on(larger) for key, metric in metrics.items()}, device)
            packed = real_data(larger, 0, device)(samples)[None]

            def score(scorer: Scorer = scorer, packed: torch.Tensor = packed) -> None:
                scorer.final(scorer.evaluation(packed, [0]), generator_metrics=False)

            score()  # draws the held-out data, too
            seconds.append(f"{samples} samples {seconds_of(score, device):.2f}")
        print(f"{name:<18}{', '.join(seconds)}", flush=True)
