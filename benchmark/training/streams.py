"""Batches for many seeds, each from random streams of its own."""

from collections.abc import Iterator, Sequence
from math import prod
from operator import itemgetter

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.method import Batch, Noise, Player

__all__ = ["batches"]

BLOCK = 1 << 20
"""Random numbers that are drawn ahead per seed. Part of the streams' definition: a change changes all results."""


def batches(data: Dataset, draws: Sequence[Player], seeds: Sequence[int], device: torch.device) -> Iterator[list[Batch]]:
    """Yields one cycle's batches without end, each tensor stacked over seeds.

    Real data and noise come from two generators per seed, read in blocks of many cycles. A block's size depends on the
    shapes alone, so a seed sees the same numbers whatever seeds run beside it.
    """
    generators = {kind: [data.stream(seed, kind, device) for seed in seeds] for kind in ("data", "noise")}
    per_cycle = sum(
        data.batch * (player.real * prod(data.shape) + data.latent + sum(prod(n.shape) for n in player.noise.values())) for player in draws
    )
    cycles = max(1, min(256, BLOCK // per_cycle))
    n = cycles * data.batch

    def noise(kind: Noise) -> Tensor:
        draw = torch.rand if kind.kind == "uniform" else torch.randn
        return stack([draw(n, *kind.shape, generator=g, device=device) for g in generators["noise"]])

    def stack(per_seed: list[Tensor]) -> Tensor:
        return torch.stack([t.view(cycles, data.batch, *t.shape[1:]) for t in per_seed], dim=1)

    while True:
        block = [
            Batch(
                x=stack([data.sample(n, g) for g in generators["data"]]) if player.real else None,
                z=noise(Noise((data.latent,))),
                noise={name: noise(kind) for name, kind in player.noise.items()},
            )
            for player in draws
        ]
        for i in range(cycles):
            yield [batch.map(itemgetter(i)) for batch in block]
