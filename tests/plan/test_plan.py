"""From a request to cells: what they cost, whether they are compiled, and what of them is still to be
done.
"""

import re
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
import torch

from benchmark.datasets.mixtures import Ring
from benchmark.errors import UsageError
from benchmark.plan.merged_settings import merged_settings
from benchmark.plan.plan import make_plan
from benchmark.plan.planned import MOST_PARAMETERS, Planned, PlannedDataset
from benchmark.plan.remaining import SeedGroup, find_remaining
from benchmark.plan.request import Request
from benchmark.plan.variants import variants_of
from benchmark.records.cell import Cell, Configured
from benchmark.records.trial_files import NOTHING
from benchmark.registry import DATASETS, METHODS
from benchmark.suites import get_suite
from benchmark.suites.budget import Budget
from benchmark.suites.search import Search
from benchmark.training.cost import cost_of


def plan_of(*methods, seeds=(0, 1), compile="off", settings=None):
    return make_plan(
        Request(
            get_suite("synthetic"),
            seeds,
            datasets=("ring",),
            methods=methods,
            settings=settings or {},
            budget=Budget(50, "steps"),
            device="cpu",
            compile=compile,
        )
    )


def wanted(remaining, method):
    """The seeds of each cell of a method that is still to run: those that are trained, and those that are
    wanted.
    """
    cells = [cell for _, cell in remaining.cells if cell.method.name == method]
    return [(cell.group, cell.wanted) for cell in cells]


def test_calibration_rows_come_first_and_cost_nothing():
    plan = plan_of("gan", "dcgan")
    names = [planned.template.method.name for planned in plan.cells]
    assert names == ["real-data", "collapsed", "noise", "gan", "dcgan"]
    assert [planned.cost is None for planned in plan.cells] == [True, True, True, False, False]
    assert [planned.work(2) for planned in plan.cells[:3]] == [0, 0, 0]
    gan = plan.cells[3]
    assert gan.cycles == 50
    assert gan.work(2) == 2 * 50 * gan.cost.flops


def test_all_seeds_of_an_empty_run_are_missing():
    remaining = find_remaining(plan_of("gan", seeds=tuple(range(20))), NOTHING, {})
    first, second = tuple(range(10)), tuple(range(10, 20))
    assert wanted(remaining, "gan") == [(first, first), (second, second)]
    assert remaining.done == 0
    assert remaining.groups["ring", "gan"] == [SeedGroup(first, False), SeedGroup(second, False)]


def groups_of(plan, method="gan"):
    return [group for group, _ in wanted(find_remaining(plan, NOTHING, {}), method)]


def test_seeds_are_split_so_that_no_worker_is_idle():
    seeds = (0, 1, 2, 3, 4)
    one = plan_of("gan", seeds=seeds)
    assert groups_of(one) == [seeds]
    assert groups_of(replace(one, workers=2)) == [(0, 1, 2), (3, 4)]
    assert groups_of(replace(one, workers=64)) == [(0,), (1,), (2,), (3,), (4,)]
    assert groups_of(replace(one, workers=64), "noise") == [seeds]
    two = plan_of("gan", "dcgan", seeds=seeds)
    assert groups_of(replace(two, workers=2)) == [seeds]
    assert groups_of(replace(two, workers=3)) == [(0, 1, 2), (3, 4)]


def test_large_models_are_trained_in_small_groups():
    plan = plan_of("gan", seeds=tuple(range(6)))
    gan = plan.cells[-1]
    sizes = []
    for parameters in (1000, MOST_PARAMETERS // 2, 2 * MOST_PARAMETERS):
        large = replace(gan, cost=replace(gan.cost, parameters=parameters))
        sizes.append([len(group) for group in groups_of(replace(plan, cells=[large]))])
    assert sizes == [[6], [2, 2, 2], [1] * 6]


def test_a_run_that_goes_on_with_other_workers_keeps_its_groups():
    plan = plan_of("gan", seeds=(0, 1, 2, 3))
    groups = {("ring", "gan"): [SeedGroup((0, 1, 2, 3), False)]}
    remaining = find_remaining(replace(plan, workers=4), NOTHING, groups)
    assert wanted(remaining, "gan") == [((0, 1, 2, 3), (0, 1, 2, 3))]


def programs_in_order(plan, workers):
    """The programs of the trainings, in the order in which they run."""
    remaining = find_remaining(replace(plan, workers=workers), NOTHING, {})
    return [planned.program for planned, _ in remaining.cells if planned.cost is not None]


def test_cells_that_share_a_program_seldom_compile_it_at_the_same_time(monkeypatch):
    """The ring and the grid give networks of the same shapes, 1200 dimensions others. A single worker had
    better go on with what it has just compiled.
    """
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: None)
    request = Request(
        get_suite("synthetic"),
        (0, 1),
        methods=("gan", "veegan"),
        budget=Budget(1e11, "flops"),
        device="cpu",
        compile="on",
    )
    plan = make_plan(request)
    together = programs_in_order(plan, workers=2)
    assert len(set(together[:4])) == 4
    assert set(together[4:]) < set(together[:4])
    alone = programs_in_order(plan, workers=1)
    repeated = [program for program, after in pairwise(alone) if program == after]
    assert set(repeated) == set(together[4:])


