"""Stacked digits and the classifier that reads them."""

import os

import pytest
import torch
from scipy import stats

from benchmark.datasets import digit_classifier as classifier
from benchmark.datasets.digit_classifier import digit_classifier
from benchmark.datasets.image_files import load_digits
from benchmark.datasets.images import to_picture
from benchmark.datasets.places import cache_directory, using
from benchmark.datasets.stacked import GDPPStackedMNIST, StackedMNIST
from benchmark.errors import UsageError
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from benchmark.scoring.calibration import collapsed, noise, real_data
from benchmark.scoring.scorer import Scorer

CPU = torch.device("cpu")


@pytest.fixture
def data(digits_root):
    with using(str(digits_root), None):
        yield StackedMNIST(original=False)


def stack(files, index):
    return files[torch.tensor(index)][:, 0][None]


def content(digit):
    return digit.numpy().tobytes()


def contents(digits):
    return {content(digit) for digit in digits}


def test_a_stack_is_independent_digits_of_its_split(data):
    files = load_digits("MNIST", False)
    pools = {"train": files.train, "held-out": files.test[::2], "calibration": files.test[1::2]}
    for split, pool in pools.items():
        x = data.draw(500, data.stream(0, split), split)
        assert x.shape == (500, 3, 28, 28)
        assert x.dtype == torch.uint8
        known = contents(pool)
        stacks = [tuple(map(content, image)) for image in x]
        for stack in stacks:
            assert known.issuperset(stack)
        # Uniform and independent: a digit's partner is anyone.
        assert len(set(stacks)) > 490
    assert contents(pools["held-out"]).isdisjoint(contents(pools["calibration"]))


def test_pixels_have_one_range(data):
    packed = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    x = data.unpack(packed)
    assert (x.min().item(), x.max().item()) == (-1, 1)
    assert torch.equal(data.pack(x), packed)
    assert torch.equal(
        data.pack(torch.tensor([-1.2, 1.2, 0.001])), torch.tensor([0, 255, 128], dtype=torch.uint8)
    )
    assert data.sample(4, data.stream(0, "data")).min() >= -1
    assert data.sample(4, data.stream(0, "data")).dtype == torch.float32


def test_modes_are_the_classes_in_order_of_the_channels(data):
    files = load_digits("MNIST", False)
    for digits in ([0, 0, 0], [1, 2, 3], [9, 0, 7]):
        index = [int((files.train_labels == digit).nonzero()[5]) for digit in digits]
        assigned = data.assign(stack(files.train, index))
        assert assigned.mode.tolist() == [100 * digits[0] + 10 * digits[1] + digits[2]]
        assert assigned.features.shape == (1, 3 * 128)


def test_the_true_distribution_is_the_product_of_the_digits_frequencies(data, monkeypatch):
    weights = data.mode_weights
    assert data.modes == 1000
    assert weights.sum().item() == pytest.approx(1)
    frequencies = torch.bincount(load_digits("MNIST", False).train_labels, minlength=10).double() / 3000
    assert weights[537].item() == pytest.approx((frequencies[5] * frequencies[3] * frequencies[7]).item())


def test_the_frequent_and_rare_modes_of_gdpp(data):
    """By the formula of its training set, and by what is drawn."""
    gdpp = GDPPStackedMNIST(original=False)
    weights = gdpp.mode_weights
    assert weights.sum().item() == pytest.approx(1)
    rng = torch.Generator().manual_seed(0)
    numbers = (700 + 200 * torch.randn(140_000, generator=rng)).floor().clamp(0, 999)
    uniform = torch.randint(1000, (60_000,), generator=rng)
    counts = torch.bincount(torch.cat([numbers.long(), uniform]), minlength=1000)
    assert stats.chisquare(counts.numpy(), (200_000 * weights).numpy()).pvalue > 1e-3
    known = {content(digit): int(label) for digit, label in zip(*_training_digits(), strict=True)}
    drawn = gdpp.draw(4000, gdpp.stream(0, "data"))
    hundreds = torch.tensor([known[content(image[0])] for image in drawn])
    expected = 4000 * weights.view(10, 100).sum(dim=1)
    assert stats.chisquare(torch.bincount(hundreds, minlength=10).numpy(), expected.numpy()).pvalue > 1e-3
    units = torch.tensor([known[content(image[2])] for image in drawn])
    expected = 4000 * weights.view(100, 10).sum(dim=0)
    assert stats.chisquare(torch.bincount(units, minlength=10).numpy(), expected.numpy()).pvalue > 1e-3
    for settings in ({"weights": "geometric:0.5"}, {"digits": 2}):
        with pytest.raises(ValueError, match="gdpp-stacked-mnist has weights of its own, of three digits"):
            GDPPStackedMNIST(**settings)


def _training_digits():
    files = load_digits("MNIST", False)
    return files.train[:, 0], files.train_labels


