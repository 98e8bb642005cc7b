"""The contract of a method, as tests that anyone can run on their own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import grad

from benchmark.datasets.base import Assignment, Dataset, Split
from benchmark.datasets.images import Images
from benchmark.method import Batch, Method, Networks, Player, State
from benchmark.registry import DATASETS, METHODS
from benchmark.suites.equal_compute import OURS
from benchmark.training.cost import cost_of
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches, Draw
from benchmark.training.trees import tree_leaves, tree_map

__all__ = ["CHECKS", "Pictures", "check_method"]

CPU = torch.device("cpu")
STEPS = 3


def check_method(name: str) -> Iterator[tuple[str, str | None]]:
    """Runs every check on a dataset of every kind that the method is for; yields a title and the problem, or `None` where there is none.

    Raises:
        UsageError: If the name is unknown.
    """
    cls = METHODS.get(name)
    settings: dict[str, Any] = {}
    for suite in OURS:
        settings |= {
            key.partition(".")[2]: value
            for key, value in suite.settings.items()
            if key.startswith(f"{name}.")
        }
    for data in [data for data in _datasets() if data.kind in cls.kinds]:
        for title, check in CHECKS.items():
            try:
                check(cls(**settings), data)
                problem = None
            except Exception as error:  # a foreign method may fail in any way, and that is the answer
                problem = (
                    str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
                )
            yield f"{title} ({data.name})", problem


def builds(method: Method, data: Dataset) -> None:
    networks = method.networks(data.spec)
    assert "generator" in networks, f"networks() gives {', '.join(networks)}; one must be named generator"
    assert all(isinstance(network, nn.Module) for network in networks.values()), (
        "every network must be a torch.nn.Module"
    )
    out = networks["generator"](torch.randn(5, data.latent))
    assert out.shape == (5, *data.shape), (
        f"the generator gives shape {tuple(out.shape)} for 5 latents; it must be {(5, *data.shape)}"
    )
    for name, player in method.players(data.spec).items():
        unknown = set(player.networks) - set(networks)
        assert not unknown, f"player {name!r} trains {', '.join(unknown)}, which networks() does not give"
    trained = {network for player in method.players(data.spec).values() for network in player.networks}
    assert trained == set(networks), f"no player trains {', '.join(set(networks) - trained)}"
    cost = cost_of(method, data)
    assert cost.generator_steps > 0, "no player trains the generator"
    assert cost.flops > 0, "a cycle has no matrix product"


def gradients_reach_their_networks(method: Method, data: Dataset) -> None:
    """Each player's loss depends on every tensor that the player trains."""
    cycle, state, warm_up = _start(method, data, [0])
    # A few cycles in, so that a zero at initialisation does not count against a method.
    for cycle_batch in warm_up:
        cycle.run(state, cycle_batch)
    one = select_seed(state, 0)
    for name, player in cycle.players.items():
        batch = next(Batches(data, [Draw.of(player)], [0], CPU))[0].map(itemgetter(0))

        def loss(own: Any, player: Player = player, batch: Batch = batch) -> Tensor:
            bound = Networks(cycle.modules, one._replace(parameters={**one.parameters, **own}), cycle.players)
            return player.loss(bound, batch)

        own = {network: one.parameters[network] for network in player.networks}
        value = loss(own)
        assert value.shape == (), f"the loss of {name!r} has shape {tuple(value.shape)}; it must be a scalar"
        for network, gradients in grad(loss)(own).items():
            # A bias in front of a normalisation, or the last one of a critic of which only differences count, has no gradient.
            idle = [
                key for key, gradient in gradients.items() if not gradient.any() and not key.endswith("bias")
            ]
            assert not idle, f"the loss of {name!r} does not depend on {network}.{', '.join(idle)}"


def updates_stay_in_their_networks(method: Method, data: Dataset) -> None:
    """A cycle changes the networks that its players train, and leaves what a player does not train to the others."""
    cycle, state, (batch, *_) = _start(method, data, [0])
    for phase in cycle.phases:
        before = tree_map(torch.clone, state)
        drawn = batch[: len(phase.draws)]
        batch = batch[phase.repeats * len(phase.draws) :]
        after, _ = cycle.single(phase, select_seed(state, 0), [b.map(itemgetter(0)) for b in drawn])
        assert _equal(state, before), "a loss writes into its networks; a loss must have no effects"
        trained = {network for player in phase.players.values() for network in player.networks}
        for network, parameters in after.parameters.items():
            moved = not _equal(parameters, select_seed(before, 0).parameters[network])
            assert moved == (network in trained), (
                f"an update of {', '.join(phase.players)} {'changes' if moved else 'does not change'} {network}"
            )


def losses_are_finite(method: Method, data: Dataset) -> None:
    cycle, state, cycle_batches = _start(method, data, [0, 1])
    for batch in cycle_batches:
        losses = cycle.run(state, batch)
        assert losses.isfinite().all(), f"a loss is not finite within {STEPS} cycles"
    assert all(leaf.isfinite().all() for leaf in tree_leaves(state)), (
        f"the state is not finite after {STEPS} cycles"
    )


