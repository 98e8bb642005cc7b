"""PacGAN: packs of independent samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_methods import THREE_LATENT_RING, one_model
from torch import nn

from benchmark.datasets.mixtures import Ring
from benchmark.method import Adam, Batch, DataSpec, Method, Player
from benchmark.registry import METHODS
from benchmark.training.cost import cost_of
from benchmark.training.step import phases_of

BATCH = THREE_LATENT_RING.batch


@pytest.mark.parametrize("packing", [1, 2, 3])
def test_a_pack_holds_one_sample_of_each_batch(packing):
    method, nets, batches = one_model("pacgan2", packing=packing)
    batch = batches["discriminator"]
    assert batch.x.shape == (packing * BATCH, 2)
    assert batch.z.shape == (packing * BATCH, THREE_LATENT_RING.latent)
    packs = method.generated(nets, batch)
    assert packs.shape == (BATCH, 2 * packing)
    for slot in range(packing):
        own = nets.generator(batch.z[slot * BATCH : (slot + 1) * BATCH])
        assert torch.equal(packs[:, 2 * slot : 2 * slot + 2], own)


def test_losses_by_hand():
    """Logits of packs, taken from the discriminator, put through the formulas in numpy."""
    method, nets, batches = one_model("pacgan2")
    batch = batches["discriminator"]
    real = torch.cat([batch.x[:BATCH], batch.x[BATCH:]], dim=1)
    fake = torch.cat([nets.generator(batch.z[:BATCH]), nets.generator(batch.z[BATCH:])], dim=1)
    d_real, d_fake = nets.discriminator(real).detach().numpy(), nets.discriminator(fake).detach().numpy()
    expected = np.log1p(np.exp(-d_real)).mean() + np.log1p(np.exp(d_fake)).mean()
    assert method.discriminator_loss(nets, batch).item() == pytest.approx(expected, rel=1e-9)
    expected = np.log1p(np.exp(-d_fake)).mean()
    assert method.generator_loss(nets, batch).item() == pytest.approx(expected, rel=1e-9)


def test_packs_of_one_are_the_plain_gan():
    method, nets, batches = one_model("pacgan2", packing=1)
    gan, gan_nets, _ = one_model("gan")
    batch = batches["discriminator"]
    assert torch.equal(method.discriminator_loss(nets, batch), gan.discriminator_loss(gan_nets, batch))
    assert torch.equal(method.generator_loss(nets, batch), gan.generator_loss(gan_nets, batch))


def test_each_slot_is_normalised_by_itself():
    """As in the authors' code: the generator makes one batch of the pack after another."""
    method, nets, batches = one_model(
        "pacgan2", replace(THREE_LATENT_RING, architecture="pacgan-2018", depth=1)
    )
    batch = batches["discriminator"]
    first = batch.z[:BATCH]
    shifted = Batch(batch.x, torch.cat([first, batch.z[BATCH:] + 5]), {})
    assert torch.equal(method.generated(nets, batch)[:, :2], method.generated(nets, shifted)[:, :2])


def test_images_are_stacked_as_channels():
    images = DataSpec("images", (3, 28, 28), latent=6, width=4, depth=2)
    networks = METHODS.get("pacgan3")().networks(images)
    first = next(module for module in networks["discriminator"].modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 9
    assert networks["generator"](torch.randn(2, 6)).shape == (2, 3, 28, 28)


@pytest.mark.parametrize(("name", "packing"), [("pacgan2", 2), ("pacgan3", 3), ("pacgan4", 4)])
def test_a_pack_of_m_looks_at_m_times_the_data(name, packing):
    data = Ring(batch=8, width=8)
    method = METHODS.get(name)()
    assert method.packing == packing
    assert cost_of(method, data).samples == packing * data.batch
    assert cost_of(replace(method, simultaneous=True), data).samples == packing * data.batch


def test_packs_of_none_are_refused():
    with pytest.raises(ValueError, match="packing must be a whole number from 1 to 1000, not 0"):
        METHODS.get("pacgan2")(packing=0)


def test_players_that_are_updated_together_share_one_size_of_batch():
    def loss(nets, batch):
        return batch.z.sum()

    class Uneven(Method):
        simultaneous = True

        def networks(self, data):
            return {}

        def players(self, data):
            return {str(n): Player((f"generator{n}",), loss, Adam(0.1), batches=n) for n in (1, 2)}

    with pytest.raises(ValueError, match="two want batches of different sizes"):
        phases_of(Uneven(), THREE_LATENT_RING.spec)
    with pytest.raises(ValueError, match="at least one batch per step, not 0"):
        Player(("generator",), loss, Adam(0.1), batches=0)
