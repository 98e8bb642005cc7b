"""A search by successive halving, from its command to its files."""

import shutil

import pytest
from support.searches import RUN, TUNE, search, table, tuned

from benchmark.commands.cli import main

HALVED = ("--methods", "gan", "--halving", "2", "--rungs", "2")


@pytest.fixture
def halved(tmp_path):
    """The directory of a search with two rungs."""
    out = tmp_path / "search"
    assert search(out, *HALVED) == 0
    return out


def test_halving_tries_few_settings_at_the_whole_budget_and_is_charged_for_all(tmp_path):
    out = tmp_path / "search"
    assert search(out, "--halving", "2") == 0
    rows = table(out)
    counts = rows[rows["point"].notna()].groupby(["method", "budget"])["point"].nunique()
    for method in ("gan", "dcgan"):
        assert counts[method].to_dict() == {"10steps": 4, "20steps": 3, "40steps": 2}
    for method, choice in tuned(out).chosen["ring"].items():
        own = rows[rows["method"] == method]
        assert choice.flops == own["flops"].sum()
        assert 0 in set(own.loc[own["budget"] == "40steps", "point"])
        first = own[(own["budget"] == "10steps") & (own["point"] != 0)].groupby("point")["score"].mean()
        second = own[(own["budget"] == "20steps") & (own["point"] != 0)]
        assert set(second["point"]) == set(first.sort_values(ascending=False, kind="stable").index[:2])
    before = (out / "search.csv").read_bytes()
    assert main(["report", str(out)]) == 0
    assert (out / "search.csv").read_bytes() == before


def test_a_rung_that_failed_ends_the_search(tmp_path, capsys):
    """What goes on is not known then."""
    out = tmp_path / "search"
    options = failing(tmp_path)
    assert search(out, *options) == 1
    assert not (out / "search.csv").exists()
    errors = capsys.readouterr().err
    assert "no sample" in errors
    assert "of an earlier command" not in errors
    # It is known as a search, though it has not come to its last rung.
    assert main(["report", str(out)]) == 2
    assert "holds a search without its last rung" in capsys.readouterr().err
    assert not (out / "trials.csv").exists()
    assert main([*RUN, "--methods", "gan", "--out", str(out)]) == 2
    assert "holds a search; give another directory" in capsys.readouterr().err


def test_files_of_an_earlier_command_are_named(tmp_path, capsys):
    """They stay where a rung failed."""
    out = tmp_path / "search"
    assert search(out, "--methods", "gan", "--halving", "2", "--rungs", "2") == 0
    assert search(out, *failing(tmp_path)) == 1
    assert "are still those of an earlier command" in capsys.readouterr().err
    assert set(tuned(out).chosen["ring"]) == {"gan"}


def failing(directory):
    """Options of a search with a method that fails."""
    plugin = directory / "fails.py"
    plugin.write_text(
        "from dataclasses import dataclass\n"
        "from baselines.gan import GAN\n"
        "from benchmark.method import Choice\n"
        "from benchmark.registry import register_method\n"
        "@register_method('fails')\n"
        "@dataclass(frozen=True)\n"
        "class Fails(GAN):\n"
        "    def sample(self, nets, z, noise):\n"
        "        if len(z) > 100:\n"
        "            raise ValueError('no sample')\n"
        "        return nets.generator(z)\n"
    )
    return ("--plugin", str(plugin), "--methods", "fails,gan", "--halving", "2", "--rungs", "2")


def test_another_search_in_the_last_rung_is_noticed_before_the_first(tmp_path, capsys):
    out = tmp_path / "search"
    assert search(out, "--methods", "gan") == 0
    for more in ((), ("--dry-run",)):
        assert (
            search(out, "--methods", "gan", "--halving", "2", "--rungs", "2", "--budget", "60steps", *more)
            == 2
        )
        assert "another configuration: budget is 40steps, asked for 60steps" in capsys.readouterr().err
    assert not (out / "rungs").exists()


def test_missing_trials_of_lower_rungs_count(halved, capsys):
    shutil.rmtree(halved / "rungs/1/trials/ring/gan/seed-1000100")
    assert main(["report", str(halved)]) == 0
    assert "1 of its trials are missing" in capsys.readouterr().err
    assert not (halved / "tuned.toml").exists()


def test_damaged_trials_of_lower_rungs_are_named(halved, capsys):
    (halved / "rungs/1/trials/ring/gan/seed-1000100/result.json").write_text("{}")
    assert main(["report", str(halved)]) == 1
    assert "rungs/1/trials/ring/gan/seed-1000100/result.json" in capsys.readouterr().err


def test_a_missing_rung_is_named(halved, capsys):
    shutil.rmtree(halved / "rungs")
    assert main(["report", str(halved)]) == 2
    assert "rungs/1: is missing; the command of the search trains it again" in capsys.readouterr().err


def test_a_fresh_search_moves_its_rungs_aside_and_a_refused_one_nothing(halved, tmp_path):
    assert search(halved, *HALVED, "--fresh", "--budget", "1flops") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["search"]
    assert search(halved, *HALVED, "--fresh") == 0
    assert len(list(tmp_path.glob("search.*"))) == 1
    shutil.rmtree(halved / "trials")
    (halved / "manifest.json").unlink()  # as if it had been interrupted in its first rung
    assert search(halved, *HALVED, "--fresh", "--budget", "20steps") == 0
    assert len(list(tmp_path.glob("search.*"))) == 2


def test_rungs_are_not_trained_in_the_directory_of_a_run(cli, tmp_path, inline):
    out = tmp_path / "run"
    assert cli(*RUN, "--methods", "gan", "--out", out)[0] == 0
    assert search(out, "--halving", "2") == 2
    assert not (out / "rungs").exists()


def test_a_dry_run_of_a_search_lists_its_first_rung(cli, tmp_path):
    status, stdout, _ = cli(*TUNE, "--halving", "2", "--rungs", "2", "--dry-run", "--out", tmp_path / "out")
    assert status == 0
    assert "22 trials to train" in stdout
    assert "This is rung 1 of 2; all rungs together cost 2.5 times as much." in stdout
    assert not (tmp_path / "out").exists()
