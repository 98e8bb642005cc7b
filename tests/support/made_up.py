"""Runs whose records are written by hand, for tests of what is made of them."""

from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.results import read_results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.records.store import Store
from benchmark.registry import DATASETS, METHODS, METRICS, resolved
from benchmark.report.tables.tables import make_tables
from benchmark.suites import SUITES

SUITE, METRIC, BUDGET = "made-up", "score", "5steps"
SPENT = {
    "flops": 10,
    "generator_steps": 1,
    "discriminator_steps": 2,
    "samples_seen": 100,
    "device_seconds": 0.5,
}


def made_up_run(
    root,
    scores,
    better="higher",
    best=None,
    scale="linear",
    ranked=True,
    samples=500,
    modes=0,
    budget=BUDGET,
    files=(),
    data=(),
    metric=(),
    methods=(),
    suite=SUITE,
    name=METRIC,
    others=(),
    **manifest,
):
    """A run with one metric, `score` unless `name` says otherwise, and `others`.

    `scores` holds by dataset and method the trials, a list or a dictionary by seed. A trial is a number, or a list of numbers, one per
    evaluation point; `None` ends a trial that diverged there, `"failed"` is one that failed, NaN a score that is not defined.
    `data` and `metric` are settings of all datasets and of the metric, `methods` those of methods by name, `manifest` parts of the manifest.
    `others` holds, by metric, how to read it where that differs, and `scores`: final values by method and seed, on all datasets alike.
    """
    store = Store(root)
    settings = {method: dict(methods).get(method, {}) for trials in scores.values() for method in trials}
    others = dict(others)
    own = {
        "better": better,
        "bounds": [None, None],
        "best": best,
        "scale": scale,
        "ranked": ranked,
        "samples": samples,
    }
    plain = {**own, "better": "higher", "best": None, "scale": "linear", "ranked": True}
    facts = {
        name: own,
        **{other: {key: told.get(key, plain[key]) for key in plain} for other, told in others.items()},
    }
    of_datasets = {"metrics": dict.fromkeys(scores, facts), "modes": dict.fromkeys(scores, modes)}
    of_nothing = {key: {} for key in ("costs", "fingerprints", "files", "versions", "hardware")}
    trained = {method: held for method, held in settings.items() if method not in CALIBRATION_ROWS}
    request = {"datasets": {dataset: {} for dataset in scores}, "methods": dict.fromkeys(scores, trained)}
    seeds = {
        dataset: {method: [*by_seed(trials)] for method, trials in trials_of.items()}
        for dataset, trials_of in scores.items()
    }
    groups = {
        dataset: {
            method: [{"seeds": [seed], "compiled": False} for seed in own] for method, own in of.items()
        }
        for dataset, of in seeds.items()
    }
    told = {"suite": suite, "command": [], "configuration": request, "commit": None, "groups": groups}
    store.write_manifest({**told, **of_datasets, **of_nothing, **manifest})
    for dataset, trials_of in scores.items():
        for method, trials in trials_of.items():
            for seed, points in by_seed(trials).items():
                places = (
                    Configured(dataset, dict(data)),
                    Configured(method, settings[method]),
                    {name: dict(metric), **{other: {} for other in others}},
                )
                cell = Cell(suite, *places, budget, (seed,), (seed,), files=dict(files))
                if points == "failed":
                    store.write_error(cell, "made up")
                else:
                    more = {
                        other: told["scores"][method][seed]
                        for other, told in others.items()
                        if method in told["scores"]
                    }
                    store.write(
                        cell,
                        [made_up_trial(method, seed, points, name, more)],
                        {"modes_total": modes, "facts": facts},
                    )
    return store


def by_seed(trials):
    return trials if isinstance(trials, dict) else dict(enumerate(trials))


def made_up_trial(method, seed, points, name=METRIC, more=()):
    points = points if isinstance(points, list) else [points]
    status = "diverged" if points[-1] is None else "ok"
    known = [{name: point} for point in points if point is not None]
    audit = {"group": [seed], "compiled": False, "peak_memory_bytes": 1}
    # Of a trial that diverged, the last scores are kept.
    final = (known[-1] if known else {}) | (dict(more) if status == "ok" else {})
    if method in CALIBRATION_ROWS:
        return Trial(seed, status, final, audit)
    curve = [
        {"point": i, **{key: i * spent for key, spent in SPENT.items()}, "metrics": scores}
        for i, scores in enumerate(known, 1)
    ]
    return Trial(seed, status, final, audit, curve)


def made_up_tables(root, scores, **facts):
    """The tables of such a run; arguments as those of `made_up_run`."""
    return make_tables(read_results(made_up_run(root, scores, **facts)))


def paper_run(
    root, scores, suite="pacgan-2018", dataset="ring", name="modes", changed=(), budget=None, **facts
):
    """A run of a suite that reproduces a paper, on one dataset and with one metric of it; `scores` holds the trials by method.

    Settings are the suite's own but for those in `changed`, by `name.field`.
    """
    suite = SUITES[suite]

    def settings(registry, owner):
        own = {
            key.rpartition(".")[2]: value
            for key, value in suite.settings_on(dataset).items()
            if key.rpartition(".")[0] == owner
        }
        other = {
            key.rpartition(".")[2]: value
            for key, value in dict(changed).items()
            if key.rpartition(".")[0] == owner
        }
        return registry.build(owner, {**own, **other})

    data, metric = settings(DATASETS, dataset), settings(METRICS, name)
    methods = {
        method: {} if method in CALIBRATION_ROWS else resolved(settings(METHODS, method)) for method in scores
    }
    chosen = {
        "data": resolved(data),
        "metric": resolved(metric.on(data)),
        "methods": methods,
        "better": metric.better,
    }
    return made_up_run(
        root,
        {dataset: scores},
        suite=suite.name,
        name=name,
        budget=budget or suite.budgets[dataset],
        **chosen,
        **facts,
    )
