"""Metrics do not depend on what must not matter, are what closed forms say, and agree with independent packages."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.spatial
import scipy.stats
import torch

from benchmark.datasets import mixtures
from benchmark.datasets import stacked_digits as stacked
from benchmark.datasets.digit_classifier import digit_classifier
from benchmark.datasets.image_files import load_digits
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.datasets.places import using
from benchmark.datasets.stacked_digits import StackedMNIST
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from benchmark.scoring.calibration import noise
from metrics import fid, ivom, prdc
from metrics.features import features_of, held_out_features
from metrics.fid import Moments, frechet_distance
from metrics.kl import histogram_kl

CPU = torch.device("cpu")
SEEDS = (3, 1, 2)
NEIGHBOURHOODS = ("precision", "recall", "density", "coverage")
N = 240


def score(name, data, samples, held_out=None, generator=None, seeds=SEEDS, **settings):
    """One number per seed of samples (S, N, *)."""
    held_out = samples[0] if held_out is None else held_out
    return (
        METRICS.get(name)(**settings)
        .on(data)
        .score(Evaluation(data, samples, HeldOut(held_out), seeds[: len(samples)], generator))
    )


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---------------------------------------------------------------------------------------------------- what must not matter


POINTS = {data.name: data for data in (Ring(), HighDimensional(std=0.3))}
# What applies to stacked digits is known without any files.
PAIRS = [
    (data.name, name)
    for data in POINTS.values()
    for name in METRICS.names()
    if METRICS.get(name)().applies(data)
]
PAIRS += [
    ("stacked-mnist", name)
    for name in METRICS.names()
    if name not in ("high_quality_legacy", "within_mode_std", "out_of_range")
]
every_metric = pytest.mark.parametrize(("case", "name"), PAIRS, indirect=["case"])
stacks = pytest.mark.parametrize("case", ["stacked-mnist"], indirect=True)


@pytest.fixture
def case(request, digits_root):
    """A dataset, samples of three seeds and as many held-out data. One seed's samples are noisy, one's lack modes."""
    with using(str(digits_root), None):
        if request.param == "stacked-mnist":
            data = StackedMNIST(original=False, digits=2)
            spoil = torch.randint(
                60, (N, *data.shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
            )
        else:
            data = POINTS[request.param]
            spoil = data.std * torch.randn(N, *data.shape, generator=torch.Generator().manual_seed(0))
        held_out = data.draw(N, data.stream("all", "held-out"), "held-out")
        real, noisy, few = (data.draw(N, data.stream(seed, "samples")) for seed in SEEDS)
        noisy = noisy.clamp(max=190) + spoil if data.kind == "images" else noisy + spoil
        few = few[data.assign(few).mode < data.modes // 2]
        yield data, torch.stack([real, noisy, few[torch.arange(N) % len(few)]]), held_out


def linear(data, seeds):
    """A generator for each of the seeds, linear with coefficients of its own."""
    coefficients = torch.stack(
        [normal(data.latent, math.prod(data.shape), seed=seed) for seed in seeds]
    ).float()
    return lambda z: (0.1 * z @ coefficients).unflatten(2, data.shape)


def few_steps(name):
    """Settings with which inference ends where the start still tells, and soon."""
    return {"points": 10, "iterations": 1} if name == "ivom" else {}


def agrees(scores, expected, rel=1e-5):
    """As precisely as features in float32 allow; undefined where that is expected."""
    assert scores.tolist() == pytest.approx(expected.tolist(), rel=rel, abs=1e-9, nan_ok=True)


@every_metric
def test_the_order_of_samples_and_of_held_out_data_does_not_matter(case, name):
    """Where all of them are used: from more than it needs, a metric of neighbours or of inference takes the first."""
    data, samples, held_out = case
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    settings = {"points": N} if name == "ivom" else {}
    agrees(
        score(name, data, samples[:, order], held_out[order.flip(0)], **settings),
        score(name, data, samples, held_out, **settings),
    )


@every_metric
def test_the_order_of_seeds_and_whether_they_are_scored_together_does_not_matter(case, name):
    data, samples, held_out = case
    settings = few_steps(name)
    together = score(name, data, samples, held_out, linear(data, SEEDS), **settings)
    backwards = score(
        name, data, samples.flip(0), held_out, linear(data, SEEDS[::-1]), SEEDS[::-1], **settings
    )
    agrees(backwards.flip(0), together)
    for i, seed in enumerate(SEEDS):
        agrees(
            score(name, data, samples[i : i + 1], held_out, linear(data, [seed]), [seed], **settings),
            together[i : i + 1],
        )


@every_metric
def test_the_size_of_parts_does_not_matter(case, name, monkeypatch):
    data, samples, held_out = case
    whole, generated = (
        score(name, data, samples, held_out),
        score(name, data, samples, held_out, linear(data, SEEDS), **few_steps(name)),
    )
    for module, size in (
        (mixtures, 7 * math.prod(data.shape)),
        (stacked, 14),
        (fid, 7),
        (prdc, 7),
        (ivom, 7 * math.prod(data.shape)),
    ):
        monkeypatch.setattr(module, "CHUNK", size)
    agrees(score(name, data, samples, held_out), whole)
    agrees(score(name, data, samples, held_out, linear(data, SEEDS), **few_steps(name)), generated)


@dataclass(frozen=True)
class OtherRing(Ring):
    @property
    def means(self):
        return super().means[[3, 0, 7, 1, 5, 2, 6, 4]]


@dataclass(frozen=True)
class OtherHighDimensional(HighDimensional):
    @property
    def means(self):
        return super().means.flip(0)


@every_metric
def test_the_order_of_the_modes_does_not_matter(case, name):
    """Of stacked digits, another order of the channels gives the modes other numbers."""
    data, samples, held_out = case
    expected = score(name, data, samples, held_out)
    if data.kind == "images":
        samples, held_out = samples.flip(2), held_out.flip(1)
    else:
        data = {"ring": OtherRing(), "high-dimensional": OtherHighDimensional(std=0.3)}[data.name]
        assert not torch.equal(data.means, type(data).mro()[1]().means)
    agrees(score(name, data, samples, held_out), expected)


def test_kl_does_not_depend_on_the_names_of_modes_but_on_which_has_which_weight():
    counts, weights = (
        torch.tensor([[5.0, 0.0, 2.0, 9.0]], dtype=torch.float64),
        torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64),
    )
    order = [2, 0, 3, 1]
    agrees(histogram_kl(counts[:, order], weights[order]), histogram_kl(counts, weights), 1e-12)
    assert abs(histogram_kl(counts, weights.flip(0)) - histogram_kl(counts, weights)) > 0.1


@every_metric
def test_a_sample_twice_counts_for_what_once_does(case, name):
    """Save where N - 1 degrees of freedom are told from N, and for balls around samples, which duplicates make smaller."""
    data, samples, held_out = case
    if name in NEIGHBOURHOODS:
        features = Evaluation(data, samples, HeldOut(held_out), SEEDS)
        real, generated = held_out_features(features, data.features), features_of(features, data.features)[0]
        once, twice = prdc.prdc(real, generated, 5), prdc.prdc(real, generated.repeat(2, 1), 5)
        if name == "recall":
            assert twice.recall < once.recall
        else:
            assert getattr(twice, name) == pytest.approx(getattr(once, name), abs=1e-12)
    else:
        rel = {"fid": 5 / N, "within_mode_std": 1 / 20}.get(name, 1e-12)
        # About half of the modes have their share in full, so that it matters what the share is.
        settings = {"share": 1.0} if name in ("modes_robust", "modes_confident_robust") else {}
        twice = samples.repeat(1, 2, *(1,) * len(data.shape))
        agrees(
            score(name, data, twice, held_out, **settings),
            score(name, data, samples, held_out, **settings),
            rel,
        )


@pytest.mark.parametrize(
    ("name", "power"),
    [("fid", 2), ("ivom", 2), ("precision", 0), ("recall", 0), ("density", 0), ("coverage", 0)],
)
def test_distances_turn_move_and_grow_with_the_coordinates(name, power):
    data, held_out = Ring(), normal(150, 2)
    samples = 0.7 * normal(2, 150, 2, seed=1) + torch.tensor([0.5, -0.3])
    rotation = torch.tensor(
        [[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]], dtype=torch.float64
    )

    def moved(x):
        return 3 * x @ rotation.T + torch.tensor([40.0, -7.0], dtype=torch.float64)

    expected = score(name, data, samples, held_out)
    agrees(score(name, data, moved(samples), moved(held_out)), 3**power * expected, 1e-9)
    # Not so if the samples alone are moved.
    assert (score(name, data, moved(samples), held_out) - expected).abs().min() > 0.01


# ------------------------------------------------------------------------------------------------------------ closed forms


def test_kl_of_a_histogram_against_unequal_weights():
    """Shares 1/4, 1/4, 1/2, 0 against 1/2, 1/4, 1/8, 1/8: -1/4 ln 2 + 0 + 1/2 ln 4 + 0."""
    counts, weights = (
        torch.tensor([[2.0, 2.0, 4.0, 0.0]], dtype=torch.float64),
        torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64),
    )
    assert histogram_kl(counts, weights).item() == pytest.approx(0.75 * math.log(2), rel=1e-12)


@pytest.mark.parametrize(
    "data",
    [Ring(), Grid(), HighDimensional(), (1000, 26_000)],
    ids=["ring", "grid", "high-dimensional", "stacked"],
)
def test_kl_of_a_perfect_sampler_is_modes_less_one_over_twice_the_samples(data):
    k, n = data if isinstance(data, tuple) else (data.modes, data.samples)
    weights = torch.full((k,), 1 / k, dtype=torch.float64)
    counts = torch.from_numpy(
        np.random.default_rng(0).multinomial(n, weights.numpy(), size=2000 if k == 1000 else 20_000)
    ).double()
    expected = (k - 1) / (2 * n)
    assert histogram_kl(counts, weights).mean().item() == pytest.approx(expected, rel=0.02)
    if not isinstance(data, tuple):
        assert METRICS.get("kl")().best(data) == METRICS.get("kl_high_quality")().best(data) == expected


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_joint_kl_of_a_perfect_sampler_is_modes_over_twice_the_samples(data):
    """It has one bin more than modes, of the share that fails the rule of quality."""
    q = scipy.stats.chi2.cdf(data.radius**2, data.noisy)
    weights = torch.tensor([q / data.modes] * data.modes + [1 - q], dtype=torch.float64)
    counts = torch.from_numpy(
        np.random.default_rng(0).multinomial(data.samples, weights.numpy(), size=20_000)
    ).double()
    expected = METRICS.get("kl_joint")().best(data)
    assert expected == data.modes / (2 * data.samples)
    assert histogram_kl(counts, weights).mean().item() == pytest.approx(expected, rel=0.02)


def test_distance_of_two_gaussians_of_unlike_axes_in_the_plane():
    """Of 2 x 2 matrices, tr (AB)^(1/2) is the root of tr AB + 2 (det A det B)^(1/2): here 12.5 + 2 * 4."""
    a = torch.tensor([[4.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[2.5, 1.5], [1.5, 2.5]], dtype=torch.float64)
    assert not torch.allclose(a @ b, b @ a)
    means = torch.tensor([[1.0, 2.0], [4.0, -2.0]], dtype=torch.float64)
    expected = 25 + 5 + 5 - 2 * math.sqrt(20.5)
    assert frechet_distance(
        Moments.of_covariance(means[0], a), Moments.of_covariance(means[1], b)
    ).item() == pytest.approx(expected, rel=1e-12)
    # And of samples that have these moments exactly.
    samples, held_out = exact(normal(50, 2), means[0], a), exact(normal(70, 2, seed=1), means[1], b)
    assert score("fid", Ring(), samples[None], held_out).item() == pytest.approx(expected, rel=1e-9)


def exact(x, mean, covariance):
    """Points moved so that their mean and covariance are these."""
    centred = x - x.mean(dim=0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(centred.T.cov()), centred.T, upper=False).T
    return mean + white @ torch.linalg.cholesky(covariance).T


@pytest.mark.parametrize("d", [3, 40])
def test_distance_of_a_gaussian_from_its_image_under_the_best_transport(d):
    """A symmetric positive matrix T is the optimal map from N(0, A) to N(0, TAT); what it costs is tr (T - 1) A (T - 1)."""
    root, other = normal(2, d, 2 * d)
    a, t = root @ root.T / d, other @ other.T / d
    assert not torch.allclose(a @ t, t @ a)
    moved = t - torch.eye(d, dtype=torch.float64)
    shift = normal(d, seed=2)
    distance = frechet_distance(
        Moments.of_covariance(torch.zeros_like(shift), a), Moments.of_covariance(shift, t @ a @ t)
    )
    assert distance.item() == pytest.approx(
        (torch.trace(moved @ a @ moved) + shift.square().sum()).item(), rel=1e-9
    )


@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_high_quality_ends_at_three_deviations(data):
    direction = torch.nn.functional.normalize(normal(data.modes, 2), dim=1).float()
    at = [data.means + radius * data.std * direction for radius in (0, 1, 2.99, 3.01, 5)]
    assert score("high_quality", data, torch.stack(at)).tolist() == [1, 1, 1, 0, 0]
    assert score("high_quality", data, torch.cat(at)[None]).item() == pytest.approx(3 / 5)


@pytest.mark.parametrize("width", [0.5, 1, 26**0.5])
@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_high_quality_of_gaussians_of_any_width(data, width):
    """1 - exp(-4.5 / w^2) for w times the true deviation, within four deviations of a binomial share."""
    n, share = 50_000, 1 - math.exp(-4.5 / width**2)
    x = data.means[torch.arange(n) % data.modes] + width * data.std * normal(n, 2).float()
    assert score("high_quality", data, x[None]).item() == pytest.approx(
        share, abs=4 * math.sqrt(share * (1 - share) / n) + 1e-9
    )


def test_high_quality_in_1200_dimensions_ends_at_a_sphere_in_all_coordinates():
    """Of 99.5 % of real data, whatever the direction; a point without spread is within, and `within_mode_std` sees it."""
    data = HighDimensional()
    radius = math.sqrt(scipy.stats.chi2.ppf(0.995, 700))
    direction = torch.nn.functional.normalize(normal(data.modes, 1200), dim=1).float()
    along = torch.nn.functional.normalize(normal(data.modes, 500, seed=1), dim=1).float()
    constant = torch.cat([torch.zeros(data.modes, 700), along], dim=1)
    at = [data.means + share * radius * unit for unit in (direction, constant) for share in (0, 0.999, 1.001)]
    assert score("high_quality", data, torch.stack(at)).tolist() == [1, 1, 0, 1, 1, 0]
    points = data.means.repeat(20, 1)[None]
    assert score("overlap", data, points, data.draw(2000, data.stream(0, "data"))).item() > 0.98
    assert score("within_mode_std", data, points).item() == 0


def test_the_literal_rule_ends_at_ten_in_all_of_1200_coordinates():
    data = HighDimensional()
    direction = torch.nn.functional.normalize(normal(data.modes, 1200), dim=1).float()
    scores = score(
        "high_quality_legacy",
        data,
        torch.stack([data.means + radius * direction for radius in (0, 9.99, 10.01)]),
    )
    assert scores.tolist() == [1, 1, 0]


def test_within_mode_std_is_the_mean_over_modes_of_their_own_widths():
    """Of four corners five times over, each coordinate's variance is (20 / 19) a^2. Modes with few samples, and bad samples, do not count."""
    data = Ring()
    # By hand, the deviation of a Gaussian in the plane that is cut off at three of its own.
    truncated = data.std * math.sqrt(1 - 4.5 * math.exp(-4.5) / (1 - math.exp(-4.5)))
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]).repeat(5, 1)
    x = torch.cat(
        [
            data.means[0] + 0.004 * corners,
            data.means[3] + 0.012 * corners,
            data.means[5] + 0.02 * corners[:8],
            data.means[0] + 0.03 * corners,
        ]
    )
    expected = (0.004 + 0.012) / 2 * math.sqrt(20 / 19) / truncated
    assert score("within_mode_std", data, x[None]).item() == pytest.approx(expected, rel=1e-5)
    assert score("within_mode_std", data, x[None], least=21).isnan()


