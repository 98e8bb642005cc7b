"""`check`: everything that is registered passes, and what breaks a contract is named."""

from dataclasses import dataclass

import pytest
import torch
from support.celeba import write_celeba

from benchmark.commands.check import check_entries
from benchmark.commands.checks.datasets import check_dataset
from benchmark.commands.checks.made_up_data import Pictures
from benchmark.commands.checks.metrics import check_metric
from benchmark.commands.checks.suites import check_suite
from benchmark.datasets import Dataset, Mixture
from benchmark.datasets.base import Assignment
from benchmark.datasets.places import using
from benchmark.metric import Metric
from benchmark.registry import DATASETS, METRICS, SUITES

OF_MADE_UP_FILES = {"original": False, "samples": 2000, "held_out": 2000}
"""Settings of datasets that are read from files: there are fewer images than in the original ones."""


def problems(outcomes):
    return {outcome.title: outcome.problem for outcome in outcomes if outcome.problem is not None}


@pytest.fixture
def registered():
    """Registers a class for a test, and returns its name."""
    registries = []

    def register(registry, cls):
        registries.append(registry)
        finished = cls if "__dataclass_fields__" in vars(cls) else dataclass(frozen=True)(cls)
        registry.register("broken")(finished)
        return "broken"

    yield register
    for registry in registries:
        registry.forget(__name__)


@pytest.fixture(scope="module")
def files_root(tmp_path_factory, digits_root, cifar_root):
    """A data root with made-up files for every registered dataset of images."""
    root = tmp_path_factory.mktemp("files")
    for source in ("MNIST", "FashionMNIST"):
        (root / source).symlink_to(digits_root / "MNIST")
    for folder in cifar_root.iterdir():
        (root / folder.name).symlink_to(folder)
    write_celeba(root / "celeba", (100, 2000, 2000))
    return root


@pytest.fixture
def made_up_files(files_root, monkeypatch):
    """Datasets are read from made-up files, and nobody asks for the weights of Inception."""
    build = DATASETS.build

    def build_small(name, settings):
        if DATASETS.has_setting(name, "original"):
            settings = {**settings, **OF_MADE_UP_FILES}
        return build(name, settings)

    monkeypatch.setattr(DATASETS, "build", build_small)
    monkeypatch.setattr("metrics.features._checked_digest", lambda file: "0" * 64)
    monkeypatch.setattr("metrics.features._network", lambda file, device: None)
    with using(str(files_root), None):
        yield


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_keeps_its_contract(name):
    outcomes = list(check_metric(name))
    assert outcomes
    assert problems(outcomes) == {}


@pytest.mark.usefixtures("made_up_files")
@pytest.mark.parametrize("name", DATASETS.names())
def test_every_dataset_keeps_its_contract(name):
    outcomes = list(check_dataset(name))
    assert outcomes
    assert problems(outcomes) == {}


@pytest.mark.usefixtures("made_up_files")
@pytest.mark.parametrize("name", SUITES.names())
def test_every_suite_can_be_planned(name):
    outcomes = list(check_suite(name))
    assert outcomes
    assert problems(outcomes) == {}


class Constant(Metric):
    better = "higher"
    bounds = (0.0, 1.0)
    needs_modes = True

    def score(self, evaluation):
        return torch.full((len(evaluation.samples),), 0.5)


class Reversed(Constant):
    def score(self, evaluation):
        return 1 - (evaluation.high_quality_counts > 0).double().mean(dim=1)


class OutOfBounds(Constant):
    def score(self, evaluation):
        return 2 + 0 * evaluation.counts[:, 0]


class OneScoreForAll(Constant):
    def score(self, evaluation):
        return torch.tensor(0.5)


class FirstSample(Constant):
    def score(self, evaluation):
        return evaluation.samples[:, 0, 0].clamp(0, 1)


class FirstMode(Constant):
    def score(self, evaluation):
        return evaluation.counts[:, 0] / evaluation.counts.sum(dim=1)


class FirstHeldOut(Constant):
    def score(self, evaluation):
        return evaluation.held_out.x[0, 0].clamp(0, 1).expand(len(evaluation.samples))


class Together(Constant):
    def score(self, evaluation):
        return evaluation.samples.mean(dim=(1, 2)).sigmoid().softmax(dim=0)


class Writing(Constant):
    def score(self, evaluation):
        evaluation.samples.zero_()
        return super().score(evaluation)


class BadBest(Constant):
    def best(self, data):
        return "x"


class Generating(Constant):
    needs_generator = True

    def score(self, evaluation):
        latents = torch.zeros(len(evaluation.samples), 1, evaluation.data.latent)
        return evaluation.generator(latents).flatten(1).mean(dim=1).abs().clamp(max=1.0)


class Broken(Constant):
    def score(self, evaluation):
        raise RuntimeError("no luck\ntoday")


