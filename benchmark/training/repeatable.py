"""Results that are the same each time on a GPU."""

import os

import torch

__all__ = ["ask_for_repeatable_results"]


def ask_for_repeatable_results(device: torch.device) -> None:
    """Makes torch choose, on a GPU, operations whose results are the same each time, where it has them.

    It warns of others. A CPU's are the same anyway.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    # What is not filled is written before it is read; filling it takes time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
