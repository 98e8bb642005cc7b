import subprocess
import sys
from dataclasses import dataclass

import pytest

from baselines.gan import GAN
from benchmark.errors import UsageError
from benchmark.method import Method
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.registry import DATASETS, METHODS, METRICS, SUITES, Registry, load_plugin, resolved
from benchmark.report.tables.tables import TRAINING_COLUMNS, TRIAL_COLUMNS
from benchmark.suites import get_suite, registered_suites

PLUGIN = """
from dataclasses import dataclass
from benchmark.registry import register_{kind}

@register_{kind}("{name}")
@dataclass(frozen=True)
class Foreign:
    x: int = 1
"""

SUITE = """
from benchmark.registry import register_suite
from benchmark.suites import Suite

@register_suite("my-suite")
def my_suite():
    return Suite("Mine", ("ring",), ("gan",), ("overlap",), {"ring": "5steps"})
"""


def test_names_are_known_without_importing_torch():
    code = (
        "import sys; from benchmark.registry import METHODS, DATASETS, METRICS;print(*METHODS.names(), "
        "*DATASETS.names(), *METRICS.names());from benchmark.suites import registered_suites; "
        "registered_suites(); assert 'torch' not in sys.modules"
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
    with pytest.raises(UsageError, match="choose from celeba, cifar10, gaussians-40, gdpp-stacked-mnist"):
        DATASETS.get("zzzzzz")


def test_a_name_is_given_once():
    registry = Registry("method", "baselines", reserved="all")
    first, second = type("First", (), {}), type("Second", (), {})
    assert registry.register("mine")(first) is first
    for taken in ("mine", "gan"):
        with pytest.raises(UsageError, match="already taken"):
            registry.register(taken)(second)


@pytest.mark.parametrize("name", ["seed", "overlap_large", "modes_total"])
def test_a_metric_is_not_called_like_another_column(name):
    with pytest.raises(UsageError, match="is used by the program"):
        METRICS.register(name)(type("Mine", (), {}))


@pytest.mark.parametrize("row", CALIBRATION_ROWS)
def test_no_method_is_called_as_a_calibration_row(row):
    assert METHODS.reserved.fullmatch(row)


def test_the_names_of_all_other_columns_are_reserved():
    for column in (*TRIAL_COLUMNS, *TRAINING_COLUMNS, "modes_total", "fid_features"):
        assert METRICS.reserved.fullmatch(column), column


METRIC = """
from dataclasses import dataclass
from benchmark.metric import Metric
from benchmark.registry import register_metric

@register_metric("mine")
@dataclass(frozen=True)
class Mine(Metric):
    better = "higher"
    bounds = (0.0, 1.0)
    {attribute}

    def score(self, evaluation):
        return evaluation.samples.flatten(1).mean(dim=1)
"""


@pytest.mark.parametrize(
    ("attribute", "problem"),
    [
        ('better = "up"', "Mine: better is 'up'; give higher, lower, one"),
        ('scale = "sqrt"', "Mine: scale is 'sqrt'; give linear, log"),
        ("bounds = None", "Mine: bounds is None; give the least and the greatest value"),
        ("bounds = (1.0, 0.0)", "Mine: bounds is"),
    ],
)
def test_a_metric_states_what_it_is(tmp_path, attribute, problem):
    file = tmp_path / "mine.py"
    file.write_text(METRIC.format(attribute=attribute))
    with pytest.raises(UsageError, match=problem):
        load_plugin(file)


def test_a_class_without_an_attribute_that_it_needs_is_refused(tmp_path):
    file = tmp_path / "lacking.py"
    text = METRIC.format(attribute="").replace('better = "higher"', "").replace("mine", "lacking")
    file.write_text(text)
    load_plugin(file)
    with pytest.raises(UsageError, match="metric 'lacking': Mine lacks better"):
        METRICS.build("lacking", {})


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
        (PLUGIN.format(kind="method", name="all"), "'all' is used by the program"),
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
    assert load_plugin(file) == [(METRICS, "my-metric")]
    assert load_plugin(file) == [(METRICS, "my-metric")]
    assert METRICS.get("my-metric").name == "my-metric"


def test_a_plugin_that_breaks_leaves_no_name_behind(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.format(kind="metric", name="my-metric") + "\n1 / 0\n")
    with pytest.raises(UsageError, match="does not import: ZeroDivisionError"):
        load_plugin(file)
    assert "my-metric" not in METRICS.names()


def test_a_function_registers_a_suite(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SUITE)
    assert load_plugin(file) == [(SUITES, "my-suite")]
    suite = get_suite("my-suite")
    assert (suite.name, suite.datasets, suite.budgets) == ("my-suite", ("ring",), {"ring": "5steps"})
    assert "my-suite" in [suite.name for suite in registered_suites()]


def test_values_are_converted_to_the_type_of_the_field():
    method = METHODS.build("wgan-gp", {"penalty": "1", "critic_steps": "3", "lr": 1})
    assert (method.penalty, method.critic_steps, method.lr) == (1.0, 3, 1.0)
    assert resolved(method)["critic_steps"] == 3


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("bogus", "1", "has no such setting; it has penalty, critic_steps"),
        ("critic_steps", "2.5", "give a whole number"),
        ("critic_steps", "x", "give a whole number"),
        ("critic_steps", True, "give a whole number"),
        ("penalty", "nan", "give a finite number"),
        ("penalty", "inf", "give a finite number"),
        ("penalty", [1], "give a finite number"),
        ("penalty", 10**400, "give a finite number"),
    ],
)
def test_a_bad_value_is_refused(field, value, problem):
    with pytest.raises(UsageError, match=problem):
        METHODS.build("wgan-gp", {field: value})


