import subprocess
import sys

import pytest

from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, Registry, load_plugin

PLUGIN = """
from dataclasses import dataclass
from benchmark.registry import register_{kind}

@register_{kind}("{name}")
@dataclass(frozen=True)
class Foreign:
    x: int = 1
"""


def test_names_are_known_without_importing_torch():
    code = (
        "import sys; from benchmark.registry import METHODS, DATASETS, METRICS;"
        "print(*METHODS.names(), *DATASETS.names(), *METRICS.names()); assert 'torch' not in sys.modules"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {
        "gan",
        "dcgan",
        "wgan-gp",
        "unrolled",
        "ali",
        "veegan",
        "aegan",
        "ring",
        "grid",
        "high-dimensional",
        "kl",
        "ivom",
    } <= set(out)


@pytest.mark.parametrize("registry", [METHODS, DATASETS, METRICS], ids=lambda r: r.kind)
def test_every_name_gives_a_class_of_that_name(registry):
    for name in registry.names():
        assert registry.get(name).name == name
        assert registry.get(name).__doc__


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean veegan"):
        METHODS.get("vegan")
    with pytest.raises(UsageError, match="choose from cifar10, grid, high-dimensional, ring, stacked"):
        DATASETS.get("zzzzzz")


def test_a_name_is_given_once():
    registry = Registry("method", "baselines", reserved=("all",))
    first, second = type("First", (), {}), type("Second", (), {})
    assert registry.register("mine")(first) is first
    for taken in ("mine", "gan", "all"):
        with pytest.raises(UsageError, match="already taken"):
            registry.register(taken)(second)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "registers nothing"),
        ("import no_such_module", "does not import: ModuleNotFoundError"),
        ("x = (", "does not import: SyntaxError"),
        ("1 / 0", "does not import: ZeroDivisionError"),
        ("raise SystemExit(0)", "does not import: SystemExit"),
        (PLUGIN.format(kind="method", name="a/b"), "give lower-case letters"),
        (PLUGIN.format(kind="method", name="gan"), "'gan' is already taken"),
    ],
)
def test_a_bad_plugin_is_refused_in_one_line(tmp_path, text, problem):
    file = tmp_path / "plug.py"
    file.write_text(text)
    with pytest.raises(UsageError, match=problem) as error:
        load_plugin(file)
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="no such file"):
        load_plugin(tmp_path / "absent.py")


def test_a_plugin_registers_its_names(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.format(kind="metric", name="my-metric"))
    try:
        assert load_plugin(file) == ["metric my-metric"]
        assert METRICS.get("my-metric").name == "my-metric"
    finally:
        del METRICS._classes["my-metric"]