@pytest.mark.parametrize("digits", [1, 2, 4])
def test_other_numbers_of_digits(data, digits):
    other = StackedMNIST(original=False, digits=digits)
    assert other.modes == 10**digits
    x = other.draw(50, other.stream(0, "data"))
    assert x.shape == (50, digits, 28, 28)
    assert int(other.assign(x).mode.max()) < 10**digits
    assert to_picture(x).shape == (50, 28, 28 * digits, 3)


def test_numbers_of_digits_that_there_are_not():
    for digits in (0, 5):
        with pytest.raises(ValueError, match="1 to 4"):
            StackedMNIST(digits=digits)


def test_quality_asks_for_confidence_in_every_digit(data):
    x = data.draw(300, data.stream(0, "x"))
    strict, lax = (
        StackedMNIST(original=False, confidence=0.999999).assign(x),
        StackedMNIST(original=False, confidence=0.0).assign(x),
    )
    assert lax.high_quality.all()
    assert strict.high_quality.float().mean() < 1
    # Half of one digit and half of another convinces nobody.
    files = load_digits("MNIST", False)
    a, b = (files.train[int((files.train_labels == digit).nonzero()[0])].float() for digit in (0, 9))
    blend = ((a + b) / 2).to(torch.uint8)
    sure = stack(files.train, [0, 1, 2])
    doubtful = torch.stack([sure[0, 0], blend[0], sure[0, 2]])[None]
    probability = digit_classifier(files).network(doubtful[0])[0].softmax(dim=1).amax(dim=1)
    between = StackedMNIST(original=False, confidence=float(probability.sort().values[:2].mean()))
    assert not between.assign(doubtful).high_quality.item()


