"""What the cells of a run may take."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What cells may take.

    Attributes:
        checkpoint_every: Seconds between two checkpoints; `None` if only an interruption makes one.
        stall_timeout: Seconds without a report after which a cell counts as hanging.
    """

    checkpoint_every: float | None
    stall_timeout: float