@pytest.mark.parametrize("width", [0.25, 0.5])
def test_within_mode_std_of_a_gaussian_of_another_width_in_1200_dimensions(width):
    """Only the 700 noisy coordinates count."""
    data = HighDimensional()
    x = data.draw(400, data.stream(0, "data"))
    centres = data.means[data.assign(x).mode]
    assert score("within_mode_std", data, (centres + width * (x - centres))[None]).item() == pytest.approx(
        width / data.truncated_std, rel=3e-3
    )


@pytest.mark.parametrize(
    ("generate", "error"),
    [
        (
            lambda z: z[..., :1] * torch.tensor([0.6, 0.8]),
            lambda x: (x @ torch.tensor([0.8, -0.6]).double()) ** 2,
        ),
        (
            lambda z: 0 * z[..., :2] + torch.tensor([0.3, 0.1]),
            lambda x: ((x - torch.tensor([0.3, 0.1])) ** 2).sum(dim=1),
        ),
        (lambda z: torch.nn.functional.normalize(z[..., :2], dim=-1), lambda x: (x.norm(dim=1) - 1) ** 2),
    ],
    ids=["line", "point", "circle"],
)
def test_ivom_is_the_mean_squared_distance_to_the_range_per_coordinate(generate, error):
    data = Ring()
    held_out = 0.5 * data.draw(50, data.stream("all", "held-out"), "held-out")
    expected = error(held_out.double()).mean().item() / 2
    assert score("ivom", data, held_out[None], held_out, generate, points=50).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_the_four_of_neighbourhoods_counted_by_hand():
    """The balls around 0, 1, 3, 10 reach 1, 1, 2, 7 far, and those around 0.9, 20, 31 reach 19.1, 11, 11."""
    real, generated = torch.tensor([[0.0], [1.0], [3.0], [10.0]]), torch.tensor([[0.9], [20.0], [31.0]])
    # 0.9 lies in the balls of 0 and 1, the other two in none; the ball of 0.9 holds all of the data; near it are 0 and 1.
    assert prdc.prdc(real, generated, 1) == pytest.approx((1 / 3, 4 / 4, 2 / 3, 2 / 4))


