"""A way to train a generator."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from torch import Tensor, nn

from benchmark.method.inputs import DataSpec, Latents
from benchmark.method.players import Networks, Player
from benchmark.method.space import Space
from benchmark.method.state import Tensors
from benchmark.registry import NotNegative, check_ranges

__all__ = ["Fall", "Family", "Method"]

COMMON = {"common": True}
"""Marks a setting that all methods have: records leave it out while it has its default."""

Fall = Literal["none", "linear", "cosine"]

Family = Literal[
    "adversarial",
    "with an encoder",
    "energy-based",
    "likelihood-based",
    "diffusion and flows",
    "kernel-based",
    "other",
]


@dataclass(frozen=True)
class Method(ABC):
    """A way to train a generator. Subclasses are frozen dataclasses, whose fields are the hyperparameters.

    The docstring of a method holds, in this order, one sentence, a section `References:` and a section
    `Deviations:`; `benchmark list methods --long` prints them.

    Attributes:
        name: The registered name.
        family: What it is listed under.
        simultaneous: If true, all players are updated together, once per cycle, from one batch and from the
            networks as they were before; else one after another, each update on a batch of its own.
        kinds: The kinds of data that it has networks for.
        space: Over which values settings are searched: those that its authors or users tune. Of a method
            without a space, `lr` is searched.
        fall: How all learning rates fall, on top of what optimisers do: `linear` is constant for half of the
            training and falls to 0 at its end, `cosine` is half a cosine over all of it.
        average: If not 0, samples are those of a generator whose weights are the average of those after every
            cycle; the weight of a cycle falls by this factor with each later update of the generator.
        average_half_life: If not 0, the same, where the weight halves with each such share of the budget.
    """

    name: ClassVar[str]
    family: ClassVar[Family] = "other"
    simultaneous = False
    kinds: ClassVar[tuple[str, ...]] = ("points", "images")

    space: ClassVar[Space] = {}

    fall: Fall = field(default="none", kw_only=True, metadata=COMMON)
    average: Annotated[float, Meta(ge=0, lt=1)] = field(default=0.0, kw_only=True, metadata=COMMON)
    average_half_life: NotNegative = field(default=0.0, kw_only=True, metadata=COMMON)

    def __post_init__(self) -> None:
        check_ranges(self)

    @abstractmethod
    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        """Freshly initialised networks by name; `generator` maps latents $(B, L)$ to data $(B, *)$, unless
        `sample` makes data of it in another way.

        Discriminators are named `discriminator...` or `critic...`: their updates are counted by that name.
        """

    @abstractmethod
    def players(self, data: DataSpec) -> dict[str, Player]:
        """The players by name, in the order in which they are updated."""

    def variables(self, data: DataSpec) -> Tensors:
        """Initial values of what is carried from update to update and is no weight, such as BEGAN's $k$.

        Losses read `nets.variables["k"]` and write `nets.assign(k=...)`.
        """
        return {}

    def begin(self, data: DataSpec, x: Tensor) -> Tensors:
        """Initial values of variables that are fitted to training data $(n, *)$.

        Other variables keep those of `variables`. Methods whose training needs something of all data define
        it, such as BourGAN's latents.
        """
        return {}

    def latents(self, data: DataSpec) -> Latents:
        """What one sample is made of. `batch.z` are latents of this law and size."""
        return Latents(data.latent)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        """Samples $(B, *)$ of latents $(B, L)$ and as much noise $(B, n)$ as `latents` asks for."""
        return nets.generator(z)

    def fit(self, nets: Networks, x: Tensor) -> Tensors:
        """New values of variables, fitted to training data $(n, *)$ before samples are taken.

        Methods whose sampler is no part of the training define it, such as an autoencoder's density of codes.
        """
        raise NotImplementedError(f"{self.name} fits nothing")

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The codes $(B, L)$ that a trained model infers for data $(B, *)$.

        Methods with an encoder define it.
        """
        raise NotImplementedError(f"{self.name} has no encoder")
