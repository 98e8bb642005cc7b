"""Fréchet distances, and the features that they are measured on."""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pytest
import scipy
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from benchmark.datasets.images import Images
from benchmark.datasets.mixtures import Ring
from benchmark.datasets.places import using
from benchmark.errors import UsageError
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from metrics import features as extraction
from metrics.features import OFFICIAL_WEIGHTS, features_of, held_out_features, resolve_features
from metrics.fid import Moments, frechet_distance, moments

needs_pytorch_fid = pytest.mark.skipif(
    tuple(int(part) for part in scipy.__version__.split(".")[:2]) >= (1, 18),
    reason="pytorch-fid passes scipy.linalg.sqrtm an argument that scipy 1.18 has removed",
)
quiet_scipy = pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")


@dataclass(frozen=True)
class Pictures(Images):
    """Smooth random pictures; the stream decides which."""

    name = "pictures"
    channels: int = 3

    @property
    def shape(self):
        return (self.channels, 28, 28)

    def draw(self, n, rng, split="train"):
        wave = torch.rand(2, n, self.channels, 1, 1, generator=rng) * 12
        x, y = torch.linspace(0, 1, 28), torch.linspace(0, 1, 28)[:, None]
        noise = torch.randn(n, *self.shape, generator=rng)
        return (127 + 90 * torch.sin(wave[0] * x + wave[1] * y) + 20 * noise).clamp(0, 255).to(torch.uint8)

    def nearest_training(self, packed):
        raise NotImplementedError


def made_up(n, d, seed, shift=0.0):
    """Features like a network's: correlated, not negative, of very different variances; float32."""
    random = np.random.default_rng(seed)
    decay = np.arange(1, d + 1, dtype=np.float32)[:, None] ** 0.5
    mixing = np.random.default_rng(9).normal(size=(d, d)).astype(np.float32) / decay
    return np.maximum(random.normal(size=(n, d)).astype(np.float32) @ mixing + shift, 0)


def distance(x, y):
    return frechet_distance(moments(torch.as_tensor(x)), moments(torch.as_tensor(y))).item()


