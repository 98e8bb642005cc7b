"""Metrics agree with independent packages."""

import math

import numpy as np
import pytest
import scipy.spatial
import scipy.stats
import torch
from metric_cases import NEIGHBOURHOODS, SEEDS, N, evaluate, score

from metrics.features import features_of, held_out_features
from metrics.kl import histogram_kl

stacks = pytest.mark.parametrize("case", ["stacked-mnist"], indirect=True)
points_and_stacks = pytest.mark.parametrize("case", ["ring", "stacked-mnist"], indirect=True)


def classified(case):
    """The classifier's features of the samples and of the held-out data, as the metrics see them."""
    evaluation = evaluate(*case)
    return features_of(evaluation, "classifier"), held_out_features(evaluation, "classifier")


@stacks
@pytest.mark.parametrize("n", [N, 60])
def test_fid_on_the_classifiers_features_agrees_with_torch_fidelity(case, n):
    package = pytest.importorskip("torch_fidelity.metric_fid")
    data, samples, held_out = case
    features, real = classified(case)
    scores = score("fid", data, samples[:, :n], held_out)
    for x, own in zip(features, scores, strict=True):
        statistics = [package.fid_features_to_statistics(part.double()) for part in (x[:n], real)]
        expected = package.fid_statistics_to_metric(*statistics, False)[package.KEY_METRIC_FID]
        assert own.item() == pytest.approx(expected, rel=1e-5)


@stacks
@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_agree_with_torch_fidelity(case, k):
    package = pytest.importorskip("torch_fidelity.metric_prc")
    data, samples, held_out = case
    features, real = classified(case)
    settings = {"prc_neighborhood": k, "verbose": False}
    results = [package.prc_features_to_metric(x.double(), real.double(), **settings) for x in features]
    for name in ("precision", "recall"):
        scores = score(name, data, samples, held_out, k=k)
        assert scores.tolist() == pytest.approx([result[name] for result in results], abs=1e-6)
    assert min(result["recall"] for result in results) < 0.9


@stacks
def test_the_four_on_the_classifiers_features_and_of_duplicates_agree_with_prdc(case):
    package = pytest.importorskip("prdc")
    data, samples, held_out = case
    features, real = classified(case)
    # A fourth seed, of duplicates of the first one's samples.
    duplicates = torch.arange(N) % 30
    samples = torch.cat([samples, samples[:1, duplicates]])
    features = torch.cat([features, features[:1, duplicates]])
    results = [package.compute_prdc(real.double().numpy(), x.double().numpy(), 5) for x in features]
    for name in NEIGHBOURHOODS:
        scores = score(name, data, samples, held_out, seeds=(*SEEDS, 4)).tolist()
        assert scores == pytest.approx([float(result[name]) for result in results], abs=1e-9)


@points_and_stacks
def test_kl_and_mode_entropy_agree_with_scipy(case):
    data, samples, _ = case
    weights = data.mode_weights.numpy()
    assigned = data.assign(samples)
    kls, good_kls, entropies = [], [], []
    for mode, good in zip(assigned.mode.numpy(), assigned.high_quality.numpy(), strict=True):
        counts = np.bincount(mode, minlength=data.modes)
        good_counts = np.bincount(mode[good], minlength=data.modes)
        kls.append(scipy.stats.entropy(counts, weights))
        good_kls.append(scipy.stats.entropy(good_counts, weights) if good.any() else math.nan)
        entropies.append(scipy.stats.entropy(counts) / math.log(data.modes))
    assert score("kl", data, samples).tolist() == pytest.approx(kls, rel=1e-9)
    assert score("kl_high_quality", data, samples).tolist() == pytest.approx(good_kls, rel=1e-9, nan_ok=True)
    assert score("mode_entropy", data, samples).tolist() == pytest.approx(entropies, rel=1e-9)
    assert max(entropies) > min(entropies) + 0.05


def test_kl_of_any_weights_agrees_with_scipy():
    random = np.random.default_rng(0)
    counts, weights = random.integers(4, size=(20, 30)), random.dirichlet(np.ones(30))
    expected = [scipy.stats.entropy(row, weights) for row in counts]
    measured = histogram_kl(torch.from_numpy(counts).double(), torch.from_numpy(weights))
    assert measured.tolist() == pytest.approx(expected, rel=1e-12)


@points_and_stacks
def test_ivom_of_samples_agrees_with_a_tree_of_scipys(case):
    data, samples, held_out = case

    def flat(x):
        return (data.unpack(x).double() / data.span).flatten(-len(data.shape)).numpy()

    targets = flat(held_out)
    expected = []
    for x in flat(samples):
        distances, _ = scipy.spatial.cKDTree(x).query(targets)
        expected.append((distances**2).mean() / targets.shape[1])
    assert score("ivom", data, samples, held_out, points=N).tolist() == pytest.approx(expected, rel=1e-6)
