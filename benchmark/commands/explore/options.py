"""The options of `explore`, read and checked. Imports nothing heavy: a mistake is reported at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.commands import option_values
from benchmark.errors import UsageError

__all__ = ["EXPLORE_OPTIONS", "ExploreOptions", "read_explore_options"]

EXPLORE_OPTIONS = (
    "methods",
    "seeds",
    "steps",
    "pairs",
    "image",
    "array",
    "range",
    "loss",
    "starts",
    "iterations",
    "device",
)

LOSSES = ("pixels", "features")

MOST_STEPS, MOST_PAIRS = 33, 50
"""As many as a sheet can show."""

MOST_STARTS, MOST_ITERATIONS = 1000, 100_000
"""More than ever help."""


@dataclass(frozen=True)
class ExploreOptions:
    """What to explore, and how.

    Attributes:
        dataset: The dataset.
        methods: The methods; `None` for all.
        seeds: The seeds; `None` for the lowest.
        steps: Pictured points of a path, its ends among them.
        pairs: Paths of each kind; twice as many held-out data are searched and encoded.
        image: A file with data whose latents are searched, too.
        array: The name of that data in a .npz file; by default the only array.
        pixel_range: The range of its pixels; by default it is guessed.
        loss: What a search compares: `pixels` or `features`.
        starts: Starts of a search.
        iterations: Evaluations from each start.
        device: The device's name.
    """

    dataset: str
    methods: Sequence[str] | None = None
    seeds: Sequence[int] | None = None
    steps: int = 9
    pairs: int = 6
    image: Path | None = None
    array: str | None = None
    pixel_range: str | None = None
    loss: str = "pixels"
    starts: int = 8
    iterations: int = 200
    device: str = "auto"

    def covers(self, dataset: str, method: str, seed: int) -> bool:
        """Whether a trial is among what is asked for; by default, all seeds are."""
        return (
            dataset == self.dataset
            and (self.methods is None or method in self.methods)
            and (self.seeds is None or seed in self.seeds)
        )


def read_explore_options(dataset: str, texts: Mapping[str, Any]) -> ExploreOptions:
    """Reads options.

    Arguments:
        dataset: The dataset.
        texts: Values as the command line has them, by names of `EXPLORE_OPTIONS`; others are ignored, and
            what is `None` has its default.

    Raises:
        UsageError: If one of them is wrong.
    """
    read: dict[str, Any] = {}
    for name in EXPLORE_OPTIONS:
        if texts.get(name) is not None:
            field = "pixel_range" if name == "range" else name
            read[field] = READERS.get(name, str)(texts[name])
    for name in ("array", "range"):
        if texts.get(name) is not None and "image" not in read:
            raise UsageError(f"--{name} {texts[name]}: is for the file of --image; give that, too")
    return ExploreOptions(dataset, **read)


def _seeds(text: str) -> tuple[int, ...]:
    """Reads `0` and `0,3` as those seeds; `run` takes one number for a number of seeds."""
    if not all(part.strip().isdigit() for part in text.removesuffix(",").split(",")):
        raise UsageError(f"--seeds {text!r}: give the seeds themselves, such as 0 or 0,1,2")
    return option_values.seeds(text if "," in text else f"{text},")


READERS: dict[str, Callable[[str], Any]] = {
    "methods": partial(option_values.names, "methods"),
    "seeds": _seeds,
    "steps": partial(option_values.count, "--steps", least=2, most=MOST_STEPS),
    "pairs": partial(option_values.count, "--pairs", most=MOST_PAIRS),
    "image": partial(option_values.path, "--image", what="file"),
    "loss": partial(option_values.choice, "--loss", choices=LOSSES),
    "starts": partial(option_values.count, "--starts", most=MOST_STARTS),
    "iterations": partial(option_values.count, "--iterations", most=MOST_ITERATIONS),
}
"""How options are read; the others are texts."""