@pytest.mark.parametrize(
    ("metric", "title", "problem"),
    [
        (Reversed, "prefers real data to the worse dummy (ring)", "worse than every dummy"),
        (OutOfBounds, "scores within its bounds (ring)", "scores 2, outside of the bounds 0 to 1"),
        (OneScoreForAll, "scores every seed (ring)", "it must be (3,)"),
        (FirstSample, "does not depend on the order of samples (ring)", "the order of the samples"),
        (FirstMode, "does not depend on the order of modes (ring)", "depends on the order of the modes"),
        (FirstHeldOut, "does not depend on the order of held-out data (ring)", "held-out data"),
        (Together, "scores each seed alone as beside others (ring)", "depends on the seeds beside it"),
        (Writing, "repeats itself (ring)", "writes into the samples"),
        (BadBest, "states its best score (ring)", "best is 'x'; it must be None, or a number from 0 to 1"),
        (Generating, "scores without a generator (ring)", "TypeError: 'NoneType' object is not callable"),
        (Broken, "scores every seed (ring)", "RuntimeError: no luck"),
    ],
)
def test_a_metric_that_breaks_its_contract_is_named(registered, metric, title, problem):
    assert problem in problems(check_metric(registered(METRICS, metric)))[title]


def test_a_constant_is_a_metric(registered):
    assert problems(check_metric(registered(METRICS, Constant))) == {}


@dataclass(frozen=True)
class Square(Mixture):
    std: float = 0.1

    @property
    def means(self):
        return torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


class HeavyWeights(Square):
    @property
    def mode_weights(self):
        return torch.full((4,), 0.5, dtype=torch.float64)


class WrongWeights(Square):
    """It draws all modes alike."""

    @property
    def mode_weights(self):
        return torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)

    def _draw_modes(self, n, rng):
        return torch.randint(4, (n,), generator=rng)


class OwnRandomness(Square):
    def draw(self, n, rng, split="train"):
        return torch.randn(n, 2, generator=None)


class OneShape(Square):
    def draw(self, n, rng, split="train"):
        return super().draw(n, rng, split)[:, :1]


class Leaking(Square):
    def draw(self, n, rng, split="train"):
        return super().draw(n, torch.Generator().manual_seed(0), split)


class Strict(Square):
    @property
    def radius(self):
        return 0.5


class ByPlace(Square):
    def assign(self, samples):
        assignment = super().assign(samples)
        mode = torch.arange(assignment.mode.numel()).view(assignment.mode.shape) % 4
        return assignment._replace(mode=mode)


class OddLandmarks(Square):
    @property
    def landmarks(self):
        return torch.zeros(3, 2)


class NoFactors(Square):
    factors = ("x",)


class NoShares(Square):
    factors = ("x",)

    def assign(self, samples):
        distance = torch.zeros(samples.shape[:-1])
        return super().assign(samples)._replace(factors=samples[..., :1], off_manifold=distance)


class WrongNeighbours(Pictures):
    def nearest_training(self, packed):
        return packed.roll(1, dims=0)


@pytest.mark.parametrize(
    ("dataset", "title", "problem"),
    [
        (HeavyWeights, "describes itself", "mode_weights sum to 2; they must sum to 1"),
        (WrongWeights, "draws modes by their weights", "total variation of real data and mode_weights"),
        (OwnRandomness, "draws from the stream that it is given", "some randomness is not from the stream"),
        (OneShape, "draws samples", "train has shape (2000, 1); it must be (2000, 2)"),
        (Leaking, "keeps held-out data apart", "100% of the held-out samples are also among the train"),
        (Strict, "assigns samples to modes", "of real data is of high quality; it must be 90% at least"),
        (ByPlace, "assigns each sample by itself", "mode depends on the order of the samples"),
        (OddLandmarks, "can be drawn", "landmarks has shape (3, 2)"),
        (NoFactors, "takes samples apart", "assign gives no factors"),
        (NoShares, "takes samples apart", "it must be from 0 to 1"),
        (WrongNeighbours, "finds the nearest image", "the nearest training image of a training image"),
    ],
)
def test_a_dataset_that_breaks_its_contract_is_named(registered, dataset, title, problem):
    assert problem in problems(check_dataset(registered(DATASETS, dataset)))[title]


@dataclass(frozen=True)
class Uniform(Dataset):
    """Points of the unit square: a dataset that is no mixture, with two halves as its modes."""

    kind = "points"

    @property
    def shape(self):
        return (2,)

    @property
    def mode_weights(self):
        return torch.tensor([0.25, 0.75], dtype=torch.float64)

    def draw(self, n, rng, split="train"):
        return torch.rand(n, 2, generator=rng)

    def assign(self, samples):
        inside = ((samples >= 0) & (samples <= 1)).all(dim=-1)
        return Assignment((samples[..., 0] > 0.25).long(), inside)


class Unlabelled(Uniform):
    @property
    def mode_weights(self):
        return torch.empty(0, dtype=torch.float64)


@pytest.mark.parametrize("dataset", [Square, Uniform, Unlabelled], ids=lambda cls: cls.__name__)
def test_a_dataset_of_ones_own_passes(registered, dataset):
    assert problems(check_dataset(registered(DATASETS, dataset))) == {}


def test_a_name_of_nothing_is_refused_in_one_line(cli):
    status, out, err = cli("check", "klo")
    assert (status, out) == (2, "")
    assert "no method, dataset, metric, suite is called 'klo'; did you mean kl" in err
    assert err.count("\n") == 1


def test_what_cannot_be_built_is_one_failure_among_others(registered, capsys):
    entries = [(METRICS, "no-metric"), (METRICS, registered(METRICS, Constant))]
    assert not check_entries(entries)
    out = capsys.readouterr().out
    assert "no-metric: can be built: FAILED: unknown metric 'no-metric'" in out
    assert "scores every seed (ring): ok" in out
