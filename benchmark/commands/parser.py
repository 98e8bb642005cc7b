"""The verbs of the command line and their options."""

import argparse
from typing import Any, NoReturn

from benchmark.errors import UsageError
from benchmark.registry import REGISTRIES, SUITES
from benchmark.version import __version__

__all__ = ["make_parser"]


class _Parser(argparse.ArgumentParser):
    """Reports mistakes as errors, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line; the name of the verb is `verb` of what it returns."""
    parser = _Parser(
        prog="benchmark",
        description="Which training method covers the data distribution, at equal compute?",
    )
    parser.add_argument("--version", action="version", version=f"mode-collapse-benchmark {__version__}")
    verbs = parser.add_subparsers(
        title="verbs", metavar="VERB", dest="verb", required=True, parser_class=_Parser
    )
    _add_run(verbs.add_parser("run", help="train and score methods under equal budgets"))
    _add_tune(verbs.add_parser("tune", help="search settings, equally for every method"))
    _add_list(verbs.add_parser("list", help="names of methods, datasets, metrics and suites"))
    _add_report(verbs.add_parser("report", help="rebuild tables and plots from the records of a run"))
    _add_compare(
        verbs.add_parser(
            "compare",
            help="two runs side by side; exit status 3 if a metric is worse beyond its interval",
        )
    )
    _add_score(verbs.add_parser("score", help="score samples made elsewhere"))
    _add_check(verbs.add_parser("check", help="test a method, dataset, metric or suite against its contract"))
    _add_sanity(
        verbs.add_parser("sanity", help="try metrics on samples of which everyone knows how good they are")
    )
    _add_explore(
        verbs.add_parser("explore", help="paths, searches and walks in the latents of a run's models")
    )
    _add_perf(verbs.add_parser("perf", help="throughput against a plain PyTorch loop and the machine's peak"))
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_what(run)
    run.add_argument(
        "--metrics",
        metavar="A,B|+C",
        help="metrics; with +, in addition to the suite's own (default: the suite's own)",
    )
    run.add_argument(
        "--seeds",
        metavar="N|LIST",
        help="5 for the seeds 0 to 4, or a list such as 0,3,7 (default: 5)",
    )
    run.add_argument(
        "--settings",
        metavar="published|tuned|FILE",
        help="settings of methods: those of the suite without a search, those of the search that comes with "
        "it, or the tuned.toml of a search (default: tuned, for suites that come with tuned settings)",
    )
    run.add_argument("--out", metavar="DIR", help="where to write or continue (default: results/SUITE)")
    _add_explored(run)
    _add_how(run)
    _add_extras(run)
    _add_plugin(run)
    _add_features(run)
    _add_places(run)


def _add_tune(tune: argparse.ArgumentParser) -> None:
    _add_what(tune)
    tune.add_argument(
        "--trials",
        metavar="N",
        help="settings of each method on each dataset, the published ones among them (default: 32)",
    )
    tune.add_argument("--seeds", metavar="N", help="seeds of each (default: 2)")
    tune.add_argument(
        "--halving",
        metavar="N|off",
        help="try all settings at a small budget, and one in N of them at N times that budget, until the "
        "budget is whole (default: off)",
    )
    tune.add_argument(
        "--rungs",
        metavar="N",
        help="with --halving: at how many budgets settings are tried (default: as many as there can be)",
    )
    tune.add_argument(
        "--out", metavar="DIR", help="where to write or continue (default: results/SUITE-search)"
    )
    _add_how(tune)
    _add_plugin(tune)
    _add_features(tune)
    _add_places(tune)


def _add_what(run: argparse.ArgumentParser) -> None:
    suites = ", ".join(SUITES.names())
    run.add_argument("--suite", metavar="NAME|FILE.toml", help=f"{suites}, or a file of your own")
    run.add_argument("--datasets", metavar="A,B", help="some of the suite's datasets (default: all)")
    run.add_argument("--methods", metavar="A,B", help="methods, or all (default: the suite's own)")
    run.add_argument(
        "--budget",
        metavar="B",
        help="per trial: 1e12flops, 20000steps, 2e6samples or 60s (default: the suite's)",
    )


def _add_how(run: argparse.ArgumentParser) -> None:
    run.add_argument("--fresh", action="store_true", help="move an existing run aside and start anew")
    run.add_argument("--dry-run", action="store_true", help="print the cells with their costs, train nothing")
    run.add_argument(
        "--config", metavar="FILE", help="a TOML file with the same options; the command line wins"
    )
    _add_set(run, "method, dataset or metric")
    run.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    run.add_argument(
        "--workers",
        metavar="N",
        help="worker processes (default: one per CPU core that may be used; one on a GPU)",
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
        help="address of the Ray cluster: auto, or HOST:PORT (default: a new cluster on this machine)",
    )
    run.add_argument(
        "--checkpoint-every",
        metavar="T",
        help="time between checkpoints: 30s, 5min, or off (default: 60s)",
    )
    run.add_argument(
        "--stall-timeout",
        metavar="T",
        help="kill a cell that has not reported for this long (default: 30min)",
    )
    run.add_argument(
        "--worker-memory",
        metavar="M",
        help="memory limit per worker, such as 4GB (default: an equal share of 90 %% of what may be used)",
    )


