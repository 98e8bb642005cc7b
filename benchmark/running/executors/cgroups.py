"""The limits of Linux's control groups, by which containers and schedulers divide a machine."""

from collections.abc import Iterator
from math import inf
from pathlib import Path

__all__ = ["ROOT", "memory_limit", "processor_limit"]

ROOT = Path("/")
"""Where `proc` and `sys` are."""


def memory_limit(root: Path = ROOT) -> float:
    """Bytes that this process and its children may hold together; infinite without a limit."""
    limits = [inf]
    for group in _groups("memory", root):
        limits += _numbers(group / "memory.max") or _numbers(group / "memory.limit_in_bytes")
    return min(limits)


def processor_limit(root: Path = ROOT) -> float:
    """Processors that this process and its children may use, such as 0.5; infinite without a limit."""
    limits = [inf]
    for group in _groups("cpu", root):
        shares = _numbers(group / "cpu.max")
        shares = shares or _numbers(group / "cpu.cfs_quota_us") + _numbers(group / "cpu.cfs_period_us")
        match shares:
            case [quota, period] if quota > 0:  # version 1 says -1 for none
                limits.append(quota / period)
    return min(limits)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The directories of this process's groups and of all above them, whose limits hold, too.

    Inside a container some may be missing, since its own group is the topmost that it sees.
    """
    try:
        memberships = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # another system
        return
    for membership in memberships:
        _, controllers, path = membership.split(":", maxsplit=2)
        top = root / "sys/fs/cgroup"
        if controllers:  # version 1, where each controller has a tree of its own
            top /= controller
        if not controllers or controller in controllers.split(","):
            parts = Path(path).parts[1:]
            for depth in range(len(parts) + 1):
                yield top.joinpath(*parts[:depth])


def _numbers(file: Path) -> list[float]:
    """The numbers in a file, `max` being infinite; none if there is no such file."""
    try:
        return [inf if word == "max" else float(word) for word in file.read_text().split()]
    except (OSError, ValueError):
        return []
