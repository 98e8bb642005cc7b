"""The classifier that tells the modes of stacked digits: trained by the program itself, once, and kept in the
cache.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from benchmark.datasets.base import Preparation, stream_seed
from benchmark.datasets.cached_tensors import save_in_cache
from benchmark.datasets.image_files import ImageFiles
from benchmark.datasets.places import cache_directory
from benchmark.errors import tell

__all__ = ["NO_DIGIT", "DigitClassifier", "Trained", "classifier_to_train", "digit_classifier"]

VERSION = 1
"""To be raised with every change of the network or of its training."""

EPOCHS = 10
BATCH = 128
RATE = 4e-3
NO_DIGIT = 10
"""The class of images without a digit."""
SHIFT = 2
"""Pixels by which training digits are shifted at most."""

DIGITS_PER_SECOND = 10_000
"""Nominal rate of training on two CPU cores."""


class DigitClassifier(nn.Module):
    """A small convolutional network: digits of 28 x 28 pixels to the logits of ten classes and of no digit,
    and to the features behind them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 24, 5, stride=2, padding=2),
            *_block(24, 48, 3, stride=2, padding=1),
            *_block(48, 64, 3),
            nn.Flatten(),
            nn.Linear(1600, 128),
            nn.ReLU(),
        )
        self.head = nn.Linear(128, 11)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Maps 8-bit digits $(n, 28, 28)$ to logits $(n, 11)$, the last one that of no digit, and features
        $(n, 128)$.
        """
        features = self.body(digits[:, None].float() / 255)
        return self.head(features), features


def _block(inputs: int, outputs: int, kernel: int, **options: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, bias=False, **options)  # type: ignore[arg-type]
    # With the channels last, CPUs are several times faster here.
    return [convolution.to(memory_format=torch.channels_last), nn.BatchNorm2d(outputs), nn.ReLU()]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained classifier.

    Attributes:
        network: The network, on the CPU and in inference mode.
        accuracy: The share of the test digits that it gets right.
        fingerprint: SHA-256 of the data, the version of this code and the weights.
    """

    network: DigitClassifier
    accuracy: float
    fingerprint: str


@lru_cache(maxsize=2)
def digit_classifier(digits: ImageFiles) -> Trained:
    """The classifier for that data, from the cache, where it is put first if it is missing or damaged.

    Raises:
        UsageError: If the cache cannot be written.
    """
    file = _file(digits)
    trained = _load(file, digits.digest)
    if trained is None:
        trained = _train(digits)
        _save(file, trained)
    return trained


def classifier_to_train(digits: ImageFiles) -> Preparation | None:
    """What it takes to train the classifier for that data; `None` if the cache has it."""
    if _load(_file(digits), digits.digest) is not None:
        return None
    return Preparation("the digit classifier is trained", EPOCHS * len(digits.train) / DIGITS_PER_SECOND)


def _file(digits: ImageFiles) -> Path:
    return cache_directory() / f"digit-classifier-{VERSION}-{digits.digest[:16]}.safetensors"


def _train(digits: ImageFiles) -> Trained:
    """Adam on randomly shifted digits and on images of no digit, the learning rate up and down once over all
    epochs.
    """
    began = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed("digit-classifier", VERSION))
        network = DigitClassifier()
    generator = torch.Generator().manual_seed(stream_seed("digit-classifier", VERSION, "data"))
    images, labels = digits.train[:, 0], digits.train_labels
    padded = pad(images, (SHIFT,) * 4)
    steps = EPOCHS * -(-len(images) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        tell(f"training the digit classifier (once; it is cached): epoch {epoch + 1} of {EPOCHS}")
        for index in torch.randperm(len(images), generator=generator).split(BATCH):
            dy, dx = torch.randint(2 * SHIFT + 1, (2,), generator=generator).tolist()
            batch = padded[index, dy : dy + images.shape[1], dx : dx + images.shape[2]]
            nothing = _no_digits(batch[: len(batch) // 4], generator)
            target = torch.cat([labels[index], labels.new_full((len(nothing),), NO_DIGIT)])
            loss = cross_entropy(network(torch.cat([batch, nothing]))[0], target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval().requires_grad_(False)
    with torch.no_grad():
        predicted = torch.cat(
            [network(part[:, 0])[0][:, :NO_DIGIT].argmax(dim=1) for part in digits.test.split(250)]
        )
    accuracy = float((predicted == digits.test_labels).double().mean())
    seconds = time.perf_counter() - began
    tell(f"the digit classifier gets {accuracy:.2%} of the test digits right; it took {seconds:.0f} s")
    return Trained(network, accuracy, _fingerprint(network, digits.digest))


def _no_digits(digits: Tensor, generator: torch.Generator) -> Tensor:
    """As many 8-bit images without a digit: digits with their parts in another order, and noise of any
    brightness and contrast.

    A classifier of digits alone is sure of such images, too, so that an untrained generator would seem to be
    of high quality.
    """
    n, side, _ = digits.shape
    part = side // 4
    parts = digits.view(n, 4, part, 4, part).permute(0, 1, 3, 2, 4).reshape(n, 16, part, part)
    order = torch.rand(n, 16, generator=generator).argsort(dim=1)
    mixed = (
        parts[torch.arange(n)[:, None], order]
        .view(n, 4, 4, part, part)
        .permute(0, 1, 3, 2, 4)
        .reshape(n, side, side)
    )
    brightness, contrast = 255 * torch.rand(2, n, 1, 1, generator=generator)
    noise = (
        (brightness + contrast * (torch.rand(n, side, side, generator=generator) - 0.5))
        .clamp(0, 255)
        .to(torch.uint8)
    )
    return torch.where(torch.rand(n, 1, 1, generator=generator) < 0.5, mixed, noise)


def _fingerprint(network: nn.Module, data: str) -> str:
    digest = sha256(f"{VERSION}/{data}".encode())
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _load(file: Path, data: str) -> Trained | None:
    """The classifier in a file; `None` if there is none, or not a whole one for that data."""
    try:
        with safe_open(str(file), framework="pt") as stored:
            metadata = stored.metadata() or {}
            state = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 (not a dictionary)
        network = DigitClassifier()
        network.load_state_dict(state)
        accuracy = float(metadata["accuracy"])
        whole = metadata["fingerprint"] == _fingerprint(network, data)
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError):
        whole = False
    if not whole:
        tell(f"{file}: is damaged; the classifier has to be trained again")
        return None
    return Trained(network.eval().requires_grad_(False), accuracy, metadata["fingerprint"])


def _save(file: Path, trained: Trained) -> None:
    metadata = {"accuracy": repr(trained.accuracy), "fingerprint": trained.fingerprint}
    save_in_cache("the classifier", file, trained.network.state_dict(), metadata)
