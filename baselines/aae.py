"""The adversarial autoencoder."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from baselines.networks import code_discriminator, encoder, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA
from benchmark.registry import register_method

__all__ = ["AAE"]


@register_method("aae")
@dataclass(frozen=True)
class AAE(Method):
    """Autoencoder whose codes are made to look like the prior to a discriminator of codes.

    A cycle has three phases: reconstruction, discriminator, and regularisation of the encoder.

    References:
        Adversarial Autoencoders (Makhzani et al., 2015), arXiv:1511.05644. Order of the phases, labels and
        optimisers from public code, not the authors'.

    Deviations:
        The encoder is deterministic. Mean squared error instead of binary cross-entropy, since data need not
        lie in [0, 1]. Each phase sees a batch of its own. The shared networks instead of one hidden layer.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
    }

    lr: float = 1e-3
    beta1: float = 0.9

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data),
            "discriminator": code_discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        return {
            "autoencoder": Player(("generator", "encoder"), self.autoencoder_loss, adam),
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "encoder": Player(("encoder",), self.encoder_loss, adam, optimiser_name="adversarial"),
        }

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        return nets.encoder(x)

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return mse_loss(nets.generator(nets.encoder(batch.x)), batch.x)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Samples of the prior have the label 1, codes of data the label 0."""
        prior, code = nets.discriminator(batch.z), nets.discriminator(nets.encoder(batch.x))
        return (softplus(-prior) + softplus(code)).mean()

    def encoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return softplus(-nets.discriminator(nets.encoder(batch.x))).mean()