def same_seed_same_result(method: Method, data: Dataset) -> None:
    first, second = _train(method, data, [3, 4]), _train(method, data, [3, 4])
    assert _equal(first, second), (
        "two trainings with the same seeds differ: some randomness does not come from the batch"
    )
    different = select_seed(first, 0).parameters, select_seed(first, 1).parameters
    assert not _equal(*different), "two seeds give the same networks: the initialisation is not random"


def seeds_do_not_touch(method: Method, data: Dataset) -> None:
    """A seed beside others sees its own streams, and its first steps agree with those of a run alone to rounding."""
    alone, beside = _start(method, data, [7]), _start(method, data, [5, 7])
    assert _equal(select_seed(alone[1], 0), select_seed(beside[1], 1)), (
        "a seed's initial networks depend on the seeds beside it"
    )
    for one, two in zip(alone[2], beside[2], strict=True):
        for b1, b2 in zip(one, two, strict=True):
            assert _equal(b1.map(itemgetter(0)), b2.map(itemgetter(1))), (
                "a seed's batches depend on the seeds beside it"
            )
    for i, (one, two) in enumerate(zip(alone[2], beside[2], strict=True)):
        loss_alone, loss_beside = alone[0].run(alone[1], one), beside[0].run(beside[1], two)
        difference = (loss_alone[:, 0] - loss_beside[:, 1]).abs().max().item()
        scale = 1 + loss_alone.abs().max().item()
        assert difference <= 1e-4 * scale, (
            f"cycle {i + 1}: a seed's loss differs by {difference:.2g} with another seed beside it"
        )


def state_survives(method: Method, data: Dataset) -> None:
    """Training continued from a saved and loaded state goes on exactly as without."""
    from safetensors.torch import load, save

    cycle, state, cycle_batches = _start(method, data, [0, 1])
    cycle.run(state, cycle_batches[0])
    names = [f"{i}" for i in range(len(tree_leaves(state)))]
    restored = load(
        save({name: leaf.contiguous() for name, leaf in zip(names, tree_leaves(state), strict=True)})
    )
    leaves = iter([restored[name] for name in names])
    copy = tree_map(lambda _: next(leaves), state)
    fresh = Cycle(method, data.spec)
    for batch in cycle_batches[1:]:
        cycle.run(state, batch)
        fresh.run(copy, batch)
    assert _equal(state, copy), (
        "training from a saved state goes on differently: the method keeps state of its own"
    )


CHECKS: dict[str, Callable[[Method, Dataset], None]] = {
    "builds": builds,
    "gradients reach exactly the networks of each player": gradients_reach_their_networks,
    "updates stay in their networks": updates_stay_in_their_networks,
    "losses are finite": losses_are_finite,
    "the same seed gives the same result": same_seed_same_result,
    "a seed does not depend on those beside it": seeds_do_not_touch,
    "state survives a save and a load": state_survives,
}


def _datasets() -> list[Dataset]:
    """One small dataset of every kind."""
    return [DATASETS.get("ring")(batch=16, width=8), Pictures(batch=8, width=4, latent=8)]


@dataclass(frozen=True)
class Pictures(Images):
    """Small images without any file: a bright row in one of three channels, on noise. Its modes are nobody's concern here."""

    name = "pictures"

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 12, 12)

    @property
    def mode_weights(self) -> Tensor:
        return torch.empty(0)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        images = torch.randint(
            64, (n, *self.shape), generator=rng, device=rng.device, dtype=torch.uint8
        )
        rows = torch.randint(3 * 12, (n,), generator=rng, device=rng.device)
        images.view(n, 36, 12)[torch.arange(n, device=images.device), rows] += 160
        return images

    def assign(self, samples: Tensor) -> Assignment:
        raise NotImplementedError

    def nearest_training(self, packed: Tensor) -> Tensor:
        raise NotImplementedError


def _start(method: Method, data: Dataset, seeds: list[int]) -> tuple[Cycle, State, list[list[Batch]]]:
    """A cycle, its initial state and the batches of its first steps."""
    cycle = Cycle(method, data.spec)
    stream = Batches(data, cycle.draws, seeds, CPU)
    return cycle, initialise(method, data, seeds, CPU), [next(stream) for _ in range(STEPS)]


def _train(method: Method, data: Dataset, seeds: list[int]) -> State:
    cycle, state, cycle_batches = _start(method, data, seeds)
    for batch in cycle_batches:
        cycle.run(state, batch)
    return state


def _equal(a: Any, b: Any) -> bool:
    """Whether two trees of tensors are the same bit for bit."""
    pairs = zip(tree_leaves(a), tree_leaves(b), strict=True)
    return all(x is y is None or torch.equal(x, y) for x, y in pairs)
