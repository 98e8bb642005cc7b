"""The GAN with a reconstructor in latent space."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from baselines.networks import encoder, generator, joint_discriminator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import register_method

__all__ = ["VEEGAN"]


@register_method("veegan")
@dataclass(frozen=True)
class VEEGAN(Method):
    """GAN that learns to reconstruct the noise behind its samples and is judged on pairs of data and noise.

    The discriminator's logit estimates $\\log q(x|z) p(z) / p(z|x) p(x)$: generated pairs carry the label 1.

    References:
        VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning (Srivastava et al., 2017),
        arXiv:1705.07761, algorithm 1. Details from the authors' public notebook.

    Deviations:
        As in the notebook, and unlike algorithm 1, the reconstruction is the Gaussian negative log-likelihood
        (with its factor 1/2, summed over the latent dimensions) and the codes of real data are samples $F(x)
        + N(0, I)$. The shared networks instead of a discriminator of one hidden layer. The notebook's
        generator also has one noise coordinate that is not reconstructed; so have the last `free` latent
        dimensions here, none by default. With batch normalisation (images), the reconstructor's running
        statistics are those of generated data, on which alone it is trained.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "simultaneous": Choice(False, True),
    }

    lr: float = 1e-3
    beta1: float = 0.5
    simultaneous: bool = True
    free: Annotated[int, Meta(ge=0, le=100_000)] = 0

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        codes = self.codes(data)
        return {
            "generator": generator(data),
            "reconstructor": encoder(data, outputs=codes),
            "discriminator": joint_discriminator(data, codes),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        noise = {"code": Noise((self.codes(data),))}
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam, noise=noise),
            "generator": Player(("generator", "reconstructor"), self.generator_loss, adam, real=False),
        }

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The codes $F(x)$, and 0 for the latent dimensions that are not reconstructed."""
        return pad(nets.reconstructor(x), (0, self.free))

    def codes(self, data: DataSpec) -> int:
        """The number of latent dimensions that are reconstructed.

        Raises:
            ValueError: If there are none.
        """
        if self.free >= data.latent:
            raise ValueError(
                f"free = {self.free} leaves none of {data.latent} latent dimensions to be reconstructed"
            )
        return data.latent - self.free

    def reconstructed(self, z: Tensor) -> Tensor:
        return z[..., : z.shape[-1] - self.free]

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        generated = nets.discriminator(nets.generator(batch.z), self.reconstructed(batch.z))
        real = nets.discriminator(batch.x, nets.reconstructor(batch.x) + batch.noise["code"])
        return (softplus(-generated) + softplus(real)).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The mean estimated log-ratio plus $-\\log N(z; F(G(z)), I)$, up to a constant.

        The discriminator's term does not depend on the reconstructor: that learns from the reconstruction
        alone.
        """
        generated, code = nets.generator(batch.z), self.reconstructed(batch.z)
        reconstruction = 0.5 * (code - nets.reconstructor(generated)).square().sum(dim=-1).mean()
        return nets.discriminator(generated, code).mean() + reconstruction
