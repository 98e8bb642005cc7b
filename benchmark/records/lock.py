"""One run at a time in a directory."""

import contextlib
import fcntl
import getpass
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from benchmark.errors import UsageError

__all__ = ["LOCK", "RunLock"]

LOCK = "run.lock"


class RunLock:
    """Holds a directory for one process, as long as it lives.

    The lock is the system's, on a file that says who holds it. It goes with its process, however that ends; a
    file that is left behind is stale and no hindrance.

    Arguments:
        root: The directory, which is made if need be.

    Attributes:
        left_by: Who left a stale lock, in words; `None` if nobody did.
    """

    def __init__(self, root: Path) -> None:
        self.file = root / LOCK
        self.left_by: str | None = None

    def __enter__(self) -> "RunLock":
        """Takes the lock.

        Raises:
            UsageError: If another process holds it, or the file system has no locks.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self.descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = _read(self.descriptor)
                os.close(self.descriptor)
                raise UsageError(
                    f"{self.file.parent}: {owner} is working there; "
                    "wait for it to end, or give another directory"
                ) from None
            except OSError as error:
                os.close(self.descriptor)
                raise UsageError(
                    f"{self.file.parent}: cannot be locked ({error.strerror}); "
                    "give a directory on another file system"
                ) from error
            # Whoever held it may have removed the file between its opening and its locking.
            if self._held():
                break
            os.close(self.descriptor)
        if os.fstat(self.descriptor).st_size:
            self.left_by = _read(self.descriptor)
        identity = {
            "user": _user(),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, (json.dumps(identity) + "\n").encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the lock back, and removes a directory that has stayed empty."""
        if self._held():  # it may have been moved aside with the directory
            self.file.unlink()
        os.close(self.descriptor)
        with contextlib.suppress(OSError):
            self.file.parent.rmdir()

    def _held(self) -> bool:
        """Whether what is locked is the file of that name."""
        try:
            return os.path.samestat(os.fstat(self.descriptor), os.lstat(self.file))
        except FileNotFoundError:
            return False


def _read(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {owner['process']} of {owner['user']} on {owner['host']}, started {owner['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
