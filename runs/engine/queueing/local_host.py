"""The host of this process, as code outside `hosting` sees it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from runs import doorbell

T = TypeVar("T")


class Host(Protocol):
    """Hosts runs. `submit`, `submit_later`, `adopt`, `wake`, `tell` and `silent_s` are thread-safe, the rest belongs to
    its loop."""

    id: str
    """The `owner` of the runs it hosts."""

    @property
    def silent_s(self) -> float:
        """Seconds since its last sweep."""

    def submit(self, run_id: UUID) -> None:
        """Host this run, if it is claimable."""

    def submit_later(self, run_ids: Sequence[UUID]) -> None:
        """Host these runs, which nobody waits for, in their turn."""

    def adopt(self, run_id: UUID) -> None:
        """Host this run too, if it hosts given runs only."""

    def wake(self, run_id: UUID) -> None:
        """Host this run, or pass it to a less loaded host."""

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Pass a message to a run hosted here."""

    @property
    def hosted(self) -> int:
        """Runs hosted now."""

    @property
    def room(self) -> int:
        """Free slots."""

    def epochs(self) -> Mapping[UUID, int]:
        """The runs claimed and still worked on, with the epochs of their claims."""

    def take(self, run_ids: Iterable[UUID]) -> None:
        """Host these runs in their turn, except those it hosts already."""

    def share_of(self, found: int) -> int:
        """How many of `found` claimable runs it should take, if all hosts take their share."""

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into the inbox of a run, if it is hosted here."""

    async def release_abandoned(self) -> None:
        """Queue the runs again that could not be worked on. Raises `DatabaseError`."""

    async def read(self, work: Callable[[], T]) -> T:
        """Run a short query outside the loop."""


_host: Host | None = None


def set_host(host: Host | None) -> None:
    """Register the host of this process; None when it takes no more runs."""
    global _host  # noqa: PLW0603 - one host per process, by design
    _host = host


def current_host() -> Host | None:
    """The host of this process; None while it takes no runs."""
    return _host


def submit(run_id: UUID) -> None:
    """Let the host of this process take a run. No effect without a host."""
    if _host is not None:
        _host.submit(run_id)


def submit_later(run_ids: Sequence[UUID]) -> None:
    """Let the host of this process take runs that nobody waits for. No effect without a host."""
    if _host is not None:
        _host.submit_later(run_ids)


def adopt(run_id: UUID) -> None:
    """Let the host of this process host this run too. No effect without a host."""
    if _host is not None:
        _host.adopt(run_id)


def tell(owner: str, run_id: UUID, do: str) -> None:
    """Send a message, such as `run.cancel`, to the host of a run, here or in another process."""
    if _host is not None and _host.id == owner:
        _host.tell(run_id, do)
    else:
        doorbell.tell_host_from_thread(owner, run_id, do)
