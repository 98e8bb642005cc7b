"""Images of stacked digits: a thousand modes that a classifier can tell apart."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from msgspec import Meta
from torch import Tensor, nn

from benchmark.datasets.base import Assignment, Preparation, Split
from benchmark.datasets.digit_classifier import NO_DIGIT, Trained, classifier_to_train, digit_classifier
from benchmark.datasets.image_files import ImageFiles, load_digits
from benchmark.datasets.images import Images, nearest_images
from benchmark.datasets.weights import parse_weights
from benchmark.registry import SampleSize, Size, register_dataset

__all__ = ["StackedDigits", "StackedFashionMNIST", "StackedMNIST", "UnbalancedStackedMNIST"]

CLASSES = 10

DIGITS_TOGETHER = 768
"""Digits that are classified at a time: about as many as stay in a CPU's cache."""


@dataclass(frozen=True)
class StackedDigits(Images):
    """Independent digits as the channels of an image, drawn on the fly, with replacement.

    The modes are the digits' classes in order, $10^C$ for $C$ channels; their true distribution is the
    product of the weights of the classes. Training data comes from the training digits
    only. Held-out data comes from every other test digit, and the data of the `real-data` row from the test
    digits between them.

    A sample's mode is what the digit classifier reads in it. A sample is of high quality if the classifier,
    which also knows a class of no digit, gives every digit at least the probability `confidence`. One sample
    captures a mode, as in the literature.

    Arguments:
        digits: The number of channels $C$, from 1 to 4.
        weights: The weights of the ten classes: `files` for their frequencies among the training digits, or
            `geometric:RATIO` or `minority:NUMBER:FACTOR`; see `benchmark.datasets.weights`.
        confidence: The least probability of each digit of a high-quality sample.
        original: Whether to refuse files that are known to differ from the original distribution.
    """

    source: ClassVar[str]
    features = "classifier"
    captured_by = "any"

    batch: Size = 16
    samples: SampleSize = 26_000
    digits: Annotated[int, Meta(ge=1, le=4)] = 3
    weights: str = "files"
    confidence: Annotated[float, Meta(ge=0, lt=1)] = 0.9
    original: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights != "files":
            try:
                parse_weights(self.weights, CLASSES)
            except ValueError as error:
                raise ValueError(f"{error}, or files") from None

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.digits, 28, 28)

    @property
    def mode_weights(self) -> Tensor:
        return reduce(torch.kron, [self._class_weights] * self.digits)

    @property
    def _class_weights(self) -> Tensor:
        """The probability of each digit, float64, shape $(10,)$."""
        if self.weights != "files":
            return parse_weights(self.weights, CLASSES)
        labels = self._files.train_labels
        return torch.bincount(labels, minlength=CLASSES).double() / len(labels)

    @property
    def fingerprint(self) -> str:
        return self._files.digest

    def prepare(self) -> Mapping[str, Any]:
        classifier = self._classifier
        return {
            "data": self._files.digest,
            "classifier": classifier.fingerprint,
            "classifier_accuracy": classifier.accuracy,
        }

    @property
    def preparation(self) -> Preparation | None:
        return classifier_to_train(self._files)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        pool = _pool(self._files, split, rng.device)
        if self.weights == "files":
            index = torch.randint(len(pool.digits), (n, self.digits), generator=rng, device=rng.device)
            return pool.digits[index]
        weights = self._class_weights.to(rng.device)
        digit = weights.multinomial(n * self.digits, replacement=True, generator=rng)
        return pool.draw(digit, rng).unflatten(0, (n, self.digits))

    def assign(self, samples: Tensor) -> Assignment:
        classifier = _on(self._classifier, samples.device)
        images = samples.flatten(0, -4)
        parts = [
            self._assign(classifier, part) for part in images.split(max(1, DIGITS_TOGETHER // self.digits))
        ]
        mode, high_quality, features = (torch.cat(column) for column in zip(*parts, strict=True))
        shape = samples.shape[:-3]
        return Assignment(mode.view(shape), high_quality.view(shape), features=features.view(*shape, -1))

    def learned_features(self, x: Tensor) -> Tensor:
        classifier = _on(self._classifier, x.device)
        _, features = classifier((x.flatten(0, 1) + 1) * 127.5)
        return features.view(len(x), -1)

    def nearest_training(self, packed: Tensor) -> Tensor:
        """The nearest stack is that of the nearest digits, since every stack of training digits can occur."""
        digits = nearest_images(packed.flatten(0, 1), self._files.train[:, 0], chunk=10_000)
        return digits.view(packed.shape)

    @property
    def _files(self) -> ImageFiles:
        return load_digits(self.source, self.original)

    @property
    def _classifier(self) -> Trained:
        return digit_classifier(self._files)

    def _assign(self, classifier: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Modes $(n,)$, quality $(n,)$ and features $(n, F)$ of some images."""
        with torch.no_grad():
            logits, features = classifier(images.flatten(0, 1))
        probability, digit = (
            logits.softmax(dim=-1)[:, :NO_DIGIT].view(len(images), self.digits, 10).max(dim=-1)
        )
        place = 10 ** torch.arange(self.digits - 1, -1, -1, device=digit.device)
        return (
            (digit * place).sum(dim=1),
            (probability >= self.confidence).all(dim=1),
            features.view(len(images), -1),
        )


@register_dataset("stacked-mnist")
@dataclass(frozen=True)
class StackedMNIST(StackedDigits):
    """Three MNIST digits as the channels of an image: 1000 modes.

    References:
        Unrolled Generative Adversarial Networks (Metz et al., 2016), arXiv:1611.02163, section 3.3.1;
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.2.
    """

    source = "MNIST"


@register_dataset("stacked-fashion-mnist")
@dataclass(frozen=True)
class StackedFashionMNIST(StackedDigits):
    """Three FashionMNIST articles as the channels of an image: 1000 modes that are harder to draw."""

    source = "FashionMNIST"


@register_dataset("unbalanced-stacked-mnist")
@dataclass(frozen=True)
class UnbalancedStackedMNIST(StackedMNIST):
    """Stacked MNIST with rare digits: each of 0 to 4 has a fifth of the weight of each of 5 to 9, so that the
    rarest modes have a hundred and twenty-fifth of the weight of the most frequent ones.
    """

    weights: str = "minority:5:0.2"


@register_dataset("gdpp-stacked-mnist")
@dataclass(frozen=True)
class GDPPStackedMNIST(StackedMNIST):
    """Stacked MNIST with frequent and rare modes: three tenths of the stacks are of all modes alike, the mode
    of the others is a normal number of mean 700 and standard deviation 200, cut off at 0 and 999.

    References:
        GDPP: Learning Diverse Generations using Determinantal Point Processes (Elfeki et al., 2018),
        arXiv:1812.00068: the training set of the authors' public code.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights != "files" or self.digits != 3:
            raise ValueError("gdpp-stacked-mnist has weights of its own, of three digits")

    @property
    def mode_weights(self) -> Tensor:
        edges = (torch.arange(1, 1000, dtype=torch.float64) - 700) / 200
        below = torch.cat([edges.new_zeros(1), torch.special.ndtr(edges), edges.new_ones(1)])
        return 0.3 / 1000 + 0.7 * below.diff()

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        pool = _pool(self._files, split, rng.device)
        mode = self.mode_weights.to(rng.device).multinomial(n, replacement=True, generator=rng)
        digits = torch.stack([mode // 100, mode // 10 % 10, mode % 10], dim=1)
        return pool.draw(digits.flatten(), rng).unflatten(0, (n, 3))


class _Pool(NamedTuple):
    """The digits of a split.

    Attributes:
        digits: Images, shape $(N, 28, 28)$.
        by_class: Indices of the digits, those of class 0 first, shape $(N,)$.
        counts: Digits per class, shape $(10,)$.
    """

    digits: Tensor
    by_class: Tensor
    counts: Tensor

    def draw(self, digit: Tensor, rng: torch.Generator) -> Tensor:
        """An image of each of the digits $(n,)$, shape $(n, 28, 28)$."""
        counts = self.counts[digit]
        starts = self.counts.cumsum(0)[digit] - counts
        u = torch.rand(len(digit), generator=rng, device=rng.device, dtype=torch.float64)
        return self.digits[self.by_class[starts + (u * counts).long()]]


@lru_cache(maxsize=6)
def _pool(files: ImageFiles, split: Split, device: torch.device) -> _Pool:
    """The digits of a split, on a device."""
    pools = {
        "train": (files.train, files.train_labels),
        "held-out": (files.test[::2], files.test_labels[::2]),
        "calibration": (files.test[1::2], files.test_labels[1::2]),
    }
    digits, labels = pools[split]
    by_class, counts = labels.argsort(stable=True), labels.bincount(minlength=CLASSES)
    return _Pool(digits[:, 0].contiguous().to(device), by_class.to(device), counts.to(device))


@lru_cache(maxsize=2)
def _on(trained: Trained, device: torch.device) -> nn.Module:
    """The classifier on a device."""
    return trained.network if device.type == "cpu" else deepcopy(trained.network).to(device)
