"""The table of published figures: its form, and figures typed from the papers' tables."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, SUITES
from benchmark.report.tables.published_figures import (
    FIGURE_COLUMNS,
    FILE,
    NOT_STATED,
    UNCERTAINTY_KINDS,
    read_published,
)
from benchmark.suites import get_suite

PAPERS = (
    "veegan-2017",
    "pacgan-2018",
    "energy-2019",
    "r3gan-2024",
    "ddgan-2022",
    "ali-2017",
    "vendi-2023",
    "mimicry-2020",
    "rls-gan-2021",
    "gdpp-2019",
)
COPIED_PAPERS = (*PAPERS, "unrolled-2017", "presgan-2019", "progressive-gan-2018", NOT_STATED)
OTHER_DATASETS = ("stacked-mnist-10000",)
OTHER_METRICS = ("inception_score", "mode_diversity", "vendi_score")
SHARES = ("high_quality", "high_quality_legacy", "recall")
MODES = {
    "ring": 8,
    "unbalanced-ring": 8,
    "grid": 25,
    "unbalanced-grid": 25,
    "high-dimensional": 10,
    "stacked-mnist": 1000,
    "stacked-mnist-10000": 10_000,
    "gdpp-stacked-mnist": 1000,
}


@pytest.fixture(scope="module")
def figures():
    return read_published()


def test_the_figures_have_typed_columns(figures):
    assert tuple(figures.columns) == FIGURE_COLUMNS
    assert (figures["value"].dtype, figures["uncertainty"].dtype, str(figures["runs"].dtype)) == (
        float,
        float,
        "Int64",
    )
    texts = figures.drop(columns=["value", "uncertainty", "runs"])
    assert texts.map(lambda cell: isinstance(cell, str) and cell == cell.strip() and "\n" not in cell).all(
        axis=None
    )
    assert len(figures) > 190


def test_no_two_figures_are_of_the_same_thing(figures):
    assert not figures.duplicated(["paper", "table", "setting", "method", "dataset", "metric"]).any()


def test_every_figure_says_what_it_is_of_and_where_it_was_seen(figures):
    for name in ("paper", "table", "method", "dataset", "metric", "source"):
        assert (figures[name] != "").all(), name


def test_names_are_known(figures):
    assert set(figures["paper"]) == set(PAPERS)
    assert set(figures["dataset"]) <= {*DATASETS.names(), *OTHER_DATASETS}
    assert set(figures["metric"]) <= {*METRICS.names(), *OTHER_METRICS}
    assert set(figures["suite"]) <= {"", *SUITES.names()}
    assert set(figures["baseline"]) <= {"", *METHODS.names()}


def test_values_are_in_the_range_of_their_metric(figures):
    assert (figures["value"] >= 0).all()
    assert (figures.loc[figures["metric"].isin(SHARES), "value"] <= 1).all()
    modes = figures[figures["metric"] == "modes"]
    assert (modes["value"] <= modes["dataset"].map(MODES)).all()
    of_equal_modes = {"ring": 2.08, "grid": 3.22, "stacked-mnist": 6.91, "stacked-mnist-10000": 9.22}
    greatest = figures["dataset"].map({**of_equal_modes, "gdpp-stacked-mnist": 8.2})
    divergences = figures["metric"].isin(["kl", "kl_high_quality"])
    assert (figures.loc[divergences, "value"] <= greatest[divergences]).all()
    assert figures["runs"].dropna().between(1, 100).all()


def test_an_uncertainty_has_a_kind_and_a_kind_an_uncertainty(figures):
    assert (figures["uncertainty"].notna() == (figures["uncertainty_kind"] != "")).all()
    assert set(figures["uncertainty_kind"]) <= {"", *UNCERTAINTY_KINDS}
    assert (figures["uncertainty"].dropna() >= 0).all()


def test_a_copied_figure_names_a_paper_and_has_no_suite(figures):
    copied = figures[figures["copied_from"] != ""]
    assert len(copied) == 62
    assert set(copied["copied_from"]) <= set(COPIED_PAPERS)
    assert (copied["copied_from"] != copied["paper"]).all()
    assert (copied["suite"] == "").all()


def test_a_copy_has_the_value_of_the_original(figures):
    own = figures[figures["copied_from"] == ""].drop_duplicates(["paper", "baseline", "dataset", "metric"])
    copied = figures[(figures["copied_from"] == "veegan-2017") & (figures["baseline"] != "")]
    both = copied.merge(
        own,
        left_on=["copied_from", "baseline", "dataset", "metric"],
        right_on=["paper", "baseline", "dataset", "metric"],
    )
    assert len(both) == len(copied) == 16
    assert (both["value_x"] == both["value_y"]).all()


def test_a_suite_is_that_of_its_paper_and_can_run_what_the_figure_is_of(figures):
    ours = figures[figures["suite"] != ""]
    assert set(ours["suite"]) == {"veegan-2017", "pacgan-2018", "r3gan-2024", "rls-gan-2021", "gdpp-2019"}
    assert (ours["suite"] == ours["paper"]).all()
    for row in ours.to_dict("records"):
        suite = get_suite(row["suite"])
        assert row["dataset"] in suite.datasets
        assert row["metric"] in suite.metrics
        assert row["baseline"] in suite.methods
    assert ours.groupby(["suite", "dataset"]).size().to_dict() == {
        ("gdpp-2019", "gdpp-stacked-mnist"): 2,
        ("gdpp-2019", "grid"): 2,
        ("gdpp-2019", "ring"): 2,
        ("pacgan-2018", "grid"): 15,
        ("pacgan-2018", "ring"): 15,
        ("r3gan-2024", "stacked-mnist"): 2,
        ("rls-gan-2021", "unbalanced-grid"): 4,
        ("rls-gan-2021", "unbalanced-ring"): 4,
        ("veegan-2017", "grid"): 5,
        ("veegan-2017", "stacked-mnist"): 6,
    }


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("veegan-2017", "Table 1", "", "GAN", "ring", "modes"), (1, None, "", 5, "gan")),
        (("veegan-2017", "Table 1", "", "ALI", "ring", "high_quality"), (0.0013, None, "", 5, "ali")),
        (
            ("veegan-2017", "Table 1", "", "VEEGAN", "high-dimensional", "high_quality_legacy"),
            (0.2829, None, "", 5, "veegan"),
        ),
        (
            ("veegan-2017", "Table 2", "", "Unrolled", "cifar10", "ivom"),
            (0.013, 0.0009, NOT_STATED, None, "unrolled"),
        ),
        (
            ("veegan-2017", "notebook output", "", "VEEGAN", "grid", "high_quality"),
            (1206 / 2500, None, "", 1, "veegan"),
        ),
        (
            ("pacgan-2018", "Table 1", "", "PacGAN2", "ring", "high_quality"),
            (0.956, 0.02, "standard error", 10, "pacgan2"),
        ),
        (
            ("pacgan-2018", "Table 1", "", "GAN", "grid", "kl_high_quality"),
            (0.70, 0.07, "standard error", 10, "gan"),
        ),
        (
            ("pacgan-2018", "Table 2", "", "DCGAN (own)", "stacked-mnist", "kl"),
            (4.5, 0.127, "standard error", 10, "dcgan"),
        ),
        (
            ("pacgan-2018", "Table 3", "D = 1/4 G", "PacDCGAN4", "stacked-mnist", "modes"),
            (667.4, 29, "standard error", 50, "pacgan4"),
        ),
        (
            ("pacgan-2018", "Table 3", "D = 1/2 G", "Unrolled, 10 steps", "stacked-mnist", "kl"),
            (1.43, 0.12, NOT_STATED, None, ""),
        ),
        (
            ("energy-2019", "Stacked MNIST table", "", "WGAN-GP", "stacked-mnist-10000", "modes"),
            (9538, None, "", None, "wgan-gp"),
        ),
        (("gdpp-2019", "Table 1", "", "GDPP-GAN", "grid", "high_quality"), (0.685, None, "", None, "gdpp")),
        (("gdpp-2019", "Table 3", "", "VAE", "gdpp-stacked-mnist", "kl"), (2.409, None, "", None, "vae")),
        (("r3gan-2024", "Table 3", "", "PacGAN", "stacked-mnist", "modes"), (992, None, "", None, "")),
        (
            ("mimicry-2020", "README", "50k/50k", "WGAN-GP", "cifar10", "fid"),
            (22.29, 0.06, NOT_STATED, 1, "wgan-gp"),
        ),
    ],
)
def test_figures_are_those_of_the_papers(figures, place, expected):
    row = figures.set_index(list(FIGURE_COLUMNS[:6])).loc[place]
    found = [
        None if pd.isna(row[name]) else row[name]
        for name in ("value", "uncertainty", "uncertainty_kind", "runs", "baseline")
    ]
    assert found == [pytest.approx(part) if isinstance(part, float) else part for part in expected]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text.replace("paper,", "papers,", 1), "its columns are papers, table"),
        (lambda text: text.replace("PacGAN2,ring,modes,7.9", "PacGAN2,ring,modes,many", 1), "many"),
        (
            lambda text: text.replace("PacGAN2,ring,modes,7.9", "PacGAN2,ring,modes,", 1),
            "a value is no number",
        ),
        (
            lambda text: text.replace("PacGAN2,ring,modes,7.9", "PacGAN2,ring,modes,inf", 1),
            "a value is no number",
        ),
        (lambda text: text.replace("standard error,10", "standard error,1.5", 1), "cannot safely cast"),
        (lambda text: text[: text.rindex(",10k/5k")], "row 198 has 2 of 15 cells"),
        (lambda text: text + "more,\n", "of 15 cells"),
        (lambda text: text + '"', "unexpected end of data"),
        (lambda text: "", "not enough values"),
        (lambda text: "\udcff" + text, "can't decode"),
    ],
)
def test_a_damaged_table_is_an_error_of_one_line_that_names_it(tmp_path, damage, complaint):
    file = tmp_path / "published.csv"
    file.write_text(damage(FILE.read_text("utf-8")), "utf-8", errors="surrogateescape")
    with pytest.raises(UsageError, match=complaint) as error:
        read_published(file)
    assert str(error.value).startswith(f"{file}: does not hold the published figures (")
    assert "\n" not in str(error.value)


def test_a_missing_table_is_an_error_of_one_line_that_names_it(tmp_path):
    with pytest.raises(UsageError, match=r"published\.csv: is missing; it is part of the program"):
        read_published(tmp_path / "published.csv")


@pytest.mark.long
def test_the_table_is_in_the_wheel_where_the_program_looks_for_it(tmp_path):
    root, copy, installed = Path(__file__).resolve().parents[2], tmp_path / "copy", tmp_path / "installed"
    for name in ("benchmark", "baselines", "metrics"):
        shutil.copytree(root / name, copy / name)
    for name in ("pyproject.toml", "README.md", "LICENSE", "results/published.csv"):
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, copy / name)
    (copy / "results" / "synthetic").mkdir()
    (copy / "results" / "synthetic" / "trials.csv").write_text("a run of the user's")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, copy],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(installed)
    assert [file.name for file in (installed / "results").iterdir()] == ["published.csv"]
    code = (
        "from benchmark.report.tables.published_figures import FILE, read_published\n"
        "print(FILE, len(read_published()))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=installed, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == [
        str(installed / "results" / "published.csv"),
        str(len(read_published())),
    ]
