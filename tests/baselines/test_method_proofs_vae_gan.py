"""VAE-GAN against numpy on small networks: who learns from what, and who moves at all."""

from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Move,
    RootMeanSquareDescent,
    as_tensors,
    assert_a_cycle_is_that_of,
    central_differences,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    run_cycle,
    sigmoid,
    warm_state,
    with_weights,
)
from torch import nn

from baselines.networks import MLP, WithFeatures
from baselines.vae_gan_updates import Gated, falling, movers
from benchmark.method import DataSpec, RMSprop
from benchmark.registry import METHODS
from benchmark.training.trees import tree_map

DATA, LATENT = 2, 3
NETWORKS = {
    "encoder": partial(nn.Linear, DATA, 2 * LATENT),
    "generator": partial(nn.Linear, LATENT, DATA),
    "discriminator": lambda: WithFeatures(MLP(DATA, 1, width=4, depth=1, activation=nn.Tanh)),
}
STRAIGHT = NETWORKS | {
    "discriminator": lambda: WithFeatures(MLP(DATA, 1, width=DATA, depth=1, activation=nn.Identity))
}
WIDE = 100.0
"""A margin that lets both players move always."""


def batch_of(method):
    return drawn(method)[0].map(lambda t: t[0].numpy())


def features(state, x):
    p = state.parameters["discriminator"]
    return np.tanh(x @ p["features.0.weight"].T + p["features.0.bias"])


def logits(state, x):
    p = state.parameters["discriminator"]
    return features(state, x) @ p["head.weight"].T + p["head.bias"]


def posterior(state, batch):
    """Means and variances."""
    mean, log_variance = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    return mean, np.exp(log_variance)


def reconstructed(state, batch):
    mean, variance = posterior(state, batch)
    return linear(state, "generator", mean + np.sqrt(variance) * batch.noise["code"])


def generated(state, batch):
    return linear(state, "generator", batch.z)


def divergence(state, batch):
    """Of $N(\\mu, \\sigma^2)$ from $N(0, 1)$, summed over the latent dimensions."""
    mean, variance = posterior(state, batch)
    return sum(0.5 * (v + m**2 - 1 - np.log(v)).sum() for m, v in zip(mean, variance, strict=True)) / len(
        mean
    )


def mismatch(state, batch):
    """Half the squared distance of the features, averaged over samples."""
    apart = features(state, batch.x) - features(state, reconstructed(state, batch))
    return sum(0.5 * (sample @ sample) for sample in apart) / len(apart)


def found_out(state, x):
    """The mean of $-\\log(1 - D)$."""
    return -np.log(1 - sigmoid(logits(state, x))).mean()


def judged(state, batch):
    """Reconstructions and samples have half the weight of real data each."""
    real = -np.log(sigmoid(logits(state, batch.x))).mean()
    fake = found_out(state, reconstructed(state, batch)) + found_out(state, generated(state, batch))
    return real + fake / 2


def coded(state, batch):
    return divergence(state, batch) + mismatch(state, batch)


