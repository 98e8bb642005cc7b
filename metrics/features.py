"""What distances between samples are measured on."""

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
from benchmark.errors import UsageError
from benchmark.metric import Evaluation

__all__ = ["check_extractor", "features_of", "held_out_features", "inception_file", "resolve_features"]

CHUNK = 50
"""Images that Inception sees at a time, as in pytorch-fid."""

OFFICIAL = "pt_inception-2015-12-05-6726825d.pth"

REMEDY = f"give --fid-weights FILE (or set {FID_WEIGHTS}) with pytorch-fid's {OFFICIAL}, or other features by --fid-features"


def features_of(evaluation: Evaluation, extractor: str) -> Tensor:
    """The samples' features, shape $(S, N, F)$."""
    if extractor == "classifier":
        return _present(evaluation.assignment.features)
    return evaluation.once(
        ("features", extractor), lambda: _extract(evaluation.data, evaluation.samples, extractor)
    )


def held_out_features(evaluation: Evaluation, extractor: str) -> Tensor:
    """The held-out data's features, shape $(M, F)$."""
    if extractor == "classifier":
        return _present(evaluation.held_out_assignment.features)
    return evaluation.held_out.once(
        ("features", extractor), lambda: _extract(evaluation.data, evaluation.held_out.x, extractor)
    )


def check_extractor(name: str) -> None:
    """Raises a `ValueError` unless it is `default` or the name of an extractor."""
    if name != "default" and name not in NAMES and not name.startswith("inception-"):
        raise ValueError(f"there are no features {name!r}; choose from default, {', '.join(NAMES)}")


def resolve_features(extractor: str, data: Dataset) -> str:
    """The extractor's full name: the dataset's own for `default`, and Inception with the first digits of its weights' SHA-256.

    Raises:
        UsageError: If it does not fit the data, or the weights of Inception are not there or are not what they should be.
    """
    name = data.features if extractor == "default" else extractor.partition("-")[0]
    fitting = [
        "raw",
        *(["classifier"] if data.features == "classifier" else []),
        *(["inception"] if _fits_inception(data) else []),
    ]
    if name not in fitting:
        raise UsageError(f"features {name!r} do not fit {data.name}; choose from {', '.join(fitting)}")
    if name == "inception":
        file = inception_file()
        digest = _checked(file)
        if extractor not in ("default", name, f"inception-{digest[:8]}"):
            raise UsageError(
                f"features {extractor!r}: the weights in {file} are inception-{digest[:8]}; {REMEDY}"
            )
        # Before anything is trained, since the file may be that of another network.
        _network(file, torch.device("cpu"))
        return f"inception-{digest[:8]}"
    return name


def _fits_inception(data: Dataset) -> bool:
    return data.kind == "images" and data.shape[0] in (1, 3)


def inception_file() -> Path:
    """Where the weights of Inception are: the file that was given, or where `torch.hub` keeps pytorch-fid's."""
    return fid_weights() or Path(torch.hub.get_dir()) / "checkpoints" / OFFICIAL


def _extract(data: Dataset, packed: Tensor, extractor: str) -> Tensor:
    """Features of packed data $(*, n, ...)$, shape $(*, n, F)$."""
    return EXTRACTORS[extractor.partition("-")[0]](data, packed)


def _raw(data: Dataset, packed: Tensor) -> Tensor:
    """Coordinates; of images, pixels in $[0, 1]$."""
    flat = packed.flatten(-len(data.shape))
    return flat if data.kind == "points" else flat.float() / 255


def _inception(data: Dataset, packed: Tensor) -> Tensor:
    """The 2048 features of the last pooling layer of pytorch-fid's Inception, which resizes images to 299 pixels itself."""
    network = _network(inception_file(), packed.device)
    images = packed.flatten(0, -4).expand(-1, 3, -1, -1)
    with torch.no_grad():
        parts = [network(part.float() / 255)[0].flatten(1) for part in images.split(CHUNK)]
    return torch.cat(parts).view(*packed.shape[:-3], -1)


EXTRACTORS: dict[str, Callable[[Dataset, Tensor], Tensor]] = {"raw": _raw, "inception": _inception}
"""Maps a dataset and packed data $(*, n, ...)$ to features $(*, n, F)$, by name."""

NAMES = ("raw", "classifier", "inception")
"""Of the extractors. What the classifier saw comes with the assignment to modes."""


@lru_cache(maxsize=4)
def _checked(file: Path) -> str:
    """SHA-256 of a file of weights; the name of one in PyTorch's format ends in its first eight digits."""
    try:
        digest = sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"the weights of Inception: {file}: {error.strerror}; {REMEDY}") from error
    if file.suffix != ".safetensors" and not file.name.endswith(f"-{digest[:8]}.pth"):
        raise UsageError(
            f"{file}: is not the file that its name promises (its SHA-256 begins with {digest[:8]}); {REMEDY}"
        )
    return digest


@lru_cache(maxsize=1)
def _network(file: Path, device: torch.device) -> nn.Module:
    """pytorch-fid's Inception with the weights in a file."""
    _checked(file)
    from pytorch_fid import inception

    try:
        # The published file is a pickle; this reader builds tensors alone, whatever the file asks for.
        state = (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # a foreign file can break the reader in any way
        raise UsageError(f"{file}: holds no weights ({_first_line(error)}); {REMEDY}") from error

    def given(*arguments: Any, **options: Any) -> Any:
        return state

    # pytorch-fid fetches its weights through this name and takes no file instead.
    fetch, inception.load_state_dict_from_url = inception.load_state_dict_from_url, given
    try:
        network = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    except Exception as error:  # as it can break the network
        raise UsageError(
            f"{file}: does not hold the weights of pytorch-fid's Inception ({_first_line(error)}); {REMEDY}"
        ) from error
    finally:
        inception.load_state_dict_from_url = fetch
    return network.eval().requires_grad_(False).to(device)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _present(features: Tensor | None) -> Tensor:
    assert features is not None  # by `resolve_features`
    return features
