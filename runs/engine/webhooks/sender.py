"""The sender of webhooks in a process: it signs their events and sends them to their receivers."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from typing_extensions import override

from runs.agent.redaction.redactor import Redactor
from runs.engine.operations import fault_points
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.outbound.sender import OutboxSender, SenderTimings
from runs.engine.outbound.wake_up import WakeUp
from runs.engine.webhooks.claims import ClaimedEvent, claim, waiting_webhooks
from runs.engine.webhooks.outbox import WAKE_UP
from runs.engine.webhooks.receivers import receiver_rules
from runs.engine.webhooks.request import Told, tell
from runs.engine.webhooks.results import record
from runs.models import WebhookAttempt, WebhookEvent


class WebhookSender(OutboxSender[ClaimedEvent, Told]):
    """The sender of this process."""

    NAME: ClassVar[str] = "webhooks"
    WAKE_UP: ClassVar[WakeUp] = WAKE_UP

    def __init__(self, timings: SenderTimings | None = None) -> None:
        super().__init__(timings)
        self._known = known_secrets()

    @override
    def has_unsent(self) -> bool:
        return WebhookEvent.objects.pending().exists()

    @override
    def waiting(self, now: datetime) -> Sequence[tuple[UUID, bool]]:
        return waiting_webhooks(now)

    @override
    def claim(self, address_id: UUID, most: int, now: datetime) -> list[ClaimedEvent]:
        return claim(address_id, most, now)

    @override
    def record(self, claimed: ClaimedEvent, result: Told, now: datetime) -> None:
        record(claimed, result, now, self._chance)

    @override
    def release_all(self) -> None:
        WebhookEvent.objects.release_all()

    @override
    async def tell(self, claimed: ClaimedEvent) -> Told:
        if claimed.signing:
            told = await tell(
                claimed.url,
                claimed.message_id,
                claimed.body,
                list(claimed.signing),
                rules=receiver_rules(),
                # A receiver knows its secret, and could send it back.
                redactor=Redactor([*self._known, *claimed.signing]),
                limit_s=self._timings.attempt_limit_s,
            )
        else:
            told = Told(outcome=WebhookAttempt.Outcome.SEALED)
        fault_points.crashpoint("webhook_sent")
        return told
