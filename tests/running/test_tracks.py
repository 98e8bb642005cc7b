"""A run with the settings that a search has chosen."""

import json

import msgspec
import pandas as pd
import pytest
from support.searches import RUN, tuned

from benchmark import load_results
from benchmark.errors import UsageError
from benchmark.records.results import read_run
from benchmark.records.schema import Record
from benchmark.records.sealed_files import read_sealed, write_sealed
from benchmark.report.page.settings_part import settings_rows
from benchmark.report.tables.tables import make_tables


def test_a_run_takes_the_chosen_settings_and_says_so(searched, cli, tmp_path, inline):
    out = tmp_path / "run"
    status, _, err = cli(*RUN, "--settings", searched / "tuned.toml", "--out", out)
    assert status == 0, err
    manifest = json.loads((out / "manifest.json").read_bytes())
    settings = pd.read_csv(out / "settings.csv").set_index("method")
    trials = pd.read_csv(out / "trials.csv")
    for method, choice in tuned(searched).chosen["ring"].items():
        configured = manifest["configuration"]["methods"]["ring"][method]
        assert choice.settings.items() <= configured.items()
        track = manifest["tracks"]["ring"][method]
        assert track["settings"] == "tuned"
        assert track["search"]["points"] == 4
        row = settings.loc[method]
        fresh = trials.loc[trials["method"] == method, "overlap"].mean()
        assert row["search_score"] == choice.score
        assert row["score"] == pytest.approx(fresh)
        assert row["optimism"] == pytest.approx(choice.score - fresh)
    assert set(trials.dropna(subset="flops")["settings"]) == {"tuned"}
    summary = (out / "summary.md").read_text()
    assert "Settings: tuned, the best of 4 of each method, with 2 seeds each (tuned.toml)." in summary


def test_a_method_that_was_not_searched_is_marked(searched, cli, tmp_path, inline):
    out = tmp_path / "run"
    options = ("--methods", "gan,veegan", "--settings", searched / "tuned.toml")
    status, stdout, err = cli(*RUN, *options, "--out", out)
    assert status == 0, err
    assert "veegan (not tuned)" in stdout
    assert "gan (not tuned)" not in stdout.replace("veegan (not tuned)", "")
    assert "veegan (not tuned)" in (out / "summary.md").read_text()
    trials = pd.read_csv(out / "trials.csv").set_index("method")
    assert set(trials.loc["veegan", "settings"]) == {"not tuned"}
    assert set(trials.loc["gan", "settings"]) == {"tuned"}


def test_what_the_command_sets_is_over_what_the_search_chose(searched, cli, tmp_path, inline):
    out = tmp_path / "run"
    options = ("--settings", searched / "tuned.toml", "--set", "gan.lr=0.0005")
    assert cli(*RUN, *options, "--out", out)[0] == 0
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["configuration"]["methods"]["ring"]["gan"]["lr"] == 0.0005
    assert manifest["tracks"]["ring"]["gan"]["changed"] == ["lr"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lr": "fast"}, "gan.lr=fast"),
        ({"lr": -1.0}, "learning rate must be positive"),
        ({"lr": 1e300}, "learning rate must be at most 3.4e+38, not 1e+300"),
        ({"speed": 1}, "has no such setting"),
        ({"fall": "steep"}, "gan.fall=steep"),
    ],
)
def test_chosen_settings_that_are_none_are_refused(searched, cli, tmp_path, change, problem):
    content = msgspec.toml.decode((searched / "tuned.toml").read_bytes())
    content["chosen"]["ring"]["gan"]["settings"] = change
    file = tmp_path / "tuned.toml"
    file.write_bytes(msgspec.toml.encode(content))
    status, _, err = cli(*RUN, "--settings", file, "--out", tmp_path / "run")
    assert status == 2
    assert problem in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        ("chosen", {"ring": {}}, "--settings tuned.toml: is for nothing, and this run has ring"),
        ("chosen", {}, "--settings tuned.toml: is for nothing, and this run has ring"),
    ],
)
def test_a_file_for_something_else_is_refused(searched, cli, tmp_path, part, change, problem):
    content = msgspec.toml.decode((searched / "tuned.toml").read_bytes())
    content[part] = change
    file = tmp_path / "tuned.toml"
    file.write_bytes(msgspec.toml.encode(content))
    status, _, err = cli(*RUN, "--settings", file, "--out", tmp_path / "run")
    assert status == 2
    assert problem in err


