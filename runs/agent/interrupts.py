"""Exceptions that leave the loop without ending the run, and a person's request for a pause."""

import asyncio


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
