"""Ctrl-C, SIGTERM and SIGHUP: asked once, a run saves and ends; asked twice, it ends."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupted", "Interruption", "ending_signals"]


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals by which a terminal or a scheduler asks a program to end. Only Unix has all of them."""
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    `number`. A signal that was ignored, as SIGHUP is under `nohup`, stays ignored.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.deferred = False

    def __enter__(self) -> "Interruption":
        self.before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():  # the only one that may set handlers
            for number in ending_signals():
                # A handler that is not Python's, which is `None` here, could not be put back.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self.before[number] = signal.signal(number, self._handle)
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
        # Of a terminal that goes, the system and the shell both tell: a second SIGHUP is nobody's impatience.
        impatient = self.number is not None and number != signal.SIGHUP
        if impatient or not self.deferred:
            raise Interrupted(number)
        self.number = self.number or number
