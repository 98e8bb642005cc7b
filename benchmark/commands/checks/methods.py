"""The contract of a method."""

import re
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple, get_args

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.func import grad

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.commands.checks.outcome import ContractError, Outcome, outcome_of, require
from benchmark.commands.checks.plain_training import PlainTraining
from benchmark.datasets.base import Dataset
from benchmark.datasets.mixtures import Ring
from benchmark.errors import first_line
from benchmark.method import Batch, Family, Grouped, Latents, Method, Networks, Player, Schedule, State
from benchmark.plan.points import space_of
from benchmark.registry import METHODS
from benchmark.suites import registered_suites
from benchmark.training.cost import cost_of
from benchmark.training.generators import TrainedGenerators
from benchmark.training.rehearsal import rehearse
from benchmark.training.step import Cycle, initial_networks, initialise, select_seed
from benchmark.training.streams import Batches, Draw
from benchmark.training.trees import tree_leaves, tree_map

__all__ = ["CHECKS", "check_method"]

CPU = torch.device("cpu")

CYCLES = 3
"""Cycles that a method is trained for."""

INITIALISATIONS = 8
"""In how many of them a tensor must be without a gradient to count as idle."""


def check_method(name: str) -> Iterator[Outcome]:
    """Runs every check on a small dataset of every kind that a method is for.

    Raises:
        UsageError: If the name is unknown, or the class cannot be built.
    """
    method: Method = METHODS.build(name, _settings(name))
    kinds = outcome_of("names the kinds of its data", names_kinds, method)
    if kinds.problem is not None:
        yield kinds
        return
    space = outcome_of("declares a space of settings that it can have", has_space, name)
    if space.problem is not None:
        yield space
    for data in (Ring(batch=16, width=8), Pictures(batch=8, width=4, latent=8)):
        if data.kind in method.kinds:
            yield from _outcomes(method, data)


def _outcomes(method: Method, data: Dataset) -> Iterator[Outcome]:
    """The outcome of every check; of a method that cannot be built or has no finite losses, only that."""
    for title, check in FIRST_CHECKS.items():
        first = outcome_of(f"{title} ({data.name})", check, method, data)
        yield first
        if first.problem is not None:
            return
    for title, check in CHECKS.items():
        yield outcome_of(f"{title} ({data.name})", check, method, data)


def names_kinds(method: Method) -> None:
    kinds = method.kinds
    valid = isinstance(kinds, tuple) and len(kinds) > 0 and set(kinds) <= set(Method.kinds)
    require(valid, f"kinds is {kinds!r}; give a tuple of points and images, or of one of them")


def has_space(name: str) -> None:
    space_of(name)


def builds(method: Method, data: Dataset) -> None:
    known = get_args(Family)
    require(method.family in known, f"family is {method.family!r}; give {', '.join(known)}")
    networks = method.networks(data.spec)
    require("generator" in networks, f"networks() gives {', '.join(networks)}; one must be named generator")
    for name, network in networks.items():
        require(isinstance(network, nn.Module), f"network {name!r} is not a torch.nn.Module")
    players = method.players(data.spec)
    for name, player in players.items():
        unknown = set(player.networks) - set(networks)
        require(not unknown, f"player {name!r} trains {', '.join(unknown)}, which networks() does not give")
    idle = set(networks).difference(*(player.networks for player in players.values()))
    require(not idle, f"no player trains {', '.join(idle)}")
    for name, player in players.items():
        _check_schedule(name, getattr(player.optimiser, "schedule", None))
    variables = method.variables(data.spec)
    for name, value in variables.items():
        require(isinstance(value, Tensor), f"variables() gives {value!r} for {name}; it must be a tensor")
    latents = method.latents(data.spec)
    require(isinstance(latents, Latents), f"latents() gives {latents!r}; it must be a Latents")
    require(
        _equal(variables, method.variables(data.spec)),
        "variables() gives other values when it is called again; they must not be random",
    )
    cost = cost_of(method, data)
    require(cost.generator_steps > 0, "no player trains the generator")
    require(cost.flops > 0, "a cycle has no matrix product")
    rehearse(method, data)


