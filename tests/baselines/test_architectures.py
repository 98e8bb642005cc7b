"""The architectures of papers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from baselines.architectures import Maxout
from baselines.networks import MLP, discriminator, encoder, generator, joint_discriminator
from benchmark.method import DataSpec
from benchmark.registry import METHODS

POINTS = DataSpec("points", (2,), latent=2, width=400, depth=4, architecture="pacgan-2018")
IMAGES = DataSpec("images", (3, 28, 28), latent=256, width=64, depth=2, architecture="veegan-2017-images")

FOR_POINTS = "shared, veegan-2017, pacgan-2018, unrolled-2017, rls-gan-2021, wgan-gp-2017, r3gan-2024"


def of(data, **changes):
    return replace(data, **changes)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def layers(network, kind=nn.Linear):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_maxout_takes_the_largest_of_neighbouring_features():
    x = torch.tensor([[1.0, 5.0, 2.0, -3.0, -1.0, -2.0]])
    assert Maxout(3)(x).tolist() == [[5.0, -1.0]]
    assert Maxout(2)(x).tolist() == [[5.0, 2.0, -1.0]]


def test_a_maxout_unit_is_the_largest_of_its_linear_pieces():
    net = MLP(2, 1, width=3, depth=1, pieces=5)
    x = torch.randn(7, 2)
    first, last = layers(net)
    pieces = (x @ first.weight.T + first.bias).view(7, 3, 5)
    assert torch.allclose(net(x), pieces.max(dim=2).values @ last.weight.T + last.bias)


def test_pacgan_networks_have_the_sizes_of_the_published_code():
    """By hand: no biases in linear layers, a scale and a shift per normalised unit, 5 x 200 maxout units."""
    assert parameters(generator(POINTS)) == 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + (400 * 2 + 2)
    assert parameters(encoder(POINTS, noise=2)) == 4 * 400 + 400 * 400 + 2 * 2 * 400 + (400 * 2 + 2)
    assert parameters(discriminator(POINTS)) == 3 * 1000 + 2 * 201 * 1000 + 201
    assert parameters(joint_discriminator(POINTS)) == 5 * 1000 + 2 * 201 * 1000 + 201
    norms = layers(generator(POINTS), nn.BatchNorm1d)
    assert len(norms) == 4
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.05, 1e-4)}


def test_veegan_networks_have_a_discriminator_of_one_hidden_layer():
    data = of(POINTS, latent=255, width=128, depth=2, architecture="veegan-2017")
    networks = METHODS.get("veegan")(free=1).networks(data)

    def sizes(name):
        return [(layer.in_features, layer.out_features) for layer in layers(networks[name])]

    assert set(networks) == {"generator", "reconstructor", "discriminator"}
    assert sizes("generator") == [(255, 128), (128, 128), (128, 2)]
    assert sizes("reconstructor") == [(2, 128), (128, 128), (128, 254)]
    assert sizes("discriminator") == [(256, 128), (128, 1)]


def test_initial_weights_are_those_of_the_sources():
    torch.manual_seed(0)
    for network in (generator(POINTS), discriminator(POINTS)):
        weights = torch.cat([layer.weight.flatten() for layer in layers(network)])
        assert weights.std().item() == pytest.approx(0.02, rel=0.02)

    def second_weight(**changes):
        return layers(generator(of(POINTS, **changes)))[1].weight

    orthogonal = second_weight(latent=256, width=128, depth=2, architecture="unrolled-2017")
    assert torch.allclose(orthogonal @ orthogonal.T, 1.4**2 * torch.eye(128), atol=1e-4)
    he = second_weight(width=512, depth=3, architecture="wgan-gp-2017")
    assert he.abs().max().item() == pytest.approx((6 / 512) ** 0.5, rel=0.01)
    glorot = second_weight(width=128, depth=2, architecture="veegan-2017")
    assert glorot.abs().max().item() == pytest.approx((6 / 256) ** 0.5, rel=0.01)
    for name in ("veegan-2017", "pacgan-2018", "unrolled-2017", "wgan-gp-2017"):
        network = discriminator(of(POINTS, architecture=name))
        biases = [layer.bias for layer in layers(network) if layer.bias is not None]
        assert biases
        assert all((bias == 0).all() for bias in biases)


def test_unrolled_networks_are_of_tanh():
    data = of(POINTS, architecture="unrolled-2017")
    for network in (generator(data), discriminator(data)):
        assert layers(network, nn.Tanh)
        assert not layers(network, nn.ReLU)


def test_the_image_networks_of_veegans_author_go_down_to_two_pixels():
    judge, made = discriminator(IMAGES), generator(IMAGES)
    assert [conv.out_channels for conv in layers(judge, nn.Conv2d)] == [64, 128, 256, 512]
    assert {conv.kernel_size for conv in layers(judge, nn.Conv2d)} == {(5, 5)}
    assert [conv.out_channels for conv in layers(made, nn.ConvTranspose2d)] == [256, 128, 64, 3]
    images = made(torch.randn(2, 256))
    assert images.shape == (2, 3, 28, 28)
    assert judge.convolutions(images).shape == (2, 512 * 2 * 2)


@pytest.mark.parametrize("side", [12, 15, 28, 33])
def test_kernels_of_five_fit_images_of_any_size(side):
    data = of(IMAGES, shape=(1, side, side), width=4)
    images = generator(data)(torch.randn(2, 256))
    assert images.shape == (2, 1, side, side)
    assert discriminator(data)(images).shape == (2, 1)


def test_what_a_method_asks_for_comes_before_the_architecture():
    data = of(POINTS, architecture="pacgan-2018")
    critic = METHODS.get("wgan-gp")().networks(data)["critic"]
    assert not layers(critic, nn.BatchNorm1d)
    encoder_of_aegan = METHODS.get("aegan")().networks(data)["encoder"]
    assert layers(encoder_of_aegan, nn.LayerNorm)
    assert not layers(encoder_of_aegan, nn.BatchNorm1d)


def test_an_unknown_architecture_is_named_in_one_line(cli, tmp_path):
    options = ("--suite", "synthetic", "--datasets", "ring", "--methods", "gan")
    setting = ("--set", "ring.architecture=vgg")
    status, _, err = cli("run", *options, *setting, "--out", tmp_path / "run")
    assert status == 2
    assert f"architecture = 'vgg' is none for points; choose from {FOR_POINTS}\n" in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "name", "fitting"),
    [
        (IMAGES, "pacgan-2018", "shared, veegan-2017-images"),
        (POINTS, "veegan-2017-images", FOR_POINTS),
    ],
)
def test_an_architecture_for_other_data_is_refused(data, name, fitting):
    """Some methods' networks would have it, and others' not."""
    message = f"architecture = '{name}' is none for {data.kind}; choose from {fitting}$"
    for method in METHODS.names():
        with pytest.raises(ValueError, match=message):
            METHODS.get(method)().networks(of(data, architecture=name))


def test_an_encoder_of_images_takes_no_noise():
    with pytest.raises(ValueError, match="takes no noise"):
        encoder(IMAGES, noise=3)
