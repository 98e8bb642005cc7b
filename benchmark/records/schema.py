"""The forms of the files of a run. What is read back must fit them."""

from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec

from benchmark.suites.fitted_rows import FITTED_ROWS

__all__ = [
    "CALIBRATION_ROWS",
    "COLLAPSED",
    "DUMMY_ROWS",
    "FITTED_ROWS",
    "HARMLESS_SETTINGS",
    "LARGE",
    "NOISE",
    "READABLE_VERSIONS",
    "REAL_DATA",
    "SCHEMA_VERSION",
    "STANDARD_ROWS",
    "Audit",
    "CheckpointFile",
    "Commit",
    "Configuration",
    "DatasetFacts",
    "EvaluationPoint",
    "ExploredFile",
    "Group",
    "Manifest",
    "MetricFacts",
    "Record",
    "SearchBehind",
    "SearchFacts",
    "Sheet",
    "TableChecksums",
    "Track",
]

SCHEMA_VERSION = 5

READABLE_VERSIONS = (4, SCHEMA_VERSION)
"""Version 4 keeps of a model its generator alone."""

LARGE = "_large"
"""Ends the names of metrics that are scored on a larger sample."""

HARMLESS_SETTINGS = ("evaluations", "samples_large")
"""Settings of a dataset that change how often or how precisely else it is scored, and no other score."""

REAL_DATA = "real-data"
"""The row of fresh real data."""

COLLAPSED = "collapsed"
"""The row of one real sample, repeated."""

NOISE = "noise"
"""The row of a Gaussian with the mean and covariance of training data."""

DUMMY_ROWS = (COLLAPSED, NOISE)
"""The rows of generators that have learnt nothing."""

STANDARD_ROWS = (REAL_DATA, *DUMMY_ROWS)
"""The rows that every run has."""

CALIBRATION_ROWS = (*STANDARD_ROWS, *FITTED_ROWS)
"""The rows that stand where a method does."""

MetricValues = dict[str, float | None]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class MetricFacts(TypedDict):
    """How to read a metric on a dataset.

    Attributes:
        better: Which values are better; `one` means the closer to 1.
        bounds: The least and the greatest possible value, null for none.
        best: The score of a perfect generator; null stands for that of the `real-data` row.
        scale: Whether values are compared by their differences or by those of their logarithms.
        ranked: Whether methods are compared by the metric at all.
        samples: The sample size.
    """

    better: Literal["higher", "lower", "one"]
    bounds: list[float | None]
    best: float | None
    scale: Literal["linear", "log"]
    ranked: bool
    samples: int


class DatasetFacts(NamedTuple):
    """How to read the scores on a dataset: its number of modes, 0 if they are not known, and the facts of its
    metrics.
    """

    modes_total: int
    metrics: dict[str, MetricFacts]


class DatasetSettings(TypedDict):
    """A dataset's name and settings, of which only some are known here."""

    name: str
    width: NotRequired[Whole]


class Configuration(TypedDict):
    """What a result depends on."""

    suite: str
    dataset: DatasetSettings
    method: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    budget: str
    device: str
    files: NotRequired[dict[str, Any]]


class Audit(TypedDict):
    """What a trial spent, as far as it trained at all, and how it was trained."""

    group: list[Whole]
    compiled: bool
    peak_memory_bytes: Whole
    flops: NotRequired[Whole]
    generator_steps: NotRequired[Whole]
    discriminator_steps: NotRequired[Whole]
    samples_seen: NotRequired[Whole]
    device_seconds: NotRequired[float]
    parameters: NotRequired[Whole]
    sample_evaluations: NotRequired[Whole]
    sample_flops: NotRequired[Whole]
    diverged_at: NotRequired[Whole]
    group_seconds: NotRequired[dict[str, float]]


class EvaluationPoint(TypedDict):
    """An evaluation on the way."""

    point: Whole
    flops: Whole
    generator_steps: Whole
    discriminator_steps: Whole
    samples_seen: Whole
    device_seconds: float
    metrics: MetricValues


class Record(TypedDict):
    """`result.json`: a finished trial."""

    schema_version: int
    suite: str
    dataset: str
    method: str
    seed: Whole
    status: Literal["ok", "diverged"]
    metrics: MetricValues
    facts: dict[str, MetricFacts]
    modes_total: Whole
    budget: str
    audit: Audit
    configuration: Configuration
    config_hash: str
    files: dict[str, str]
    curve: list[EvaluationPoint]


