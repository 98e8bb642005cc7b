"""The options of `explore`, read and checked. Imports nothing heavy: a mistake is reported at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.commands import option_values
from benchmark.registry import user_path

__all__ = ["EXPLORE_OPTIONS", "ExploreOptions", "read_explore_options"]

EXPLORE_OPTIONS = ("methods", "seeds", "steps", "pairs", "image", "loss", "starts", "iterations", "device")

LOSSES = ("pixels", "features")

MOST_STEPS, MOST_PAIRS = 33, 50
"""As many as a sheet can show."""


@dataclass(frozen=True)
class ExploreOptions:
    """What to explore, and how.

    Attributes:
        dataset: The dataset.
        methods: The methods; `None` for all.
        seeds: The seeds.
        steps: Pictured points of a path, its ends among them.
        pairs: Paths of each kind; twice as many held-out data are searched and encoded.
        image: A file with data whose latents are searched, too.
        loss: What a search compares: `pixels` or `features`.
        starts: Starts of a search.
        iterations: Evaluations from each start.
        device: The device's name.
    """

    dataset: str
    methods: Sequence[str] | None = None
    seeds: Sequence[int] = (0,)
    steps: int = 9
    pairs: int = 6
    image: Path | None = None
    loss: str = "pixels"
    starts: int = 8
    iterations: int = 200
    device: str = "auto"


def read_explore_options(dataset: str, texts: Mapping[str, Any]) -> ExploreOptions:
    """Reads options.

    Arguments:
        dataset: The dataset.
        texts: Values as the command line has them, by names of `EXPLORE_OPTIONS`; others are ignored, and
            what is `None` has its default.

    Raises:
        UsageError: If one of them is wrong.
    """
    given = {name: texts[name] for name in EXPLORE_OPTIONS if texts.get(name) is not None}
    seeds = given.get("seeds", "0")
    return ExploreOptions(
        dataset=dataset,
        methods=option_values.names("methods", given.get("methods")),
        # One number is that seed, and not a number of seeds.
        seeds=option_values.seeds(seeds if "," in seeds else f"{seeds},"),
        steps=option_values.count("--steps", given.get("steps", "9"), least=2, most=MOST_STEPS),
        pairs=option_values.count("--pairs", given.get("pairs", "6"), most=MOST_PAIRS),
        image=user_path(given["image"]) if "image" in given else None,
        loss=option_values.choice("--loss", given.get("loss", "pixels"), LOSSES),
        starts=option_values.count("--starts", given.get("starts", "8")),
        iterations=option_values.count("--iterations", given.get("iterations", "200")),
        device=given.get("device", "auto"),
    )
