"""Exceptions that leave the loop without ending the run, and a person's request for a pause."""

import asyncio
from typing import Self


class Parked(Exception):
    """The run waits for a person without a host; recorded before this is raised. Neither a failure nor an end."""


class Paused(asyncio.CancelledError):
    """The run stops because a person asked for a pause. No tool or model call is running; everything is recorded."""


class PauseRequest:
    """A person's request for a pause. Used only on the event loop of the run."""

    def __init__(self) -> None:
        self.is_made = False

    def make(self) -> None:
        """Make the run stop at its next safe point."""
        self.is_made = True

    def take_back(self) -> None:
        """Let the run go on. No effect once `check` has raised."""
        self.is_made = False

    def check(self) -> None:
        """Raise `Paused` if a pause was requested. Called only where no tool or model call is running."""
        if self.is_made:
            raise Paused


class MessageSignal:
    """Hears that people have said something to a run, and interrupts its model's reply if they ask for it. Used only on
    the event loop of the run."""

    def __init__(self) -> None:
        self.is_raised = False
        """True if messages may wait to be read. Only the database knows."""
        self.times_read = 0
        """How often they were read: what was known of them before is out of date."""
        self.reply: ReplyInProgress | None = None
        """The block in which a reply is awaited, if one is."""

    def hear(self) -> None:
        """A message may wait: it is read before the next reply is asked for."""
        self.is_raised = True

    def interrupt(self) -> None:
        """The same, and the reply in progress ends, with the waits between its attempts. No effect on tool calls."""
        self.is_raised = True
        if self.reply is not None:
            self.reply.interrupt()

    def lower(self) -> None:
        """What waits is being read: what is heard from here on is news."""
        self.is_raised = False
        self.times_read += 1

    def interrupts(self) -> "ReplyInProgress":
        """A block in which a reply is awaited, and which an interruption ends."""
        self.reply = ReplyInProgress(self)
        return self.reply


class ReplyInProgress:
    """The block in which a reply is awaited. No frame of it lies between the loop and the model."""

    def __init__(self, signal: MessageSignal) -> None:
        self.was_interrupted = False
        self._signal = signal
        self._is_asked = False
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that is awaited runs in a task
        self._task, self._cancellations = task, task.cancelling()

    def interrupt(self) -> None:
        """End the block. A second request changes nothing."""
        if not self._is_asked:
            self._is_asked = True
            self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        """Swallow the cancellation that the interruption is, unless the run itself is cancelled too."""
        self._signal.reply = None
        if not self._is_asked:
            return False
        is_alone = self._task.uncancel() <= self._cancellations
        self.was_interrupted = is_alone and kind is not None and issubclass(kind, asyncio.CancelledError)
        return self.was_interrupted
