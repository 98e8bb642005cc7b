import argparse

import pytest

from benchmark.commands import option_values as options
from benchmark.errors import UsageError


def test_seeds():
    assert options.seeds("5") == (0, 1, 2, 3, 4)
    assert options.seeds("7,0,3") == (0, 3, 7)
    assert options.seeds("7,") == (7,)


@pytest.mark.parametrize("text", ["0", "a", "1,1", "-1", "", ",", "1,,2", "1.5", "1e3", "²", "999999999"])
def test_bad_seeds(text):
    with pytest.raises(UsageError, match="--seeds"):
        options.seeds(text)


def test_settings_are_grouped_and_the_last_one_wins():
    given = ["wgan-gp.penalty=1", "ring.batch = 8", "wgan-gp.penalty=2", options.Assignment("gan", "lr", 0.1)]
    assert options.settings(given) == {
        "wgan-gp": {"penalty": "2"},
        "ring": {"batch": "8"},
        "gan": {"lr": 0.1},
    }


@pytest.mark.parametrize("text", ["penalty=1", "wgan-gp.penalty", "=1", ".x=1", "x.=1"])
def test_bad_settings(text):
    with pytest.raises(UsageError, match=r"OWNER\.FIELD=VALUE"):
        options.settings([text])


def _given(tmp_path, text, **arguments):
    file = tmp_path / "c.toml"
    file.write_text(text)
    known = ("suite", "seeds", "plugin", "set", "budget")
    parsed = argparse.Namespace(config=str(file), **{**dict.fromkeys(known), **arguments})
    return options.with_config(parsed, known)


def test_a_file_gives_options_and_the_command_line_wins(tmp_path):
    text = 'suite = "synthetic"\nseeds = [3]\nbudget = "1e9flops"\n[set.gan]\nlr = 0.1\n'
    given = _given(tmp_path, text, budget="2s", set=["gan.lr=0.2"])
    assert given["suite"] == "synthetic"
    assert options.seeds(given["seeds"]) == (3,)
    assert given["budget"] == "2s"
    assert options.settings(given["set"]) == {"gan": {"lr": "0.2"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = ", "not TOML"),
        ("bogus = 1", "unknown option 'bogus'"),
        ("set = 1", "tables"),
        ("[set.gan.lr]\nx = 1", "set.gan.lr must be a text, a number, true or false, or a list of these"),
        ("[set.gan]\nlr = [[1]]", "set.gan.lr must be"),
        (f"[set{'.a' * 900}]\nx = 1", "set.a.a must be"),
        ("seeds = true", "seeds"),
        ("plugin = 5", "plugin must be"),
    ],
)
def test_a_bad_file(tmp_path, text, problem):
    with pytest.raises(UsageError, match=problem):
        _given(tmp_path, text)


def test_an_absent_file():
    with pytest.raises(UsageError, match="No such file"):
        options.with_config(argparse.Namespace(config="/no/such.toml"), ())