def by_hand(data, x):
    """In NumPy, of samples (N, D): each one's nearest mode, and whether it is of high quality."""
    means, x = data.means.double().numpy(), x.double().numpy()
    distances = np.stack([np.sqrt(((x - mean) ** 2).sum(axis=1)) for mean in means])
    radius = (
        data.std * math.sqrt(scipy.stats.chi2.ppf(0.995, 700))
        if data.name == "high-dimensional"
        else 3 * data.std
    )
    return distances.argmin(axis=0), distances.min(axis=0) <= radius


def joint_histogram(data, mode, good):
    """The shares of the bins: of good samples in each mode, and of all others."""
    shares = np.array([(good & (mode == k)).mean() for k in range(data.modes)])
    return np.append(shares, (~good).mean())


@pytest.mark.parametrize("case", POINTS, indirect=True)
def test_overlap_and_joint_kl_of_points_are_those_of_histograms_in_numpy(case):
    """1 less the total variation, and the divergence, between the samples' shares and the held-out share of quality spread evenly."""
    data, samples, held_out = case
    held_out = torch.cat([held_out, samples[1, :30]])
    _, good = by_hand(data, held_out)
    assert 0 < good.mean() < 1
    true = np.append(np.full(data.modes, good.mean() / data.modes), 1 - good.mean())
    own = [joint_histogram(data, *by_hand(data, x)) for x in samples]
    assert score("overlap", data, samples, held_out).tolist() == pytest.approx(
        [1 - abs(p - true).sum() / 2 for p in own], abs=1e-12
    )
    # And by its other name, the sum of the least.
    assert score("overlap", data, samples, held_out).tolist() == pytest.approx(
        [np.minimum(p, true).sum() for p in own], abs=1e-12
    )
    divergences = [sum(a * math.log(a / b) for a, b in zip(p, true, strict=True) if a > 0) for p in own]
    assert score("kl_joint", data, samples, held_out).tolist() == pytest.approx(divergences, rel=1e-9)
    assert len(set(divergences)) == len(samples)


