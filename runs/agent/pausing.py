"""A person's wish that a run pauses, and the places where it does."""

import asyncio


class Paused(asyncio.CancelledError):
    """The run stops here because somebody wants it to pause. Nothing runs, and everything so far is recorded."""


class PauseWish:
    """Whether somebody wants the run to pause. Belongs to its event loop."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self) -> None:
        """Let the run stop at its next safe point."""
        self.is_asked = True

    def check(self) -> None:
        """Raise `Paused` if somebody wants that. Called where no tool runs and no model is asked."""
        if self.is_asked:
            raise Paused
