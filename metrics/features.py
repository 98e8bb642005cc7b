"""The features on which distances between samples are measured."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmark.datasets.base import Dataset
from benchmark.datasets.places import FID_WEIGHTS, fid_weights
from benchmark.errors import UsageError, first_line
from benchmark.metric import Evaluation

__all__ = [
    "check_extractor",
    "features_of",
    "features_of_data",
    "held_out_features",
    "inception_features",
    "inception_file",
    "resolve_features",
]

IMAGES_AT_A_TIME = 50
"""Images that Inception sees at a time, as in pytorch-fid."""

OFFICIAL_WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
"""The file that pytorch-fid downloads."""

WEIGHTS_REMEDY = (
    f"give --fid-weights FILE (or set {FID_WEIGHTS}) with pytorch-fid's {OFFICIAL_WEIGHTS}, "
    "or other features by --fid-features"
)


def features_of(evaluation: Evaluation, extractor: str) -> Tensor:
    """The samples' features, shape $(S, N, F)$."""
    if extractor == "classifier":
        return _present(evaluation.assignment.features)
    key = ("features", extractor)
    return evaluation.once(key, lambda: _extract(evaluation.data, evaluation.samples, extractor))


def held_out_features(evaluation: Evaluation, extractor: str) -> Tensor:
    """The held-out data's features, shape $(M, F)$."""
    if extractor == "classifier":
        return _present(evaluation.held_out_assignment.features)
    key = ("features", extractor)
    return evaluation.held_out.once(key, lambda: _extract(evaluation.data, evaluation.held_out.x, extractor))


def features_of_data(data: Dataset, packed: Tensor, extractor: str) -> Tensor:
    """The features of other packed data $(n, ...)$, shape $(n, F)$."""
    if extractor == "classifier":
        return _present(data.assign(packed).features)
    return _extract(data, packed, extractor)


def inception_features(x: Tensor) -> Tensor:
    """Inception's features of images $(n, C, H, W)$ in $[-1, 1]$, shape $(n, 2048)$; gradients flow through
    them.

    They are those that metrics use, but for the rounding of images to 8 bits.
    """
    images = (x.expand(-1, 3, -1, -1) + 1) / 2
    return _network(inception_file(), x.device)(images)[0].flatten(1)


def check_extractor(name: str) -> None:
    """Raises a `ValueError` unless it is `default` or the name of an extractor."""
    if name != "default" and name not in EXTRACTOR_NAMES and not name.startswith("inception-"):
        raise ValueError(f"there are no features {name!r}; choose from default, {', '.join(EXTRACTOR_NAMES)}")


def resolve_features(extractor: str, data: Dataset) -> str:
    """The extractor's full name: `default` becomes the dataset's own, and Inception is named by its weights.

    Inception's full name ends in the first eight digits of the SHA-256 of its weights.

    Raises:
        UsageError: If it does not fit the data, or if Inception's weights are missing or are not the right
            ones.
    """
    name = data.features if extractor == "default" else extractor.partition("-")[0]
    choices = ["raw"]
    if data.features == "classifier":
        choices.append("classifier")
    if _fits_inception(data):
        choices.append("inception")
    if name not in choices:
        raise UsageError(f"features {name!r} do not fit {data.name}; choose from {', '.join(choices)}")
    if name != "inception":
        return name
    file = inception_file()
    full_name = f"inception-{_checked_digest(file)[:8]}"
    if extractor not in ("default", name, full_name):
        raise UsageError(f"features {extractor!r}: the weights in {file} are {full_name}; {WEIGHTS_REMEDY}")
    # Before anything is trained, since the file may be that of another network.
    _network(file, torch.device("cpu"))
    return full_name


def _fits_inception(data: Dataset) -> bool:
    return data.kind == "images" and data.shape[0] in (1, 3)


def inception_file() -> Path:
    """The file with Inception's weights: the user's, or the one that `torch.hub` keeps for pytorch-fid."""
    return fid_weights() or Path(torch.hub.get_dir()) / "checkpoints" / OFFICIAL_WEIGHTS


def _extract(data: Dataset, packed: Tensor, extractor: str) -> Tensor:
    """Features of packed data $(*, n, ...)$, shape $(*, n, F)$."""
    return EXTRACTORS[extractor.partition("-")[0]](data, packed)


def _raw(data: Dataset, packed: Tensor) -> Tensor:
    """Coordinates; of images, pixels in $[0, 1]$."""
    flat = packed.flatten(-len(data.shape))
    if data.kind == "points":
        return flat
    return flat.float() / 255


def _inception(data: Dataset, packed: Tensor) -> Tensor:
    """The 2048 features of the last pooling layer of pytorch-fid's Inception.

    The network itself resizes images to 299 pixels.
    """
    network = _network(inception_file(), packed.device)
    images = packed.flatten(0, -4).expand(-1, 3, -1, -1)
    with torch.no_grad():
        parts = [network(part.float() / 255)[0].flatten(1) for part in images.split(IMAGES_AT_A_TIME)]
    return torch.cat(parts).view(*packed.shape[:-3], -1)


EXTRACTORS: dict[str, Callable[[Dataset, Tensor], Tensor]] = {"raw": _raw, "inception": _inception}
"""Maps a dataset and packed data $(*, n, ...)$ to features $(*, n, F)$, by name."""

EXTRACTOR_NAMES = ("raw", "classifier", "inception")
"""The names of the extractors. The classifier's features come with the assignment to modes."""


@lru_cache(maxsize=4)
def _checked_digest(file: Path) -> str:
    """SHA-256 of a file of weights.

    Raises:
        UsageError: If it cannot be read, or is in PyTorch's format and its name does not end in the first
            eight digits of its SHA-256.
    """
    try:
        digest = sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"the weights of Inception: {file}: {error.strerror}; {WEIGHTS_REMEDY}") from error
    if file.suffix != ".safetensors" and not file.name.endswith(f"-{digest[:8]}.pth"):
        raise UsageError(
            f"{file}: is not the file that its name promises (its SHA-256 begins with {digest[:8]}); "
            f"{WEIGHTS_REMEDY}"
        )
    return digest


@lru_cache(maxsize=1)
def _network(file: Path, device: torch.device) -> nn.Module:
    """pytorch-fid's Inception with the weights in a file."""
    _checked_digest(file)
    from pytorch_fid import inception

    weights = _weights(file)

    def fetch_weights(*arguments: Any, **options: Any) -> Any:
        return weights

    # pytorch-fid fetches its weights through this name and takes no file instead.
    original = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = fetch_weights
    try:
        network = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    except Exception as error:  # foreign weights can break the network in any way
        raise UsageError(
            f"{file}: does not hold the weights of pytorch-fid's Inception ({first_line(error)}); "
            f"{WEIGHTS_REMEDY}"
        ) from error
    finally:
        inception.load_state_dict_from_url = original
    return network.eval().requires_grad_(False).to(device)


def _weights(file: Path) -> Any:
    """The content of a file of weights; in a foreign file it may be anything that holds tensors."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        # The published file is a pickle; this reader builds tensors alone, whatever the file asks for.
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file can break the reader in any way
        raise UsageError(f"{file}: holds no weights ({first_line(error)}); {WEIGHTS_REMEDY}") from error


def _present(features: Tensor | None) -> Tensor:
    assert features is not None  # by `resolve_features`
    return features
