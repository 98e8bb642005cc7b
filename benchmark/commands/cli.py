"""The command line. Imports nothing heavy until a verb needs it."""

import os
import re
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from benchmark.commands import option_values
from benchmark.commands.explore.options import read_explore_options
from benchmark.commands.output import flushed, prepare_output
from benchmark.commands.parser import make_parser
from benchmark.commands.plugins import load_plugins
from benchmark.commands.run_options import RUN_OPTIONS, TUNE_OPTIONS, read_run_options, read_tune_options
from benchmark.commands.system import require_unix
from benchmark.datasets import places
from benchmark.errors import UsageError, complain
from benchmark.registry import DATASETS, METRICS, REGISTRIES, use_own_packages, user_path, what_is_in_the_way
from benchmark.running.interruption import Interrupted, Interruption

__all__ = ["main"]

CONTINUED = ("run", "tune")
"""The verbs that keep what they have done so far."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status.

    0 done, 1 something failed, 2 bad usage, 3 a run compares worse, 129, 130 or 143 interrupted by SIGHUP, by
    Ctrl-C or by SIGTERM, 141 whoever read the output has closed it.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    prepare_output()
    try:
        with flushed():
            require_unix()
            options = make_parser().parse_args(_joined(arguments))
            options.command = ["benchmark", *arguments]
            use_own_packages()
            os.environ.pop("MPLBACKEND", None)  # no window is opened, and an unknown one stops matplotlib
            with Interruption():
                return VERBS[options.verb](options)
    except BrokenPipeError:  # as by `| head`: who reads wants no more
        return 128 + signal.SIGPIPE
    except UsageError as error:
        complain(error)
        return 2
    except Interrupted as interrupted:
        what_next = "the same command continues" if arguments[0] in CONTINUED else "start it again"
        complain(f"{interrupted}; {what_next}")
        return 128 + interrupted.number
    except ImportError as error:
        complain(what_is_in_the_way(error))
        return 1
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else error
        complain(f"{problem}; what was finished before is whole; mend that, and give the same command again")
        return 1


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--budget -1` as `--budget=-1`: argparse would take the value for an option and not report what is
    wrong with it.
    """
    joined: list[str] = []
    for argument in arguments:
        if re.match(r"-\d", argument) and joined and re.fullmatch(r"--[a-z-]+", joined[-1]):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _run(options: Namespace) -> int:
    run_options = read_run_options(option_values.with_config(options, RUN_OPTIONS), options.fresh)

    from benchmark.commands.run import dry_run, print_failures, run_and_report
    from benchmark.report.terminal import print_report

    if options.dry_run:
        print(dry_run(run_options))
        return 0
    outcome = run_and_report(run_options, options.command)
    print_report(outcome.report)
    print_failures(outcome)
    return 0 if outcome.complete else 1


def _tune(options: Namespace) -> int:
    tune_options = read_tune_options(option_values.with_config(options, TUNE_OPTIONS), options.fresh)

    from benchmark.commands.tune import describe_search, search_and_report

    if options.dry_run:
        print(describe_search(tune_options))
        return 0
    return 0 if search_and_report(tune_options, options.command) else 1


def _list(options: Namespace) -> int:
    load_plugins(options.plugin)
    kinds = tuple(REGISTRIES)
    if options.kind is not None:
        kinds = (option_values.choice("list", options.kind, kinds),)
    for kind in kinds:
        names = REGISTRIES[kind].names()
        if options.long:
            from benchmark.commands.listing import describe_all

            print(f"{describe_all(kind)}\n")
        elif options.kind is None:
            print(f"{kind + ':':<10}{' '.join(names)}")
        else:
            print("\n".join(names))
    return 0


def _report(options: Namespace) -> int:
    load_plugins(options.plugin)
    extras = option_values.extras(vars(options))

    from benchmark.records.results import read_run
    from benchmark.records.store import Store
    from benchmark.report.terminal import print_report
    from benchmark.report.write import write_report

    store = Store(user_path(options.directory))
    results = read_run(store.root)
    if results.is_search:
        from benchmark.report.search.write import write_search

        written = write_search(store, results)
        print("\n".join(written.lines))
        return 0 if written.is_whole else 1
    report = write_report(store, results, extras)
    print_report(report)
    return 1 if report.problems else 0


def _compare(options: Namespace) -> int:
    names = {}
    for option in ("datasets", "methods", "metrics"):
        names[option] = option_values.names(option, getattr(options, option))

    from benchmark.commands.compare import compare

    return compare(
        user_path(options.before), user_path(options.after), names, options.simultaneous, options.csv
    )


def _score(options: Namespace) -> int:
    load_plugins(options.plugin)
    DATASETS.check(options.dataset)

    from benchmark.commands.score import ScoreOptions, print_scores

    score_options = ScoreOptions(
        file=user_path(options.samples),
        dataset=options.dataset,
        metrics=options.metrics,
        features=options.fid_features,
        settings=options.set or (),
        array=options.array,
        pixel_range=options.range,
    )
    with places.using(options.data_root, options.fid_weights):
        print_scores(score_options, options.csv)
    return 0


def _check(options: Namespace) -> int:
    entries = load_plugins(options.plugin)

    from benchmark.commands.check import check_entries, entries_named

    if options.name:
        entries = entries_named(options.name)
    if not entries:
        raise UsageError("check: give a name, or --plugin with a file that registers something")
    with places.using(options.data_root, options.fid_weights):
        return 0 if check_entries(entries) else 1


def _sanity(options: Namespace) -> int:
    load_plugins(options.plugin)
    names = option_values.names("metrics", options.metrics)
    workers = option_values.count("--workers", options.workers)
    if names is not None:
        METRICS.check_names(names)

    from benchmark.commands.sanity.command import sanity

    sanity(names, options.plugin or (), workers, option_values.path("--out", options.out))
    return 0


def _explore(options: Namespace) -> int:
    load_plugins(options.plugin)
    explore_options = read_explore_options(options.dataset, vars(options))

    from benchmark.commands.explore.command import explore
    from benchmark.report.explored.table import terminal_tables

    with places.using(options.data_root, options.fid_weights):
        explored = explore(user_path(options.directory), explore_options)
    print(terminal_tables(explored.summary))
    return 1 if explored.facts.get("left_out") else 0


def _perf(options: Namespace) -> int:
    if options.executors:
        if options.device != "cpu":
            raise UsageError(f"perf: --executors takes place on the CPU, not on {options.device}")

        from benchmark.commands.perf.executors import measure_executors

        measure_executors(quick=options.quick)
        return 0

    from benchmark.commands.perf.measure import measure

    measure(options.device, options.quick)
    return 0


VERBS: dict[str, Callable[[Namespace], int]] = {
    "run": _run,
    "tune": _tune,
    "list": _list,
    "report": _report,
    "compare": _compare,
    "score": _score,
    "check": _check,
    "sanity": _sanity,
    "explore": _explore,
    "perf": _perf,
}
