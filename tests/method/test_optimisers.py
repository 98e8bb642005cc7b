"""Our optimisers against torch's."""

import pytest
import torch
from torch import nn

from benchmark.method import SGD, Adam, AdamW, Linear, RMSprop, State, WarmUp

CASES = {
    "adam": (Adam(0.01, (0.5, 0.9)), lambda p: torch.optim.Adam(p, 0.01, (0.5, 0.9))),
    "adam without first moments": (
        Adam(0.1, (0.0, 0.99), 0.1),
        lambda p: torch.optim.Adam(p, 0.1, (0.0, 0.99), 0.1),
    ),
    "adam with decay": (
        Adam(0.1, weight_decay=0.2),
        lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.2),
    ),
    "adamw": (AdamW(0.1, (0.5, 0.9)), lambda p: torch.optim.AdamW(p, 0.1, (0.5, 0.9))),
    "adamw with decay": (
        AdamW(0.1, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.3),
    ),
    "rmsprop": (RMSprop(0.01), lambda p: torch.optim.RMSprop(p, 0.01)),
    "rmsprop with settings": (RMSprop(0.1, 0.5, 0.1), lambda p: torch.optim.RMSprop(p, 0.1, 0.5, 0.1)),
    "sgd": (SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "sgd with momentum": (SGD(0.1, 0.7), lambda p: torch.optim.SGD(p, 0.1, 0.7)),
}


def state_of(parameters):
    zeros = {"n": {key: torch.zeros_like(parameter) for key, parameter in parameters.items()}}
    steps = {"n": torch.zeros((), dtype=torch.float64)}
    return State(
        parameters={"n": parameters},
        buffers={"n": {}},
        variables={},
        first=zeros,
        second=zeros,
        steps=steps,
        progress=torch.zeros((), dtype=torch.float64),
        rate=torch.ones((), dtype=torch.float64),
    )


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_it_is_torchs(name, scheduled):
    """Over gradients of very different sizes, some of them 0."""
    ours, make_theirs = CASES[name]
    shapes = {"w": (3, 2), "b": (3,)}
    theirs = {key: nn.Parameter(torch.randn(shape, dtype=torch.float64)) for key, shape in shapes.items()}
    state = state_of({key: weight.detach().clone() for key, weight in theirs.items()})
    reference = make_theirs(theirs.values())
    lr = reference.param_groups[0]["lr"]
    if scheduled:
        ours = type(ours)(**{**vars(ours), "schedule": Linear(0.5, end=0.1)})
    for i in range(10):
        progress = torch.tensor(i / 10, dtype=torch.float64)
        if scheduled:
            reference.param_groups[0]["lr"] = lr * min(1, 1.9 - 1.8 * i / 10)
        for weight in theirs.values():
            weight.grad = torch.randn_like(weight) * 10.0 ** (i % 4 - 2) * (torch.rand_like(weight) < 0.8)
        gradients = {key: weight.grad.clone() for key, weight in theirs.items()}
        state = ours.apply(state._replace(progress=progress), "n", gradients)
        reference.step()
        assert state.steps["n"] == i + 1
        for key, weight in theirs.items():
            torch.testing.assert_close(state.parameters["n"][key], weight.detach())


def test_adam_keeps_torchs_moments():
    weight = nn.Parameter(torch.randn(4, dtype=torch.float64))
    state, reference = state_of({"w": weight.detach().clone()}), torch.optim.Adam([weight], 0.1, (0.5, 0.9))
    for _ in range(3):
        weight.grad = torch.randn_like(weight)
        state = Adam(0.1, (0.5, 0.9)).apply(state, "n", {"w": weight.grad})
        reference.step()
    torch.testing.assert_close(state.first["n"]["w"], reference.state[weight]["exp_avg"])
    torch.testing.assert_close(state.second["n"]["w"], reference.state[weight]["exp_avg_sq"])


def test_adam_clips_each_tensor_on_its_own():
    state = state_of({"a": torch.zeros(4), "b": torch.zeros(4)})
    gradients = {"a": torch.full((4,), 5.0), "b": torch.full((4,), 0.1)}
    after = Adam(1.0, (0.0, 0.0), clip_norm=1.0).apply(state, "n", gradients)
    assert torch.allclose(after.first["n"]["a"], torch.full((4,), 0.5))
    assert torch.allclose(after.first["n"]["b"], torch.full((4,), 0.1))


@pytest.mark.parametrize("optimiser", [Adam(0.1), AdamW(0.1), RMSprop(0.1), SGD(0.1, 0.5)])
def test_a_gradient_of_zero_has_a_finite_derivative(optimiser):
    """A loss may look through an update."""

    def after(gradient):
        moved = optimiser.apply(state_of({"w": torch.ones(2)}), "n", {"w": gradient})
        return moved.parameters["n"]["w"].sum()

    assert torch.func.grad(after)(torch.zeros(2)).isfinite().all()


def test_at_a_rate_of_zero_nothing_moves():
    state = state_of({"w": torch.ones(2)})
    for optimiser in (Adam(0.1), AdamW(0.1), RMSprop(0.1), SGD(0.1)):
        warm = type(optimiser)(0.1, schedule=WarmUp(0.5))
        assert torch.equal(warm.apply(state, "n", {"w": torch.ones(2)}).parameters["n"]["w"], torch.ones(2))


@pytest.mark.parametrize(
    ("cls", "settings", "problem"),
    [
        (Adam, {"lr": 0.0}, "a learning rate must be positive, not 0.0"),
        (AdamW, {"lr": -1.0}, "a learning rate must be positive, not -1.0"),
        (RMSprop, {"lr": 0.0}, "a learning rate must be positive, not 0.0"),
        (SGD, {"lr": 0.0}, "a learning rate must be positive, not 0.0"),
        (Adam, {"lr": 1.0, "betas": (1.0, 0.9)}, "the decay rates of Adam must lie in .0, 1., not 1.0"),
        (Adam, {"lr": 1.0, "clip_norm": 0.0}, "clip_norm must be positive, not 0.0"),
        (RMSprop, {"lr": 1.0, "decay": 1.0}, "the decay rate of RMSprop must lie in .0, 1., not 1.0"),
        (SGD, {"lr": 1.0, "momentum": -0.1}, "momentum must lie in .0, 1., not -0.1"),
    ],
)
def test_what_cannot_work_is_refused(cls, settings, problem):
    with pytest.raises(ValueError, match=problem):
        cls(**settings)
