"""A search of settings, from its command to its files."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from support.faults import Inline, finished, use
from support.searches import RUN, TUNE, search, table, tuned

from benchmark.commands.cli import main
from benchmark.errors import UsageError
from benchmark.report.search.edges import at_an_edge


def test_every_method_gets_the_same_number_of_points_and_the_same_budget(searched):
    rows = table(searched)
    trained = rows[rows["point"].notna()]
    for _, own in trained.groupby("method"):
        assert sorted(own["point"]) == [0, 0, 1, 1, 2, 2, 3, 3]
        assert set(own["budget"]) == {"40steps"}
        assert set(own["generator_steps"]) == {40}
    assert set(rows["method"]) == {"real-data", "collapsed", "noise", "gan", "dcgan"}
    assert rows["seed"].min() >= 1_000_000


def test_the_best_point_by_the_mean_over_seeds_is_chosen(searched):
    rows = table(searched)
    chosen = tuned(searched)
    assert (chosen.suite, chosen.points, chosen.seeds) == ("synthetic", 4, 2)
    for method, choice in chosen.chosen["ring"].items():
        own = rows[rows["method"] == method]
        means = own.groupby("point")["score"].mean()
        assert choice.score == pytest.approx(means.max())
        assert choice.point == means.idxmax()
        assert choice.published_score == pytest.approx(means[0])
        assert choice.flops == own["flops"].sum()
        best = own[own["point"] == choice.point].iloc[0]
        for name, value in choice.settings.items():
            assert best[f"settings.{name}"] == value


def test_a_record_has_the_settings_of_its_own_model(searched):
    rows = table(searched)
    row = rows[(rows["method"] == "gan") & (rows["point"] == 2)].iloc[0]
    record = json.loads((searched / "trials/ring/gan" / f"seed-{row['seed']}" / "result.json").read_bytes())
    method = record["configuration"]["method"]
    for name in ("lr", "beta1", "fall", "average_half_life", "simultaneous"):
        assert (
            method.get(name, {"fall": "none", "average_half_life": 0.0}.get(name)) == row[f"settings.{name}"]
        )


def test_an_interrupted_search_goes_on_to_the_same_table(searched, tmp_path):
    out = tmp_path / "search"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.running.executors.worker.REPORT_EVERY", 0.0)
        executor = Inline(stop_after=60, capacity=1)
        search(out, "--checkpoint-every", "0s", executor=executor)
    assert 0 < len(finished(out)) < len(finished(searched))
    assert list(out.glob("trials/*/*/training-*/checkpoint.json"))
    assert search(out) == 0
    assert (out / "search.csv").read_bytes() == (searched / "search.csv").read_bytes()
    assert tuned(out).chosen == tuned(searched).chosen


def test_a_search_grows_by_points(searched, tmp_path):
    out = tmp_path / "search"
    shutil.copytree(searched, out)
    assert search(out, "--trials", "6") == 0
    grown, before = table(out), table(searched)
    kept = grown[~grown["point"].isin([4, 5])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    assert search(out) == 0  # what was asked for last counts, not what there is
    assert (out / "search.csv").read_bytes() == (searched / "search.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((*TUNE, "--trials", "0"), "--trials '0': give a whole number from 1 to 4096"),
        ((*TUNE, "--trials", "many"), "--trials 'many'"),
        ((*TUNE, "--seeds", "0,1"), "--seeds '0,1': give a whole number from 1 to 100"),
        ((*TUNE, "--halving", "x"), "--halving 'x': give off, or a number from 2 to 16"),
        ((*TUNE, "--halving", "8"), "--halving 8: needs at least as many --trials, of which one goes on"),
        ((*TUNE, "--halving", "1"), "--halving '1': give a whole number from 2 to 16"),
        ((*TUNE, "--halving", "2", "--rungs", "9"), "--rungs '9': give a whole number from 1 to 3"),
        ((*TUNE, "--rungs", "2"), "--rungs 2: is for successive halving; give --halving, too"),
        (
            (*TUNE, "--set", "gan.lr=1e-3"),
            "--set gan.lr: a search keeps to the published settings of methods",
        ),
        ((*TUNE, "--settings", "tuned"), "unrecognized arguments: --settings"),
        ((*RUN, "--seeds", "1000000,"), "seeds from 1000000 on are those of searches"),
        ((*RUN, "--settings", "/no/file.toml"), "--settings /no/file.toml: No such file or directory"),
        (("run", "--suite", "cifar10", "--settings", "tuned"), "none come with suite 'cifar10'"),
    ],
)
def test_mistakes_are_one_line(cli, tmp_path, arguments, problem):
    status, _, err = cli(*arguments, "--out", tmp_path / "out")
    assert status == 2
    assert problem in err
    assert not (tmp_path / "out").exists()


def test_a_search_and_a_run_do_not_share_a_directory(searched, cli, inline):
    status, _, err = cli(*RUN, "--out", searched)
    assert status == 2
    assert "holds a search; give another directory" in err


def wild(tmp_path, rates, default):
    """A plug-in with a GAN of these learning rates."""
    plugin = tmp_path / "wild.py"
    plugin.write_text(
        "from dataclasses import dataclass\n"
        "from baselines.gan import GAN\n"
        "from benchmark.method import Choice\n"
        "from benchmark.registry import register_method\n"
        "@register_method('wild')\n"
        "@dataclass(frozen=True)\n"
        "class Wild(GAN):\n"
        '    """A GAN.\n\n    References:\n        none\n\n    Deviations:\n        none\n    """\n'
        f"    space = {{'lr': Choice{rates}}}\n"
        f"    lr: float = {default}\n"
    )
    return ("--plugin", str(plugin), "--methods", "wild")


def test_a_point_of_which_a_seed_diverged_is_not_chosen(tmp_path):
    """A learning rate of 1e30 is the best of none."""
    out = tmp_path / "search"
    assert search(out, *wild(tmp_path, (1e30, 1e31), 1e-3)) == 0
    rows = table(out)
    others = rows[rows["point"] > 0]
    assert set(others["status"]) == {"diverged"}
    assert others["score"].isna().all()
    choice = tuned(out).chosen["ring"]["wild"]
    assert choice.point == 0
    assert choice.settings == {}
    assert np.isfinite(choice.score)


def test_the_page_shows_what_a_larger_search_would_bring_and_every_setting(searched):
    page = (searched / "report.html").read_text()
    assert "4 settings of each method on each dataset, the published ones among them; 2 seeds each." in page
    assert re.search(r'aria-label="Expected best overlap on ring over all settings: gan 0\.\d+; dcgan', page)
    for setting in ("lr", "beta1", "simultaneous", "fall", "average_half_life"):
        assert f'aria-label="overlap of gan by {setting}; the best point has' in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_with_one_seed_the_page_says_that_noise_is_not_known(tmp_path):
    assert search(tmp_path / "search", "--seeds", "1") == 0
    page = (tmp_path / "search" / "report.html").read_text()
    best = [choice.settings == {} for choice in tuned(tmp_path / "search").chosen["ring"].values()]
    assert f"the published settings are the best ones of {sum(best)} of 2 methods; with one seed each" in page


def test_chosen_settings_at_an_end_of_their_range_are_marked():
    space = {
        "lr": {"low": 1e-5, "high": 1e-2, "scale": "log"},
        "weight": {"low": 0.0, "high": 1.0, "scale": "linear"},
        "fall": {"values": ["none", "linear"]},
    }
    assert at_an_edge({"lr": 9e-3, "weight": 0.5, "fall": "none"}, space) == ["lr"]
    assert at_an_edge({"lr": 1e-3, "weight": 0.99}, space) == ["weight"]
    assert at_an_edge({"lr": 1.2e-5}, space) == ["lr"]
    assert at_an_edge({"lr": 2e-5, "weight": 0.06}, space) == []
    assert at_an_edge({"lr": 0.1}, space) == ["lr"]


def test_a_method_that_declares_no_space_is_named(tmp_path):
    plugin = tmp_path / "bare.py"
    plugin.write_text(
        "from dataclasses import dataclass\n"
        "from baselines.gan import GAN\n"
        "from benchmark.registry import register_method\n"
        "@register_method('bare')\n"
        "@dataclass(frozen=True)\n"
        "class Bare(GAN):\n"
        "    space = {}\n"
    )
    out = tmp_path / "search"
    assert search(out, "--plugin", str(plugin), "--methods", "bare,gan", "--trials", "2") == 0
    page = (out / "report.html").read_text()
    assert "bare (no space of its own)" in page
    assert "gan (no space of its own)" not in page
    rows = table(out)
    assert rows.loc[(rows["method"] == "bare") & (rows["point"] == 1), "settings.lr"].nunique() == 1
    assert set(rows.loc[rows["method"] == "bare", "settings.simultaneous"]) == {False}


def test_published_settings_that_diverge_have_no_score(tmp_path):
    out = tmp_path / "search"
    assert search(out, *wild(tmp_path, (1e-3, 1e-4), 1e30)) == 0
    choice = tuned(out).chosen["ring"]["wild"]
    assert choice.point > 0
    assert choice.published_score is None


def test_a_method_all_of_whose_settings_diverge_is_named(tmp_path, capsys):
    out = tmp_path / "search"
    options = wild(tmp_path, (1e30, 1e31), 1e30)
    assert search(out, *options[:2], "--methods", "wild,gan") == 0
    assert "wild on ring: no settings have a score, so none are chosen" in capsys.readouterr().err
    assert set(tuned(out).chosen["ring"]) == {"gan"}
    assert "wild on ring: no settings have a score" in (out / "report.html").read_text()


def test_methods_of_unequal_searches_are_not_put_side_by_side(tmp_path):
    """The files are those of the last command."""
    out = tmp_path / "search"
    assert search(out, "--methods", "gan", "--trials", "2") == 0
    assert search(out, "--methods", "dcgan", "--trials", "3") == 0
    assert set(tuned(out).chosen["ring"]) == {"dcgan"}
    assert search(out, "--trials", "3") == 0
    counts = table(out).dropna(subset="point").groupby("method")["point"].nunique()
    assert counts.to_dict() == {"gan": 3, "dcgan": 3}


def test_whole_numbers_stay_whole(tmp_path):
    out = tmp_path / "search"
    assert search(out, "--methods", "wgan-gp,gan") == 0
    text = (out / "search.csv").read_text()
    steps = pd.read_csv(out / "search.csv", dtype=str)["settings.critic_steps"].dropna()
    assert set(steps) <= {"1", "5"}, text
    assert ">5.0<" not in (out / "report.html").read_text()


def test_a_dry_run_of_a_fresh_search_leaves_the_old_one_alone(cli, tmp_path):
    out = tmp_path / "search"
    assert search(out, "--methods", "gan") == 0
    options = ("--methods", "gan", "--budget", "60steps", "--fresh", "--dry-run", "--out", out)
    status, stdout, err = cli(*TUNE, *options)
    assert status == 0, err
    assert "0 done already" in stdout
    assert (out / "search.csv").exists()


def test_a_search_with_missing_trials_writes_no_settings(tmp_path, capsys):
    out = tmp_path / "search"
    assert search(out, "--methods", "gan") == 0
    shutil.rmtree(out / "trials/ring/gan/seed-1000100")
    assert main(["report", str(out)]) == 0
    assert "1 of its trials are missing" in capsys.readouterr().err
    assert not (out / "tuned.toml").exists()
    assert search(out, "--methods", "gan") == 0
    assert (out / "tuned.toml").exists()


def test_a_search_whose_manifest_is_damaged_is_not_taken_for_a_run(searched, tmp_path, capsys):
    out = tmp_path / "search"
    shutil.copytree(searched, out)
    (out / "manifest.json").write_text("{}")
    assert main(["report", str(out)]) == 2
    assert "a manifest of the search is damaged or missing" in capsys.readouterr().err
    assert not (out / "trials.csv").exists()
    assert (out / "report.html").read_bytes() == (searched / "report.html").read_bytes()


def test_a_fresh_search_that_cannot_begin_leaves_the_old_one_alone(tmp_path, monkeypatch, capsys):
    out = tmp_path / "search"
    assert search(out, "--methods", "gan") == 0

    def unreachable(options, device):
        raise UsageError("--ray-address: no cluster answers")

    monkeypatch.setattr("benchmark.commands.tune.make_executor", unreachable)
    assert search(out, "--methods", "gan", "--fresh") == 2
    assert "no cluster answers" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["search"]


def test_a_damaged_trial_of_a_larger_search_is_trained_again(tmp_path):
    out = tmp_path / "search"
    assert search(out, "--methods", "gan", "--trials", "4") == 0
    shutil.rmtree(out / "trials/ring/gan/seed-1000100")
    assert search(out, "--methods", "gan", "--trials", "3") == 0
    assert sorted(table(out).dropna(subset="point")["point"]) == [0, 0, 1, 1, 2, 2]


def test_tuples_and_enumerations_are_searched(tmp_path):
    plugin = tmp_path / "odd.py"
    plugin.write_text(
        "from dataclasses import dataclass\n"
        "from enum import Enum\n"
        "from typing import ClassVar\n"
        "from baselines.gan import GAN\n"
        "from benchmark.method import Choice\n"
        "from benchmark.registry import register_method\n"
        "class Mode(Enum):\n"
        "    PLAIN = 'plain'\n"
        "    OTHER = 'other'\n"
        "@register_method('odd')\n"
        "@dataclass(frozen=True)\n"
        "class Odd(GAN):\n"
        "    layers: tuple[int, ...] = (8, 8)\n"
        "    mode: Mode = Mode.PLAIN\n"
        "    space: ClassVar = {'layers': Choice((8, 8), (8,)), 'mode': Choice(Mode.PLAIN, Mode.OTHER)}\n"
    )
    odd = ("--plugin", str(plugin), "--methods", "odd")
    out = tmp_path / "search"
    assert search(out, *odd) == 0
    own = table(out)
    own = own[own["method"] == "odd"]
    assert set(own["settings.layers"]) == {"[8, 8]", "[8]"}
    assert set(own["settings.mode"]) == {"plain", "other"}
    file = tmp_path / "chosen.toml"
    text = (out / "tuned.toml").read_text()
    assert "[chosen.ring.odd.settings]\n" in text
    others = "[chosen.ring.odd.settings]\nlayers = [8]\nmode = 'other'\n"
    file.write_text(re.sub(r"\[chosen.ring.odd.settings\]\n([^[].*\n)*", others, text))
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        use(patch, Inline())
        assert main([*RUN, *odd, "--settings", str(file), "--out", str(run)]) == 0
    record = json.loads((run / "trials/ring/odd/seed-0/result.json").read_bytes())
    method = record["configuration"]["method"]
    assert (method["layers"], method["mode"]) == ([8], "other")


def test_what_differs_from_published_settings_is_known_without_their_trials(searched, tmp_path, capsys):
    out = tmp_path / "search"
    shutil.copytree(searched, out)
    for seed in (1_000_000, 1_000_001):
        shutil.rmtree(out / f"trials/ring/gan/seed-{seed}")
    assert main(["report", str(out)]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  gan: ")]
    assert "(no score)" in line
    assert "lr" in line
    assert "beta2" not in line  # which is not searched
