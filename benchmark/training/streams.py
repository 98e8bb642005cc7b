"""Batches for many seeds, each from random streams of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from operator import itemgetter

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.method import Batch, Latents, Noise, Player
from benchmark.records.checkpoint import Checkpoint

__all__ = ["Batches", "Draw"]

BLOCK_NUMBERS = 1 << 20
"""Random numbers drawn ahead per seed. Part of the streams' definition: a change changes all results."""

LONGEST_BLOCK_CYCLES = 256
"""Cycles of the longest block. Part of the streams' definition, too."""

STREAM_KINDS = ("data", "noise")


@dataclass(frozen=True)
class Draw:
    """What one batch needs.

    Attributes:
        latents: What its latents are.
        batches: How many of the dataset's batches it holds, one after another.
        real: Whether it holds real data.
        noise: Its extra noise, by name.
    """

    latents: Latents
    batches: int = 1
    real: bool = True
    noise: dict[str, Noise] = field(default_factory=dict)

    @classmethod
    def of(cls, player: Player, latents: Latents) -> "Draw":
        """What the loss of one player needs."""
        return cls(latents, player.batches, player.real, dict(player.noise))

    def numbers(self, data: Dataset) -> int:
        """How many random numbers the batch holds per seed."""
        per_sample = self.latents.size + sum(prod(noise.shape) for noise in self.noise.values())
        if self.real:
            per_sample += prod(data.shape)
        return data.batch * self.batches * per_sample


class Batches:
    """Iterates without end over the batches of one cycle after another, each tensor stacked over seeds.

    Real data and noise come from two streams per seed, read in blocks of many cycles. A block's size depends
    on the shapes alone, so a seed sees the same numbers whatever seeds run beside it.

    Arguments:
        data: The dataset.
        draws: What the batches of a cycle need, in order.
        seeds: The seeds.
        device: Where to draw.
    """

    def __init__(
        self, data: Dataset, draws: Sequence[Draw], seeds: Sequence[int], device: torch.device
    ) -> None:
        self.data = data
        self.draws = draws
        self.device = device
        self.rngs: dict[str, list[torch.Generator]] = {}
        for kind in STREAM_KINDS:
            self.rngs[kind] = [data.stream(seed, kind, device) for seed in seeds]
        per_cycle = sum(draw.numbers(data) for draw in draws)
        self.cycles = max(1, min(LONGEST_BLOCK_CYCLES, BLOCK_NUMBERS // per_cycle))
        self.block: list[list[Batch]] = []
        self.used = 0
        self.states = self._states()

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> list[Batch]:
        if self.used == len(self.block):
            self.states = self._states()
            self.block, self.used = [], 0  # the old block's memory, before the new one is drawn
            self.block = self._draw_block()
        self.used += 1
        return self.block[self.used - 1]

    def checkpoint(self) -> Checkpoint:
        """The streams' states before the present block, shape (S, bytes) per kind, and its used cycles."""
        return Checkpoint(self.states, {"used": self.used})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on where a checkpoint of the same streams was made.

        Raises:
            ValueError: If the checkpoint does not fit.
        """
        for kind, rngs in self.rngs.items():
            states = checkpoint.arrays[kind]
            expected = self.states[kind].shape
            if states.shape != expected or states.dtype != np.uint8:
                raise ValueError(f"the state of the {kind} streams has shape {states.shape}, not {expected}")
            for rng, state in zip(rngs, states, strict=True):
                rng.set_state(torch.from_numpy(state.copy()))
        self.states = self._states()
        used = checkpoint.values["used"]
        if not 0 <= used <= self.cycles:
            raise ValueError(f"{used} cycles of a block of {self.cycles} are used")
        self.block = self._draw_block() if used else []
        self.used = used

    def _states(self) -> dict[str, np.ndarray]:
        states = {}
        for kind, rngs in self.rngs.items():
            states[kind] = np.stack([rng.get_state().numpy() for rng in rngs])
        return states

    def _draw_block(self) -> list[list[Batch]]:
        """The batches of each cycle of a block."""
        stacked = [self._draw_cycles(draw) for draw in self.draws]

        def cycle(i: int) -> list[Batch]:
            return [batch.map(itemgetter(i)) for batch in stacked]

        return list(map(cycle, range(self.cycles)))

    def _draw_cycles(self, draw: Draw) -> Batch:
        """One draw for all cycles of a block, each tensor of shape $(cycles, S, B, *)$."""
        n = self.cycles * draw.batches * self.data.batch
        x = self._stacked("data", partial(self.data.sample, n)) if draw.real else None
        z = draw.latents.of_normal(self._noise(Noise((draw.latents.size,)), n))
        return Batch(x, z, {name: self._noise(noise, n) for name, noise in draw.noise.items()})

    def _noise(self, noise: Noise, n: int) -> Tensor:
        """So much noise of every seed."""
        sampler = torch.rand if noise.kind == "uniform" else torch.randn
        return self._stacked("noise", lambda rng: sampler(n, *noise.shape, generator=rng, device=self.device))

    def _stacked(self, kind: str, sample: Callable[[torch.Generator], Tensor]) -> Tensor:
        """What a function draws from the streams of all seeds, shape $(cycles, S, B, *)$."""
        per_seed = [sample(rng).unflatten(0, (self.cycles, -1)) for rng in self.rngs[kind]]
        return torch.stack(per_seed, dim=1)