@pytest.mark.parametrize(
    ("registry", "name", "field", "value"),
    [
        (METRICS, "ivom", "restarts", "0"),
        (METRICS, "ivom", "points", "-5"),
        (METRICS, "modes_robust", "share", "0"),
        (METRICS, "within_mode_std", "least", "1"),
        (DATASETS, "ring", "samples", "1"),
        (DATASETS, "ring", "std", "0"),
        (METHODS, "unrolled", "unrolled_steps", "-1"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_training(registry, name, field, value):
    with pytest.raises(UsageError, match="give a"):
        registry.build(name, {field: value})


@pytest.mark.parametrize("field", ["name", "source", "sources"])
def test_settings_that_records_have_themselves_are_refused(field):
    registry = Registry("metric", "metrics")
    fields = {"__annotations__": {field: str}, field: "x"}
    registry.register("mine")(dataclass(frozen=True)(type("Mine", (), fields)))
    with pytest.raises(UsageError, match=f"a setting cannot be called {field}"):
        registry.build("mine", {})


def test_settings_without_a_default_and_errors_of_a_class_are_one_line():
    class Refuses(GAN):
        def __post_init__(self):
            assert self.lr < 1, "lr must be below 1"

    registry = Registry("method", "baselines")
    registry.register("refuses")(dataclass(frozen=True)(Refuses))
    with pytest.raises(UsageError, match=r"^method 'refuses': AssertionError: lr must be below 1"):
        registry.build("refuses", {"lr": 2})
    members = {"__annotations__": {"gamma": float}}
    registry.register("required")(dataclass(frozen=True, kw_only=True)(type("Required", (GAN,), members)))
    with pytest.raises(UsageError, match=r"^method 'required': the setting gamma has no default"):
        registry.build("required", {})


def test_an_unfinished_class_is_refused():
    registry = Registry("method", "baselines")
    registry.register("bare")(type("Bare", (), {}))
    members = {"__annotations__": {"gamma": float}, "gamma": 1.0}
    registry.register("undecorated")(type("Undecorated", (GAN,), members))
    with pytest.raises(UsageError, match="lacks the decorator @dataclass"):
        registry.build("undecorated", {})
    registry.register("abstract")(dataclass(frozen=True)(type("Abstract", (Method,), {})))
    with pytest.raises(UsageError, match="lacks the decorator @dataclass"):
        registry.build("bare", {})
    with pytest.raises(UsageError, match="lacks networks, players"):
        registry.build("abstract", {})


def test_a_dataset_refuses_sizes_below_one():
    with pytest.raises(UsageError, match="give a whole number from 1 to 100000"):
        DATASETS.build("ring", {"batch": "0"})


def test_a_field_that_a_subclass_sets_without_a_type_is_refused():
    """A dataclass does not hear of it, so that the method would quietly be another."""

    class Together(GAN):
        simultaneous = True

    registry = Registry("method", "baselines")
    registry.register("together")(Together)
    with pytest.raises(
        UsageError,
        match="method 'together': the class sets simultaneous without a type; write simultaneous: bool = ",
    ):
        registry.build("together", {})


def test_a_refused_value_is_told_without_the_settings_that_have_no_part_in_it():
    with pytest.raises(UsageError, match=r"^--set ring.circle=2 --set ring.separation=5: circle and"):
        DATASETS.build("ring", {"batch": 100, "circle": 2, "separation": 5, "latent": 2})