def expected_distance(x, y):
    """By the eigenvalues of the product of the covariances, in float64."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    cross = np.sqrt(np.linalg.eigvals(a @ b).real.clip(min=0)).sum()
    return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross


@needs_pytorch_fid
@quiet_scipy
@pytest.mark.parametrize("d", [64, 768, pytest.param(2048, marks=pytest.mark.long)])
def test_distance_agrees_with_pytorch_fid(d):
    from pytorch_fid.fid_score import calculate_frechet_distance

    def statistics(features):
        features = features.astype(np.float64)
        return features.mean(axis=0), np.cov(features, rowvar=False)

    x, y = made_up(d * 3 // 2, d, 0), made_up(d * 5 // 3, d, 1, 0.1)
    expected = calculate_frechet_distance(*statistics(x), *statistics(y))
    assert distance(x, y) == pytest.approx(expected, rel=1e-6)
    a, b = (Moments.of_covariance(*map(torch.from_numpy, statistics(features))) for features in (x, y))
    assert frechet_distance(a, b).item() == pytest.approx(expected, rel=1e-6)


# 30 dimensions: both of deficient rank, one, none, and the numbers of samples between which the rank is full.
@pytest.mark.parametrize(
    ("n", "m"), [(10, 12), (10, 200), (200, 10), (30, 31), (31, 30), (2, 40), (150, 2500)]
)
def test_distance_at_any_rank(n, m):
    x, y = made_up(n, 30, 0), made_up(m, 30, 1, 0.2)
    assert distance(x, y) == pytest.approx(expected_distance(x, y), rel=1e-6)
    assert distance(y, x) == pytest.approx(distance(x, y), rel=1e-7)


@pytest.mark.parametrize(("n", "m"), [(10, 12), (200, 12), (200, 300)])
def test_distance_where_directions_have_no_variance(n, m):
    x, y = made_up(n, 30, 0), made_up(m, 30, 1, 0.2)
    x[:, 3] = 0.7
    y[:, 3:5] = 0.2
    x[:, 8] = x[:, 9]  # a direction that is no coordinate
    assert distance(x, y) == pytest.approx(expected_distance(x, y), rel=1e-6)


@pytest.mark.parametrize("n", [10, 100])
def test_distance_of_constant_features(n):
    x, varied = np.full((n, 30), 0.1), made_up(n, 30, 0).astype(np.float64)
    assert distance(x, x + 0.2) == pytest.approx(30 * 0.2**2)
    assert distance(x, x) == pytest.approx(0, abs=1e-20)
    # What is left is the other's variance and the distance of the means.
    expected = np.var(varied, axis=0, ddof=1).sum() + ((varied.mean(axis=0) - 0.1) ** 2).sum()
    assert distance(x, varied) == pytest.approx(expected)
    assert distance(varied, x) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(40, 300), (2, 5), (300, 40), (1500, 20)])
def test_nothing_is_at_a_distance_from_itself(shape):
    x = made_up(*shape, 0).astype(np.float64)
    assert distance(x, x) == pytest.approx(0, abs=1e-9)
    # Nor does an order matter.
    assert distance(x, x[::-1].copy()) == pytest.approx(0, abs=1e-9)
    # An error towards below zero would not be seen there.
    assert distance(x, x + 0.01) == pytest.approx(shape[1] * 0.01**2, abs=1e-9)


def test_distance_of_gaussians_in_closed_form():
    rng = torch.Generator().manual_seed(0)
    mean_a, mean_b, a, b = torch.rand(4, 5, dtype=torch.float64, generator=rng)
    b[2] = 0
    expected = (mean_a - mean_b).square().sum() + (a.sqrt() - b.sqrt()).square().sum()
    one, other = Moments.of_covariance(mean_a, a.diag()), Moments.of_covariance(mean_b, b.diag())
    assert frechet_distance(one, other).item() == pytest.approx(expected.item())


def test_moments_are_taken_in_parts():
    x = made_up(2300, 12, 0) + 1000  # an offset that float32 sums would not bear
    mean, factor = moments(torch.from_numpy(x))
    assert np.allclose(mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    assert np.allclose(factor @ factor.T, np.cov(x.astype(np.float64), rowvar=False), rtol=1e-9)


def fid(data, samples, held_out, features="default"):
    metric = METRICS.get("fid")(features=features).on(data)
    return metric.score(Evaluation(data, samples, HeldOut(held_out), range(len(samples))))


def test_fid_of_shifted_data_is_the_squared_shift():
    data = Ring()
    held_out = data.sample(1000, data.stream(0, "data"))
    shift = torch.tensor([0.3, -0.4])
    scores = fid(data, torch.stack([held_out + shift, held_out - 2 * shift]), held_out)
    assert scores.tolist() == pytest.approx([0.25, 1], rel=1e-4)
    assert scores.dtype == torch.float64


def test_raw_features_are_pixels_from_0_to_1_and_coordinates():
    data = Pictures(channels=2)
    rng = torch.Generator().manual_seed(0)
    packed = torch.randint(256, (3, 5, 2, 28, 28), dtype=torch.uint8, generator=rng)
    evaluation = Evaluation(data, packed, HeldOut(packed[0]), [0, 1, 2])
    x = features_of(evaluation, "raw")
    assert x.shape == (3, 5, 2 * 28 * 28)
    assert (x.min().item(), x.max().item()) == (0, 1)
    assert torch.equal((x * 255).round().to(torch.uint8).view_as(packed), packed)
    assert torch.equal(held_out_features(evaluation, "raw"), x[0])
    points = torch.randn(2, 4, 2)
    assert torch.equal(features_of(Evaluation(Ring(), points, HeldOut(points[0]), [0, 1]), "raw"), points)


def test_a_fid_of_images_is_in_units_of_their_pixels():
    black = torch.zeros(1, 20, 3, 28, 28, dtype=torch.uint8)
    white = torch.full((20, 3, 28, 28), 255, dtype=torch.uint8)
    assert fid(Pictures(), black, white).item() == pytest.approx(3 * 28 * 28)


@pytest.mark.parametrize(
    ("features", "data", "message"),
    [
        ("classifier", Ring(), "choose from raw$"),
        ("inception", Ring(), "choose from raw$"),
        ("inception", Pictures(channels=2), "choose from raw$"),
    ],
)
def test_features_that_a_dataset_does_not_have(features, data, message):
    with pytest.raises(UsageError, match=message):
        METRICS.get("fid")(features=features).on(data)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights in the format of pytorch-fid's, whose features have variance in all layers."""
    from pytorch_fid import inception

    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        patch.setattr(inception, "load_state_dict_from_url", lambda *arguments, **options: {})
        patch.setattr(torchvision.models.Inception3, "load_state_dict", lambda self, state: None)
        torch.manual_seed(0)
        network = inception.fid_inception_v3()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        # Batch normalisation takes its statistics from what it will see.
        data = Pictures()
        images = data.sample(12, data.stream(0, "weights"))
        large = nn.functional.interpolate(images, (299, 299), mode="bilinear", align_corners=False)
        with torch.no_grad():
            network.train()(large)
    return named(network.state_dict(), tmp_path_factory.mktemp("weights"))


def named(content, folder):
    """Saves it under a name that ends in the first digits of its SHA-256."""
    file = folder / "new.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    return file.rename(folder / f"pt_inception-2015-12-05-{sha256(file.read_bytes()).hexdigest()[:8]}.pth")


def refusal(file):
    """The message about the file, which names it and what to do."""
    with pytest.raises(UsageError) as caught, using(None, str(file)):
        METRICS.get("fid")(features="inception").on(Pictures())
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    assert "--fid-weights" in message
    return message


def test_weights_that_are_not_there(tmp_path):
    assert "there is no such file" in refusal(tmp_path / OFFICIAL_WEIGHTS)
    assert "there is no such file" in refusal(tmp_path)