def _check_schedule(player: str, schedule: Schedule | None) -> None:
    if schedule is None:
        return
    for progress in torch.linspace(0, 1, 101):
        share = torch.as_tensor(schedule(progress))
        require(
            share.shape == () and bool(share.isfinite()) and float(share) >= 0,
            f"the schedule of player {player!r} gives {share.tolist()} at progress {progress:.2f}; "
            "it must be a number of at least 0",
        )


def gradients_reach_their_networks(method: Method, data: Dataset) -> None:
    """Each player's loss depends on every tensor that the player trains."""
    idle = _in_all_initialisations(_without_gradient, method, data)
    if idle:
        player = min(idle).player
        names = sorted(tensor.name for tensor in idle if tensor.player == player)
        raise ContractError(f"the loss of {player!r} does not depend on {', '.join(names)}")


class _Idle(NamedTuple):
    """A tensor or a network that nothing happens to where a player trains it."""

    player: str
    name: str


def _in_all_initialisations(
    find: Callable[[Method, Dataset, int], set[_Idle]], method: Method, data: Dataset
) -> set[_Idle]:
    """What is idle from whichever seed a method starts: of a small network, all units may be dead once."""
    idle = find(method, data, 0)
    for seed in range(1, INITIALISATIONS):
        if not idle:
            break
        idle &= find(method, data, seed)
    return idle


def _without_gradient(method: Method, data: Dataset, seed: int) -> set[_Idle]:
    """The tensors that the loss that trains them does not depend on, apart from biases.

    A bias in front of a normalisation, or the last one of a critic of which only differences count, has no
    gradient.
    """
    idle = set()
    # A few cycles in, so that a zero at initialisation does not count against a method.
    start = _start(method, data, [seed])
    start.run_all()
    state = select_seed(start.state, 0)
    for name, player in start.cycle.players.items():
        (batch,) = next(Batches(data, [Draw.of(player, method.latents(data.spec))], [seed], CPU))
        loss = _loss_of(start.cycle, player, state, batch.map(itemgetter(0)))
        parameters = {network: state.parameters[network] for network in player.networks}
        for network, gradients in grad(loss)(parameters).items():
            for key, gradient in gradients.items():
                if not gradient.any() and not key.endswith("bias"):
                    idle.add(_Idle(name, f"{network}.{key}"))
    return idle


def updates_stay_in_their_networks(method: Method, data: Dataset) -> None:
    """A cycle changes the networks that its players train, and leaves the others to their players."""
    idle = _in_all_initialisations(_unchanged_by_updates, method, data)
    if idle:
        first = min(idle)
        raise ContractError(f"an update of {first.player} does not change {first.name}")


def _unchanged_by_updates(method: Method, data: Dataset, seed: int) -> set[_Idle]:
    """The networks that an update is to change, and does not."""
    idle = set()
    start = _start(method, data, [seed])
    batches = start.batches[0]
    for phase in start.cycle.phases:
        before = tree_map(torch.clone, start.state)
        size = len(phase.draws)
        batch = [stacked.map(itemgetter(0)) for stacked in batches[:size]]
        batches = batches[phase.repeats * size :]
        after, _ = start.cycle.single(phase, select_seed(start.state, 0), batch)
        require(_equal(start.state, before), "a loss writes into its networks; a loss must have no effects")
        names = ", ".join(phase.players)
        trained = set().union(*(player.networks for player in phase.players.values()))
        for network, parameters in after.parameters.items():
            changed = not _equal(parameters, select_seed(before, 0).parameters[network])
            require(network in trained or not changed, f"an update of {names} changes {network}")
            if network in trained and not changed:
                idle.add(_Idle(names, network))
    return idle


