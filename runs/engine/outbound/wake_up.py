"""How the sender of this process is told that there is something to send."""

from collections.abc import Callable

from django.db import transaction


class WakeUp:
    """The wake-up of one sender in each process. A process without one leaves the rows to the others, which look by
    themselves."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None

    def set(self, wake: Callable[[], None] | None) -> None:
        """Register how the sender of this process is woken, from any thread; None when it sends no more."""
        self._wake = wake

    def after_commit(self) -> None:
        """Let the sender of this process look after the commit. No effect without one."""
        transaction.on_commit(self._wake_now)

    def _wake_now(self) -> None:
        if self._wake is not None:
            self._wake()