@stacks
def test_overlap_and_joint_kl_of_digits_are_those_of_histograms_in_numpy(case):
    """With the weights of unequal frequencies, and a confidence that some of the held-out digits lack."""
    data, samples, held_out = case
    logits = digit_classifier(load_digits("MNIST", False)).network(held_out.flatten(0, 1))[0].detach()
    sure = logits.softmax(dim=-1)[:, :10].amax(dim=1).view(len(held_out), data.digits).amin(dim=1)
    data = StackedMNIST(original=False, digits=2, confidence=float(sure.double().quantile(0.2)))
    assigned, real = data.assign(samples), data.assign(held_out)
    share = real.high_quality.double().mean().item()
    assert 0.7 < share < 0.9
    true = np.append(share * data.mode_weights.numpy(), 1 - share)
    own = [
        joint_histogram(data, mode.numpy(), good.numpy())
        for mode, good in zip(assigned.mode, assigned.high_quality, strict=True)
    ]
    assert score("overlap", data, samples, held_out).tolist() == pytest.approx(
        [1 - abs(p - true).sum() / 2 for p in own], abs=1e-12
    )
    assert score("kl_joint", data, samples, held_out).tolist() == pytest.approx(
        [scipy.stats.entropy(p, true) for p in own], rel=1e-9
    )