def losses_are_finite(method: Method, data: Dataset) -> None:
    start = _start(method, data, [0, 1])
    for batch in start.batches:
        losses = start.cycle.run(start.state, batch)
        require(bool(losses.isfinite().all()), f"a loss is not finite within {CYCLES} cycles")
    for leaf in tree_leaves(start.state):
        require(bool(leaf.isfinite().all()), f"the state is not finite after {CYCLES} cycles")


def same_seed_same_result(method: Method, data: Dataset) -> None:
    first, again = _start(method, data, [3, 4]).run_all(), _start(method, data, [3, 4]).run_all()
    require(
        _equal(first, again),
        "two trainings with the same seeds differ: some randomness does not come from the batch",
    )
    one, other = select_seed(first, 0).parameters, select_seed(first, 1).parameters
    require(not _equal(one, other), "two seeds give the same networks: the initialisation is not random")


def seeds_do_not_touch(method: Method, data: Dataset) -> None:
    """A seed beside others sees its own streams, and its first steps are those of a run alone, to
    rounding.
    """
    alone, beside = _start(method, data, [7]), _start(method, data, [5, 7])
    own, shared = select_seed(alone.state, 0), select_seed(beside.state, 1)
    require(_equal(own, shared), "a seed's initial networks depend on the seeds beside it")
    for cycle, (batches_alone, batches_beside) in enumerate(
        zip(alone.batches, beside.batches, strict=True), 1
    ):
        for one, two in zip(batches_alone, batches_beside, strict=True):
            same = _equal(one.map(itemgetter(0)), two.map(itemgetter(1)))
            require(same, "a seed's batches depend on the seeds beside it")
        losses_alone = alone.cycle.run(alone.state, batches_alone)[:, 0]
        losses_beside = beside.cycle.run(beside.state, batches_beside)[:, 1]
        difference = float((losses_alone - losses_beside).abs().max())
        scale = 1 + float(losses_alone.abs().max())
        require(
            difference <= 1e-4 * scale,
            f"cycle {cycle}: a seed's loss differs by {difference:.2g} with another seed beside it",
        )


