"""Samples of the dummies of `metric_claims`, and their scores."""

import torch

from benchmark.datasets.image_files import load_digits
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.datasets.shapes import Shapes
from benchmark.datasets.stacked import StackedMNIST
from benchmark.registry import METRICS
from benchmark.scoring.calibration import collapsed, noise, real_data
from benchmark.scoring.scorer import Scorer

__all__ = ["CPU", "make_dataset", "point_samples", "score_dummies"]

CPU = torch.device("cpu")

DATASETS = {
    "ring": (Ring, {}),
    "grid": (Grid, {}),
    "high-dimensional": (HighDimensional, {"samples": 600, "held_out": 1300}),
    "stacked-mnist": (StackedMNIST, {"original": False, "samples": 5000, "held_out": 2000}),
    "shapes": (Shapes, {"samples": 2000, "held_out": 2000}),
}


def make_dataset(name):
    """The dataset at the sample sizes of the claims."""
    cls, settings = DATASETS[name]
    return cls(**settings)


def point_samples(data, seed, n):
    """Samples of the dummies of a mixture, by dummy, each of shape (n, D)."""
    rng = data.stream(seed, "dummies")

    def moved(x, share):
        centre = data.means[data.assign(x).mode]
        return centre + share * (x - centre)

    def real(n):
        return data.draw(n, rng, "calibration")

    many, train, each = real(4 * n), data.draw(100 * data.modes, rng, "train"), -(-100 // data.modes)
    first = data.assign(many).mode < data.modes // 2
    mode = data.assign(train).mode
    few = torch.cat([train[mode == k][:each] for k in range(data.modes)])
    return {
        "real": real(n),
        "collapsed": collapsed(data, seed, CPU)(n),
        "half": many[first][:n],
        "unequal": torch.where(torch.rand(n, 1, generator=rng) < 0.8, many[first][:n], many[~first][-n:]),
        "noisy": real(n) + 5 * data.std * torch.randn(n, *data.shape, generator=rng),
        "memorising": few[torch.randint(len(few), (n,), generator=rng)],
        "narrow": moved(real(n), 0.5),
        "points": moved(real(n), 0.0),
        "noise": noise(data, seed, CPU)(n),
    }


def digit_samples(data, seed, n):
    """Samples of the dummies of stacked digits, by dummy, each of shape (n, 3, 28, 28)."""
    rng, files = data.stream(seed, "dummies"), load_digits(data.source, data.original)
    digits, labels = files.test[1::2, 0], files.test_labels[1::2]

    def stacks(*pools):
        """A stack of one random image of each pool."""
        return torch.stack([pool[torch.randint(len(pool), (n,), generator=rng)] for pool in pools], dim=1)

    means = torch.stack([digits[labels == digit].float().mean(dim=0) for digit in range(10)])
    narrow = ((digits + means[labels]) / 2).round().to(torch.uint8)
    one = torch.stack([files.train[files.train_labels == digit][seed, 0] for digit in range(10)])
    low, high = digits[labels < 5], digits[labels >= 5]
    real = data.draw(n, rng, "calibration")
    few = data.draw(100, rng, "train")

    def unequal():
        often = torch.rand(n, 1, 1, 1, generator=rng) < 0.8
        return torch.where(often, stacks(low, digits, digits), stacks(high, digits, digits))

    def noisy():
        pixels = real + 32 * torch.randn(real.shape, generator=rng)
        return pixels.round().clamp(0, 255).to(torch.uint8)

    return {
        "real": data.draw(n, rng, "calibration"),
        "collapsed": collapsed(data, seed, CPU)(n),
        "half": stacks(low, digits, digits),
        "unequal": unequal(),
        "noisy": noisy(),
        "memorising": few[torch.randint(100, (n,), generator=rng)],
        "narrow": stacks(narrow, narrow, narrow),
        "points": stacks(one, one, one),
        "noise": noise(data, seed, CPU)(n),
    }


def shape_samples(data, seed, n):
    """Samples of the dummies of rendered figures, by dummy, each of shape (n, 3, 32, 32)."""
    rng = data.stream(seed, "dummies")
    mode, factors = torch.randint(data.modes, (n,), generator=rng), torch.rand(n, 4, generator=rng)
    half, middle = data.modes // 2, torch.full((n, 4), 0.6)
    often = torch.rand(n, generator=rng) < 0.8
    noise_of_32_levels = 32 * torch.randn(n, *data.shape, generator=rng)
    few = data.draw(100, rng, "train")
    return {
        "real": data.draw(n, rng, "calibration"),
        "collapsed": collapsed(data, seed, CPU)(n),
        "half": data.render(mode % half, factors),
        "unequal": data.render(torch.where(often, mode % half, half + mode % half), factors),
        "noisy": (data.render(mode, factors) + noise_of_32_levels).round().clamp(0, 255).to(torch.uint8),
        "memorising": few[torch.randint(100, (n,), generator=rng)],
        "narrow": data.render(mode, (factors + middle) / 2),
        "points": data.render(mode, middle),
        "noise": noise(data, seed, CPU)(n),
    }


SAMPLES = {
    "ring": point_samples,
    "grid": point_samples,
    "high-dimensional": point_samples,
    "stacked-mnist": digit_samples,
    "shapes": shape_samples,
}
"""Makes the samples of the dummies of a dataset."""


def score_dummies(data, seed=0):
    """The scores of every dummy, and of `reference`, the `real-data` row: by metric, then by dummy."""
    samples = {"reference": real_data(data, seed, CPU)(data.samples)}
    samples |= SAMPLES[data.name](data, seed, data.samples)
    metrics = {}
    for name in METRICS.names():
        metric = METRICS.get(name)()
        if metric.applies(data):
            metrics[name] = metric.on(data)
    scorer = Scorer(data, metrics, CPU)
    rows = scorer.final(scorer.evaluation(torch.stack(list(samples.values())), [seed] * len(samples)))
    scores = {}
    for name in scorer.metrics:
        scores[name] = {dummy: row[name] for dummy, row in zip(samples, rows, strict=True)}
    return scores
