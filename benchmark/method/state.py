"""All that a model is: what training changes, and its own settings."""

from typing import Any, NamedTuple

from torch import Tensor, nn

__all__ = ["Grouped", "State", "Tensors", "buffers_of", "parameters_of"]

Tensors = dict[str, Tensor]
Grouped = dict[str, Tensors]


class State(NamedTuple):
    """All that a model is: one model's, or many stacked along a leading axis.

    Attributes:
        parameters: Trained tensors, by network.
        buffers: Tensors that a forward pass changes, such as the running statistics of batch normalisation,
            by network.
        variables: What else a method carries from update to update, by name: see `Method.variables`.
        first: What an optimiser keeps of each parameter, such as the first moments of Adam, by network; for
            an optimiser with a name of its own, by `Player.moments_of` that network.
        second: A second such tensor, such as the second moments of Adam, by the same names.
        steps: Updates so far, float scalars by the same names.
        progress: The share of the budget that is spent, a scalar in [0, 1].
        rate: What all learning rates are multiplied with, a scalar in [0, 1]; see `Method.fall`.
        settings: The real-valued settings of the method, scalars by name; those that are not here are as the
            method has them. Training leaves them as they are.
    """

    parameters: Grouped
    buffers: Grouped
    variables: Tensors
    first: Grouped
    second: Grouped
    steps: Tensors
    progress: Tensor
    rate: Tensor
    settings: Tensors = {}

    def moments(self, name: str) -> dict[str, Any]:
        """What an optimiser keeps under that name, by field."""
        return {"first": self.first[name], "second": self.second[name], "steps": self.steps[name]}

    def replace_in(self, network: str, **fields: Any) -> "State":
        """The state with some fields of one network replaced: `state.replace_in("critic", steps=steps)`."""
        replaced: dict[str, Any] = {}
        for field, value in fields.items():
            replaced[field] = {**getattr(self, field), network: value}
        return self._replace(**replaced)


def parameters_of(network: nn.Module) -> Tensors:
    """The parameters that are trained: those that require a gradient."""
    return {key: parameter for key, parameter in network.named_parameters() if parameter.requires_grad}


def buffers_of(network: nn.Module) -> Tensors:
    """All other tensors: the buffers, and the parameters that do not require a gradient."""
    frozen = {key: parameter for key, parameter in network.named_parameters() if not parameter.requires_grad}
    return {**dict(network.named_buffers()), **frozen}
