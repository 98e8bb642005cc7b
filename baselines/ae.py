"""The autoencoder, and a density of its codes to sample from."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.densities import fitted_density
from baselines.networks import encoder, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Player, Tensors
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import Size, register_method

__all__ = ["AE"]

ENCODED_AT_A_TIME = 1000


@register_method("ae")
@dataclass(frozen=True)
class AE(Method):
    """Autoencoder whose samples are decoded from a density that is fitted to the codes of training data.

    The density is one Gaussian, or a mixture of several `components`.

    References:
        From Variational to Deterministic Autoencoders (Ghosh et al., 2019), arXiv:1903.12436: densities that
        are fitted after the training, one full Gaussian or a mixture of ten. Settings of the mixture from the
        authors' public code.

    Deviations:
        A plain autoencoder, without the paper's penalties on codes and decoder. Mean squared error, Adam at
        its default settings. Codes are standardised before the fit, so that what is added to singular
        covariances (1e-6, as scikit-learn does) is relative. What scikit-learn computes for a mixture is not
        counted as FLOPs.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "components": Choice(1, 10, 50),
    }

    lr: float = 1e-3
    components: Size = 1

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "encoder": encoder(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        return {"autoencoder": Player(("generator", "encoder"), self.autoencoder_loss, Adam(self.lr))}

    def variables(self, data: DataSpec) -> Tensors:
        """The density of codes: weights, means and lower Cholesky factors of its components."""
        return {
            "weights": torch.full((self.components,), 1 / self.components),
            "means": torch.zeros(self.components, data.latent),
            "factors": torch.eye(data.latent).repeat(self.components, 1, 1),
        }

    def latents(self, data: DataSpec) -> Latents:
        """Of several components, one more number chooses one."""
        return Latents(data.latent, noise=min(self.components - 1, 1))

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return mse_loss(nets.generator(nets.encoder(batch.x)), batch.x)

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        return nets.encoder(x)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        density = nets.variables
        bounds = density["weights"].cumsum(dim=0)[:-1]
        component = (torch.special.ndtr(noise) > bounds).sum(dim=1)
        spread = (density["factors"][component] @ z[:, :, None]).squeeze(2)
        return nets.generator(density["means"][component] + spread)

    def fit(self, nets: Networks, x: Tensor) -> Tensors:
        """The density of the codes. It is NaN if a code is not finite, and so are all samples then."""
        codes = torch.cat([nets.encoder(part) for part in x.split(ENCODED_AT_A_TIME)])
        if not codes.isfinite().all():
            return {name: torch.full_like(value, torch.nan) for name, value in nets.variables.items()}
        density = fitted_density(codes.double(), self.components)
        return {name: value.to(codes) for name, value in density.items()}
