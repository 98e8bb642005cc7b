"""The trained models that a run keeps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError, complain, first_line
from benchmark.method import Latents, Method
from benchmark.records.layout import TrialId
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, Record
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.records.trial_files import MODEL_FILES
from benchmark.registry import METHODS, recorded_settings
from benchmark.training.generators import TrainedGenerators
from benchmark.training.kept_models import restored_model

__all__ = ["Model", "kept_trials", "read_models"]

FIRST_WITH_ENCODERS = 5
"""The first schema version whose trials keep encoders."""


@dataclass(frozen=True)
class Model:
    """One trained model: latents to data, and back where it has an encoder.

    Attributes:
        method: The name of its method.
        seed: Its seed.
        generators: The model, the only seed of its group.
        encodes: Whether its encoder was kept.
    """

    method: str
    seed: int
    generators: TrainedGenerators
    encodes: bool

    def __str__(self) -> str:
        return f"{self.method}, seed {self.seed}"

    @property
    def latents(self) -> Latents:
        """What a sample is made of."""
        return self.generators.latents

    @property
    def searchable(self) -> bool:
        """Whether its samples are functions of the latents alone, so that latents can be searched."""
        return self.latents.noise == 0

    @property
    def has_law_of_codes(self) -> bool:
        """Whether codes are to follow the law of the latents, which is not so where a density is fitted to
        them.
        """
        return self.encodes and not self.generators.fits

    def sample(self, z: Tensor, noise: Tensor) -> Tensor:
        """Data $(n, *)$ of latents $(n, L)$ and of the normal numbers that a sample takes beside them."""
        return self.generators.sample(z[None], noise[None])[0]

    def sample_normal(self, numbers: Tensor, noise: Tensor) -> Tensor:
        """Data $(n, *)$ of normal numbers $(n, L)$, as latents of the method's law, and of the noise."""
        return self.sample(self.latents.of_normal(numbers), noise)

    def encode(self, x: Tensor) -> Tensor:
        """The codes $(n, L)$ of data $(n, *)$."""
        return self.generators.encode(x[None])[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Data $(n, *)$ of codes $(n, L)$."""
        return self.generators.decode(codes[None])[0]


def kept_trials(results: Results, dataset: str, methods: Sequence[str] | None) -> list[Record]:
    """The records of a dataset whose trials keep a generator, of some methods or of all.

    Raises:
        UsageError: If there is no such dataset, one of the methods is not in the run, or nothing was kept.
    """
    if dataset not in results.datasets:
        there = ", ".join(results.datasets) or "none"
        raise UsageError(f"explore: the run has no dataset {dataset!r}; it has {there}")
    records = [record for record in results.records if record["dataset"] == dataset]
    trained = [record["method"] for record in records if record["method"] not in CALIBRATION_ROWS]
    present = list(dict.fromkeys(trained))
    for method in methods or ():
        if method not in present:
            there = ", ".join(present) or "none"
            raise UsageError(f"explore: the run has no method {method!r} on {dataset}; it has {there}")
    wanted = methods or present
    kept = []
    for record in records:
        if record["method"] in wanted and MODEL_FILES["generator"] in record["files"]:
            kept.append(record)
    if not wanted:
        raise UsageError(f"explore: no trial of a method on {dataset} is finished and whole; run it first")
    if not kept:
        raise UsageError(
            f"explore: no generator of {', '.join(wanted)} on {dataset} was kept; "
            "give a run of this version, and trials that have not failed"
        )
    return kept


def read_models(
    store: Store,
    records: Sequence[Record],
    data: Dataset,
    device: torch.device,
    leave_out: Callable[[TrialId, str], None],
) -> Iterator[Model]:
    """The models of trials, but for those that have diverged, are damaged or do not fit.

    Arguments:
        store: The run.
        records: The records of the trials.
        data: Their dataset.
        device: Where the models are to be.
        leave_out: Is called with a trial that is left out, and why.
    """
    for record in records:
        trial = TrialId.of(record)
        if record["status"] != "ok":
            leave_out(trial, record["status"])
            continue
        try:
            parts = store.trials.model(record)
        except (DamagedError, FileNotFoundError) as error:
            leave_out(trial, first_line(error))
            continue
        tensors = {}
        for part, arrays in parts.items():
            tensors[part] = {key: torch.from_numpy(array).to(device) for key, array in arrays.items()}
        try:
            generators = restored_model(_method_of(record), data.spec, tensors)
        except (Exception, SystemExit) as error:  # a method may be foreign code, and fail in any way
            leave_out(trial, f"its model cannot be made again ({first_line(error)})")
            continue
        encodes = generators.has_encoder and record["schema_version"] >= FIRST_WITH_ENCODERS
        if generators.has_encoder and not encodes:
            complain(f"{trial}: was written by an older version, which kept no encoder; explored without it")
        yield Model(record["method"], record["seed"], generators, encodes)


def _method_of(record: Record) -> Method:
    settings = recorded_settings(record["configuration"]["method"])
    method: Method = METHODS.build(record["method"], settings)
    return method
