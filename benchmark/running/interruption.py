"""Ctrl-C, SIGTERM and SIGHUP: asked once, a run saves and ends; asked twice, it ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupted", "Interruption", "deaf_children", "ending_signals"]


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals by which a terminal or a scheduler asks a program to end. Only Unix has all of them."""
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started within it never hear Ctrl-C or SIGHUP, which a terminal sends to them, too:
    whoever has started them hears it, and ends them. Only the main thread can see to that.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not None:
                before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
