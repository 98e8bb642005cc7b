"""The shared architectures."""

import pytest
import torch
from torch import nn

from baselines.dcgan import DCGAN
from baselines.networks import (
    ConvolutionalGenerator,
    ConvolutionalJudge,
    WithFeatures,
    code_discriminator,
    discriminator,
    encoder,
    generator,
    joint_discriminator,
)
from benchmark.datasets.mixtures import Ring
from benchmark.method import DataSpec
from benchmark.registry import METHODS

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


def images(side=28, channels=3, width=4):
    return DataSpec("images", (channels, side, side), latent=6, width=width, depth=2)


def kinds(module, *classes):
    return {type(part) for part in module.modules() if isinstance(part, classes)}


@pytest.mark.parametrize("side", [12, 15, 28, 32, 33])
@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_any_size(side, channels):
    data = images(side, channels)
    x = generator(data)(torch.randn(5, 6))
    assert x.shape == (5, channels, side, side)
    assert x.abs().max() <= 1
    assert encoder(data)(x).shape == (5, 6)
    assert joint_discriminator(data)(x, torch.randn(5, 6)).shape == (5, 1)
    assert code_discriminator(data)(torch.randn(5, 6)).shape == (5, 1)


def test_convolutions_double_their_channels_down_to_four_pixels():
    def channels(network, kind):
        return [layer.out_channels for layer in network.modules() if isinstance(layer, kind)]

    data = images(28, width=16)
    judge = ConvolutionalJudge(data, 1)
    assert channels(judge, nn.Conv2d) == [16, 32, 64]
    assert channels(ConvolutionalGenerator(data), nn.ConvTranspose2d) == [32, 16, 3]
    assert judge.convolutions(torch.randn(2, 3, 28, 28)).shape == (2, 64 * 4 * 4)


def test_a_joint_discriminator_sees_both_parts():
    net = joint_discriminator(images()).eval()
    x, z = torch.rand(3, 3, 28, 28), torch.randn(3, 6)
    assert not torch.allclose(net(x, z), net(x, z + 1))
    assert not torch.allclose(net(x, z), net(1 - x, z))


@pytest.mark.parametrize("data", [images(), DataSpec("points", (2,), 6, 8, 2)], ids=lambda data: data.kind)
def test_a_discriminator_gives_its_last_hidden_layer(data):
    """The logit is a linear function of it."""
    judge = discriminator(data).eval()
    x = torch.rand(5, *data.shape)
    expected = judge(x)
    logits, features = WithFeatures(judge)(x)
    assert torch.equal(logits, expected)
    assert features.shape == (5, data.width if data.kind == "points" else 64 * data.width)
    *_, linear = [layer for layer in judge.modules() if isinstance(layer, nn.Linear)]
    torch.testing.assert_close(features @ linear.weight.T + linear.bias, logits)


def test_a_discriminator_of_unknown_make_gives_no_features():
    with pytest.raises(TypeError, match="Linear has no last hidden layer that is known"):
        WithFeatures(nn.Linear(2, 1))


def test_every_method_has_the_normalisation_that_it_requires():
    data = images()
    nets = {name: METHODS.get(name)().networks(data) for name in METHODS.names()}
    assert kinds(nets["wgan-gp"]["critic"], *NORMS) == set()
    assert kinds(nets["wgan-gp"]["generator"], *NORMS) == {nn.BatchNorm2d}
    for net in nets["aegan"].values():
        assert kinds(net, *NORMS) <= {nn.LayerNorm, nn.GroupNorm}
    for name in ("dcgan", "unrolled", "ali", "veegan"):
        for net in nets[name].values():
            assert kinds(net, *NORMS) == {nn.BatchNorm2d}
    for net in nets["gan"].values():
        assert kinds(net, nn.Conv2d, nn.ConvTranspose2d, *NORMS) == set()


def test_neither_a_generators_output_nor_a_judges_input_is_normalised():
    layers = list(generator(images()))
    assert isinstance(layers[-2], nn.ConvTranspose2d)
    assert isinstance(layers[-1], nn.Tanh)
    assert not isinstance(encoder(images()).convolutions[1], nn.BatchNorm2d)


@pytest.mark.parametrize("method", ["dcgan", "aegan", "gan"])
def test_width_sets_the_size(method):
    def count(width):
        networks = METHODS.get(method)().networks(images(width=width))
        return sum(parameter.numel() for parameter in nn.ModuleDict(networks).parameters())

    assert 2.5 < count(16) / count(8) < 4.5 or method == "gan"
    assert count(16) > 1.8 * count(8)


def test_an_unknown_kind_of_data_is_refused():
    with pytest.raises(ValueError, match="no networks for data of kind 'sounds'"):
        generator(DataSpec("sounds", (4,), 2, 4, 2))


@pytest.mark.parametrize(("data", "default"), [(Ring().spec, False), (images(), True)])
@pytest.mark.parametrize("asked", [None, False, True])
def test_the_discriminator_of_dcgan_is_normalised_as_asked(data, default, asked):
    networks = DCGAN(discriminator_norm=asked).networks(data)
    assert bool(kinds(networks["discriminator"], *NORMS)) == (default if asked is None else asked)