def test_the_longest_cells_are_first():
    plan = plan_of("gan", "dcgan", seeds=(0, 1, 2))
    plan = replace(plan, cells=[*plan.cells[:3], replace(plan.cells[3], cycles=10), plan.cells[4]])
    names = [cell.method.name for _, cell in find_remaining(plan, NOTHING, {}).cells]
    assert names == ["real-data", "collapsed", "noise", "dcgan", "gan"]


def record_of(planned, seed, group):
    cell = planned.template
    return {
        "dataset": cell.dataset.name,
        "method": cell.method.name,
        "seed": seed,
        "config_hash": cell.config_hash,
        "configuration": cell.configuration_of(seed),
        "audit": {"group": list(group), "compiled": False},
    }


def test_a_group_is_repeated_as_a_whole_and_only_what_is_missing_is_recorded():
    plan = plan_of("gan", seeds=(0, 1, 2, 3))
    gan = plan.cells[3]
    survey = replace(NOTHING, records=[record_of(gan, 0, (0, 1))])
    remaining = find_remaining(plan, survey, {})
    assert wanted(remaining, "gan") == [((0, 1), (1,)), ((2, 3), (2, 3))]
    assert remaining.done == 1


def test_a_group_of_the_manifest_counts_if_all_of_it_is_asked_for():
    groups = {("ring", "gan"): [SeedGroup((0, 2), False)]}
    remaining = find_remaining(plan_of("gan", seeds=(0, 1, 2)), NOTHING, groups)
    assert wanted(remaining, "gan") == [((0, 2), (0, 2)), ((1,), (1,))]
    remaining = find_remaining(plan_of("gan", seeds=(0, 1)), NOTHING, groups)
    assert wanted(remaining, "gan") == [((0, 1), (0, 1))]


def test_an_average_takes_the_place_of_the_other_one_of_an_earlier_layer():
    """The tuned settings have a half-life, and an average that the command gives excludes it."""
    tuned = {"gan": {"lr": 1e-3, "average_half_life": 0.01}}

    def merged(**given):
        return merged_settings(tuned, {"gan": given})["gan"]

    half_life = {"average": 0, "average_half_life": 0.01}
    assert merged(average=0.9) == {"lr": 1e-3, "average": 0.9, "average_half_life": 0}
    assert merged(lr=1) == {"lr": 1, **half_life}
    assert merged(average=0) == {"lr": 1e-3, **half_life}
    both = {"average": 0.9, "average_half_life": 0.01}
    assert merged(**both) == {"lr": 1e-3, **both}


def test_an_average_takes_the_place_of_the_half_life_of_a_class():
    assert METHODS.get("r3gan")().average_half_life > 0
    plan = plan_of("r3gan", settings={"r3gan": {"average": 0.9}})
    settings = plan.cells[-1].template.method.settings
    assert settings["average"] == 0.9
    assert settings["average_half_life"] == 0


def test_a_search_switches_the_average_of_a_suite_off():
    search = Search(points=8, seeds=1)
    for variant in variants_of("gan", {"average": 0.9}, Ring().spec, search, range(8)):
        for settings in variant.settings.values():
            assert settings["average_half_life"] == 0 or settings["average"] == 0


def test_a_compiled_group_cannot_be_repeated_without_a_compiler(monkeypatch):
    plan = plan_of("gan", seeds=(0, 1))
    groups = {("ring", "gan"): [SeedGroup((0, 1), True)]}
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: None)
    (cell,) = [cell for _, cell in find_remaining(plan, NOTHING, groups).cells if cell.method.name == "gan"]
    assert cell.compile
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: "no luck")
    with pytest.raises(UsageError, match="the trials to repeat were trained compiled"):
        find_remaining(plan, NOTHING, groups)