def test_settings_of_an_unknown_method_are_refused(searched, cli, tmp_path):
    content = msgspec.toml.decode((searched / "tuned.toml").read_bytes())
    content["chosen"]["ring"]["nobody"] = content["chosen"]["ring"]["gan"]
    file = tmp_path / "tuned.toml"
    file.write_bytes(msgspec.toml.encode(content))
    status, _, err = cli(*RUN, "--settings", file, "--out", tmp_path / "run")
    assert status == 2
    assert "unknown method 'nobody'" in err


def test_optimism_is_not_that_of_another_budget(searched, cli, tmp_path, inline):
    out = tmp_path / "run"
    options = ("--settings", searched / "tuned.toml", "--budget", "20steps")
    assert cli(*RUN, *options, "--out", out)[0] == 0
    settings = pd.read_csv(out / "settings.csv")
    assert settings["search_score"].notna().all()
    assert settings["optimism"].isna().all()


def test_optimism_is_not_that_of_another_dataset(searched, cli, tmp_path, inline):
    """What the search had otherwise is named."""
    out = tmp_path / "run"
    options = ("--settings", searched / "tuned.toml", "--set", "ring.batch=16", "--set", "ring.evaluations=2")
    assert cli(*RUN, *options, "--out", out)[0] == 0
    settings = pd.read_csv(out / "settings.csv")
    assert set(settings["changed"]) == {"ring.batch"}
    assert settings["optimism"].isna().all()


def test_optimism_is_not_that_of_another_metric(searched, cli, tmp_path, inline):
    content = tuned(searched)
    assert content.searched["ring"]["overlap"] == {}
    content.metrics["ring"] = "clipped_coverage"
    content.searched["ring"]["clipped_coverage"] = {"k": 7}
    file = tmp_path / "tuned.toml"
    file.write_text(content.as_text())
    out = tmp_path / "run"
    assert cli(*RUN, "--metrics", "clipped_coverage", "--settings", file, "--out", out)[0] == 0
    settings = pd.read_csv(out / "settings.csv")
    assert set(settings["changed"]) == {"clipped_coverage.k"}
    assert settings["optimism"].isna().all()


def test_published_settings_beside_tuned_ones_are_marked(searched, cli, tmp_path, inline):
    out = tmp_path / "run"
    assert cli(*RUN, "--methods", "gan", "--settings", searched / "tuned.toml", "--out", out)[0] == 0
    assert cli(*RUN, "--methods", "dcgan", "--settings", "published", "--out", out)[0] == 0
    settings = pd.read_csv(out / "settings.csv").set_index("method")["settings"]
    assert settings.to_dict() == {"gan": "tuned", "dcgan": "not tuned"}


def test_a_search_is_not_compared_or_loaded_as_a_run(searched, cli):
    status, _, err = cli("compare", searched, searched)
    assert status == 2
    assert "holds a search of settings, not a run" in err
    with pytest.raises(UsageError, match="holds a search of settings, not a run"):
        load_results(searched)


def test_settings_that_the_command_changed_are_named(cli, tmp_path, inline):
    out = tmp_path / "run"
    options = ("--methods", "gan,dcgan", "--settings", "published", "--set", "gan.lr=0.0005")
    assert cli(*RUN, *options, "--out", out)[0] == 0
    summary = (out / "summary.md").read_text()
    assert "Settings: those of the suite, not searched; changed: gan.lr." in summary
    rows = settings_rows(make_tables(read_run(out)))
    shown = {row["method"]: row["settings"] for row in rows}
    assert shown == {"gan": "published, but for lr", "dcgan": "published"}
    assert [row["search"] for row in rows] == [None, None]


def test_optimism_is_not_told_where_a_seed_diverged(searched, cli, tmp_path, inline):
    """A search passes over such settings, and a mean over the other seeds is too good."""
    out = tmp_path / "run"
    assert cli(*RUN, "--settings", searched / "tuned.toml", "--out", out)[0] == 0
    file = out / "trials/ring/gan/seed-0/result.json"
    write_sealed(file, {**read_sealed(file, Record), "status": "diverged"})
    assert cli("report", out)[0] == 0
    settings = pd.read_csv(out / "settings.csv").set_index("method")
    assert settings["optimism"].isna().to_dict() == {"gan": True, "dcgan": False}
    assert pd.isna(settings.loc["gan", "score"])