def test_weights_that_are_not_what_their_name_says(tmp_path, weights):
    for name in (OFFICIAL_WEIGHTS, "weights.pth", weights.name.replace("-", "_")):
        (tmp_path / name).write_bytes(weights.read_bytes())
        assert weights.name[-12:-4] in refusal(tmp_path / name)
    damaged = tmp_path / weights.name
    damaged.write_bytes(weights.read_bytes()[:-1])
    assert "SHA-256" in refusal(damaged)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_weights_that_are_none(tmp_path, content):
    assert "holds no weights" in refusal(named(content, tmp_path))


@pytest.mark.parametrize(
    "content",
    [{}, {"fc.weight": torch.ones(2)}, [1], torch.ones(3), {1: 2}],
    ids=["empty", "other", "list", "tensor", "keys"],
)
def test_weights_of_something_else(tmp_path, content):
    assert "does not hold the weights of pytorch-fid's Inception" in refusal(named(content, tmp_path))


def test_weights_may_be_safetensors(tmp_path, weights):
    file = tmp_path / "inception.safetensors"
    state = torch.load(weights, weights_only=True)
    save_file({key: value.contiguous() for key, value in state.items()}, str(file))
    data = Pictures()
    packed = data.draw(2, data.stream(0, "x"))
    evaluation = Evaluation(data, packed[None], HeldOut(packed), [0])
    with using(None, str(weights)):
        expected = features_of(evaluation, resolve_features("inception", data))
    with using(None, str(file)):
        name = resolve_features("inception", data)
        assert name == f"inception-{sha256(file.read_bytes()).hexdigest()[:8]}"
        assert torch.equal(features_of(evaluation, name), expected)
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"no weights")
    assert "holds no weights" in refusal(other)


class Payload:
    """Leaves a file where it is unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


@pytest.mark.parametrize(
    "pack", [pickle.dumps, lambda x: pickle.dumps({"fc.weight": x}), lambda x: {"fc.weight": x}]
)
def test_weights_that_would_run_code_are_refused(tmp_path, monkeypatch, pack):
    monkeypatch.chdir(tmp_path)
    assert "holds no weights" in refusal(named(pack(Payload()), tmp_path))
    assert not (tmp_path / "unpickled").exists()


def test_weights_are_found_where_torch_hub_keeps_them(tmp_path, weights, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(extraction, "OFFICIAL_WEIGHTS", weights.name)
    file = tmp_path / "hub" / "checkpoints" / weights.name
    file.parent.mkdir(parents=True)
    file.symlink_to(weights)
    assert resolve_features("inception", Pictures()) == f"inception-{weights.name[-12:-4]}"


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_sees_pixels_from_0_to_1(weights, channels, monkeypatch):
    from pytorch_fid import inception

    data = Pictures(channels=channels)
    packed = data.draw(6, data.stream(0, "x")).view(2, 3, channels, 28, 28)
    monkeypatch.setattr(extraction, "IMAGES_AT_A_TIME", 4)  # parts do not matter
    with using(None, str(weights)):
        name = resolve_features("inception", data)
        assert name == f"inception-{weights.name[-12:-4]}"
        x = features_of(Evaluation(data, packed, HeldOut(packed[0]), [0, 1]), name)
    assert x.shape == (2, 3, 2048)
    state = torch.load(weights, weights_only=True)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *arguments, **options: state)
    network = inception.InceptionV3([3]).eval()
    expected = network(packed[1].float().expand(-1, 3, -1, -1) / 255)[0].flatten(1)
    assert torch.allclose(x[1], expected, rtol=1e-4, atol=1e-5)
    assert expected.std(dim=0).mean() > 0.01


@pytest.mark.long
@needs_pytorch_fid
def test_fid_agrees_with_the_command_of_pytorch_fid(tmp_path, weights):
    """The same images as tensors and as files, fewer of them than dimensions, and more than one batch."""
    data, n = Pictures(), 60
    held_out = data.draw(n, data.stream(0, "a"))
    samples = (data.draw(n, data.stream(0, "b")) * 0.8).to(torch.uint8)
    for folder, images in (("a", held_out), ("b", samples)):
        (tmp_path / folder).mkdir()
        for i, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
            Image.fromarray(image).save(tmp_path / folder / f"{i:03}.png")
    # The command reads its weights from there, and does not check them.
    file = tmp_path / "hub" / "checkpoints" / OFFICIAL_WEIGHTS
    file.parent.mkdir(parents=True)
    file.symlink_to(weights)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    command = [sys.executable, "-m", "pytorch_fid", *folders, "--device", "cpu", "--num-workers", "0"]
    environment = {**os.environ, "TORCH_HOME": str(tmp_path)}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    _, expected = process.stdout.split("FID:")
    with using(None, str(weights)):
        score = fid(data, samples[None], held_out, "inception").item()
    assert score == pytest.approx(float(expected), rel=1e-3)
    assert score > 1
