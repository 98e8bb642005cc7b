"""The command line: verbs and options. Imports nothing heavy until a verb needs it."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from benchmark.commands import options
from benchmark.commands.run import (
    KINDS,
    RUN_OPTIONS,
    carry_out,
    extras_of,
    load_plugins,
    make_job,
    show_plan,
    tell,
)
from benchmark.datasets import places
from benchmark.errors import UsageError, complain, printable
from benchmark.registry import DATASETS, METHODS
from benchmark.running.interruption import Interrupted, Interruption
from benchmark.suites import SUITES
from benchmark.version import __version__

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status.

    0 done, 1 something failed, 2 bad usage, 3 a run compares worse, 130 or 143 interrupted by the terminal or by SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = _parser().parse_args(_joined(arguments))
        with Interruption():
            return parsed.verb(parsed, arguments)
    except UsageError as error:
        complain(error)
        return 2
    except Interrupted as interrupted:
        complain(f"{interrupted}; the same command continues")
        return 128 + interrupted.number
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error
        complain(
            f"{what}; what was finished before is whole, and the same command continues when that is mended"
        )
        return 1


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--budget -1` as `--budget=-1`: argparse would take the value for an option and not say what is wrong with it."""
    joined: list[str] = []
    for argument in arguments:
        if re.match(r"-\d", argument) and joined and re.fullmatch(r"--[a-z-]+", joined[-1]):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="benchmark",
        description="Which training method covers the data distribution, at equal compute?",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mode-collapse-benchmark {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=_Parser)

    run = verbs.add_parser("run", help="train and score methods under equal budgets", allow_abbrev=False)
    run.add_argument("--suite", metavar="NAME", help=f"{', '.join(SUITES)}")
    run.add_argument("--datasets", metavar="A,B", help="some of the suite's datasets (default: all)")
    run.add_argument("--methods", metavar="A,B", help="methods, or all (default: the suite's own)")
    run.add_argument(
        "--seeds", metavar="N|LIST", help="5 for the seeds 0 to 4, or a list such as 0,3,7 (default: 5)"
    )
    run.add_argument(
        "--budget",
        metavar="B",
        help="per trial: 1e12flops, 20000steps, 2e6samples or 60s (default: the suite's)",
    )
    run.add_argument("--out", metavar="DIR", help="where to write or continue (default: results/SUITE)")
    run.add_argument("--fresh", action="store_true", help="move an existing run aside and start anew")
    run.add_argument("--dry-run", action="store_true", help="print the cells with their costs, train nothing")
    run.add_argument(
        "--config", metavar="FILE", help="a TOML file with the same options; the command line wins"
    )
    run.add_argument(
        "--set",
        metavar="OWNER.FIELD=VALUE",
        action="append",
        help="a setting of a method, dataset or metric; may be repeated",
    )
    run.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps (default: auto)")
    run.add_argument(
        "--workers", metavar="N", help="worker processes (default: one per processor; one on a GPU)"
    )
    run.add_argument(
        "--compile", metavar="auto|on|off", help="compile the training step (default: auto, where it pays)"
    )
    run.add_argument(
        "--executor",
        metavar="local|ray",
        help="where cells run: processes here, or tasks of a Ray cluster (default: local)",
    )
    run.add_argument(
        "--ray-address",
        metavar="A",
        help="of the Ray cluster: auto, or HOST:PORT (default: a new one on this machine)",
    )
    run.add_argument(
        "--checkpoint-every",
        metavar="T",
        help="save unfinished training that often: 30s, 5min, or off (default: 60s)",
    )
    run.add_argument(
        "--stall-timeout",
        metavar="T",
        help="a cell that says nothing for that long is killed (default: 30min)",
    )
    run.add_argument(
        "--worker-memory",
        metavar="M",
        help="a worker that holds more is killed: 500MB, 4GB (default: 90 %% of the machine's, shared)",
    )
    run.set_defaults(verb=_run)

    listing = verbs.add_parser(
        "list", help="names of methods, datasets, metrics and suites", allow_abbrev=False
    )
    listing.add_argument("kind", nargs="?", metavar="methods|datasets|metrics|suites")
    listing.add_argument(
        "--long", action="store_true", help="with descriptions, references, deviations and settings"
    )
    listing.set_defaults(verb=_list)

    report = verbs.add_parser(
        "report", help="rebuild tables and plots from the records of a run", allow_abbrev=False
    )
    report.add_argument("directory", metavar="DIR")
    report.set_defaults(verb=_report)

    compare = verbs.add_parser(
        "compare",
        help="two runs side by side; exit status 3 if a metric is worse beyond its interval",
        allow_abbrev=False,
    )
    compare.add_argument("before", metavar="BEFORE", help="the directory of a run")
    compare.add_argument("after", metavar="AFTER", help="the directory of a run after some change")
    compare.add_argument("--datasets", metavar="A,B", help="compare these only")
    compare.add_argument("--methods", metavar="A,B", help="compare these only")
    compare.add_argument("--metrics", metavar="A,B", help="compare these only")
    compare.add_argument(
        "--simultaneous",
        action="store_true",
        help="widen the intervals so that all of them hold at once with 95 %%",
    )
    compare.add_argument("--csv", action="store_true", help="print the comparison as CSV, with all digits")
    compare.set_defaults(verb=_compare)

    score = verbs.add_parser("score", help="score samples made elsewhere", allow_abbrev=False)
    score.add_argument(
        "samples",
        metavar="SAMPLES",
        help="an array of shape (N, D), or (N, C, H, W) for images, as .npy, .npz or .csv",
    )
    score.add_argument("--dataset", metavar="NAME", required=True)
    score.add_argument("--csv", action="store_true", help="print rows of trials.csv instead of a table")
    score.set_defaults(verb=_score)

    check = verbs.add_parser("check", help="the contract test of a method", allow_abbrev=False)
    check.add_argument(
        "method", nargs="?", metavar="METHOD", help="a registered method (default: those of the plug-ins)"
    )
    check.set_defaults(verb=_check)

    perf = verbs.add_parser(
        "perf", help="throughput against a plain PyTorch loop and the machine's peak", allow_abbrev=False
    )
    perf.add_argument(
        "--quick", action="store_true", help="the smallest size for a short time, without the end-to-end run"
    )
    perf.add_argument(
        "--executors",
        action="store_true",
        help="trials per hour with one and two workers and with Ray, instead",
    )
    perf.set_defaults(verb=_perf)

    for verb in (run, report):
        verb.add_argument(
            "--parquet",
            action="store_true",
            default=None,
            help="write the tables as Parquet, too (needs the extra parquet)",
        )
        verb.add_argument(
            "--tensorboard",
            action="store_true",
            default=None,
            help="write event files to DIR/tensorboard (needs the extra tensorboard)",
        )
    for verb in (run, listing, report, score, check):
        verb.add_argument(
            "--plugin",
            metavar="FILE.py",
            action="append",
            help="a file that registers methods (and, for score, datasets)",
        )
    for verb in (run, score):
        verb.add_argument(
            "--data-root",
            metavar="DIR",
            help="where the image datasets are (default: $BENCHMARK_DATA_ROOT, else a download)",
        )
        verb.add_argument(
            "--fid-features",
            metavar="F",
            help="raw, classifier or inception, for fid, precision and the like",
        )
        verb.add_argument(
            "--fid-weights",
            metavar="FILE",
            help="the weights of Inception (default: where torch.hub keeps pytorch-fid's)",
        )
    return parser


