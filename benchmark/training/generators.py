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
        state = self._inference_state()
        if len(numbers) == 1:  # where one seed is all, vmap costs a seventh of the time
            return self._sample(select_seed(state, 0), numbers[0])[None]
        return vmap(self._sample)(state, numbers)

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
        if type(self.method).encode is Method.encode:
            return None

        def reconstruct(x: Tensor) -> Tensor:
            nets = self._networks(select_seed(self.state, index))
            with torch.no_grad():
                return nets.generator(self._method_at(nets.state).encode(nets, x))

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

    def _sample(self, state: State, numbers: Tensor) -> Tensor:
        """The data of one seed."""
        z, noise = numbers.split([self.latents.size, self.latents.noise], dim=1)
        nets = self._networks(state)
        samples = self._method_at(state).sample(nets, self.latents.of_normal(z), noise)
        if nets.state.variables is not state.variables:
            raise ValueError("a sampler assigns a variable; only losses and fit() may")
        return samples
