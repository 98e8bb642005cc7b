"""The GAN that matches features by a kernel."""

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import mse_loss, relu

from baselines.kernels import gaussians, mmd2, rational_quadratics, witness
from baselines.networks import encoder, generator
from baselines.wgan import clipping
from baselines.wgan_gp import slope_penalty
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player, RMSprop
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import Count, NotNegative, Size, register_method

__all__ = ["MMDGAN"]


@register_method("mmd-gan")
@dataclass(frozen=True)
class MMDGAN(Method):
    """GAN whose discriminator gives features and drives their laws apart, as a kernel sees them.

    What restrains them depends on `form`. `li`, `lr` 5e-5 by default: they are codes of an autoencoder whose
    encoder has clipped weights (`clip`, `reconstruction_weight`, `order_weight`). `binkowski`, `lr` 1e-4: the
    `features` are small, and the kernel's witness function has slope 1 (`penalty`, `feature_weight`).

    References:
        MMD GAN: Towards Deeper Understanding of Moment Matching Network (Li et al., 2017), arXiv:1705.08584.
        Demystifying MMD GANs (Binkowski et al., 2018), arXiv:1801.01401. Details from the public code of the
        authors, of the second in a public copy.

    Deviations:
        The shared networks: on points without limits, so that the term of order can drive samples away.
        `li`: as in `wgan`, always 5 steps of the discriminator, and clipping after a step. `binkowski`: the
        rational quadratic kernel alone; a constant learning rate, which the code lowers by a test of samples;
        only the last layer is small; the slope is that in all dimensions, in the code that in each column.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "discriminator_steps": Choice(1, 5),
    }

    form: Literal["li", "binkowski"] = "li"
    lr: float | None = None
    discriminator_steps: Count = 5
    clip: float = 0.01
    reconstruction_weight: NotNegative = 8.0
    order_weight: NotNegative = 16.0
    features: Size = 16
    penalty: NotNegative = 1.0
    feature_weight: NotNegative = 1.0

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, "normal" if self.form == "li" else "uniform")

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        networks = {"generator": generator(data)}
        if self.form == "li":
            return networks | {"discriminator": encoder(data), "discriminator_decoder": generator(data)}
        return networks | {"discriminator": encoder(data, self.features, norm=None)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        loss = self.discriminator_loss
        if self.form == "li":
            rmsprop = RMSprop(5e-5 if self.lr is None else self.lr)
            project = {"discriminator": clipping(self.clip)}
            judge = Player(("discriminator", "discriminator_decoder"), loss, rmsprop, project=project)
        else:
            adam = Adam(1e-4 if self.lr is None else self.lr, (0.5, 0.9), clip_norm=1.0)
            mix = {"mix": Noise((1,) * len(data.shape), "uniform")}
            judge = Player(("discriminator",), loss, adam, noise=mix)
        return {
            "discriminator": replace(judge, steps=self.discriminator_steps),
            "generator": Player(("generator",), self.generator_loss, judge.optimiser),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        x, fake = batch.x, nets.generator(batch.z)
        real_features, fake_features = nets.discriminator(x), nets.discriminator(fake)
        distance = self.distance(real_features, fake_features)
        if self.form == "li":
            real_error = mse_loss(nets.discriminator_decoder(real_features), x)
            fake_error = mse_loss(nets.discriminator_decoder(fake_features), fake)
            return self.reconstruction_weight * (real_error + fake_error) - distance

        def separation(points: Tensor) -> Tensor:
            return witness(rational_quadratics, nets.discriminator(points), real_features, fake_features)

        slope = slope_penalty(separation, fake + batch.noise["mix"] * (x - fake))
        size = real_features.square().mean() + fake_features.square().mean()
        return self.penalty * slope + self.feature_weight * size - distance

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return self.distance(nets.discriminator(batch.x), nets.discriminator(nets.generator(batch.z)))

    def distance(self, real: Tensor, fake: Tensor) -> Tensor:
        """How far apart features of real and generated data are; relu gives a root of 0 a gradient of 0."""
        if self.form == "binkowski":
            return mmd2(rational_quadratics, real, fake, unbiased=True)
        order = -relu(fake.mean(dim=0) - real.mean(dim=0)).mean()
        return relu(mmd2(gaussians, real, fake)).sqrt() + self.order_weight * order
