"""The cells to run as a table, with what each costs."""

from tabulate import tabulate

from benchmark.errors import counted
from benchmark.plan.planned import Planned
from benchmark.plan.remaining import Remaining
from benchmark.records.cell import Cell

__all__ = ["describe_costs", "duration"]

DRIVER_BYTES = 0.9 * 2**30
"""Bytes that the process itself holds at its peak, about."""

HEADINGS = (
    "dataset",
    "method",
    "seeds",
    "cycles",
    "FLOPs per trial",
    "parameters",
    "compiled",
    "CPU time",
    "memory",
)


def describe_costs(remaining: Remaining, workers: int) -> str:
    """The cells to run as a table: what each costs; then what has to be made first, and the time and the
    memory of all of them.

    Arguments:
        remaining: The cells.
        workers: How many of them run at a time.
    """
    rows = [_row(planned, cell) for planned, cell in remaining.cells]
    table = tabulate(rows, HEADINGS, tablefmt="plain", disable_numparse=True)
    seconds, most_bytes, trials = 0.0, 0.0, 0
    for planned, cell in remaining.cells:
        seconds += _seconds(planned, cell)
        most_bytes = max(most_bytes, planned.memory(len(cell.group), cell.compile))
        trials += len(cell.wanted)
    at_once = min(workers, max(len(remaining.cells), 1))
    memory = (DRIVER_BYTES + at_once * most_bytes) / 2**30
    summary = (
        f"{counted(trials, 'trial')} to train, {remaining.done} done already; "
        f"about {duration(seconds / at_once)} and {memory:.1f} GiB of memory with {at_once} at a time; "
        "scores and pictures take time besides"
    )
    return "\n".join([f"{table}\n", *_preparations(remaining), summary])


def _preparations(remaining: Remaining) -> list[str]:
    """What datasets make before their first use, one line each."""
    lines = []
    for dataset in remaining.plan.datasets:
        if dataset.preparation is not None:
            what, seconds = dataset.preparation
            lines.append(
                f"first, for {dataset.name}, {what}, once: about {duration(seconds)} on two CPU cores"
            )
    return lines


def _row(planned: Planned, cell: Cell) -> tuple[str, ...]:
    dataset, method = cell.dataset.name, cell.method.name
    seeds = " ".join(map(str, cell.wanted))
    memory = f"{planned.memory(len(cell.group), cell.compile) / 2**30:.1f} GiB"
    if planned.cost is None:
        return (dataset, method, seeds, "-", "-", "-", "-", "-", memory)
    cycles = flops = "-"
    if planned.cycles is not None:
        cycles = str(planned.cycles)
        flops = f"{planned.cycles * planned.cost.flops + planned.cost.fit_flops:.4g}"
    compiled = "yes" if cell.compile else "no"
    cpu_time = duration(_seconds(planned, cell))
    return (dataset, method, seeds, cycles, flops, str(planned.cost.parameters), compiled, cpu_time, memory)


def _seconds(planned: Planned, cell: Cell) -> float:
    """Nominal seconds on one CPU core that training and sampling take."""
    seeds = len(cell.group)
    return planned.seconds(seeds, cell.compile) + planned.sampling_seconds(seeds)


def duration(seconds: float) -> str:
    """Seconds as people write them, such as `1 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    if minutes:
        return f"{minutes} min {rest:02d} s"
    return f"{rest} s"
