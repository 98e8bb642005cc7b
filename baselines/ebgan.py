"""The GAN whose discriminator is an autoencoder, with and without the pulling-away term."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from baselines.networks import autoencoder, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, Positive, register_method

__all__ = ["EBGAN", "EBGANPT"]


@register_method("ebgan")
@dataclass(frozen=True)
class EBGAN(Method):
    """GAN whose discriminator gives every sample an energy: the error with which it reconstructs it.

    Real data is to have little energy, generated data at least a margin.

    References:
        Energy-based Generative Adversarial Network (Zhao et al., 2016), arXiv:1609.03126. Settings from the
        public code of PyTorch-GAN.

    Deviations:
        The paper is known from public code only. The energy is the mean squared error over the dimensions of
        a sample, and the margin 1, as in that code; the paper's margins of 10 and more go with another scale.
        The hinge is each sample's, as in the paper's formula, not that of a batch's mean. The shared
        networks; codes are as long as latents, on points longer than the data. The discriminator moves first.
    """

    family = "energy-based"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "margin": LogUniform(0.1, 100),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    margin: Positive = 1.0

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": autoencoder(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def judged(self, nets: Networks, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies $(B)$ and codes $(B, L)$ of data."""
        reconstruction, codes = nets.discriminator(x)
        return (reconstruction - x).square().flatten(1).mean(dim=1), codes

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, _ = self.judged(nets, batch.x)
        fake, _ = self.judged(nets, nets.generator(batch.z))
        return (real + relu(self.margin - fake)).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The gradient reaches a sample both as what is reconstructed and as what it is compared with."""
        energy, _ = self.judged(nets, nets.generator(batch.z))
        return energy.mean()


@register_method("ebgan-pt")
@dataclass(frozen=True)
class EBGANPT(EBGAN):
    """`ebgan` whose generator also keeps the codes of its samples apart in direction.

    References:
        Energy-based Generative Adversarial Network (Zhao et al., 2016), arXiv:1609.03126. Settings from the
        public code of PyTorch-GAN.

    Deviations:
        Those of `ebgan`. The pulling-away term takes the square of the cosines, as the paper does, where the
        public code takes the cosines themselves.
    """

    pull: NotNegative = 0.1

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        energy, codes = self.judged(nets, nets.generator(batch.z))
        return energy.mean() + self.pull * pulling_away(codes)


def pulling_away(codes: Tensor) -> Tensor:
    """The mean squared cosine between the codes of two samples, over all pairs."""
    directions = normalize(codes, dim=1)
    squares = (directions @ directions.mT).square()
    pairs = len(codes) * (len(codes) - 1) / 2
    return squares.triu(diagonal=1).sum() / pairs
