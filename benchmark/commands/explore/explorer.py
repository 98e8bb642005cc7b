"""What there is to find of one model."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmark.commands.explore.interpolation import along_paths, spherical, straight
from benchmark.commands.explore.latent_use import Effects, code_error, code_measures, effects_of, latent_usage
from benchmark.commands.explore.models import Model
from benchmark.commands.explore.options import ExploreOptions
from benchmark.commands.explore.search import Found, Loss, search
from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.method import Latents
from benchmark.records.schema import REAL_DATA
from benchmark.report.explored.findings import Compared, Findings, LatentMap, Paths, Plane, Walks
from benchmark.report.explored.table import LATENTS, Value

__all__ = ["Explorer"]

ENCODED = 2000
"""Held-out data whose codes are compared with latents."""

POINTS = 65
"""Points of a path at which it is measured, its ends among them: one jump is at most 64 mean steps."""

RESOLUTION = 1e-5
"""Differences up to this share of the spread of data count as none: float32 has seven digits."""

WALKS = 8
"""Latent coordinates along which walks are pictured, at most."""

REACH = 2.5
"""Standard deviations that a walk goes from 0, either way."""

MAP_SIDE, MAP_PLACES = 3.0, 120
"""Half of the side of a map in standard deviations, and its places along a side."""

VOLUME_DRAWS = 10_000
"""Latents by which the volumes of modes are measured."""

MOST_MAPPED_MODES = 100

AT_A_TIME = 400
"""Samples that are made at a time. Of a multiple of 16, latents are those of a single draw."""


class Explorer:
    """Explores models on one dataset, all with the same held-out data, and latents that depend on the seed.

    Arguments:
        data: The dataset.
        held_out: Held-out data, packed, shape (M, *).
        given: The user's own data, packed, shape (n, *); `None` without any.
        loss: What a search compares.
        options: The options.
    """

    def __init__(
        self, data: Dataset, held_out: Tensor, given: Tensor | None, loss: Loss, options: ExploreOptions
    ) -> None:
        self.data = data
        self.device = held_out.device
        self.encoded = data.unpack(held_out[:ENCODED])
        self.ends = data.unpack(held_out[: 2 * options.pairs])
        self.given = None if given is None else data.unpack(given)
        self.loss = loss
        self.options = options
        spread = self.encoded.flatten(1).double().var(dim=0).sum().sqrt()
        self.resolution = RESOLUTION * float(spread)
        with torch.no_grad():
            self.variance = float(loss.of(self.ends).double().var(dim=0, correction=0).mean())

    def explore(self, model: Model) -> Findings:
        """All that is found of one model."""
        found = self._search(model, self.ends, "explore-search") if model.searchable else None
        effects = effects_of(model, self._rng(model, "explore-variances")).above(self.resolution**2)
        measures = {"latent_usage": latent_usage(effects.variances)}
        if model.has_law_of_codes:
            measures |= code_measures(self._codes(model), model.latents, self._rng(model, "explore-codes"))
            measures["code_error"] = code_error(model, self._rng(model, "explore-code-errors"))
        with torch.no_grad():
            return Findings(
                method=model.method,
                seed=model.seed,
                paths=list(self._paths(model, found)),
                reconstructions=self._reconstructions(model, found),
                given=self._given(model),
                walks=self._walks(model, effects),
                map=self._map(model, effects),
                measures=measures,
            )

    def real_lines(self) -> Iterator[Value]:
        """The numbers of straight lines between held-out data."""
        frames = straight(self.ends[0::2].flatten(1), self.ends[1::2].flatten(1), POINTS)
        measured = along_paths(self.data, frames.unflatten(2, self.data.shape), self.resolution)
        for measure, values in measured.items():
            for pair, value in enumerate(values.tolist()):
                yield Value(REAL_DATA, 0, "real", measure, pair, value)

    def latents_for_codes(self) -> Iterator[Value]:
        """The numbers of drawn latents in place of codes."""
        rng = self.data.stream("all", "explore-latents", self.device)
        latents = Latents(self.data.latent)
        drawn = torch.randn(len(self.encoded), latents.size, generator=rng, device=self.device)
        for measure, value in code_measures(drawn, latents, rng).items():
            yield Value(LATENTS, 0, "", measure, 0, value)

    def _rng(self, model: Model, kind: str) -> torch.Generator:
        """A stream that is the same for all methods."""
        return self.data.stream(model.seed, kind, self.device)

    def _search(self, model: Model, targets: Tensor, kind: str) -> Found:
        options, rng = self.options, self._rng(model, kind)
        return search(model, targets, self.loss, options.starts, options.iterations, rng)

    def _codes(self, model: Model) -> Tensor:
        with torch.no_grad():
            return torch.cat([model.encode(part) for part in self.encoded.split(AT_A_TIME)])

    def _paths(self, model: Model, found: Found | None) -> Iterator[Paths]:
        latents, pairs = model.latents, self.options.pairs
        rng = self._rng(model, "explore-paths")
        a, b = torch.randn(2, pairs, latents.size, generator=rng, device=self.device)
        noise = torch.randn(pairs, latents.noise, generator=rng, device=self.device)
        between = straight(latents.of_normal(a), latents.of_normal(b), POINTS)
        yield self._path(model, "straight", between, noise)
        yield self._path(model, "spherical", latents.of_normal(spherical(a, b, POINTS)), noise)
        if model.encodes:
            codes = model.encode(self.ends)
            frames = model.decode(straight(codes[0::2], codes[1::2], POINTS).flatten(0, 1))
            yield self._measured("encoded", frames.unflatten(0, (pairs, -1)), self.ends)
        elif found is not None:
            yield self._path(
                model, "searched", straight(found.z[0::2], found.z[1::2], POINTS), noise, self.ends
            )

    def _path(
        self, model: Model, kind: str, z: Tensor, noise: Tensor, targets: Tensor | None = None
    ) -> Paths:
        """The data along latents $(P, T, L)$; what a sample takes beside latents is the same along a path."""
        frames = []
        for along, beside in zip(z, noise, strict=True):
            frames.append(model.sample(along, beside.expand(len(along), -1)))
        return self._measured(kind, torch.stack(frames), targets)

    def _measured(self, kind: str, frames: Tensor, targets: Tensor | None) -> Paths:
        measured = along_paths(self.data, frames, self.resolution)
        measures = {name: values.cpu().numpy() for name, values in measured.items()}
        packed = self._packed(frames.flatten(0, 1)).reshape(*frames.shape[:2], *self.data.shape)
        nearest = None
        if isinstance(self.data, Images):
            ends = torch.from_numpy(packed[:, [0, -1]]).flatten(0, 1)
            nearest = self.data.nearest_training(ends).cpu().numpy().reshape(len(packed), 2, *self.data.shape)
        beside = None
        if targets is not None:
            beside = self._packed(targets).reshape(len(packed), 2, *self.data.shape)
        return Paths(kind, self.options.steps, packed, measures, nearest, beside)

    def _packed(self, x: Tensor) -> np.ndarray:
        return self.data.pack(x).cpu().numpy()

    def _reconstructions(self, model: Model, found: Found | None) -> Compared:
        return self._compared(self.ends, found, self._again(model, self.ends))

    def _again(self, model: Model, x: Tensor) -> Tensor | None:
        """What a model makes of its codes of data; `None` without an encoder."""
        return model.decode(model.encode(x)) if model.encodes else None

    def _given(self, model: Model) -> Compared | None:
        if self.given is None:
            return None
        found = self._search(model, self.given, "explore-given") if model.searchable else None
        return self._compared(self.given, found, self._again(model, self.given))

    def _compared(self, targets: Tensor, found: Found | None, encoded: Tensor | None) -> Compared:
        """Targets beside what the encoder and the search make of them, as far as there are these."""
        wanted = self.loss.of(targets)
        made, errors = {}, {}
        if encoded is not None:
            made["encoder"], errors["encoder"] = encoded, self.loss.error(encoded, wanted)
        if found is not None:
            made["search"], errors["search"] = found.x, found.error
        # What is below the resolution of float32 is no result.
        least = RESOLUTION**2 * self.variance
        errors = {how: error.double().masked_fill(error <= least, 0.0) for how, error in errors.items()}
        return Compared(
            targets=self._packed(targets),
            made={how: self._packed(x) for how, x in made.items()},
            errors={how: error.cpu().numpy() for how, error in errors.items()},
            variance=self.variance,
        )

    def _walks(self, model: Model, effects: Effects) -> Walks | None:
        if not isinstance(self.data, Images):
            return None
        size, steps = model.latents.size, self.options.steps
        rng = self._rng(model, "explore-walks")
        numbers = torch.randn(size, generator=rng, device=self.device)
        noise = torch.randn(model.latents.noise, generator=rng, device=self.device).expand(steps, -1)
        coordinates, shares = effects.largest(WALKS)
        frames = []
        for i in coordinates:
            walk = numbers.repeat(steps, 1)
            walk[:, i] = torch.linspace(-REACH, REACH, steps, device=self.device)
            frames.append(self._packed(model.sample_normal(walk, noise)))
        return Walks(np.stack(frames), REACH, coordinates, shares)

    def _map(self, model: Model, effects: Effects) -> LatentMap | None:
        if isinstance(self.data, Images) or not 0 < self.data.modes <= MOST_MAPPED_MODES:
            return None
        latents = model.latents
        if latents.size < 2:
            return None
        (i, j), (share_i, share_j) = effects.largest(2)
        rng = self._rng(model, "explore-map")
        noise = torch.randn(latents.noise, generator=rng, device=self.device)
        at_random = torch.randn(latents.size, generator=rng, device=self.device)
        planes = {}
        for others, numbers in {"at 0": torch.zeros_like(at_random), "at random": at_random}.items():
            planes[others] = self._plane(model, numbers, noise, (i, j))
        return LatentMap(
            coordinates=(i, j),
            shares=(share_i, share_j),
            side=MAP_SIDE,
            planes=planes,
            volumes=self._volumes(model, rng).cpu().numpy(),
            weights=self.data.mode_weights.numpy(),
        )

    def _volumes(self, model: Model, rng: torch.Generator) -> Tensor:
        """The share of drawn latents whose samples are on each mode, shape $(K,)$.

        Some are drawn at a time: a diffusion takes a hundred thousand numbers for a sample.
        """
        latents = model.latents
        counts = torch.zeros(self.data.modes, dtype=torch.int64, device=self.device)
        for start in range(0, VOLUME_DRAWS, AT_A_TIME):
            n = min(AT_A_TIME, VOLUME_DRAWS - start)
            drawn = torch.randn(n, latents.numbers, generator=rng, device=self.device)
            modes, on_mode = self._modes(model, drawn[:, : latents.size], drawn[:, latents.size :])
            counts += torch.bincount(modes[on_mode], minlength=self.data.modes)
        return counts / VOLUME_DRAWS

    def _plane(self, model: Model, numbers: Tensor, noise: Tensor, plane: tuple[int, int]) -> Plane:
        """The modes over a plane of two coordinates, the others as they are."""
        ticks = torch.linspace(-MAP_SIDE, MAP_SIDE, MAP_PLACES, device=self.device)
        upwards, across = torch.meshgrid(ticks, ticks, indexing="ij")
        places = numbers.repeat(MAP_PLACES**2, 1)
        i, j = plane
        places[:, i], places[:, j] = across.flatten(), upwards.flatten()
        found = self._modes(model, places, noise.expand(len(places), -1))
        return Plane(*[part.view(MAP_PLACES, MAP_PLACES).cpu().numpy() for part in found])

    def _modes(self, model: Model, numbers: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest modes of the samples of normal numbers $(n, L)$, and whether they are on them."""
        modes, on_mode = [], []
        for u, v in zip(numbers.split(AT_A_TIME), noise.split(AT_A_TIME), strict=True):
            samples = self.data.pack(model.sample_normal(u, v))
            assignment = self.data.assign(samples)
            modes.append(assignment.mode)
            on_mode.append(assignment.high_quality)
        return torch.cat(modes), torch.cat(on_mode)