class Group(TypedDict):
    """Seeds that are trained side by side."""

    seeds: list[Whole]
    compiled: bool


class RequestedSettings(TypedDict):
    """What was asked for, as far as a report needs it: settings by dataset, and by dataset and
    method.
    """

    datasets: dict[str, Any]
    methods: dict[str, dict[str, Any]]
    plugins: NotRequired[list[str]]


class SearchFacts(TypedDict):
    """How much a search tried, and of what.

    Attributes:
        points: The settings of each method on each dataset.
        seeds: The seeds of each of them.
        halving: If more than 1, one in so many settings was tried at so many times the budget.
        rungs: At how many budgets settings were tried.
        tried: The numbers of the points that are tried here, by dataset and method.
        spaces: The values, by method and setting: `low`, `high` and `scale`, or `values`.
        undeclared: The methods that declare no space.
    """

    points: Whole
    seeds: Whole
    halving: Whole
    rungs: Whole
    tried: dict[str, dict[str, list[Whole]]]
    undeclared: list[str]
    spaces: dict[str, dict[str, dict[str, Any]]]


class SearchBehind(TypedDict):
    """The search that has chosen the settings of a method on a dataset.

    Attributes:
        file: The name of the file of chosen settings.
        checksum: Its SHA-256.
        points: The settings that were tried.
        seeds: The seeds of each of them.
        halving: If more than 1, one in so many settings was tried at so many times the budget.
        rungs: At how many budgets settings were tried.
        budget: The whole budget of a trial.
        metric: The metric that settings were scored by.
        score: The mean score of the chosen ones.
    """

    file: str
    checksum: str
    points: Whole
    seeds: Whole
    halving: Whole
    rungs: Whole
    budget: str
    metric: str
    score: float


class Track(TypedDict):
    """Where the settings of a method on a dataset come from.

    Attributes:
        settings: `not tuned` is for a method with its published settings beside methods with tuned ones.
        changed: The settings that the command has changed, and of tuned ones all that are not those of the
            search; those of the dataset with its name.
        search: The search that has chosen the others; null for none.
    """

    settings: Literal["published", "tuned", "not tuned"]
    changed: list[str]
    search: SearchBehind | None


class Environment(TypedDict):
    """What results depend on besides the configuration."""

    versions: dict[str, str]
    hardware: dict[str, Any]
    commit: str | None


class Manifest(TypedDict):
    """`manifest.json`: what was asked for, by what, and where.

    Where a run has grown under other versions or on another machine, `earlier` has those that were before.
    """

    schema_version: int
    suite: str
    command: list[str]
    configuration: RequestedSettings
    costs: dict[str, Any]
    metrics: dict[str, dict[str, MetricFacts]]
    modes: dict[str, int]
    fingerprints: dict[str, str]
    files: dict[str, dict[str, Any]]
    commands: NotRequired[list[list[str]]]
    versions: dict[str, str]
    hardware: dict[str, Any]
    commit: str | None
    earlier: NotRequired[list[Environment]]
    groups: dict[str, dict[str, list[Group]]]
    search: NotRequired[SearchFacts]
    tracks: NotRequired[dict[str, dict[str, Track]]]


class Sheet(TypedDict):
    """A picture of an exploration.

    Attributes:
        file: Its file.
        model: The model that it is of, in words.
        name: What it shows: `paths`, `reconstructions`, `given`, `walks` or `map`.
        description: Words for readers who do not see it.
    """

    file: str
    model: str
    name: str
    description: str


class ExploredFile(TypedDict):
    """`explore.json`: what lies beside it, and what was explored, and how.

    `left_out` has the trials that were asked for and could not be explored.
    """

    schema_version: int
    suite: str
    dataset: str
    options: dict[str, Any]
    left_out: NotRequired[list[str]]
    sheets: list[Sheet]
    files: dict[str, str]


class CheckpointFile(TypedDict):
    """`checkpoint.json`: where the training of a group stands; its tensors are in `files`."""

    schema_version: int
    config_hash: str
    group: list[Whole]
    compiled: bool
    files: dict[str, str]
    facts: dict[str, Any]


class Commit(TypedDict):
    """`finished.json`: the trials of these seeds lie beside it, whole, and need only be moved to their
    places.
    """

    schema_version: int
    seeds: list[Whole]


class TableChecksums(TypedDict):
    """`tables.json`: SHA-256 of the last tables that were written, by name; of the ones before them, too, in
    case they still lie there.
    """

    schema_version: int
    files: dict[str, list[str]]
