"""Published figures beside measured ones, from records made by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.made_up import ForeignBudget, made_up_run
from support.numbers import NAN
from support.published import FAR, NEAR, STACKED, published_of

from benchmark.plan.plan import Request, make_plan
from benchmark.records.results import read_run
from benchmark.report.statistics.over_seeds import mean_interval
from benchmark.report.tables.published_figures import read_published
from benchmark.report.tables.published_words import tally
from benchmark.report.tables.tables import make_tables
from benchmark.suites import get_suite


def own(root, scores, **parts):
    """The row of GAN on the ring in PacGAN's table; arguments as those of `paper_run`."""
    return published_of(root, scores, **parts).loc["pacgan-2018, Table 1"]


@pytest.fixture
def publish(monkeypatch):
    """Replaces the published figures."""

    def replace(figures):
        monkeypatch.setattr("benchmark.report.tables.published.read_published", lambda: figures)

    return replace


def test_a_figure_of_the_suites_own_experiment_is_inside_or_outside(tmp_path):
    near, far = own(tmp_path / "near", {"gan": NEAR}), own(tmp_path / "far", {"gan": FAR})
    assert (near["verdict"], near["why"], near["n"]) == ("inside", "", 5)
    assert (far["verdict"], far["why"], far["n"]) == ("outside", "", 5)
    assert tuple(near[["n", "measured", "measured_low", "measured_high"]]) == pytest.approx(
        mean_interval(NEAR)
    )
    half = stats.t.ppf(0.975, 9) * 0.5
    assert tuple(near[["published", "published_low", "published_high", "runs"]]) == pytest.approx(
        (6.3, 6.3 - half, 6.3 + half, 10)
    )


def test_the_ends_of_an_interval_belong_to_it(tmp_path):
    assert own(tmp_path / "ties", {"gan": [6.3] * 3})["verdict"] == "inside"
    beside = own(tmp_path / "beside", {"gan": [6.4] * 3})
    assert (beside["verdict"], beside["why"]) == ("outside", "all seeds tie: an interval of no width")


def test_the_interval_of_a_published_figure_is_known_with_its_kind_and_its_runs(tmp_path, publish):
    figures = read_published()
    kinds = {"standard error": (10, 0.5), "standard deviation": (16, 0.5 / 4), "not stated": (10, NAN)}
    for kind, (runs, error) in kinds.items():
        publish(figures.assign(uncertainty_kind=kind, runs=pd.array([runs] * len(figures), "Int64")))
        row = own(tmp_path / kind, {"gan": NEAR})
        half = stats.t.ppf(0.975, runs - 1) * error
        assert tuple(row[["published_low", "published_high"]]) == pytest.approx(
            (6.3 - half, 6.3 + half), nan_ok=True
        )
    for runs in (1, None):
        publish(figures.assign(runs=pd.array([runs] * len(figures), "Int64")))
        assert own(tmp_path / str(runs), {"gan": NEAR})[["published_low", "published_high"]].isna().all()


def test_a_figure_of_another_protocol_is_not_comparable(tmp_path):
    row = published_of(tmp_path, {"gan": [1.0] * 5}).loc["veegan-2017, Table 1"]
    assert (row["published"], row["measured"], row["verdict"], row["why"]) == (
        1,
        1,
        "not comparable",
        "another protocol (veegan-2017)",
    )


def test_a_copied_figure_is_not_comparable(tmp_path):
    table = published_of(tmp_path, {"dcgan": [99.0] * 5}, **STACKED)
    assert table["verdict"].value_counts().to_dict() == {"inside": 1, "not comparable": 7}
    assert table.loc["veegan-2017, Table 2", "verdict"] == "inside"
    assert table.loc["r3gan-2024, Table 3", "why"] == "copied from veegan-2017"
    assert list(table.loc["pacgan-2018, Table 3, D = 1/4 G", "why"]) == [
        "copied from unrolled-2017",
        "another protocol (pacgan-2018)",
    ]
    assert list(table.loc["pacgan-2018, Table 2", "why"]) == [
        "copied from veegan-2017",
        "another protocol (pacgan-2018)",
    ]


def test_a_figure_whose_origin_is_not_stated_is_not_comparable(tmp_path, publish):
    figures = read_published()
    figures.loc[figures["suite"] == "pacgan-2018", "copied_from"] = "not stated"
    publish(figures)
    row = own(tmp_path, {"gan": NEAR})
    assert (row["verdict"], row["why"]) == ("not comparable", "copied; from where is not stated")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ring.batch": 64}, "this run changed ring.batch"),
        ({"gan.lr": 1e-3, "ring.samples": 500}, "this run changed gan.lr, ring.samples"),
        ({"gan.lr": 1e-3}, "this run changed gan.lr"),
    ],
)
def test_after_a_change_of_settings_nothing_is_comparable(tmp_path, changed, why):
    row = own(tmp_path, {"gan": NEAR}, changed=changed)
    assert (row["verdict"], row["why"], row["measured"]) == ("not comparable", why, 6.4)


