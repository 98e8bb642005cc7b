"""Scores fresh samples against held-out data, with the same evaluation noise for all methods."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.errors import in_one_line
from benchmark.method import Latents
from benchmark.metric import Evaluation, HeldOut, Metric
from benchmark.records.schema import LARGE

__all__ = ["Drawn", "MetricError", "Scorer"]


class Sampler(Protocol):
    """Generators of several seeds."""

    @property
    def latents(self) -> Latents:
        """What a sample is made of."""

    def __call__(self, numbers: Tensor, /) -> Tensor:
        """Maps standard normal numbers $(S, N, L + noise)$ to data $(S, N, *)$."""


SAMPLES_AT_A_TIME = 250
"""Samples per seed that are generated at a time."""

NUMBERS_AT_A_TIME = 1 << 24
"""Random numbers per seed that are drawn at a time, 64 MiB. So they do not depend on the seeds beside it."""

ROWS_LIKE_ONE_DRAW = 16
"""On a CPU, draws of a multiple of so many rows give the numbers of a single draw."""


class Drawn(NamedTuple):
    """The samples of some seeds.

    Attributes:
        packed: Shape $(S, N, *)$.
        finite: Whether all of a seed's samples are finite, shape $(S,)$.
    """

    packed: Tensor
    finite: Tensor


class MetricError(Exception):
    """A metric could not be scored."""


class Scorer:
    """Scores generators or samples of a group of seeds.

    Arguments:
        data: The dataset.
        metrics: The metrics by name; those that do not apply to the dataset are left out.
        device: Where to score.
    """

    def __init__(self, data: Dataset, metrics: Mapping[str, Metric], device: torch.device) -> None:
        self.data = data
        self.metrics = {name: metric for name, metric in metrics.items() if metric.applies(data)}
        self.device = device

    @cached_property
    def held_out(self) -> HeldOut:
        """Held-out real data; the same for every method and seed."""
        kinds = tuple((type(metric), repr(metric)) for metric in self.metrics.values())
        return _held_out(self.data, self.data.fingerprint, kinds, self.device)

    def numbers(self, seeds: Sequence[int], n: int, size: int) -> Iterator[Tensor]:
        """The first `n` rows of the evaluation streams of some seeds, standard normal, some at a time, each
        of shape $(S, m, size)$.

        A diffusion of many steps takes more numbers per sample than fit into memory for all samples.
        """
        rows = max(1, NUMBERS_AT_A_TIME // size // ROWS_LIKE_ONE_DRAW) * ROWS_LIKE_ONE_DRAW
        rngs = [self.data.stream(seed, "evaluation", self.device) for seed in seeds]
        for start in range(0, n, rows):
            m = min(rows, n - start)
            drawn = torch.empty(len(rngs), m, size, device=self.device)
            for own, rng in zip(drawn, rngs, strict=True):
                own.normal_(generator=rng)
            yield drawn

    def sample(self, generator: Sampler, seeds: Sequence[int], n: int | None = None) -> Drawn:
        """The samples on which the generators of some seeds are scored.

        Arguments:
            generator: The generators.
            seeds: Their seeds.
            n: The number of samples; by default that of the dataset.
        """
        if n is None:
            n = self.data.samples
        packed, finite = [], []
        with torch.no_grad():
            for numbers in self.numbers(seeds, n, generator.latents.numbers):
                for part in numbers.split(SAMPLES_AT_A_TIME, dim=1):
                    x = generator(part)
                    finite.append(x.flatten(1).isfinite().all(dim=1))
                    packed.append(self.data.pack(x))
        return Drawn(torch.cat(packed, dim=1), torch.stack(finite).all(dim=0))

    def evaluation(
        self, samples: Tensor, seeds: Sequence[int], generator: Sampler | None = None
    ) -> Evaluation:
        """The evaluation that metrics score.

        Arguments:
            samples: Generated data, packed, shape $(S, N, *)$.
            seeds: The seeds.
            generator: The generators that they come from, if these are at hand.
        """
        latents = None if generator is None else generator.latents
        return Evaluation(self.data, samples, self.held_out, seeds, generator, latents)

    def curve(self, evaluation: Evaluation) -> list[dict[str, float]]:
        """The cheap metrics, one dictionary per seed."""
        metrics = {name: metric for name, metric in self.metrics.items() if metric.on_curve(self.data)}
        return _score(metrics, evaluation)

    def final(self, evaluation: Evaluation) -> list[dict[str, float]]:
        """All metrics, one dictionary per seed."""
        return _score(self.metrics, evaluation)

    def large(self, draw: Callable[[int], Tensor], seed: int) -> dict[str, float]:
        """The metrics that gain from more samples, as `<name>_large`, for one seed.

        Arguments:
            draw: Draws `n` packed samples of the seed, shape $(n, *)$.
            seed: The seed.
        """
        if self.data.samples_large == 0:
            return {}
        metrics = {f"{name}{LARGE}": metric for name, metric in self.metrics.items() if metric.large}
        samples = draw(self.data.samples_large)[None]
        return _score(metrics, self.evaluation(samples, [seed]))[0]


@lru_cache(maxsize=1)
def _held_out(
    data: Dataset, fingerprint: str, metrics: tuple[tuple[type, str], ...], device: torch.device
) -> HeldOut:
    """Held-out data, kept from one cell to the next with what metrics derive from it.

    The fingerprint and the metrics are for the cache: datasets of the same settings may have other files, and
    metrics of other settings may derive other things.
    """
    rng = data.stream("all", "held-out", device)
    return HeldOut(data.draw(data.held_out, rng, "held-out"))


def _score(metrics: Mapping[str, Metric], evaluation: Evaluation) -> list[dict[str, float]]:
    """The scores by metric, one dictionary per seed; without those that do not apply to the method."""
    try:
        return _score_each(metrics, evaluation)
    except MetricError:
        # It may have written into what is kept.
        _held_out.cache_clear()
        raise


def _score_each(metrics: Mapping[str, Metric], evaluation: Evaluation) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = [{} for _ in evaluation.samples]
    for name, metric in metrics.items():
        if evaluation.latents is not None and not metric.applies_to(evaluation.latents):
            continue
        before = _shared(evaluation)
        scores = _scores_by(metric, name, evaluation)
        if any(_written(tensor) != times for tensor, times in before):
            raise MetricError(f"metric {name!r}: writes into its evaluation; a metric changes nothing")
        for row, value in zip(rows, scores.tolist(), strict=True):
            row[name] = value
    return rows


class _Shared(NamedTuple):
    """A tensor that metrics share, and how often it was written into."""

    tensor: Tensor
    times: int


def _shared(evaluation: Evaluation) -> list[_Shared]:
    """What metrics are given and what they have derived from it."""
    tensors = _tensors([vars(evaluation), vars(evaluation.held_out)])
    return [_Shared(tensor, _written(tensor)) for tensor in tensors]


def _written(tensor: Tensor) -> int:
    return tensor._version  # noqa: SLF001 - torch has no public name for it


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _scores_by(metric: Metric, name: str, evaluation: Evaluation) -> Tensor:
    """The scores by a metric, shape $(S,)$.

    Raises:
        MetricError: If the metric fails, or returns anything else.
    """
    try:
        scores: Any = metric.score(evaluation)
    except (Exception, SystemExit) as error:  # a metric may be foreign code, and fail in any way
        raise MetricError(f"metric {name!r}: {in_one_line(error)}") from error
    shape = (len(evaluation.samples),)
    if not isinstance(scores, Tensor) or scores.shape != shape or not scores.is_floating_point():
        raise MetricError(
            f"metric {name!r} returns {_kind(scores)}; it must be a float tensor of shape {shape}"
        )
    return scores


def _kind(value: Any) -> str:
    """What something is, in words."""
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__
