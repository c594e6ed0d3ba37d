"""Ctrl-C and SIGTERM for a command that works on a run: counted, and never raised in the middle of a write."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """The number of Ctrl-C since `heed`.

    An exception could come anywhere: between the launch and its host, in the request to stop, in the last writes; the
    run would then be left behind. So it is raised only while the terminal waits for an answer.
    """

    def __init__(self) -> None:
        self.count = 0
        self._may_raise = False

    def heed(self) -> None:
        """Count Ctrl-C from now on; SIGTERM ends the command with 143, and a second one changes nothing."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, _exit_once)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Context manager in which Ctrl-C raises `KeyboardInterrupt`."""
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._may_raise:
            raise KeyboardInterrupt


def _exit_once(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)