def test_a_change_of_what_is_scored_besides_changes_nothing(tmp_path):
    row = own(tmp_path, {"gan": NEAR}, changed={"ring.evaluations": 3, "ring.samples_large": 0})
    assert (row["verdict"], row["why"]) == ("inside", "")


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        ("80000steps", "after 80000 of the suite's 400000 steps"),
        ("800000steps", "after 800000 steps, not the suite's 400000"),
        ("5e+11flops", "at 5e+11flops, not the suite's 400000steps"),
        (ForeignBudget("some time"), "at some time, not the suite's 400000steps"),
    ],
)
def test_at_another_budget_the_verdict_says_so(tmp_path, budget, why):
    near = own(tmp_path / "near", {"gan": NEAR}, budget=budget)
    far = own(tmp_path / "far", {"gan": FAR}, budget=budget)
    assert (near["verdict"], near["why"]) == ("inside, at another budget", why)
    assert (far["verdict"], far["why"]) == ("outside, at another budget", why)
    both = own(tmp_path / "both", {"gan": NEAR}, budget=budget, changed={"ring.batch": 64})
    assert (both["verdict"], both["why"]) == ("not comparable", f"this run changed ring.batch; {why}")


def test_the_same_budget_in_other_words_is_no_other(tmp_path):
    assert own(tmp_path, {"gan": NEAR}, budget=ForeignBudget("4e5steps"))["verdict"] == "inside"


def test_one_seed_has_no_interval(tmp_path):
    row = own(tmp_path / "one", {"gan": [6.3]})
    assert (row["verdict"], row["why"], row["n"], row["measured"]) == (
        "not comparable",
        "one seed: no interval",
        1,
        6.3,
    )
    assert np.isnan(row["measured_low"])
    row = own(tmp_path / "short", {"gan": [6.3]}, budget="5steps")
    assert row["why"] == "one seed: no interval; after 5 of the suite's 400000 steps"


def test_seeds_that_are_not_in_the_mean_are_reported(tmp_path):
    row = own(tmp_path / "one", {"gan": [*NEAR, None]})
    assert (row["verdict"], row["why"], row["n"]) == ("inside", "1 of 6 seeds diverged", 5)
    row = own(tmp_path / "some", {"gan": [6.3, None, None, NAN]})
    assert (row["verdict"], row["why"]) == (
        "not comparable",
        "one seed: no interval; 2 of 4 seeds diverged; 1 of 4 seeds without a value",
    )
    row = own(tmp_path / "all", {"gan": [None, None]})
    assert (row["verdict"], row["why"], row["n"]) == ("not comparable", "2 of 2 seeds diverged", 0)
    assert np.isnan(row["measured"])
    table = published_of(tmp_path / "others", {"gan": [*NEAR, None]})
    assert table.loc["veegan-2017, Table 1", "why"] == "another protocol (veegan-2017); 1 of 6 seeds diverged"


def test_a_method_without_a_record_or_a_figure_has_no_row(tmp_path):
    table = published_of(tmp_path, {"gan": NEAR, "ali": ["failed"], "aegan": NEAR, "real-data": [8.0]})
    assert set(table["method"]) == {"gan"}


@pytest.mark.parametrize(
    ("suite", "dataset", "methods"),
    [
        ("pacgan-2018", "ring", ("ali", "pacgan2")),
        ("pacgan-2018", "grid", ("ali", "pacgan2")),
        ("veegan-2017", "grid", ("veegan",)),
    ],
)
def test_what_a_suite_plans_is_comparable_with_its_paper(tmp_path, suite, dataset, methods):
    plan = make_plan(Request(get_suite(suite), (0,), datasets=(dataset,), methods=methods))
    cells = [planned.template for planned in plan.cells if planned.template.method.name in methods]
    assert len(cells) == len(methods)
    for cell in cells:
        method = cell.method.name
        store = made_up_run(
            tmp_path / method,
            {dataset: {method: [1.0, 2.0]}},
            suite=suite,
            name="high_quality",
            data=cell.dataset.settings,
            methods={method: cell.method.settings},
            metric=cell.configuration_of(0)["metrics"]["high_quality"],
            budget=cell.budget,
        )
        table = make_tables(read_run(store.root)).published
        own_figures = table[table["paper"] == suite]
        assert len(own_figures) > 0
        assert set(own_figures["verdict"]) <= {"inside", "outside"}
        assert set(own_figures["why"]) == {""}


def test_what_is_not_comparable_has_no_rank_and_is_in_no_verdict(tmp_path):
    table = published_of(tmp_path, {"gan": NEAR})
    before = tally("pacgan-2018", table)
    assert tally("pacgan-2018", table[table["verdict"] != "not comparable"]) == before
    assert "rank" not in table
