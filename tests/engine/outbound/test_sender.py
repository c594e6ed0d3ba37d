"""The sender that all outboxes share, with an outbox of its own."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from django.db import DataError
from typing_extensions import override

from runs.engine.outbound.sender import OutboxSender, SenderTimings
from runs.engine.outbound.wake_up import WakeUp

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN, GOOD = uuid4(), uuid4()


class TwoAddresses(OutboxSender[str, None]):
    """Sends to two addresses; the rows of the first one, which always has its turn first, cannot be claimed."""

    NAME: ClassVar[str] = "test"
    WAKE_UP: ClassVar[WakeUp] = WakeUp()

    def __init__(self, error: Exception) -> None:
        super().__init__(SenderTimings(look_every_s=0.02))
        self._error = error
        self.sent = threading.Semaphore(0)
        self.broken_claims = 0

    @override
    def has_unsent(self) -> bool:
        return True

    @override
    def waiting(self, now: datetime) -> Sequence[tuple[UUID, bool]]:
        return [(BROKEN, False), (GOOD, False)]

    @override
    def claim(self, address_id: UUID, most: int, now: datetime) -> list[str]:
        if address_id == BROKEN:
            self.broken_claims += 1
            raise self._error
        return ["row"]

    @override
    def record(self, claimed: str, result: None, now: datetime) -> None:
        self.sent.release()

    @override
    def release_all(self) -> None: ...

    @override
    async def tell(self, claimed: str) -> None: ...


@pytest.fixture(params=[ValueError("A bug of ours."), DataError("smallint out of range")], ids=["bug", "database"])
def sender(request: pytest.FixtureRequest) -> Iterator[TwoAddresses]:
    made = TwoAddresses(request.param)
    made.start()
    yield made
    made.stop()


def test_an_address_whose_rows_cannot_be_claimed_holds_up_no_other_one(
    sender: TwoAddresses, caplog: pytest.LogCaptureFixture
) -> None:
    sent = [sender.sent.acquire(timeout=20) for _ in range(3)]

    assert sent == [True] * 3
    assert sender.broken_claims == 1, "It is put off for a minute, and not tried at every look."
    assert str(BROKEN) in caplog.text