def test_overlap_and_joint_kl_counted_by_hand():
    """Of eight modes, real data has a tenth in no mode: 0.1125 for each. Samples: 40 % in one, 10 % in another, half in none."""
    data = Ring()
    far = torch.tensor([[5.0, 5.0]])
    held_out = torch.cat([data.means[[0] * 9], far])
    samples = torch.cat([data.means[[2] * 4 + [5]], far.expand(5, 2)])[None]
    assert score("overlap", data, samples, held_out).item() == pytest.approx(0.1125 + 0.1 + 0.1, abs=1e-12)
    expected = 0.4 * math.log(0.4 / 0.1125) + 0.1 * math.log(0.1 / 0.1125) + 0.5 * math.log(0.5 / 0.1)
    assert score("kl_joint", data, samples, held_out).item() == pytest.approx(expected, rel=1e-12)


def test_overlap_and_joint_kl_where_all_real_data_is_good():
    """No share of real data is in no mode: samples there count nothing, and are infinitely unlikely; if there are none, nothing is amiss."""
    data = Ring()
    held_out, far = data.means.repeat(3, 1), torch.tensor([[5.0, 5.0]])
    samples = torch.stack(
        [
            held_out,
            torch.cat([data.means[:4].repeat(3, 1)] * 2),
            torch.cat([held_out[:-1], far]),
            far.expand(24, 2),
        ]
    )
    seeds = (0, 1, 2, 3)
    assert score("overlap", data, samples, held_out, seeds=seeds).tolist() == pytest.approx(
        [1, 0.5, 23 / 24, 0], abs=1e-12
    )
    assert score("kl_joint", data, samples, held_out, seeds=seeds).tolist() == pytest.approx(
        [0, math.log(2), math.inf, math.inf], abs=1e-12
    )