def test_seeds_beside_compiled_ones_are_not_trained_eagerly_instead(monkeypatch):
    """Without a record of its group, and without `--compile on`, a seed may be."""
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: None)
    plan = plan_of("gan", compile="auto")
    groups = {("ring", "gan"): [SeedGroup((0, 1), True)]}
    record = record_of(plan.cells[3], 0, (0, 1))
    record["audit"]["compiled"] = True

    def eager_instead(plan, survey, groups):
        cells = [cell for _, cell in find_remaining(plan, survey, groups).cells]
        return cells[-1].eager_instead  # calibration rows come first

    assert eager_instead(plan, NOTHING, {})
    assert eager_instead(plan, NOTHING, groups)
    assert not eager_instead(plan, replace(NOTHING, records=[record]), groups)
    assert not eager_instead(plan_of("gan", compile="on"), NOTHING, {})


def test_compiling_is_chosen_where_it_pays():
    """Long training of small functions is compiled; short training, or that of large functions, is not."""
    cost = cost_of(METHODS.get("gan")(), Ring())
    assert cost.operations == cost.compiled_operations > 100  # one function per cycle
    critic = cost_of(METHODS.get("wgan-gp")(critic_steps=5), Ring())
    assert critic.operations > 2 * critic.compiled_operations  # one of two functions runs five times

    def compiled(cycles, cost=cost):
        cell = Cell("x", Configured("ring", {}), Configured("gan", {}), (), Budget(1, "steps"))
        dataset = PlannedDataset("ring", Ring(), {}, cell.budget, {})
        return compiled_by_dataset(Planned(cell, dataset, (0,), cost=cost, cycles=cycles)) == {"ring": True}

    assert compiled(50_000)
    assert not compiled(500)
    assert not compiled(50_000, replace(cost, compiled_operations=50_000))


def compiled_by_dataset(*trained):
    """Whether methods are compiled, by the name of their dataset, where nothing is asked for."""
    plan = replace(plan_of("gan", compile="auto"), cells=trained)
    cells = find_remaining(plan, NOTHING, {}).cells
    return {planned.template.dataset.name: cell.compile for planned, cell in cells}


def on(dataset, planned):
    return replace(planned, template=replace(planned.template, dataset=Configured(dataset, {})))


def test_a_short_training_is_compiled_if_its_program_is_compiled_anyway():
    (*_, gan) = plan_of("gan", compile="auto").cells
    short = replace(gan, cycles=2_500)  # too few to compile for
    long = on("grid", replace(gan, cycles=250_000))
    assert compiled_by_dataset(short) == {"ring": False}
    assert compiled_by_dataset(short, long) == {"ring": True, "grid": True}
    assert compiled_by_dataset(replace(short, cycles=50), long) == {"ring": False, "grid": True}
    assert compiled_by_dataset(short, replace(long, program="another")) == {"ring": False, "grid": True}


def test_trainings_are_compiled_if_it_pays_for_all_of_a_program_together():
    """They compile once, and read the program from a cache then."""
    (*_, gan) = plan_of("gan", compile="auto").cells
    short = replace(gan, cycles=2_500, cost=replace(gan.cost, compiled_operations=400))
    others = [on("grid", short), on("high-dimensional", short)]
    assert 0 < short.compiled_saves(2) < short.compiling_takes(2) < 3 * short.compiled_saves(2)
    assert compiled_by_dataset(short) == {"ring": False}
    assert compiled_by_dataset(short, *others) == dict.fromkeys(("ring", "grid", "high-dimensional"), True)
    unlike = [replace(other, program=str(number)) for number, other in enumerate(others)]
    assert not any(compiled_by_dataset(short, *unlike).values())


def test_the_time_that_samples_take_is_foretold():
    *_, gan = plan_of("gan").cells
    one = replace(gan, cost=replace(gan.cost, sample_flops=3e6))
    data = one.dataset.data
    samples = data.evaluations * data.samples + data.samples_large
    assert one.sampling_seconds(2) == pytest.approx(2 * samples * 1e-4)
    many = replace(gan, cost=replace(gan.cost, sample_flops=6e6))
    assert many.sampling_seconds(2) == 2 * one.sampling_seconds(2)
    assert plan_of("gan").cells[0].sampling_seconds(2) == 0


