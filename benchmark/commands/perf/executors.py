"""The gain of a second worker and the cost of Ray, in one run."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmark.datasets.mixtures import Ring
from benchmark.running.executors.options import require_ray

__all__ = ["measure_executors"]


def measure_executors(quick: bool = False) -> None:
    """Times whole `run` commands over the same equal cells, and prints trials per hour and ratios.

    Arguments:
        quick: Whether to take few and short trials of a single metric, whose ratios mean little: one worker
            has all of them in one cell.

    Raises:
        UsageError: If Ray is not installed.
    """
    require_ray()
    cells, together, budget = (2, 2, "1e9flops") if quick else (8, Ring.seeds_together, "2e10flops")
    trials = cells * together
    scored = ("--metrics", "modes", "--set", "ring.samples_large=0") if quick else ()
    ways = {
        "1 worker": (*scored, "--workers", "1"),
        "2 workers": (*scored, "--workers", "2"),
        "Ray, 2 CPU cores": (*scored, "--workers", "2", "--executor", "ray"),
    }
    print(
        f"{trials} trials of GAN on the ring, {budget} each, eager, and the calibration rows; whole commands",
        flush=True,
    )
    whole, fixed = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        _command(Path(folder) / "warm-up", together, "1e8flops", ways["2 workers"])
        for i, (name, options) in enumerate(ways.items()):
            whole[name] = _command(Path(folder) / str(i), trials, budget, options)
            # The same command again finds nothing to do: it starts up, writes the report and ends.
            fixed[name] = _command(Path(folder) / str(i), trials, budget, options)
    for name, seconds in whole.items():
        print(
            f"{name:<18} {seconds:7.1f} s  {3600 * trials / seconds:8.0f} trials per hour; "
            f"start-up and report {fixed[name]:.1f} s of it"
        )
    one, two, with_ray = whole.values()
    _, start, start_ray = fixed.values()
    print(f"two workers over one: {one / two:.2f}")
    print(
        f"Ray over local: {with_ray / two:.2f}; "
        f"without start-up and report {(with_ray - start_ray) / (two - start):.2f}",
        flush=True,
    )


def _command(out: Path, trials: int, budget: str, options: tuple[str, ...]) -> float:
    """The seconds that a run takes."""
    arguments = ["--suite", "synthetic", "--datasets", "ring", "--methods", "gan", "--compile", "off"]
    arguments += ["--settings", "published"]
    arguments += ["--seeds", str(trials), "--budget", budget]
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "benchmark", "run", *arguments, *options, "--out", str(out)],
        check=True,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )
    return time.perf_counter() - began
