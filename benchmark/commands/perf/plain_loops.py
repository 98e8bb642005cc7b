"""GANs as plain PyTorch loops, with which the trainer is compared."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import softplus

from benchmark.datasets.base import Dataset

__all__ = ["PLAIN_LOOPS"]


def _mlp(inputs: int, width: int, outputs: int, device: torch.device) -> nn.Sequential:
    network = nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )
    return network.to(device)


def _sampler(
    data: Dataset, device: torch.device
) -> tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]:
    """Draws a batch of data, and a batch of latents."""
    rng = torch.Generator(device).manual_seed(0)
    return lambda: data.sample(data.batch, rng), lambda: torch.randn(data.batch, data.latent, device=device)


def _minimise(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _plain_gan(data: Dataset, device: torch.device) -> Callable[[], None]:
    x, z = _sampler(data, device)
    generator = _mlp(data.latent, data.width, 2, device)
    discriminator = _mlp(2, data.width, 1, device)
    d_adam, g_adam = torch.optim.Adam(discriminator.parameters()), torch.optim.Adam(generator.parameters())

    def step() -> None:
        fake = generator(z()).detach()
        _minimise(d_adam, (softplus(-discriminator(x())) + softplus(discriminator(fake))).mean())
        _minimise(g_adam, softplus(-discriminator(generator(z()))).mean())

    return step


def _plain_wgan_gp(data: Dataset, device: torch.device) -> Callable[[], None]:
    x, z = _sampler(data, device)
    generator = _mlp(data.latent, data.width, 2, device)
    critic = _mlp(2, data.width, 1, device)
    c_adam, g_adam = (torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.9)) for net in (critic, generator))

    def step() -> None:
        for _ in range(5):
            real, fake = x(), generator(z()).detach()
            mixed = (fake + torch.rand(len(real), 1, device=device) * (real - fake)).requires_grad_()
            (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
            penalty = (slope.norm(dim=1) - 1).square().mean()
            _minimise(c_adam, critic(fake).mean() - critic(real).mean() + 0.1 * penalty)
        _minimise(g_adam, -critic(generator(z())).mean())

    return step


def _plain_veegan(data: Dataset, device: torch.device) -> Callable[[], None]:
    x, z = _sampler(data, device)
    generator = _mlp(data.latent, data.width, 2, device)
    reconstructor = _mlp(2, data.width, data.latent, device)
    discriminator = _mlp(2 + data.latent, data.width, 1, device)
    d_adam = torch.optim.Adam(discriminator.parameters(), 1e-3, (0.5, 0.999))
    g_adam = torch.optim.Adam([*generator.parameters(), *reconstructor.parameters()], 1e-3, (0.5, 0.999))

    def step() -> None:
        code, real = z(), x()
        fake = generator(code)
        inferred = reconstructor(real).detach() + torch.randn_like(code)
        generated, true = torch.cat([fake, code], dim=1), torch.cat([real, inferred], dim=1)
        d_loss = (softplus(-discriminator(generated.detach())) + softplus(discriminator(true))).mean()
        reconstruction = 0.5 * (code - reconstructor(fake)).square().sum(dim=1).mean()
        g_loss = discriminator(generated).mean() + reconstruction
        _minimise(g_adam, g_loss)
        _minimise(d_adam, d_loss)

    return step


PLAIN_LOOPS: dict[str, Callable[[Dataset, torch.device], Callable[[], None]]] = {
    "gan": _plain_gan,
    "wgan-gp": _plain_wgan_gp,
    "veegan": _plain_veegan,
}
"""By method: builds the networks for a dataset on a device, and gives a function that makes one step."""