@pytest.mark.parametrize(
    ("kept", "entropy"), [([0], 0), ([0, 1], 1 / 3), ([0, 2, 4, 6], 2 / 3), ([*range(8)], 1)]
)
def test_mode_entropy_of_some_modes_alike(kept, entropy):
    """ln m over ln K. That samples are off by ten deviations does not matter."""
    data = Ring()
    assert score(
        "mode_entropy", data, (data.means[kept] + 10 * data.std).repeat(30, 1)[None]
    ).item() == pytest.approx(entropy, abs=1e-12)


def test_out_of_range_counted_by_hand():
    """Around (10, 3) held-out data reaches 2 far, and so the range 4; or, three times as far, 6."""
    data, centre = Ring(), torch.tensor([10.0, 3.0])
    held_out = centre + torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    turned = torch.nn.functional.normalize(normal(5, 2), dim=1).float()
    samples = torch.stack(
        [
            centre + turned * torch.tensor(r)[:, None]
            for r in ([0.0, 1.0, 3.0, 3.99, 4.01], [3.9, 4.1, 5.9, 6.1, 1e6])
        ]
    )
    assert score("out_of_range", data, samples, held_out).tolist() == [0.2, 0.8]
    assert score("out_of_range", data, samples, held_out, times=3.0).tolist() == [0, 0.4]
    with pytest.raises(ValueError, match="times must be at least 1"):
        score("out_of_range", data, samples, held_out, times=0.9)