@pytest.mark.parametrize("methods", ["gan", "mmd"])
def test_a_metric_is_not_given_the_settings_of_a_method_of_its_name(cli, tmp_path, methods):
    """`mmd` is both, and the settings that come with this suite have some for the method."""
    options = ("--suite", "references", "--datasets", "grid", "--methods", methods, "--metrics", "+mmd")
    status, _, err = cli("run", *options, "--fid-features", "raw", "--dry-run", "--out", tmp_path / "run")
    assert status == 0, err


def test_a_dry_run_prints_the_plan_and_writes_nothing(cli, tmp_path):
    out = tmp_path / "run"
    arguments = ("run", "--suite", "synthetic", "--dry-run")
    status, table, _ = cli(*arguments, "--methods", "gan,aegan", "--seeds", "3,5", "--out", out)
    assert status == 0
    assert "12 trials" not in table
    assert "30 trials to train, 0 done already; about" in table
    assert re.search(r"about .* and \d\.\d GiB of memory with \d+ at a time", table)
    assert re.search(r"ring +gan +3 5 +\d+ +\S+ +\d+ +(yes|no) +.* \d\.\d GiB\n", table)
    assert "3 5" in table
    assert not out.exists()


def test_a_dry_run_counts_what_is_fitted_to_data(cli, tmp_path):
    arguments = ("--suite", "references", "--datasets", "ring", "--methods", "bourgan", "--seeds", "1")
    _, table, _ = cli("run", *arguments, "--dry-run", "--out", tmp_path / "run")
    row = next(line for line in table.splitlines() if "bourgan" in line)
    assert float(row.split()[4]) == pytest.approx(5e10, rel=1e-3)


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        ("overlap", "--metrics overlap: does not apply to two-moons; leave it out"),
        ("+off_manifold", "--metrics off_manifold: does not apply to two-moons; leave it out"),
    ],
)
def test_a_metric_that_does_not_apply_is_refused_before_anything_is_trained(cli, tmp_path, metrics, problem):
    options = ("--suite", "curves", "--datasets", "two-moons", "--metrics", metrics)
    status, _, err = cli("run", *options, "--out", tmp_path / "run")
    assert status == 2
    assert problem in err
    assert not (tmp_path / "run").exists()


def test_options_from_a_file(cli, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(
        'suite = "synthetic"\ndatasets = ["ring"]\nmethods = ["gan"]\nseeds = 4\n[set.ring]\nbatch = 32\n'
    )
    status, table, _ = cli("run", "--config", config, "--dry-run", "--seeds", "2", "--out", tmp_path / "run")
    assert status == 0
    assert "8 trials to train" in table


def test_the_memory_of_a_worker_is_foretold(tiny):
    """Within a factor of two of its peak, whatever the libraries' share is on this machine."""
    request = Request(
        get_suite("synthetic"),
        seeds=(0, 1),
        datasets=("ring", "high-dimensional"),
        budget=Budget(2e9, "flops"),
        settings={"ivom": {"iterations": 5}},
        device="cpu",
        compile="off",
    )
    foretold = {}
    for planned in make_plan(request).cells:
        key = (planned.template.dataset.name, planned.template.method.name)
        foretold[key] = planned.memory(2, compiled=False)
    trials = pd.read_csv(tiny / "trials.csv")
    for key, rows in trials.groupby(["dataset", "method"]):
        assert 0.5 < rows["peak_memory_bytes"].max() / foretold[key] < 2


class Faulty(Ring):
    """Fails as a newcomer's dataset may."""

    fault: str = ""

    def draw(self, n, rng, split="train"):
        samples = super().draw(n, rng, split)
        match self.fault:
            case "nan":
                return samples * torch.nan
            case "shape":
                return samples[:, :1]
            case "error":
                raise RuntimeError("no luck\ntoday")
        return samples


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("nan", "dataset 'faulty': draws numbers that are not finite"),
        ("shape", "dataset 'faulty': draws shape (2, 1) for 2 samples; give (2, 2)"),
        ("error", "dataset 'faulty': RuntimeError: no luck"),
    ],
)
def test_a_fault_of_a_dataset_is_not_taken_for_one_of_a_method(fault, problem):
    class OwnFaulty(Faulty):
        pass

    OwnFaulty.fault = fault
    DATASETS.register("faulty")(OwnFaulty)
    suite = replace(get_suite("synthetic"), datasets=("faulty",), budgets={"faulty": "50steps"})
    try:
        with pytest.raises(UsageError) as error:
            make_plan(Request(suite, (0,), methods=("gan",)))
    finally:
        DATASETS.forget(__name__)
    assert str(error.value) == problem