def _add_list(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("kind", nargs="?", metavar="|".join(REGISTRIES))
    listing.add_argument(
        "--long", action="store_true", help="with descriptions, references, deviations and settings"
    )
    _add_plugin(listing)


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("directory", metavar="DIR", help="the directory of a run")
    _add_extras(report)
    _add_plugin(report)


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("before", metavar="BEFORE", help="the directory of a run")
    compare.add_argument("after", metavar="AFTER", help="the directory of a run after some change")
    for names in ("datasets", "methods", "metrics"):
        compare.add_argument(f"--{names}", metavar="A,B", help=f"compare these {names} only")
    compare.add_argument(
        "--simultaneous",
        action="store_true",
        help="widen the intervals until they hold all at once with 95 %% confidence (Bonferroni)",
    )
    compare.add_argument("--csv", action="store_true", help="print the comparison as CSV, with all digits")


def _add_score(score: argparse.ArgumentParser) -> None:
    score.add_argument(
        "samples",
        metavar="SAMPLES",
        help="an array of shape (N, D), or (N, C, H, W) or (N, H, W, C) for images, as .npy, .npz or .csv; "
        "or a directory or .zip of PNG pictures",
    )
    score.add_argument("--dataset", metavar="NAME", required=True, help="the dataset to compare with")
    score.add_argument(
        "--metrics",
        metavar="A,B|+C",
        help="metrics; with +, in addition to the default (default: those of the dataset's suite)",
    )
    _add_reading(score)
    _add_set(score, "dataset or metric")
    score.add_argument("--csv", action="store_true", help="print rows of trials.csv instead of a table")
    _add_plugin(score)
    _add_features(score)
    _add_places(score)


def _add_check(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a registered method, dataset, metric or suite, or the TOML file of a suite "
        "(default: all that the plug-ins register)",
    )
    _add_plugin(check)
    _add_places(check)


def _add_explore(explore: argparse.ArgumentParser) -> None:
    explore.add_argument("directory", metavar="DIR", help="the directory of a run")
    explore.add_argument("--dataset", metavar="D", required=True, help="one of the run's datasets")
    explore.add_argument("--methods", metavar="A,B", help="methods (default: all of the run)")
    explore.add_argument("--seeds", metavar="LIST", help="seeds, as 0,1,2 (default: each method's lowest)")
    explore.add_argument("--steps", metavar="N", help="pictured points of a path (default: 9)")
    explore.add_argument("--pairs", metavar="N", help="paths of each kind (default: 6)")
    explore.add_argument(
        "--image",
        metavar="FILE",
        help="a PNG picture, or an array or table of data, whose latents are searched, too",
    )
    _add_reading(explore)
    explore.add_argument(
        "--loss",
        metavar="pixels|features",
        help="what a search compares: data itself, or features of the classifier or of Inception "
        "(default: pixels)",
    )
    explore.add_argument("--starts", metavar="N", help="starts of a search (default: 8)")
    explore.add_argument("--iterations", metavar="N", help="evaluations from each start (default: 200)")
    explore.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    _add_plugin(explore)
    _add_places(explore)


def _add_perf(perf: argparse.ArgumentParser) -> None:
    perf.add_argument(
        "--quick",
        action="store_true",
        help="GAN at the smallest size for a short time, without the end-to-end run",
    )
    perf.add_argument("--device", metavar="D", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    perf.add_argument(
        "--executors",
        action="store_true",
        help="trials per hour with one and two workers and with Ray, instead",
    )


def _add_sanity(sanity: argparse.ArgumentParser) -> None:
    sanity.add_argument("--metrics", metavar="A,B", help="metrics (default: all that need samples alone)")
    sanity.add_argument("--workers", metavar="N", default="2", help="processes (default: 2)")
    sanity.add_argument(
        "--out", metavar="DIR", default="results/sanity", help="directory (default: results/sanity)"
    )
    _add_plugin(sanity)


def _add_explored(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--explore",
        action="store_true",
        default=None,
        help="explore the latents of each method's lowest seed, too, for the page",
    )


def _add_extras(verb: argparse.ArgumentParser) -> None:
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


def _add_reading(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--range",
        metavar="0,1|-1,1|0,255",
        help="the range of the images' pixels (default: what the distribution of their values suggests)",
    )
    verb.add_argument(
        "--array", metavar="NAME", help="the samples among the arrays of a .npz file (default: the only ones)"
    )


def _add_set(verb: argparse.ArgumentParser, owners: str) -> None:
    verb.add_argument(
        "--set",
        metavar="OWNER.FIELD=VALUE",
        action="append",
        help=f"a setting of a {owners}; may be repeated",
    )


def _add_plugin(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--plugin",
        metavar="FILE.py",
        action="append",
        help="a file that registers methods, datasets, metrics or suites; may be repeated",
    )


def _add_features(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--fid-features",
        metavar="F",
        help="raw, classifier or inception: the features of fid, precision and the like",
    )


def _add_places(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--data-root",
        metavar="DIR",
        help="the directory of the image datasets (default: $BENCHMARK_DATA_ROOT, else a download)",
    )
    verb.add_argument(
        "--fid-weights",
        metavar="FILE",
        help="the weights of Inception (default: where torch.hub keeps those of pytorch-fid)",
    )
