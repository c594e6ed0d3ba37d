"""One host per data folder: a file lock held for as long as runs are hosted from it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class HostLocked(Exception):
    """Another process hosts runs from this data folder. The message names it."""


class HostLock:
    """The lock on a data folder. The operating system releases it when the process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "host.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises `HostLocked` if another process has it, `OSError` if the folder cannot be written."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            written = os.read(file, 32).strip()
            # Anything but a number was written by another program, and would be printed on a terminal.
            holder = written.decode("ascii") if written.isdigit() else "unknown"
            os.close(file)
            raise HostLocked(f"Runs are already hosted from {self.path.parent} by process {holder}.") from error
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()
