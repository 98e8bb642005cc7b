"""Devices: which one to use, and whether it can compile."""

import os
import shutil

import torch

from benchmark.errors import UsageError

__all__ = ["can_compile", "choose_device"]


def choose_device(name: str) -> str:
    """The device to use, `auto` resolved.

    Raises:
        UsageError: If the name is not one of a device, or the device is not there.
    """
    accepted = "auto, cpu, cuda, cuda:N or mps"
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: give {accepted}") from None
    present = {
        "cpu": device.index in (None, 0),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if device.type not in present:
        raise UsageError(f"--device {name}: give {accepted}")
    if not present[device.type]:
        raise UsageError(f"--device {name}: there is no such device here; give cpu")
    return name


def can_compile(device: str) -> bool:
    """Whether `torch.compile` has the tools that it needs here."""
    if device.startswith("cuda"):
        from torch.utils._triton import has_triton

        return has_triton()
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl") if name)
