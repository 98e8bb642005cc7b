"""Batches for many seeds, each from random streams of its own."""

from collections.abc import Sequence
from math import prod
from operator import itemgetter

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.method import Batch, Noise, Player
from benchmark.records.checkpoint import Checkpoint

__all__ = ["Batches"]

BLOCK = 1 << 20
"""Random numbers that are drawn ahead per seed. Part of the streams' definition: a change changes all results."""

KINDS = ("data", "noise")


class Batches:
    """Iterates without end over the batches of one cycle after another, each tensor stacked over seeds.

    Real data and noise come from two generators per seed, read in blocks of many cycles. A block's size depends on the
    shapes alone, so a seed sees the same numbers whatever seeds run beside it.

    Arguments:
        data: The dataset.
        draws: The batches of a cycle, each described by the needs of its player.
        seeds: The seeds.
        device: Where to draw.
    """

    def __init__(
        self, data: Dataset, draws: Sequence[Player], seeds: Sequence[int], device: torch.device
    ) -> None:
        self.data = data
        self.draws = draws
        self.device = device
        self.generators = {kind: [data.stream(seed, kind, device) for seed in seeds] for kind in KINDS}
        per_cycle = sum(
            data.batch
            * p.batches
            * (p.real * prod(data.shape) + data.latent + sum(prod(n.shape) for n in p.noise.values()))
            for p in draws
        )
        self.cycles = max(1, min(256, BLOCK // per_cycle))
        self.block: list[list[Batch]] = []
        self.used = 0
        self.states = self._states()

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> list[Batch]:
        if self.used == len(self.block):
            self.states = self._states()
            self.block, self.used = [], 0  # the old block's memory, before the new one is drawn
            self.block = self._draw()
        self.used += 1
        return self.block[self.used - 1]

    def checkpoint(self) -> Checkpoint:
        """The generators' states before the present block, shape (S, bytes) per kind, and how many of its cycles are used."""
        return Checkpoint(self.states, {"used": self.used})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on where a checkpoint of the same streams was made; a `ValueError` if it does not fit."""
        for kind in KINDS:
            states, generators = checkpoint.arrays[kind], self.generators[kind]
            if states.shape != self.states[kind].shape or states.dtype != np.uint8:
                raise ValueError(
                    f"the state of the {kind} streams has shape {states.shape}, not {self.states[kind].shape}"
                )
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(torch.from_numpy(state.copy()))
        self.states = self._states()
        used = checkpoint.facts["used"]
        if not 0 <= used <= self.cycles:
            raise ValueError(f"{used} cycles of a block of {self.cycles} are used")
        self.block, self.used = self._draw() if used else [], used

    def _states(self) -> dict[str, np.ndarray]:
        return {
            kind: np.stack([g.get_state().numpy() for g in generators])
            for kind, generators in self.generators.items()
        }

    def _draw(self) -> list[list[Batch]]:
        stacked = [self._batches(player) for player in self.draws]
        return [[batch.map(itemgetter(i)) for batch in stacked] for i in range(self.cycles)]

    def _batches(self, player: Player) -> Batch:
        """The batches of one player for all cycles of a block, stacked."""
        size = player.batches * self.data.batch
        n = self.cycles * size

        def stack(per_seed: list[Tensor]) -> Tensor:
            return torch.stack([t.view(self.cycles, size, *t.shape[1:]) for t in per_seed], dim=1)

        def noise(kind: Noise) -> Tensor:
            draw = torch.rand if kind.kind == "uniform" else torch.randn
            return stack(
                [draw(n, *kind.shape, generator=g, device=self.device) for g in self.generators["noise"]]
            )

        return Batch(
            x=stack([self.data.sample(n, g) for g in self.generators["data"]]) if player.real else None,
            z=noise(Noise((self.data.latent,))),
            noise={name: noise(kind) for name, kind in player.noise.items()},
        )
