"""Ctrl-C and SIGTERM: asked once, a run saves and ends; asked twice, it ends."""

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["Interrupted", "Interruption"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The program was asked to end.

    Arguments:
        number: The signal.
        message: What became of the work.
    """

    def __init__(self, number: int, message: str = "interrupted") -> None:
        super().__init__(message)
        self.number = number


class Interruption:
    """Within it, a signal to end raises `Interrupted`; if `deferred`, the first one is only remembered in
    `number`.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.deferred = False

    def __enter__(self) -> "Interruption":
        self.before = {}
        if threading.current_thread() is threading.main_thread():  # the only one that may set handlers
            self.before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __bool__(self) -> bool:
        """Whether there was one."""
        return self.number is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.deferred and self.number is None:
            self.number = number
        else:
            raise Interrupted(number)
