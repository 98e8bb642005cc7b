"""Methods that use a part of the contract wrongly."""

import random
from dataclasses import dataclass, replace

import numpy as np
import torch

from baselines.gan import GAN
from benchmark.method import Adam, Latents, Noise


def with_generator(players, **changes):
    return {**players, "generator": replace(players["generator"], **changes)}


@dataclass(frozen=True)
class NegativeSchedule(GAN):
    def players(self, data):
        adam = Adam(self.lr, schedule=lambda progress: 0.5 - progress)
        return with_generator(super().players(data), optimiser=adam)


@dataclass(frozen=True)
class ScheduleOfShape(GAN):
    def players(self, data):
        adam = Adam(self.lr, schedule=lambda progress: torch.ones(3))
        return with_generator(super().players(data), optimiser=adam)


@dataclass(frozen=True)
class ConstantSchedule(GAN):
    """Not wrong: a number will do."""

    def players(self, data):
        adam = Adam(self.lr, schedule=lambda progress: 0.5)
        return with_generator(super().players(data), optimiser=adam)


@dataclass(frozen=True)
class ProjectsToNothing(GAN):
    def players(self, data):
        return with_generator(super().players(data), project={"generator": lambda parameters: None})


@dataclass(frozen=True)
class AssignsNumber(GAN):
    def variables(self, data):
        return {"k": torch.zeros(())}

    def generator_loss(self, nets, batch):
        nets.assign(k=0.5)
        return super().generator_loss(nets, batch)


@dataclass(frozen=True)
class NumberAsVariable(GAN):
    def variables(self, data):
        return {"k": 0.0}


@dataclass(frozen=True)
class NumberAsLatents(GAN):
    def latents(self, data):
        return 8


@dataclass(frozen=True)
class UnknownNoise(GAN):
    def players(self, data):
        return with_generator(super().players(data), noise={"mix": Noise((1,), "gamma")})


@dataclass(frozen=True)
class TextAsNetworks(GAN):
    def players(self, data):
        return with_generator(super().players(data), networks="generator")


@dataclass(frozen=True)
class FitsNothing(GAN):
    def fit(self, nets, x):
        return None


@dataclass(frozen=True)
class AssignsInSampler(GAN):
    def variables(self, data):
        return {"k": torch.zeros(())}

    def sample(self, nets, z, noise):
        nets.assign(k=torch.ones(()))
        return super().sample(nets, z, noise)


@dataclass(frozen=True)
class OtherKinds(GAN):
    kinds = ("dots",)


@dataclass(frozen=True)
class TextAsKinds(GAN):
    kinds = "points"


@dataclass(frozen=True)
class NotFinite(GAN):
    def generator_loss(self, nets, batch):
        return super().generator_loss(nets, batch) / 0


@dataclass(frozen=True)
class FitsAtRandom(GAN):
    def variables(self, data):
        return {"k": torch.zeros(())}

    def fit(self, nets, x):
        return {"k": torch.rand(())}


@dataclass(frozen=True)
class ProjectsToOtherShapes(GAN):
    def players(self, data):
        def project(parameters):
            return {key: parameter[:1] for key, parameter in parameters.items()}

        return with_generator(super().players(data), project={"generator": project})


@dataclass(frozen=True)
class ProjectsAway(GAN):
    def players(self, data):
        return with_generator(super().players(data), project={"generator": lambda parameters: {}})


@dataclass(frozen=True)
class Undeclared(GAN):
    def generator_loss(self, nets, batch):
        nets.assign(k=torch.zeros(()))
        return super().generator_loss(nets, batch)


@dataclass(frozen=True)
class ReadsUndeclared(GAN):
    def generator_loss(self, nets, batch):
        return super().generator_loss(nets, batch) * nets.variables["k"]


@dataclass(frozen=True)
class VariableOfOtherShape(GAN):
    def variables(self, data):
        return {"k": torch.zeros(())}

    def generator_loss(self, nets, batch):
        nets.assign(k=torch.zeros(2))
        return super().generator_loss(nets, batch)


@dataclass(frozen=True)
class WrongSampler(GAN):
    def sample(self, nets, z, noise):
        return nets.generator(z)[:, :1]


@dataclass(frozen=True)
class SamplesHalf(GAN):
    def sample(self, nets, z, noise):
        return nets.generator(z[::2])


@dataclass(frozen=True)
class UnknownLaw(GAN):
    def latents(self, data):
        return Latents(data.latent, "cauchy")


@dataclass(frozen=True)
class OtherLatents(GAN):
    """Its generator takes another number of latents."""

    def latents(self, data):
        return Latents(data.latent + 1)


@dataclass(frozen=True)
class FitsUndeclared(GAN):
    def fit(self, nets, x):
        return {"mean": x.mean(dim=0)}


@dataclass(frozen=True)
class KeepsOnItself(GAN):
    """State on the method itself, which is frozen."""

    def generator_loss(self, nets, batch):
        self.k = 1.0
        return super().generator_loss(nets, batch)


@dataclass(frozen=True)
class PythonsRandomness(GAN):
    def generator_loss(self, nets, batch):
        return super().generator_loss(nets, batch._replace(z=batch.z * random.random()))


@dataclass(frozen=True)
class NumPysRandomness(GAN):
    def generator_loss(self, nets, batch):
        factor = float(np.random.default_rng().random())
        return super().generator_loss(nets, batch._replace(z=batch.z * factor))


@dataclass(frozen=True)
class TorchsRandomness(GAN):
    def generator_loss(self, nets, batch):
        return super().generator_loss(nets, batch._replace(z=torch.randn(batch.z.shape)))


@dataclass(frozen=True)
class RandomVariable(GAN):
    """Its variable begins at random, and no loss looks at it."""

    def variables(self, data):
        return {"k": torch.rand(())}


@dataclass(frozen=True)
class RandomSampler(GAN):
    def sample(self, nets, z, noise):
        return nets.generator(z) + torch.randn(())
