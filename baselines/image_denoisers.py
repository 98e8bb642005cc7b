"""Networks that look at an image and a time, both given as vectors."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from baselines.networks import ConvolutionalJudge, doubling, halving, pyramid
from benchmark.method import DataSpec

__all__ = ["JudgeOfImages", "UNet"]

UNITS_PER_CHANNEL = 4
"""Units of what is known beside the image, per channel of the first convolution; as Ho et al. have it."""


class Resized(nn.Module):
    """Feature maps $(B, C, H, W)$ of another size, that know the time.

    Arguments:
        convolution: Gives them their size.
        channels: The number of channels that it makes.
        units: The number of features of what is known beside the image.
    """

    def __init__(self, convolution: nn.Module, channels: int, units: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.GroupNorm(1, channels)
        self.shift = nn.Linear(units, channels)

    def forward(self, maps: Tensor, known: Tensor) -> Tensor:
        return silu(self.norm(self.convolution(maps)) + self.shift(known)[:, :, None, None])


class UNet(nn.Module):
    """Images as vectors $(B, D)$ and what is known beside them, each $(B, *)$, to vectors $(B, D)$.

    Strided convolutions down to the smallest size of the data's architecture and up again. On the way up,
    each size sees what was there on the way down.

    References:
        U-Net: Convolutional Networks for Biomedical Image Segmentation (Ronneberger et al., 2015),
        arXiv:1505.04597; with the time in every block as in Denoising Diffusion Probabilistic Models (Ho et
        al., 2020), arXiv:2006.11239, appendix B, but one convolution per block and no attention.

    Arguments:
        data: Gives the shape of an image, the architecture and the width: the channels of the largest maps.
        known: The number of features that are known beside the image.
    """

    def __init__(self, data: DataSpec, known: int) -> None:
        super().__init__()
        self.shape = data.shape
        sizes, (colours, *smaller) = pyramid(data)
        channels = [data.width, *smaller]
        units = UNITS_PER_CHANNEL * data.width
        self.known = nn.Sequential(nn.Linear(known, units), nn.SiLU(), nn.Linear(units, units), nn.SiLU())
        self.first = nn.Conv2d(colours, data.width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, size in enumerate(sizes[:-1]):
            halved = nn.Conv2d(channels[i], channels[i + 1], **halving(data, size))
            self.down.append(Resized(halved, channels[i + 1], units))
        below = channels[-1]
        for i, size in reversed(list(enumerate(sizes[:-1]))):
            doubled = nn.ConvTranspose2d(below, channels[i], **doubling(data, size))
            self.up.append(Resized(doubled, channels[i], units))
            below = 2 * channels[i]
        self.last = nn.Conv2d(below, colours, 3, padding=1)

    def forward(self, x: Tensor, *known: Tensor) -> Tensor:
        features = self.known(torch.cat(known, dim=1))
        maps = self.first(x.unflatten(1, self.shape))
        passed = []
        for block in self.down:
            passed.append(maps)
            maps = block(maps, features)
        for block in self.up:
            maps = torch.cat([block(maps, features), passed.pop()], dim=1)
        return self.last(maps).flatten(1)


class JudgeOfImages(nn.Module):
    """Images as vectors $(B, D)$, what is known beside them $(B, *)$, and other images $(B, D)$ to one logit
    $(B, 1)$.

    Arguments:
        data: Gives the shape of an image, the architecture and the width.
        known: The number of features that are known beside the images.
    """

    def __init__(self, data: DataSpec, known: int) -> None:
        super().__init__()
        self.shape = data.shape
        colours, *size = data.shape
        both = replace(data, shape=(2 * colours, *size))
        self.judge = ConvolutionalJudge(both, 1, codes=known, norm=None)

    def forward(self, x: Tensor, known: Tensor, other: Tensor) -> Tensor:
        images = torch.cat([x.unflatten(1, self.shape), other.unflatten(1, self.shape)], dim=1)
        return self.judge(images, known)