# ------------------------------------------------------------------------------------------------------- the row of noise


def moments(data):
    """The mean and the covariance of a mixture."""
    means = data.means.double()
    within = torch.zeros(data.shape, dtype=torch.float64)
    within[: data.noisy] = data.std**2
    return means.mean(dim=0), means.T.cov(correction=0) + within.diag()


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_noise_has_the_mean_and_the_covariance_of_training_data(data):
    """Along each of some directions, within five standard errors of the draw and of the 10 000 data that it has the moments of."""
    n = 4000
    x = noise(data, 0, CPU)(n).double()
    assert x.shape == (n, *data.shape)
    mean, covariance = moments(data)
    directions = torch.cat(
        [
            normal(6, *data.shape),
            torch.ones(1, *data.shape),
            torch.eye(*data.shape, dtype=torch.float64)[[0, -1]],
        ]
    )
    directions = torch.nn.functional.normalize(directions, dim=1)
    along, expected = x @ directions.T, (directions @ covariance * directions).sum(dim=1)
    means = directions @ mean
    error = (expected * (1 / n + 1 / 10_000)).sqrt()
    assert ((along.mean(dim=0) - means).abs() < 5 * error).all()
    # A Gaussian's variance varies by 2 v^2 / n, that of mixtures by no more than twice as much.
    assert ((along.var(dim=0) - expected).abs() < 5 * expected * math.sqrt(2 / n + 4 / 10_000)).all()
    # It is a Gaussian, where the data is not: of a mixture along a line, far from it.
    assert (
        scipy.stats.kstest(((along - along.mean(dim=0)) / along.std(dim=0))[:, 0].numpy(), "norm").pvalue
        > 1e-3
    )
    if data.noisy < data.shape[0]:
        # Constant coordinates are all the same in each sample, and so they are in noise.
        assert (x[:, data.noisy :] - x[:, -1:]).abs().max() < 1e-3
        assert x[:, -1].std() > 1


def test_noise_of_images_is_a_gaussian_that_is_clipped(digits_root):
    """Some pixels beside those of a Gaussian with the same moments, drawn in NumPy and clipped."""
    with using(str(digits_root), None):
        data = StackedMNIST(original=False, digits=2)
        n, choice = 3000, [300, 301, 120, 420, 784 + 300, 784 + 120]
        x = noise(data, 0, CPU)(n)
        assert x.shape == (n, 2, 28, 28)
        assert x.dtype == torch.uint8
        train = data.sample(40_000, data.stream(1, "data")).flatten(1)[:, choice].double().numpy()
    random = np.random.default_rng(0)
    drawn = random.multivariate_normal(train.mean(axis=0), np.cov(train.T), size=200_000).clip(-1, 1)
    own = x.flatten(1)[:, choice].double().numpy() / 127.5 - 1
    deviation = drawn.std(axis=0)
    assert (deviation > 0.2).all()
    assert (
        abs(own.mean(axis=0) - drawn.mean(axis=0)) < 5 * deviation * math.sqrt(1 / n + 1 / 10_000) + 1 / 255
    ).all()
    correlation = np.corrcoef(drawn.T)
    assert abs(np.corrcoef(own.T) - correlation).max() < 5 * math.sqrt(1 / n + 1 / 10_000)
    assert correlation[0, 1] > 0.5 > 5 * abs(correlation[0, 4])
    # Many pixels would lie outside.
    assert 0.01 < (own == -1).mean() < 0.9


