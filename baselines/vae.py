"""The variational autoencoder."""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from baselines.gaussian_encoder import GaussianEncoder
from baselines.networks import Learnt, encoder, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, LogUniform
from benchmark.registry import Positive, register_method

__all__ = ["VAE"]


@register_method("vae")
@dataclass(frozen=True)
class VAE(GaussianEncoder):
    """Variational autoencoder whose decoder is a Gaussian with the same learnt variance everywhere.

    The loss is the negative evidence lower bound: summed over coordinates, averaged over samples.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013), arXiv:1312.6114.

    Deviations:
        The logarithm of the decoder's standard deviation is one learnt number, a network of its own. It
        starts at `scale`, below the spread of the data: from above, no code is worth its divergence, and the
        encoder ignores the data for good. Samples are the decoder's means; `samples=draw` adds its noise. The
        shared networks, and Adam as in public code.
    """

    family = "likelihood-based"
    space = {
        "lr": LEARNING_RATES,
        "scale": LogUniform(0.01, 1),
    }

    lr: float = 1e-3
    scale: Positive = 0.1
    samples: Literal["mean", "draw"] = "mean"

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data, outputs=2 * data.latent),
            # The logarithm of what the standard deviation has grown by.
            "scale": Learnt(()),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        noise = {"code": Noise((data.latent,))}
        trained = ("generator", "encoder", "scale")
        return {"autoencoder": Player(trained, self.autoencoder_loss, Adam(self.lr), noise=noise)}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, noise=math.prod(data.shape) if self.samples == "draw" else 0)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        mean = nets.generator(z)
        if self.samples == "mean":
            return mean
        return mean + self.std(nets) * noise.view_as(mean)

    def std(self, nets: Networks) -> Tensor:
        """The decoder's standard deviation, a scalar."""
        return self.scale * nets.scale().exp()

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        code, complexity = self.encoded(nets, batch)
        std = self.std(nets)
        error = (batch.x - nets.generator(code)) / std
        surprise = error.square() / 2 + std.log() + math.log(2 * math.pi) / 2
        return (surprise.flatten(1).sum(dim=1) + complexity).mean()
