"""The suites of papers: their settings, what they say of themselves, and what was run of them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from baselines.r3gan import fallen
from benchmark.errors import UsageError
from benchmark.plan.plan import make_plan
from benchmark.plan.request import Request
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.registry import DATASETS, METHODS, METRICS
from benchmark.suites import CheckedRun, get_suite, registered_suites

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
PAPERS = [suite for suite in registered_suites() if suite.protocol is not None]
MIXTURES = [
    ("veegan-2017", "ring"),
    ("veegan-2017", "grid"),
    ("veegan-2017", "high-dimensional"),
    ("pacgan-2018", "ring"),
    ("pacgan-2018", "grid"),
    ("unrolled-2017", "ring"),
    ("wgan-gp-2017", "ring"),
    ("wgan-gp-2017", "grid"),
    ("rls-gan-2021", "unbalanced-ring"),
    ("rls-gan-2021", "unbalanced-grid"),
    ("r3gan-2024", "grid"),
    ("gdpp-2019", "ring"),
    ("gdpp-2019", "grid"),
]


def planned(suite, dataset, *methods, **settings):
    """The planned methods by name, on one dataset of a suite or of the registered suite of that name."""
    suite = get_suite(suite) if isinstance(suite, str) else suite
    request = Request(suite, (0,), (dataset,), methods or None, settings=settings)
    cells = {}
    for cell in make_plan(request).cells:
        if cell.cost is not None:
            cells[cell.template.method.name] = cell
    return cells


def settings_of(cell):
    return cell.template.method.settings


def test_all_mixtures_of_papers_are_here():
    mixtures = set()
    for suite in PAPERS:
        of_points = [name for name in suite.datasets if DATASETS.get(name).kind == "points"]
        mixtures |= {(suite.name, dataset) for dataset in of_points}
    assert mixtures == set(MIXTURES)


@pytest.mark.parametrize(("suite", "dataset"), MIXTURES)
def test_a_paper_suite_trains_the_papers_number_of_generator_updates(suite, dataset):
    cells = planned(suite, dataset)
    assert list(cells) == list(get_suite(suite).methods)
    updates = {
        "veegan-2017": 100_000,
        "pacgan-2018": 400_000,
        "unrolled-2017": 25_000,
        "wgan-gp-2017": 100_000,
        "rls-gan-2021": 30_000,
        "r3gan-2024": 20_000,
        "gdpp-2019": 25_000,
    }[suite]
    assert {cell.cycles * cell.cost.generator_steps for cell in cells.values()} == {updates}


def test_the_unbalanced_mixtures_of_leverage_score_sampling():
    """A perfect sampler has 119 samples of a rare mode of the ring, and 32 of one of the grid."""
    for dataset, rare in (("unbalanced-ring", 119), ("unbalanced-grid", 32)):
        cells = planned("rls-gan-2021", dataset)
        for cell in cells.values():
            settings = settings_of(cell)
            assert (settings["lr"], settings["beta1"]) == (1e-3, 0.5)
        data = cells["gan"].dataset.data
        assert (data.batch, data.latent, data.samples, data.std) == (64, 25, 10_000, 0.05)
        assert round(data.samples * data.mode_weights.min().item()) == rare
        metrics = cells["gan"].dataset.metrics
        assert metrics["modes"].least == 50
        # Two hidden layers of 128 units each.
        assert cells["gan"].cost.parameters == (26 * 128 + 129 * 128 + 129 * 2) + (3 * 128 + 129 * 128 + 129)


def test_the_grid_of_the_textbook_on_r3gan():
    """Rate, penalty and memory are constant, from the first update on; GAN has the same optimiser."""
    cells = planned("r3gan-2024", "grid")
    cell = cells["r3gan"]
    method = METHODS.build("r3gan", settings_of(cell))
    data = cell.dataset.data
    assert (data.batch, data.latent, data.width, data.std, data.spacing) == (256, 64, 256, 0.05, 2.0)
    for progress in (1e-5, 0.5, 1.0):
        share = fallen(torch.tensor(progress), method.burn_in, method.end_rate)
        penalty = fallen(torch.tensor(progress), method.burn_in, method.end_penalty)
        beta2 = 1 - 0.1 * fallen(torch.tensor(progress), method.burn_in, 0.1)
        assert [method.lr * share.item(), penalty.item(), beta2.item()] == pytest.approx([2e-4, 1, 0.99])
    gan = METHODS.build("gan", settings_of(cells["gan"]))
    assert (gan.lr, gan.beta1, gan.beta2) == (2e-4, 0.0, 0.99)
    for one in (method, gan):
        networks = one.networks(data.spec)
        assert networks["discriminator"][1].negative_slope == 0.2
        assert isinstance(networks["generator"][1], torch.nn.ReLU)


def test_the_mixtures_of_gdpp():
    for dataset in ("ring", "grid"):
        cell = planned("gdpp-2019", dataset)["gdpp"]
        assert (cell.dataset.data.batch, cell.dataset.data.latent) == (512, 256)
        assert settings_of(cell)["simultaneous"]
        # Two hidden layers of 128 units each.
        assert cell.cost.parameters == (257 * 128 + 129 * 128 + 129 * 2) + (3 * 128 + 129 * 128 + 129)


def test_the_stacked_digits_of_gdpp():
    settings = get_suite("gdpp-2019").settings_on("gdpp-stacked-mnist")
    assert settings["gdpp-stacked-mnist"] == {"batch": 64, "latent": 128}
    assert settings["gdpp"] == {"lr": 1e-4, "discriminator_lr": 1e-4, "simultaneous": False}


def test_the_grid_of_the_veegan_notebook():
    cell = planned("veegan-2017", "grid")["veegan"]
    assert settings_of(cell) == {"lr": 1e-3, "beta1": 0.5, "simultaneous": True, "free": 1}
    assert (
        cell.dataset.data.batch,
        cell.dataset.data.latent,
        cell.dataset.data.std,
        cell.dataset.data.spacing,
    ) == (500, 255, 0.05, 2.0)
    assert cell.cost.parameters == (256 * 128 + 129 * 128 + 129 * 2) + (3 * 128 + 129 * 128 + 129 * 254) + (
        257 * 128 + 129
    )


@pytest.mark.parametrize("dataset", ["ring", "grid"])
def test_the_mixtures_of_pacgan(dataset):
    cells = planned("pacgan-2018", dataset)
    for cell in cells.values():
        settings = settings_of(cell)
        assert (settings["lr"], settings["beta1"], settings["simultaneous"]) == (1e-4, 0.8, True)
    data = cells["gan"].dataset.data
    assert (data.batch, data.latent, data.training_set) == (100, 2, 100_000)
    # A pack holds m samples, and a batch 100 packs.
    assert {name: cell.cost.samples for name, cell in cells.items()} == {
        "gan": 100,
        "ali": 100,
        "pacgan2": 200,
        "pacgan3": 300,
        "pacgan4": 400,
    }


def test_the_mixtures_of_wgan_gp_are_scaled_to_unit_spread():
    ring, grid = (planned("wgan-gp-2017", dataset)["wgan-gp"] for dataset in ("ring", "grid"))
    assert ring.dataset.data.means.norm(dim=1).numpy() == pytest.approx(2 / 1.414, rel=1e-6)
    assert ring.dataset.data.std == pytest.approx(0.0141443, rel=1e-5)
    assert grid.dataset.data.means.abs().max().item() == pytest.approx(4 / 2.828, rel=1e-6)
    assert grid.dataset.data.std == pytest.approx(0.0176803, rel=1e-5)
    for cell in (ring, grid):
        assert settings_of(cell)["penalty"] == 0.1
        assert cell.cost.discriminator_steps == 5


def test_a_suite_may_make_exceptions_for_a_dataset_and_the_user_for_both():
    suite = get_suite("veegan-2017")
    assert suite.settings_on("grid")["ali"]["lr"] == 1e-3
    assert suite.settings_on("stacked-mnist")["ali"]["lr"] == 2e-4
    assert suite.settings_on("stacked-mnist")["ali"]["beta1"] == 0.5
    assert settings_of(planned("veegan-2017", "grid", "ali", ali={"lr": 3e-4})["ali"])["lr"] == 3e-4


def test_exceptions_reach_the_cells_of_their_dataset():
    suite = replace(get_suite("synthetic"), exceptions={"grid": {"gan.lr": 0.5}})
    assert settings_of(planned(suite, "grid", "gan")["gan"])["lr"] == 0.5
    assert settings_of(planned(suite, "ring", "gan")["gan"])["lr"] == 1e-3
    assert settings_of(planned(suite, "grid", "gan", gan={"lr": 0.25})["gan"])["lr"] == 0.25


def test_a_setting_of_a_part_that_is_not_in_the_run_is_still_refused():
    with pytest.raises(UsageError, match=r"--set dcgan.lr=1: 'dcgan' has no part in this run"):
        planned("veegan-2017", "grid", "veegan", dcgan={"lr": 1})


@pytest.mark.parametrize("suite", PAPERS, ids=lambda suite: suite.name)
def test_a_paper_suite_states_its_sources_and_its_choices(cli, suite):
    status, out, _ = cli("list", "suites", "--long")
    assert status == 0
    start = out.index(f"\n{suite.name}\n")
    told = " ".join(out[start:].split())
    protocol = suite.protocol
    assert "arXiv:" in protocol.paper
    for text in (protocol.paper, protocol.code, *protocol.gives, *protocol.open, *protocol.chosen):
        assert " ".join(text.split()) in told


OF_DIGITS = ("stacked-mnist", "stacked-fashion-mnist", "unbalanced-stacked-mnist")


@pytest.mark.parametrize("suite", registered_suites(), ids=lambda suite: suite.name)
def test_a_suite_judges_by_overlap_where_the_modes_are_known_and_tells_of_its_own_methods(suite):
    known = suite.name not in ("cifar10", "celeba", "curves")
    assert ("overlap" in suite.metrics) == known
    # Where any sample captures a mode, those that the classifier is sure of are counted apart.
    digits = [
        METRICS.get(name) for name in ("modes_confident", "modes_confident_robust") if name in suite.metrics
    ]
    if suite.protocol is None:
        assert len(digits) == (2 if suite.name in OF_DIGITS else 0)
        assert all(DATASETS.get(name).captured_by == "any" for name in suite.datasets if digits)
    assert ("out_of_range" in suite.metrics) == (suite.name in ("synthetic", "references", "curves"))
    assert set(suite.notes) <= set(suite.methods)
    for method, note in suite.notes.items():
        assert method in note
        assert note.endswith(".")
    assert bool(suite.notes) == (suite.name in (*OF_DIGITS, "references", "shapes", "cifar10", "celeba"))


def test_every_setting_of_a_paper_suite_has_an_effect():
    """A setting that names no part of its suite would only look like a reproduction."""
    for suite in PAPERS:
        for dataset in suite.datasets:
            for owner in suite.settings_on(dataset):
                assert owner in (*suite.datasets, *suite.methods, *suite.metrics), (suite.name, owner)


def test_methods_tell_the_paper_suites_in_which_they_were_checked(cli):
    out = cli("list", "methods", "--long")[1]
    assert max(map(len, out.splitlines())) <= 130
    for name in METHODS.names():
        start = out.index(f"\n{name}\n")
        own = out[start : out.index("  Settings:", start)]
        suites = [suite for suite in PAPERS if name in suite.methods]
        for suite in suites:
            runs = suite.protocol.checked.get(name, {})
            assert (f"{suite.name}: checked on " if runs else f"{suite.name}: not run yet") in own
        if not suites:
            assert "none; not checked against a paper's experiment" in own


def test_a_check_at_another_budget_says_so(cli):
    out = " ".join(cli("list", "methods", "--long")[1].split())
    assert (
        "veegan-2017: checked on grid with 5 seeds at 100000steps, see results/reference/veegan-2017" in out
    )
    gdpp = "gdpp-2019: checked on ring with 1 seed at 25000steps and grid with 1 seed at 25000steps"
    assert f"{gdpp}, see results/reference/gdpp-2019" in out
    check = "with 3 seeds at 50000steps instead of 400000steps"
    assert (
        out.count(f"pacgan-2018: checked on ring {check} and grid {check}, see results/reference/pacgan-2018")
        == 3
    )


@pytest.mark.parametrize("suite", PAPERS, ids=lambda suite: suite.name)
def test_what_is_said_to_be_checked_is_what_the_committed_tables_hold(suite):
    file = REFERENCE / suite.name / "trials.csv"
    held = {}
    if file.exists():
        trials = pd.read_csv(file)
        for (method, dataset), rows in trials[~trials.method.isin(CALIBRATION_ROWS)].groupby(
            ["method", "dataset"]
        ):
            held.setdefault(method, {})[dataset] = CheckedRun(len(rows), rows["budget"].unique().item())
    assert {method: dict(runs) for method, runs in suite.protocol.checked.items()} == held
