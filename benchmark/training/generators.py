"""Trained models as samplers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.func import vmap

from benchmark.datasets.base import Dataset
from benchmark.method import DataSpec, Latents, Method, Networks, PureNetwork, State, Tensors
from benchmark.training.settings import at_settings
from benchmark.training.step import FIT_SAMPLES, modules_of, select_seed
from benchmark.training.trees import tree_map

__all__ = ["TrainedGenerators"]


@dataclass(frozen=True)
class TrainedGenerators:
    """The samplers of a group of seeds, in inference mode, and the encoders of a method that has them.

    Arguments:
        method: The method.
        modules: Its networks, in inference mode.
        latents: What a sample is made of.
        state: The stacked state.
    """

    method: Method
    modules: Mapping[str, PureNetwork]
    latents: Latents
    state: State

    @classmethod
    def of(cls, method: Method, data: DataSpec, state: State) -> "TrainedGenerators":
        """The generators of a method at a stacked state."""
        modules = {name: module.eval() for name, module in modules_of(method, data).items()}
        return cls(method, modules, method.latents(data), state)

    def __call__(self, numbers: Tensor) -> Tensor:
        """Maps standard normal numbers $(S, N, L + noise)$ to data $(S, N, *)$, each seed by its model."""
        z, noise = numbers.split([self.latents.size, self.latents.noise], dim=2)
        return self.sample(self.latents.of_normal(z), noise)

    def sample(self, z: Tensor, noise: Tensor) -> Tensor:
        """Maps latents of the method's law $(S, N, L)$, and as much noise as a sample takes, to data."""
        return self._by_seed(self._sample, z, noise)

    def encode(self, x: Tensor) -> Tensor:
        """Maps data $(S, N, *)$ to codes $(S, N, L)$.

        Raises:
            NotImplementedError: If the method has no encoder.
        """
        return self._by_seed(self._encode, x)

    def decode(self, codes: Tensor) -> Tensor:
        """Maps codes $(S, N, L)$ to data $(S, N, *)$ by the generator network alone."""
        return self._by_seed(lambda state, codes: self._networks(state).generator(codes), codes)

    @property
    def has_encoder(self) -> bool:
        """Whether the method has an encoder."""
        return type(self.method).encode is not Method.encode

    def tensors(self, index: int) -> dict[str, Tensor]:
        """The generator's parameters and buffers of one seed."""
        tensors = {**self.state.parameters["generator"], **self.state.buffers["generator"]}
        return {key: value[index].clone() for key, value in tensors.items()}

    def at(self, state: State) -> "TrainedGenerators":
        """The generators at another stacked state."""
        return replace(self, state=state)

    def select(self, indices: Sequence[int]) -> "TrainedGenerators":
        """The generators of some of the seeds."""
        return self.at(tree_map(lambda leaf: leaf[list(indices)], self.state))

    def reconstruction(self, index: int) -> Callable[[Tensor], Tensor] | None:
        """Maps data $(n, *)$ to its reconstruction by one seed's encoder and generator.

        It is `None` for a method without an encoder.
        """
        if not self.has_encoder:
            return None
        own = self.select([index])

        def reconstruct(x: Tensor) -> Tensor:
            with torch.no_grad():
                return own.decode(own.encode(x[None]))[0]

        return reconstruct

    @property
    def fits(self) -> bool:
        """Whether the method fits something to training data before it is sampled from."""
        return type(self.method).fit is not Method.fit

    def fitted(self, data: Dataset, seeds: Sequence[int]) -> "TrainedGenerators":
        """The generators after `Method.fit`, if the method has that.

        Arguments:
            data: Its training samples are drawn from a stream of their own.
            seeds: The seeds.

        Raises:
            ValueError: If the method fits something that is no variable, or of another shape or type.
        """
        if not self.fits:
            return self
        states = [self._fitted(data, seed, i) for i, seed in enumerate(seeds)]
        variables = tree_map(lambda *leaves: torch.stack(leaves), *states)
        return self.at(self.state._replace(variables=variables))

    def _fitted(self, data: Dataset, seed: int, index: int) -> Tensors:
        """The variables of one seed after its fit."""
        nets = self._networks(select_seed(self.state, index))
        device = self.state.progress.device
        x = data.sample(FIT_SAMPLES, data.stream(seed, "fit", device))
        with torch.no_grad():
            nets.give("fit()", self._method_at(nets.state).fit(nets, x))
        return nets.state.variables

    def _method_at(self, state: State) -> Method:
        return at_settings(self.method, state.settings)

    def _networks(self, state: State) -> Networks:
        return Networks(self.modules, state, {})

    def _inference_state(self) -> State:
        """The state without what only training needs."""
        return self.state._replace(first={}, second={}, steps={})

    def _by_seed(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """What a function of one seed's state and inputs gives for all seeds."""
        state = self._inference_state()
        if len(inputs[0]) == 1:  # where one seed is all, vmap costs a seventh of the time
            return function(select_seed(state, 0), *(x[0] for x in inputs))[None]
        return vmap(function)(state, *inputs)

    def _encode(self, state: State, x: Tensor) -> Tensor:
        return self._method_at(state).encode(self._networks(state), x)

    def _sample(self, state: State, z: Tensor, noise: Tensor) -> Tensor:
        """The data of one seed."""
        nets = self._networks(state)
        samples = self._method_at(state).sample(nets, z, noise)
        if nets.state.variables is not state.variables:
            raise ValueError("a sampler assigns a variable; only losses and fit() may")
        return samples