@pytest.mark.parametrize("images", [False, True])
def test_noise_is_the_same_for_a_seed_and_differs_between_seeds(digits_root, images):
    with using(str(digits_root), None):
        data = StackedMNIST(original=False, digits=1) if images else Ring()
        first, again, other = (noise(data, seed, CPU)(300) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        # All samples of a seed differ, also over the parts in which they are drawn.
        assert len(first.flatten(1).unique(dim=0)) == 300
        # Nothing of it depends on what was drawn of another dataset between.
        noise(Grid(), 0, CPU)(10)
        assert torch.equal(noise(data, 0, CPU)(300), first)


# ---------------------------------------------------------------------------------------------------- independent packages


def classified(case):
    """The classifier's features of noisy and of held-out digits, as the metrics see them."""
    data, samples, held_out = case
    evaluation = Evaluation(data, samples, HeldOut(held_out), SEEDS)
    return (
        data,
        samples,
        held_out,
        features_of(evaluation, "classifier"),
        held_out_features(evaluation, "classifier"),
    )


@stacks
@pytest.mark.parametrize("n", [N, 60])
def test_fid_on_the_classifiers_features_agrees_with_torch_fidelity(case, n):
    package = pytest.importorskip("torch_fidelity.metric_fid")
    data, samples, held_out, features, real = classified(case)
    scores = score("fid", data, samples[:, :n], held_out)
    for x, own in zip(features, scores, strict=True):
        statistics = [package.fid_features_to_statistics(part.double()) for part in (x[:n], real)]
        assert own.item() == pytest.approx(
            package.fid_statistics_to_metric(*statistics, False)[package.KEY_METRIC_FID], rel=1e-5
        )


@stacks
@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_agree_with_torch_fidelity(case, k):
    package = pytest.importorskip("torch_fidelity.metric_prc")
    data, samples, held_out, features, real = classified(case)
    for name in ("precision", "recall"):
        scores = score(name, data, samples, held_out, k=k)
        expected = [
            package.prc_features_to_metric(x.double(), real.double(), prc_neighborhood=k, verbose=False)[name]
            for x in features
        ]
        assert scores.tolist() == pytest.approx(expected, abs=1e-6)
    assert min(expected) < 0.9


@stacks
def test_the_four_on_the_classifiers_features_and_of_duplicates_agree_with_prdc(case):
    package = pytest.importorskip("prdc")
    data, samples, held_out, features, real = classified(case)
    samples, features = (torch.cat([x, x[:1, torch.arange(N) % 30]]) for x in (samples, features))
    expected = [package.compute_prdc(real.double().numpy(), x.double().numpy(), 5) for x in features]
    for name in NEIGHBOURHOODS:
        assert score(name, data, samples, held_out, seeds=(*SEEDS, 4)).tolist() == pytest.approx(
            [float(e[name]) for e in expected], abs=1e-9
        )


@pytest.mark.parametrize("case", ["ring", "stacked-mnist"], indirect=True)
def test_kl_and_mode_entropy_agree_with_scipy(case):
    """Of every histogram, with the true weights, and with any others."""
    data, samples, _ = case
    weights = data.mode_weights.numpy()
    assigned = data.assign(samples)
    for name, chosen in (
        ("kl", torch.ones_like(assigned.high_quality)),
        ("kl_high_quality", assigned.high_quality),
    ):
        counts = [
            np.bincount(mode[good], minlength=data.modes)
            for mode, good in zip(assigned.mode.numpy(), chosen.numpy(), strict=True)
        ]
        expected = [scipy.stats.entropy(count, weights) if count.any() else math.nan for count in counts]
        assert score(name, data, samples).tolist() == pytest.approx(expected, rel=1e-9, nan_ok=True)
    frequencies = [np.bincount(mode, minlength=data.modes) for mode in assigned.mode.numpy()]
    entropies = [scipy.stats.entropy(count) / math.log(data.modes) for count in frequencies]
    assert score("mode_entropy", data, samples).tolist() == pytest.approx(entropies, rel=1e-9)
    assert max(entropies) > min(entropies) + 0.05
    random = np.random.default_rng(0)
    counts, weights = random.integers(4, size=(20, 30)), random.dirichlet(np.ones(30))
    expected = [scipy.stats.entropy(count, weights) for count in counts]
    assert histogram_kl(
        torch.from_numpy(counts).double(), torch.from_numpy(weights)
    ).tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", ["ring", "stacked-mnist"], indirect=True)
def test_ivom_of_samples_agrees_with_a_tree_of_scipys(case):
    data, samples, held_out = case
    flat, targets = (
        (data.unpack(x).double() / data.span).flatten(-len(data.shape)).numpy() for x in (samples, held_out)
    )
    expected = [(scipy.spatial.cKDTree(x).query(targets)[0] ** 2).mean() / targets.shape[1] for x in flat]
    assert score("ivom", data, samples, held_out, points=N).tolist() == pytest.approx(expected, rel=1e-6)