def _run(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    job = make_job(options.with_config(parsed, RUN_OPTIONS), parsed.fresh)
    if parsed.dry_run:
        print(show_plan(job, parsed.fresh))
        return 0
    outcome, _ = carry_out(job, parsed.fresh, ["benchmark", *arguments])
    return 0 if tell(outcome) else 1


def _list(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    load_plugins(parsed.plugin or ())
    kinds = (
        ("suites", *KINDS)
        if parsed.kind is None
        else (options.choice("list", parsed.kind, ("suites", *KINDS)),)
    )
    for kind in kinds:
        names = list(SUITES) if kind == "suites" else KINDS[kind].names()
        if parsed.long:
            from benchmark.commands.listing import describe_entry

            print(f"{kind.upper()}\n")
            print("\n\n".join(describe_entry(kind, name) for name in names), end="\n\n")
        elif parsed.kind is None:
            print(f"{kind + ':':<10}{' '.join(names)}")
        else:
            print("\n".join(names))
    return 0


def _report(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    load_plugins(parsed.plugin or ())

    from benchmark.records.store import Store
    from benchmark.report.write import write_report

    extras = extras_of(vars(parsed))
    report = write_report(Store(Path(parsed.directory)), extras)
    return 1 if report.problems else 0


def _compare(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    chosen = {name: options.names(name, getattr(parsed, name)) for name in ("datasets", "methods", "metrics")}

    from benchmark.records.results import read_run
    from benchmark.report.compare_runs import compare_runs
    from benchmark.report.exports.text import to_markdown
    from benchmark.report.tables.csv_text import to_csv

    before, after = (read_run(Path(place)) for place in (parsed.before, parsed.after))
    comparison = compare_runs(before, after, chosen, parsed.simultaneous)
    if parsed.csv:
        print(to_csv(comparison.frame), end="")
    else:
        print(to_markdown(comparison.texts()))
        print(f"\n{comparison.summary()}")
    for title, lines in (("changed", comparison.changes), ("missing", comparison.missing)):
        for line in lines:
            print(f"{title}: {printable(line)}", file=sys.stderr if parsed.csv else sys.stdout)
    damaged = [*before.damaged, *after.damaged]
    for damage in damaged:
        complain(f"{damage}; left out")
    if len(comparison.worse):
        return 3
    return 1 if damaged or comparison.missing else 0


def _score(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    load_plugins(parsed.plugin or ())
    DATASETS.check(parsed.dataset)

    from benchmark.commands.score import score_samples
    from benchmark.scoring.given_samples import load_samples

    with places.using(parsed.data_root, parsed.fid_weights):
        print(
            score_samples(
                load_samples(Path(parsed.samples)),
                Path(parsed.samples),
                parsed.dataset,
                parsed.fid_features,
                parsed.csv,
            )
        )
    return 0


def _check(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    new = load_plugins(parsed.plugin or ())
    methods = (
        [parsed.method]
        if parsed.method
        else [name.removeprefix("method ") for name in new if name.startswith("method ")]
    )
    if not methods:
        raise UsageError("check: give the name of a method, or --plugin with a file that registers one")
    for name in methods:
        METHODS.check(name)

    from benchmark.commands.check import check_method

    passed = True
    for name in methods:
        for title, problem in check_method(name):
            print(f"{name}: {title}: {'ok' if problem is None else f'FAILED: {problem}'}", flush=True)
            passed &= problem is None
    return 0 if passed else 1


def _perf(parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    if parsed.executors:
        from benchmark.commands.perf.executors import measure_executors

        measure_executors(quick=parsed.quick)
        return 0

    from benchmark.commands.perf.throughput import measure

    measure(quick=parsed.quick)
    return 0
