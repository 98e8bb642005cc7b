"""Devices: which one to use, and whether it can compile."""

from functools import cache

import torch
from torch import Tensor

from benchmark.errors import UsageError, in_one_line
from benchmark.training.compiled import Compiled

__all__ = ["choose_device", "compilation_fault"]


def choose_device(name: str) -> str:
    """The device to use, `auto` resolved.

    Raises:
        UsageError: If the name is not one of a device, or the device is not there.
    """
    accepted = "auto, cpu, cuda or cuda:N"
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: give {accepted}") from None
    present = {
        "cpu": device.index in (None, 0),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
    }
    if device.type not in present:
        raise UsageError(f"--device {name}: give {accepted}")
    if not present[device.type]:
        raise UsageError(f"--device {name}: there is no such device here; give cpu")
    return name


@cache
def compilation_fault(device: str) -> str | None:
    """Why `torch.compile` does not work here, in one line; `None` if it does.

    On a CPU, a function of one line is compiled, once per process: a compiler may be there and not work. This
    takes about 3 s, most of them to import torch's part of it, and 10 s more for the first compilation on a
    machine. On a GPU the tools are only looked for, since a compiled function would take memory there.
    """
    if device.startswith("cuda"):
        from torch.utils._triton import has_triton

        return None if has_triton() else "there is no Triton that works with this GPU"
    from torch._inductor import config as inductor

    try:
        # With more threads, torch would start a process for each and keep it.
        with inductor.patch(compile_threads=1):
            Compiled(_plus_one)(torch.zeros(8))
    except Exception as error:  # whatever goes wrong, training can do without
        return in_one_line(error)
    return None


def _plus_one(x: Tensor) -> Tensor:
    return x + 1
