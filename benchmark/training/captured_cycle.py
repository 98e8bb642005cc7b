"""A compiled cycle on a GPU, captured as one CUDA graph."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmark.method import Batch, State
from benchmark.training.step import Cycle
from benchmark.training.trees import tensors_in

__all__ = ["CapturedCycle", "capture_cuda"]

Capture = Callable[[Callable[[], None], torch.device], Callable[[], None]]
"""Records what a function would start on a device, without running it; returns what runs the record."""


def capture_cuda(function: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Records a function as a CUDA graph. It must have run before, on other tensors of the same shapes."""
    graph = torch.cuda.CUDAGraph()
    # By default, the stream is one of whatever device is the current one.
    with torch.cuda.device(device), torch.cuda.graph(graph, stream=torch.cuda.Stream(device)):
        function()
    return graph.replay


class CapturedCycle:
    """Runs a cycle as one graph: one call for the hundreds of kernels that a small network's cycle starts.

    The graph reads and writes the tensors that it was captured with. So the state must stay where it is, and
    batches are copied to where those of the capture lie.

    Arguments:
        cycle: The cycle; it must have run before.
        state: The state of the training.
        batches: Batches of one cycle, for their shapes.
        capture: Records a function.
    """

    def __init__(
        self, cycle: Cycle, state: State, batches: Sequence[Batch], capture: Capture = capture_cuda
    ) -> None:
        self.batches = [batch.map(torch.empty_like) for batch in batches]
        self.losses = state.progress.new_empty(cycle.updates, len(state.progress))

        one_cycle = cycle.on(state)

        def whole() -> None:
            self.losses.copy_(one_cycle(self.batches))

        self.replay = capture(whole, state.progress.device)

    def __call__(self, batches: Sequence[Batch]) -> Tensor:
        """Advances the state by one cycle; returns the losses, shape (updates, seeds)."""
        for own, given in zip(tensors_in(self.batches), tensors_in(batches), strict=True):
            own.copy_(given)
        self.replay()
        return self.losses.clone()