def samples_are_those_of_their_latents(method: Method, data: Dataset) -> None:
    """Of many seeds at once and of one alone, now and again."""
    untrained = TrainedGenerators.of(method, data.spec, initialise(method, data, [0, 1], CPU))
    generators, refitted = untrained.fitted(data, [0, 1]), untrained.fitted(data, [0, 1])
    require(
        _equal(generators.state.variables, refitted.state.variables),
        "fit() gives other values when it is called again; they must not be random",
    )
    numbers = torch.randn(2, 5, generators.latents.numbers, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        samples, again = generators(numbers), generators(numbers)
        alone = generators.select([1])(numbers[1:])
    require(_equal(samples, again), "a sampler gives other samples of the same latents")
    require(
        torch.allclose(samples[1:], alone, rtol=1e-4, atol=1e-4),
        "a sample depends on the seeds beside its own",
    )


def state_survives(method: Method, data: Dataset) -> None:
    """Training continued from a saved and loaded state goes on exactly as without."""
    start = _start(method, data, [0, 1])
    first, *others = start.batches
    start.cycle.run(start.state, first)
    saved = {str(i): leaf.contiguous() for i, leaf in enumerate(tree_leaves(start.state))}
    loaded = load(save(saved))
    leaves = iter([loaded[name] for name in saved])
    copy = tree_map(lambda _: next(leaves), start.state)
    fresh = Cycle(method, data.spec)
    for batch in others:
        start.cycle.run(start.state, batch)
        fresh.run(copy, batch)
    require(
        _equal(start.state, copy),
        "training from a saved state goes on differently: the method keeps state of its own",
    )


def trains_like_plain_pytorch(method: Method, data: Dataset) -> str | None:
    """In double precision, in which rounding is below what Adam's epsilon lets through."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        harness, loop = _trained_both_ways(method, data)
    except RuntimeError as error:
        if re.search("dtype|scalar type", str(error)):
            return f"not compared, since its networks cannot compute in float64: {first_line(error)}"
        raise
    finally:
        torch.set_default_dtype(before)
    for kind in ("parameters", "buffers"):
        _compare(getattr(harness, kind), getattr(loop, kind))
    _compare({"variables": harness.variables}, {"variables": loop.variables})
    return None


def _trained_both_ways(method: Method, data: Dataset) -> tuple[State, State]:
    """The same networks after the same cycles: by the harness, and by a plain PyTorch loop."""
    start = _start(method, data, [0])
    networks = initial_networks(method, data, 0)
    variables = tree_map(torch.clone, select_seed(start.state, 0).variables)
    plain = PlainTraining(networks, start.cycle.players, variables)
    for batches in start.batches:
        doubles = [batch.map(Tensor.double) for batch in batches]
        start.cycle.run(start.state, doubles)
        singles = iter([batch.map(itemgetter(0)) for batch in doubles])
        for phase in start.cycle.phases:
            for _ in range(phase.repeats):
                plain.run(phase, [next(singles) for _ in phase.draws], start.state.progress[0])
    return select_seed(start.state, 0), plain.state()


def _compare(harness: Grouped, loop: Grouped) -> None:
    for network, tensors in harness.items():
        for key, tensor in tensors.items():
            require(
                torch.allclose(tensor, loop[network][key], rtol=1e-6, atol=1e-9),
                f"after {CYCLES} cycles, {network}.{key} differs from that of a plain PyTorch loop: "
                "a network or a loss keeps, or changes, something that is not carried from update to update",
            )


FIRST_CHECKS: dict[str, Callable[[Method, Dataset], str | None]] = {
    "builds": builds,
    "losses are finite": losses_are_finite,
}

CHECKS: dict[str, Callable[[Method, Dataset], str | None]] = {
    "gradients reach the networks of each player": gradients_reach_their_networks,
    "updates stay in their networks": updates_stay_in_their_networks,
    "trains like a plain PyTorch loop": trains_like_plain_pytorch,
    "the same seed gives the same result": same_seed_same_result,
    "a seed does not depend on those beside it": seeds_do_not_touch,
    "samples are those of their latents": samples_are_those_of_their_latents,
    "state survives a save and a load": state_survives,
}


def _loss_of(cycle: Cycle, player: Player, state: State, batch: Batch) -> Callable[[Any], Tensor]:
    """A player's loss as a function of the parameters that it trains."""

    def loss(parameters: dict[str, dict[str, Tensor]]) -> Tensor:
        bound = state._replace(parameters={**state.parameters, **parameters})
        return player.loss_on(Networks(cycle.modules, bound, cycle.players), batch)

    return loss


class _Start(NamedTuple):
    """A cycle, its initial state, and the batches of its first cycles."""

    cycle: Cycle
    state: State
    batches: list[list[Batch]]

    def run_all(self) -> State:
        """The state after all cycles."""
        for batch in self.batches:
            self.cycle.run(self.state, batch)
        return self.state


def _start(method: Method, data: Dataset, seeds: list[int]) -> _Start:
    cycle = Cycle(method, data.spec)
    stream = Batches(data, cycle.draws, seeds, CPU)
    batches = [next(stream) for _ in range(CYCLES)]
    state = initialise(method, data, seeds, CPU)
    # In the middle of the training, where no learning rate need be 0.
    state.progress.fill_(0.5)
    return _Start(cycle, state, batches)


def _settings(name: str) -> dict[str, Any]:
    """The settings of a method in the suites of this benchmark."""
    settings: dict[str, Any] = {}
    for suite in registered_suites():
        if suite.protocol is None:
            settings |= suite.settings_on("").get(name, {})
    return settings


def _equal(tree: Any, other: Any) -> bool:
    """Whether two trees of tensors are the same bit for bit."""
    for one, two in zip(tree_leaves(tree), tree_leaves(other), strict=True):
        if one is None or two is None:
            if one is not two:
                return False
        elif not torch.equal(one, two):
            return False
    return True
