"""DDPM and DDGAN: losses by hand, and what is known for Gaussian data."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    Descent,
    Move,
    assert_a_cycle_is_that_of,
    drawn,
    on_networks,
)
from support.timed import MEAN, STD, Nets, Timed, in_a_unit, normal, standard, timed

from baselines.ddpm import data_share
from baselines.diffusions import Noising, kept_share
from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS

# DDPM


def test_the_noise_of_ddpm_goes_from_next_to_none_to_next_to_nothing_else():
    shares = data_share(torch.tensor([0.0, 1.0]))
    assert (1 - shares[0]).sqrt().item() == pytest.approx(0.0025, rel=0.02)
    assert shares[1] < 1e-4


def test_the_schedule_of_ddgan_is_that_of_a_thousand_steps():
    rates = np.linspace(1e-4, 0.02, 1000)
    kept = np.cumprod(1 - rates)
    ours = kept_share(torch.arange(1, 1001) / 1000).numpy()
    np.testing.assert_allclose(np.log(ours), np.log(kept), atol=0.1)
    assert ours[-1] < 1e-4


def noise_missed(state, batch):
    t = batch.noise["time"]
    kept = 1 / (1 + np.exp(22 * t - 12))[:, None]
    noisy = np.sqrt(kept) * standard(state, batch) + np.sqrt(1 - kept) * batch.z
    return ((timed(state, "generator", noisy, t) - batch.z) ** 2).mean()


def test_a_cycle_of_ddpm_is_that_of_numpy():
    method = in_a_unit(on_networks("ddpm", {"generator": partial(Timed, 3, 2)}, lr=0.05))
    assert_a_cycle_is_that_of([Move(("generator",), noise_missed, Descent(0.05))], method)


def data_missed(state, batch):
    t, x = batch.noise["time"], standard(state, batch)
    kept = 1 / (1 + np.exp(22 * t - 12))[:, None]
    noisy = np.sqrt(kept) * x + np.sqrt(1 - kept) * batch.z
    weight = np.minimum(kept / (1 - kept), 400)
    return (weight * (timed(state, "generator", noisy, t) - x) ** 2).mean()


def test_a_cycle_that_predicts_data_is_that_of_numpy():
    method = in_a_unit(on_networks("ddpm", {"generator": partial(Timed, 3, 2)}, lr=0.05, prediction="data"))
    assert_a_cycle_is_that_of([Move(("generator",), data_missed, Descent(0.05))], method)


def test_undoing_a_step_is_conditioning_a_gaussian():
    """Given the data, what is before a step and after it are jointly Gaussian."""
    before, after, data = 0.7, 0.4, 2.0
    step = Noising(torch.tensor(before), torch.tensor(after))
    kept = after / before
    mean_before, var_before = math.sqrt(before) * data, 1 - before
    covariance, var_after = math.sqrt(kept) * var_before, kept * var_before + 1 - kept
    x = 0.3
    expected = mean_before + covariance / var_after * (x - math.sqrt(kept) * mean_before)
    variance = var_before - covariance**2 / var_after
    mean, std = step.undone(torch.tensor([x]), torch.tensor([data]))
    assert mean.item() == pytest.approx(expected, rel=1e-6)
    assert std.item() == pytest.approx(math.sqrt(variance), rel=1e-6)
    assert var_after == pytest.approx(1 - after)


def best_noise(x, t):
    """The mean noise in a noisy sample of Gaussian data."""
    kept = data_share(t)[:, None]
    return (1 - kept).sqrt() * (x - kept.sqrt() * MEAN) / (kept * STD**2 + 1 - kept)


def data_behind(x, t):
    """The mean data behind a noisy sample, which follows from the mean noise in it."""
    kept = data_share(t)[:, None]
    return (x - (1 - kept).sqrt() * best_noise(x, t)) / kept.sqrt()


@pytest.mark.parametrize(("prediction", "best"), [("noise", best_noise), ("data", data_behind)])
def test_the_best_prediction_for_gaussian_data_has_no_gradient(prediction, best):
    """Neither towards another slope nor towards another mean, at any time; one that is off by 0.1 has one."""
    method = METHODS.get("ddpm")(prediction=prediction)
    n = 400_000
    x = MEAN + STD * normal(n)
    for time in (0.4, 0.55, 0.7):
        noise = {"time": torch.full((n,), time, dtype=torch.float64)}
        batch = drawn(method)[0]._replace(x=x, z=normal(n, seed=1), noise=noise)
        change = torch.zeros(2, dtype=torch.float64, requires_grad=True)

        def gradient(offset):
            nets = Nets(lambda x, t: best(x, t) + offset + change[0] + change[1] * x)  # noqa: B023
            return torch.autograd.grad(method.generator_loss(nets, batch), change)[0]  # noqa: B023

        assert gradient(0.0).abs().max() < 0.05 * gradient(0.1).abs().max()


@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
def test_samples_of_the_best_noise_are_the_data(sampler):
    method = METHODS.get("ddpm")(sampler=sampler, evaluations=400)
    z = normal(5000)
    extra = method.latents(Ring().spec).noise // 2
    assert extra == (399 if sampler == "ancestral" else 0)
    samples = method.sample(Nets(best_noise), z, normal(5000, extra, seed=1))
    assert samples.mean().item() == pytest.approx(MEAN, abs=0.03)
    assert samples.std().item() == pytest.approx(STD, rel=0.05)
    correlation = torch.corrcoef(torch.cat([samples, z], dim=1).T)[0, 1]
    assert correlation > 0.999 if sampler == "ddim" else correlation < 0.2


@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
def test_both_predictions_of_the_same_thing_give_the_same_samples(sampler):
    method = METHODS.get("ddpm")(sampler=sampler)
    numbers = normal(50), normal(50, method.latents(Ring().spec).noise // 2, seed=1)
    of_noise = method.sample(Nets(best_noise), *numbers)
    of_data = replace(method, prediction="data").sample(Nets(data_behind), *numbers)
    assert torch.allclose(of_data, of_noise, atol=1e-9)


@pytest.mark.parametrize(("sampler", "lost"), [("ancestral", 0.1), ("ddim", 0.06)])
def test_narrow_modes_are_nearly_as_wide_at_the_default_number_of_evaluations(sampler, lost):
    """Steps of any number lose some width, the same for modes of any width."""
    std = 0.014

    def noise(x, t):
        kept = data_share(t)[:, None]
        return (1 - kept).sqrt() * x / (kept * std**2 + 1 - kept)

    method = METHODS.get("ddpm")(sampler=sampler)
    z = normal(4000)
    samples = method.sample(Nets(noise), z, normal(4000, method.latents(Ring().spec).noise // 2, seed=1))
    assert 1 - lost < samples.std().item() / std < 1


def test_one_evaluation_guesses_the_data_at_once():
    method = METHODS.get("ddpm")(evaluations=1)
    z = normal(10)
    kept = data_share(torch.ones(1, dtype=torch.float64))
    samples = method.sample(Nets(lambda x, t: 0.5 * x), z, z[:, :0])
    assert samples.shape == z.shape
    assert torch.allclose(samples, (z - (1 - kept).sqrt() * 0.5 * z) / kept.sqrt())


# DDGAN

STEPS = 3
STEPWISE = {"generator": partial(Timed, 2 + 1 + 3, 2), "discriminator": partial(Timed, 2 + 1 + 2, 1)}


def share(step):
    t = 1e-3 + (1 - 1e-3) * step / STEPS
    return np.where(step == 0, 1.0, np.exp(-0.5 * t**2 * 19.9 - 0.1 * t))


def around_a_step(state, batch):
    step = np.floor(batch.noise["step"] * STEPS)
    before, after = share(step)[:, None], share(step + 1)[:, None]
    x = np.sqrt(before) * standard(state, batch) + np.sqrt(1 - before) * batch.z
    later = np.sqrt(after / before) * x + np.sqrt(1 - after / before) * batch.noise["later"]
    return step, before, after, x, later


def imagined(state, batch):
    step, before, after, _, later = around_a_step(state, batch)
    data = timed(state, "generator", later, 1e-3 + (1 - 1e-3) * step / STEPS, batch.noise["code"])
    rate = 1 - after / before
    mean = rate * np.sqrt(before) / (1 - after) * data
    mean += (1 - before) * np.sqrt(1 - rate) / (1 - after) * later
    return mean + np.sqrt(rate * (1 - before) / (1 - after)) * batch.noise["undone"]


def step_judged(state, batch, x):
    step, _, _, _, later = around_a_step(state, batch)
    return timed(state, "discriminator", x, 1e-3 + (1 - 1e-3) * step / STEPS, later)


def softplus(x):
    return np.log1p(np.exp(x))


def denoising_judged(state, batch):
    *_, x, _ = around_a_step(state, batch)
    slope = (state.parameters["discriminator"]["weight"][0, :2] ** 2).sum()
    real, fake = step_judged(state, batch, x), step_judged(state, batch, imagined(state, batch))
    return softplus(-real).mean() + softplus(fake).mean() + 0.6 / 2 * slope


def denoising_fooled(state, batch):
    return softplus(-step_judged(state, batch, imagined(state, batch))).mean()


@pytest.mark.parametrize("progress", [0.0, 0.4])
def test_a_cycle_of_ddgan_is_that_of_numpy(progress):
    settings = {"lr": 0.05, "discriminator_lr": 0.03, "beta1": 0.6, "penalty": 0.6, "steps": STEPS}
    method = in_a_unit(on_networks("ddgan", STEPWISE, **settings))

    def adam(lr, end):
        return Descent(lr * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * progress))), 0.6, 0.9)

    moves = [
        Move(("discriminator",), denoising_judged, adam(0.03, 0.1)),
        Move(("generator",), denoising_fooled, adam(0.05, 0.07)),
    ]
    assert_a_cycle_is_that_of(moves, method, progress=progress)


def test_what_is_undone_with_the_data_itself_has_the_law_before_the_step():
    method = METHODS.get("ddgan")(steps=STEPS)
    data = 2.0
    n = 200_000
    for index in range(STEPS):
        step = torch.full((n,), float(index), dtype=torch.float64)
        before, after = (value[0] for value in method.noising(step))
        later = after.sqrt() * data + (1 - after).sqrt() * normal(n)
        nets = Nets(lambda x, t, code: torch.full_like(x, data))
        guessed = method.guessed(nets, later, step, later, normal(n, seed=1))
        assert guessed.mean().item() == pytest.approx(data * before.sqrt().item(), abs=0.01)
        assert guessed.std().item() == pytest.approx((1 - before).sqrt().item(), abs=0.01)


def test_the_last_step_of_a_sample_is_the_generators_own():
    """It has no noise; each step has its own code, and the first sees the latents."""
    method = METHODS.get("ddgan")(steps=STEPS)
    seen = []

    def generator(x, t, code):
        seen.append((x, t, code))
        return 0.1 * x + code[:, :2]

    data = Ring(latent=3)
    latents = method.latents(data.spec)
    assert (latents.size, latents.noise) == (2, STEPS * 3 + (STEPS - 1) * 2)
    z, noise = normal(5, 2), normal(5, latents.noise, seed=1)
    unit = {"mean": torch.zeros(2), "scale": torch.ones(())}
    samples = method.sample(Nets(generator, unit), z, noise)
    assert torch.equal(seen[0][0], z)
    assert torch.equal(samples, 0.1 * seen[-1][0] + seen[-1][2][:, :2])
    assert len({code[0, 0].item() for _, _, code in seen}) == STEPS
    assert [round(t[0].item(), 3) for _, t, _ in seen] == [0.667, 0.334, 0.001]