def test_what_is_no_digit_is_of_no_quality(data):
    noise = torch.randint(256, (50, 3, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    grey = torch.full((1, 3, 28, 28), 120, dtype=torch.uint8)
    assert data.assign(noise).high_quality.float().mean() < 0.05
    assert not data.assign(grey).high_quality.any()
    digits = load_digits("MNIST", False).test[:100, 0]
    mixed = classifier._no_digits(digits, torch.Generator().manual_seed(0))
    assert mixed.shape == digits.shape
    assert mixed.dtype == torch.uint8
    assert (
        digit_classifier(load_digits("MNIST", False))
        .network(mixed)[0]
        .argmax(dim=1)
        .eq(classifier.NO_DIGIT)
        .float()
        .mean()
        > 0.9
    )


def test_assignment_does_not_depend_on_what_is_beside(data):
    x = data.draw(700, data.stream(0, "x"))
    together = data.assign(x.view(2, 350, 3, 28, 28))
    assert together.mode.shape == (2, 350)
    assert torch.equal(together.mode.flatten(), torch.cat([data.assign(part).mode for part in x.split(123)]))


def test_one_sample_captures_a_mode_and_robust_counting_wants_more(data):
    files = load_digits("MNIST", False)
    frequent, once = stack(files.train, [0, 1, 2]), stack(files.train, [3, 4, 5])
    samples = torch.cat([frequent.expand(9, -1, -1, -1), once])[None]
    evaluation = Evaluation(data, samples, HeldOut(samples[0]), [0])
    assert METRICS.get("modes")().score(evaluation).tolist() == [2]
    # 10 000 samples are ten per mode: two are a fifth of them.
    many = Evaluation(
        data, torch.cat([frequent.expand(9_999, -1, -1, -1), once])[None], HeldOut(samples[0]), [0]
    )
    assert METRICS.get("modes_robust")().score(many).tolist() == [1]


def test_confident_modes_count_what_the_classifier_is_sure_of(data):
    """Of a blend of two digits it is less sure than of others; `modes` takes it for a mode of its own."""
    files = load_digits("MNIST", False)
    a, b = (files.train[int((files.train_labels == digit).nonzero()[0])].float() for digit in (0, 9))
    sure = stack(files.train, [0, 1, 2])
    doubtful = torch.stack([sure[0, 0], ((a + b) / 2).to(torch.uint8)[0], sure[0, 2]])[None]
    least = [
        digit_classifier(files).network(x[0])[0].softmax(dim=1)[:, :10].amax(dim=1).min()
        for x in (doubtful, sure)
    ]
    assert least[0] < least[1]
    data = StackedMNIST(original=False, confidence=float(sum(least) / 2))
    assert len(data.assign(torch.cat([sure, doubtful])).mode.unique()) == 2

    def scores(*counts):
        samples = torch.cat([x.expand(n, -1, -1, -1) for x, n in zip((sure, doubtful), counts, strict=True)])[
            None
        ]
        evaluation = Evaluation(data, samples, HeldOut(samples[0]), [0])
        names = ("modes", "modes_confident", "modes_robust", "modes_confident_robust")
        return [int(METRICS.get(name)().score(evaluation).item()) for name in names]

    assert scores(3, 4) == [2, 1, 2, 1]
    assert scores(0, 7) == [1, 0, 1, 0]
    # 6000 samples are six per mode, and a fifth of them more than one.
    assert scores(1, 5_999) == [2, 1, 1, 0]
    assert scores(2, 5_998) == [2, 1, 2, 1]
    metric = METRICS.get("modes_confident_robust")()
    assert metric.range(data) == (0, 1000)
    assert metric.best(data) == METRICS.get("modes_confident")().best(data) == 1000
    assert not metric.large


def test_calibration_rows(data):
    data = StackedMNIST(original=False, samples=5_000, held_out=1_000)
    names = (
        "modes",
        "high_quality",
        "kl",
        "fid",
        "ivom",
        "recall",
        "coverage",
        "overlap",
        "mode_entropy",
        "modes_confident",
    )
    scorer = Scorer(data, {name: METRICS.get(name)().on(data) for name in names}, CPU)
    sources = (real_data, collapsed, noise)
    real, dead, blind = (
        scorer.final(scorer.evaluation(source(data, 0, CPU)(data.samples)[None], [0]))[0]
        for source in sources
    )
    assert real["modes"] > 950
    assert real["high_quality"] > 0.9
    assert real["kl"] < 2 * scorer.metrics["kl"].best(data)
    assert dead["modes"] == 1
    assert dead["kl"] == pytest.approx(torch.tensor(1000.0).log().item(), abs=0.01)
    assert dead["fid"] > 20 * real["fid"]
    assert real["ivom"] < dead["ivom"]
    assert dead["recall"] == 0
    assert real["coverage"] > 0.8 > dead["coverage"]
    # Of 5000 samples, an eighth or so lies too many in some modes.
    assert real["overlap"] > 0.75
    assert real["modes_confident"] > 950
    assert dead["overlap"] == pytest.approx(0.001, abs=1e-4)
    assert dead["mode_entropy"] == 0
    assert blind["overlap"] < 0.02
    assert blind["high_quality"] < 0.05
    assert blind["modes_confident"] < 50 < blind["modes"]
    assert blind["fid"] > 10 * real["fid"]


def test_nearest_training_images_are_found_digit_by_digit(data):
    files = load_digits("MNIST", False)
    x = stack(files.train, [7, 77, 177])
    nudged = (x.int() + 1).clamp(max=255).to(torch.uint8)
    assert torch.equal(data.nearest_training(nudged), x)


def test_the_classifier_is_trained_once_and_kept(data, capsys):
    digit_classifier.cache_clear()
    first = digit_classifier(load_digits("MNIST", False))
    capsys.readouterr()
    digit_classifier.cache_clear()
    again = digit_classifier(load_digits("MNIST", False))
    assert capsys.readouterr().err == ""
    assert again.fingerprint == first.fingerprint
    assert again.accuracy == first.accuracy > 0.9
    assert data.prepare()["classifier"] == first.fingerprint


def test_the_fingerprint_holds_data_version_and_weights(data, monkeypatch):
    trained = digit_classifier(load_digits("MNIST", False))
    digest = load_digits("MNIST", False).digest
    assert classifier._fingerprint(trained.network, digest) == trained.fingerprint
    assert classifier._fingerprint(trained.network, "other") != trained.fingerprint
    monkeypatch.setattr(classifier, "VERSION", -1)
    assert classifier._fingerprint(trained.network, digest) != trained.fingerprint
    monkeypatch.undo()
    fresh = classifier.DigitClassifier()
    assert classifier._fingerprint(fresh, digest) != trained.fingerprint


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_a_damaged_classifier_is_noticed_and_trained_again(data, capsys, damage):
    expected = digit_classifier(load_digits("MNIST", False)).fingerprint
    (file,) = cache_directory().glob(f"digit-classifier-{classifier.VERSION}-*.safetensors")
    content = file.read_bytes()
    flipped = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
    file.write_bytes(
        {"truncated": content[:1000], "flipped": flipped, "empty": b"", "text": b"nothing of the kind"}[
            damage
        ]
    )
    digit_classifier.cache_clear()
    assert digit_classifier(load_digits("MNIST", False)).fingerprint == expected
    assert "is damaged; the classifier has to be trained again" in capsys.readouterr().err
    digit_classifier.cache_clear()
    assert digit_classifier(load_digits("MNIST", False)).fingerprint == expected
    assert capsys.readouterr().err == ""


def test_a_cache_that_cannot_be_written(data, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("BENCHMARK_CACHE", str(blocked / "cache"))
    digit_classifier.cache_clear()
    with pytest.raises(
        UsageError, match=r"the classifier cannot be kept in .*; make it writable or set BENCHMARK_CACHE"
    ):
        digit_classifier(load_digits("MNIST", False))
    digit_classifier.cache_clear()
    assert not os.path.exists(blocked / "cache")