def decoded(state, batch, share):
    """What generated data costs the discriminator is the decoder's gain; both kinds of it count in full."""
    fake = found_out(state, reconstructed(state, batch)) + found_out(state, generated(state, batch))
    return share * mismatch(state, batch) - (1 - share) * fake


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cycle_of_vae_gan_is_that_of_numpy(share):
    """Three players, one batch: what each of them learns from, and what it does not."""
    method = on_networks("vae-gan", NETWORKS, lr=0.05, decay=0.7, reconstruction=share, margin=WIDE)
    descent = RootMeanSquareDescent(0.05, 0.7)
    moves = [
        Move(("encoder",), coded, descent),
        Move(("discriminator",), judged, descent),
        Move(("generator",), partial(decoded, share=share), descent),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_vae_gans_encoder_learns_nothing_from_the_game():
    """Whatever the logits are, its gradient is that of divergence and reconstruction."""
    method = on_networks("vae-gan", NETWORKS)
    state, batch = warm_state(method), batch_of(method)
    loud = with_weights(state, discriminator={"head.weight": 30.0, "head.bias": 2.0})
    _, gradients = loss_and_gradients(method, "encoder", state, batch)
    _, loud_gradients = loss_and_gradients(method, "encoder", loud, batch)
    expected = central_differences(coded, state, batch, ["encoder"])["encoder"]
    for key, gradient in gradients["encoder"].items():
        np.testing.assert_allclose(gradient, expected[key], rtol=1e-6, atol=1e-8)
        np.testing.assert_array_equal(loud_gradients["encoder"][key], gradient)


@pytest.mark.parametrize(
    ("mean", "log_variance", "expected"),
    [
        ([0.0, 0.0, 0.0], 0.0, 0.0),
        ([1.0, 2.0, 2.0], 0.0, 4.5),
        ([0.0, 0.0, 0.0], np.log(4.0), 3 * 0.5 * (4 - 1 - np.log(4))),
    ],
)
def test_vae_gans_divergence_of_known_gaussians(mean, log_variance, expected):
    """Where the discriminator's features are constant, the encoder's loss is nothing else."""
    method = on_networks("vae-gan", NETWORKS)
    state = with_weights(
        warm_state(method),
        encoder={"weight": 0.0, "bias": [*mean, *[log_variance] * 3]},
        discriminator={"features.0.weight": 0.0},
    )
    loss, _ = loss_and_gradients(method, "encoder", state, batch_of(method))
    assert loss == pytest.approx(expected, abs=1e-12)


def test_vae_gan_infers_the_mean_of_the_posterior():
    method = METHODS.get("vae-gan")()
    networks = method.networks(DataSpec("points", (DATA,), latent=LATENT, width=4, depth=1))
    nets, x = type("Nets", (), networks), torch.randn(5, DATA)
    assert torch.equal(method.encode(nets, x), networks["encoder"](x)[:, :LATENT])


# Who moves


@pytest.mark.parametrize(
    ("real", "fake", "discriminator", "generator"),
    [
        (0.68, 0.68, True, True),
        (0.34, 1.02, True, True),
        (0.32, 0.68, False, True),
        (0.68, 0.32, False, True),
        (0.32, 0.32, False, True),
        (1.04, 0.68, True, False),
        (0.68, 1.04, True, False),
        (1.04, 1.04, True, False),
        (0.32, 1.04, True, True),  # Neither would move.
        (1.04, 0.32, True, True),
    ],
)
def test_the_player_with_the_upper_hand_does_not_move(real, fake, discriminator, generator):
    """The discriminator has it below a cost of 0.33, the generator above 1.03."""
    moves = movers(torch.tensor(real), torch.tensor(fake), 0.68, 0.35)
    assert [bool(move) for move in moves] == [discriminator, generator]


@pytest.mark.parametrize(
    ("slope", "bias", "still"),
    [
        (0.0, 0.0, set()),  # Both costs are log 2.
        (2.0, 0.0, {"discriminator"}),  # They are 0.13.
        (-1.0, 0.0, {"generator"}),  # They are 1.3.
        (0.0, 2.0, set()),  # They are 0.13 and 2.1.
    ],
)
def test_who_does_not_move_is_left_alone(slope, bias, still):
    """Weights and mean squares stay as they were. The encoder always moves."""
    method = on_networks("vae-gan", STRAIGHT, lr=0.05)
    start = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [-1.0, 0.0]},
        discriminator={
            "features.0.weight": np.eye(DATA),
            "features.0.bias": 0.0,
            "head.weight": [slope, 1e-3],
            "head.bias": bias,
        },
    )
    batches = drawn(method)
    x = torch.tensor([1.0, 0.0], dtype=torch.float64).expand_as(batches[0].x)
    end, losses = run_cycle(method, start, [batches[0]._replace(x=x)])
    for name, loss in zip(("encoder", "discriminator", "generator"), losses, strict=True):
        assert (loss == 0) == (name in still)
        for field in ("parameters", "second"):
            before, after = getattr(start, field)[name], getattr(end, field)[name]
            unchanged = [np.array_equal(after[key], before[key]) for key in before]
            assert all(unchanged) == (name in still), f"{field} of {name}"


def gated_and_plain(state, gradients):
    """The weights and mean squares of the encoder after an update by either optimiser."""
    both = []
    for cls in (Gated, RMSprop):
        after = cls(0.1, 0.7).apply(state, "encoder", gradients)
        both.append((after.parameters["encoder"], after.second["encoder"]))
    return both


def test_a_gated_optimiser_is_rmsprop_where_there_is_a_gradient():
    """One number that is not 0 is one. Without any, RMSprop's mean squares would fall."""
    state = as_tensors(warm_state(on_networks("vae-gan", NETWORKS)))
    start = (state.parameters["encoder"], state.second["encoder"])
    gradients = tree_map(torch.zeros_like, state.parameters["encoder"])
    gated, (_, fallen) = gated_and_plain(state, gradients)
    torch.testing.assert_close(gated, start, rtol=0, atol=0)
    torch.testing.assert_close(fallen, tree_map(lambda square: 0.7 * square, state.second["encoder"]))
    gradients["bias"][2] = 1e-9
    gated, plain = gated_and_plain(state, gradients)
    torch.testing.assert_close(gated, plain, rtol=0, atol=0)


def test_vae_gans_rate_falls_with_the_power_three_quarters():
    shares = [falling(torch.tensor(p)).item() for p in (0.0, 1 / 16, 1.0)]
    assert shares == pytest.approx([1, 1 - 0.9996 / 8, 4e-4], rel=1e-3)
    for player in METHODS.get("vae-gan")().players(TINY.spec).values():
        assert player.optimiser == Gated(0.025 / 64, 0.9, schedule=falling)


def test_vae_gans_published_settings():
    method = METHODS.get("vae-gan")()
    assert (method.equilibrium, method.margin, method.reconstruction) == (0.68, 0.35, 5e-5)
    assert method.simultaneous
    with pytest.raises(ValueError, match="reconstruction must be a finite number of at least 0 and below 1"):
        METHODS.get("vae-gan")(reconstruction=1.0)
