"""The GAN recipe that made convolutional GANs stable."""

from dataclasses import dataclass
from functools import partial

from torch import nn

from baselines.gan import GAN
from baselines.networks import discriminator, generator
from benchmark.method import DataSpec
from benchmark.method.space import Choice
from benchmark.registry import register_method

__all__ = ["DCGAN"]


@register_method("dcgan")
@dataclass(frozen=True)
class DCGAN(GAN):
    """GAN with the DCGAN recipe: batch normalisation, LeakyReLU discriminator, Adam with a low beta1.

    References:
        Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford
        et al., 2015), arXiv:1511.06434, sections 3 and 4.

    Deviations:
        On points the recipe is put on the shared multilayer networks: batch normalisation in the generator
        everywhere but at its output, ReLU in the generator, LeakyReLU(0.2) in the discriminator. No tanh at
        the output, for points have no range. By default no batch normalisation in the discriminator of
        points: it normalises real and generated batches apart, so it cannot see how far away a generator
        without a range has gone. PyTorch's initialisation instead of N(0, 0.02), which suits convolutions of
        thousands of inputs. On images: three or more convolutions down to a side of 4 pixels, according to
        the image's size.

    Arguments:
        discriminator_norm: Whether the discriminator has batch normalisation; by default on images alone.
    """

    space = {**GAN.space, "discriminator_norm": Choice(False, True)}

    lr: float = 2e-4
    beta1: float = 0.5
    discriminator_norm: bool | None = None

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        normalised = self.discriminator_norm
        if normalised is None:
            normalised = data.kind == "images"
        norm = "batch" if normalised else None
        return {
            "generator": generator(data, norm="batch"),
            "discriminator": discriminator(data, activation=partial(nn.LeakyReLU, 0.2), norm=norm),
        }
