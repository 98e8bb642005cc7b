"""The program as a user runs it, in one run."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.plan.dry_run import duration
from benchmark.suites import get_suite

__all__ = ["measure_end_to_end"]

DATASET = "ring"

SEEDS = 5


def measure_end_to_end(plain_seconds: Mapping[str, float], device: str, workers: int) -> None:
    """Prints what a run takes with an empty compile cache and with a filled one, and its parts.

    Arguments:
        plain_seconds: By method, what a plain loop takes per generator step of one seed.
        device: Where to train.
        workers: How many workers the run has.
    """
    methods = list(plain_seconds)
    budget = get_suite("synthetic").budgets[DATASET]
    print(
        f"\nend to end: {', '.join(methods)} on the {DATASET}, {SEEDS} seeds at {budget}, "
        "start-up, compilation, scores and plots included",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "warm"):
            out = Path(folder) / name
            began = time.perf_counter()
            _run(methods, device, workers, out, cache=Path(folder) / "cache")
            seconds = time.perf_counter() - began
            print(f"{name}: {duration(seconds)}; {_parts(out, seconds * workers)}", flush=True)
            _print_ratio(plain_seconds, out, seconds)


def _run(methods: Sequence[str], device: str, workers: int, out: Path, cache: Path) -> None:
    options = ["--suite", "synthetic", "--datasets", DATASET, "--methods", ",".join(methods)]
    options += ["--settings", "published"]
    options += ["--seeds", str(SEEDS), "--workers", str(workers), "--device", device, "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "benchmark", "run", *options],
        check=True,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache)},
    )


def _parts(out: Path, workers_seconds: float) -> str:
    """The shares of the workers' time."""
    groups: dict[str, dict[str, float]] = {}
    for file in out.glob("trials/*/*/seed-*/result.json"):
        record = _read(file)
        audit = record["audit"]
        if "group_seconds" in audit:  # the same for all seeds of a group
            groups[f"{record['method']} {audit['group']}"] = audit["group_seconds"]
    parts: Counter[str] = Counter()
    for seconds in groups.values():
        parts.update(seconds)
    words = [f"{part} {seconds / workers_seconds:.1%}" for part, seconds in parts.items()]
    return f"of its workers' time, {', '.join(words)}; the others are start-up, calibration and the report"


def _print_ratio(plain_seconds: Mapping[str, float], out: Path, seconds: float) -> None:
    costs = _read(out / "manifest.json")["costs"][DATASET]
    projected = 0.0
    for name, per_step in plain_seconds.items():
        projected += per_step * costs[name]["cycles"] * costs[name]["generator_steps"] * SEEDS
    print(
        f"a plain loop without scores (projected from its ms per step): {duration(projected)}; "
        f"ratio {projected / seconds:.1f}",
        flush=True,
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
