"""Forks for those who start a command: the site under test, and the clients of its programs."""

import os
import select
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.handed_over import EXIT_BYTES, request_of
from tests.site_process import ForkedProcess

HAND_OVER = Path(__file__).with_name("handed_over.py")


class Desk:
    """A socket at which processes hand over their streams, and wait for the exit code of a fork that uses them."""

    def __init__(self, fork: Callable[..., tuple[int, int]]) -> None:
        """`fork(arguments, environment, stdout, stderr, stdin)` returns the pid and the pipe for the exit code."""
        self._fork = fork
        self._folder = tempfile.mkdtemp(prefix="desk-")
        self.path = Path(self._folder) / "desk"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._receive, daemon=True).start()

    def command_of(self, *arguments: str) -> list[str]:
        """The command of the process that stands for a fork with these arguments."""
        return [sys.executable, "-I", "-S", str(HAND_OVER), str(self.path), *arguments]

    def close(self) -> None:
        """Nobody hands over any more."""
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _receive(self) -> None:
        with suppress(OSError):  # It was closed.
            while True:
                visitor, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[visitor], daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor:
            (arguments, environment), (stdin, stdout, stderr) = request_of(visitor)
            try:
                pid, status = self._fork(arguments, environment, stdout, stderr, stdin)
            finally:
                for each in (stdin, stdout, stderr):
                    os.close(each)
            process = ForkedProcess(arguments, pid, status)
            select.select([visitor.fileno(), status], [], [])
            if (code := process.poll()) is None:  # The visitor has ended.
                process.kill()
            else:
                visitor.send(code.to_bytes(EXIT_BYTES, "big", signed=True))
