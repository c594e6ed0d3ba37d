"""The writes of one claim, which are committed in the order they are submitted."""

import asyncio
import time
from uuid import UUID

from runs.agent.errors.exceptions import JournalClosed
from runs.engine.writing.writer import Writer
from runs.engine.writing.writes import Write


class WriteSequence:
    """Submits the writes of a claim. Once a write is refused, all later ones are refused too."""

    def __init__(self, writer: Writer, run_id: UUID, epoch: int) -> None:
        self.last: Write | None = None
        self._writer = writer
        self._run_id = run_id
        self._epoch = epoch
        self._active_since = time.monotonic()

    def submit(self, write: Write) -> None:
        """Queue the write, with the time the run was active since the one before."""
        now = time.monotonic()
        write.active_ms = int((now - self._active_since) * 1000)
        # Only whole milliseconds are added, so the rest is carried over rather than lost.
        self._active_since += write.active_ms / 1000
        self.last = write
        self._writer.submit(write)

    async def written(self) -> None:
        """Return when everything submitted so far is committed. Raises `JournalClosed` if it was refused."""
        last = self.last
        if last is not None and last.outcome is None:
            if last.waiter is None:
                last.waiter = asyncio.get_running_loop().create_future()
            # Shielded: several tasks may wait for one write, and cancelling one must not cancel the others' wait.
            await asyncio.shield(last.waiter)
        # `self.last` may be a later write by now, which has no outcome yet.
        self._check(last)

    def check(self) -> None:
        """Raise `JournalClosed` if the last write was refused."""
        self._check(self.last)

    def _check(self, write: Write | None) -> None:
        outcome = write.outcome if write is not None else None
        if outcome is None or outcome.kind in ("written", "stop_asked"):
            return
        if outcome.kind == "fenced":
            raise JournalClosed(f"Run {self._run_id} is hosted elsewhere: epoch {self._epoch} is over.")
        raise JournalClosed(f"Run {self._run_id} could not be stored: {outcome.error}") from outcome.error
