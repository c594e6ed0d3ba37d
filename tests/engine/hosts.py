"""A stub for the host."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID


class IdleHost:
    """Hosts nothing and ignores messages. Tests override what they need."""

    id = "idle"
    hosted = 0
    room = 10
    silent_s = 0.0

    def submit(self, run_id: UUID) -> None:
        """Ignore a run that a person launched."""

    def submit_later(self, run_ids: Sequence[UUID]) -> None:
        """Ignore runs that nobody waits for."""

    def adopt(self, run_id: UUID) -> None:
        """Ignore a child run."""

    def wake(self, run_id: UUID) -> None:
        """Ignore a run that a job wakes."""

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Ignore a message from another thread."""

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Ignore a message from the loop."""

    def take(self, run_ids: Iterable[UUID]) -> None:
        """Ignore runs that a sweep found."""

    def share_of(self, found: int) -> int:
        return found

    def epochs(self) -> Mapping[UUID, int]:
        return {}

    async def release_abandoned(self) -> None:
        """No run was abandoned."""

    async def read(self, work: Callable[[], Any]) -> Any:
        return work()
