"""The contract of a training method: plain losses for one model.

A method names its networks, its players (who is updated, by which loss, how often) and nothing else. Losses
are pure functions of (networks, batch): all randomness arrives in the batch, all state is handed in. That is
what lets the harness train many seeds as one vectorised, compiled step.
"""

from benchmark.method.inputs import Batch, DataSpec, Latents, Noise
from benchmark.method.method import Fall, Family, Method
from benchmark.method.optimisers import SGD, Adam, AdamW, Optimiser, RMSprop
from benchmark.method.players import Networks, Player, Projection, PureNetwork, update
from benchmark.method.schedules import Cosine, Linear, Schedule, WarmUp, is_number
from benchmark.method.space import (
    LEARNING_RATES,
    MOMENTA,
    Choice,
    Distribution,
    LogUniform,
    Space,
    Uniform,
)
from benchmark.method.state import Grouped, State, Tensors, buffers_of, parameters_of

__all__ = [
    "LEARNING_RATES",
    "MOMENTA",
    "SGD",
    "Adam",
    "AdamW",
    "Batch",
    "Choice",
    "Cosine",
    "DataSpec",
    "Distribution",
    "Fall",
    "Family",
    "Grouped",
    "Latents",
    "Linear",
    "LogUniform",
    "Method",
    "Networks",
    "Noise",
    "Optimiser",
    "Player",
    "Projection",
    "PureNetwork",
    "RMSprop",
    "Schedule",
    "Space",
    "State",
    "Tensors",
    "Uniform",
    "WarmUp",
    "buffers_of",
    "is_number",
    "parameters_of",
    "update",
]
