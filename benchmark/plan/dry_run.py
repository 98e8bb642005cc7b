"""The cells to run as a table, with what each costs."""

from benchmark.plan.remaining import Prepared

__all__ = ["describe", "duration"]

DRIVER = 0.9 * 2**30
"""Bytes that the process itself holds at its peak, about."""


def describe(prepared: Prepared, workers: int) -> str:
    """The cells to run as a table: what each costs; then the time and the memory of all of them.

    Arguments:
        prepared: The cells.
        workers: How many of them run at a time.
    """
    rows: list[tuple[str, ...]] = [
        (
            "dataset",
            "method",
            "seeds",
            "cycles",
            "FLOPs per trial",
            "parameters",
            "compiled",
            "processor time",
            "memory",
        )
    ]
    total, most = 0.0, 0.0
    for planned, cell in prepared.cells:
        memory = planned.memory(len(cell.group), cell.compile)
        most = max(most, memory)
        columns: tuple[object, ...] = ("-",) * 5
        if planned.cost is not None:
            flops = "-" if planned.cycles is None else f"{planned.cycles * planned.cost.flops:.4g}"
            seconds = planned.seconds(len(cell.group), cell.compile)
            total += seconds
            columns = (
                planned.cycles or "-",
                flops,
                planned.cost.parameters,
                "yes" if cell.compile else "no",
                duration(seconds),
            )
        rows.append(
            (
                *cell.label.split(" "),
                " ".join(map(str, cell.wanted)),
                *map(str, columns),
                f"{memory / 2**30:.1f} GiB",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    trials = sum(len(cell.wanted) for _, cell in prepared.cells)
    at_once = min(workers, max(len(prepared.cells), 1))
    needs = f"about {duration(total / at_once)} and {(DRIVER + at_once * most) / 2**30:.1f} GiB of memory with {at_once} at a time"
    return f"{table}\n\n{trials} trials to train, {prepared.done} done already; {needs}; scores and pictures take time besides"


def duration(seconds: float) -> str:
    """Seconds as people write them, such as `1 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
