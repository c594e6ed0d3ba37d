"""The sender of notifications in a process."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from typing_extensions import override

from runs.agent.output_text import readable
from runs.agent.redaction.redactor import Redactor
from runs.engine.notifications.channel_registry import CHANNELS
from runs.engine.notifications.channels import MAX_TOLD_CHARS, Channel, ChannelFailed
from runs.engine.notifications.claims import ClaimedDelivery, claim, waiting_channels
from runs.engine.notifications.decidables import LinkSigner
from runs.engine.notifications.outbox import WAKE_UP
from runs.engine.notifications.results import AttemptResult, record
from runs.engine.notifications.run_texts import ErrorWords
from runs.engine.operations import fault_points
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.outbound.sender import OutboxSender, SenderTimings
from runs.engine.outbound.wake_up import WakeUp
from runs.models import NotificationChannel, NotificationDelivery

logger = logging.getLogger(__name__)

_Disabled: Final = NotificationChannel.Disabled


class NotificationSender(OutboxSender[ClaimedDelivery, AttemptResult]):
    """The sender of this process."""

    NAME: ClassVar[str] = "notifications"
    WAKE_UP: ClassVar[WakeUp] = WAKE_UP

    def __init__(
        self,
        timings: SenderTimings | None = None,
        *,
        decision_link: LinkSigner | None = None,
        error_words: ErrorWords = str,
        channels: Mapping[str, Channel] = CHANNELS,
    ) -> None:
        """`decision_link` signs the links with which a call is decided from a message; None for no such links.
        `error_words` translates the messages of errors."""
        super().__init__(timings)
        self._decision_link = decision_link
        self._error_words = error_words
        self._channels = channels
        self._known = known_secrets()

    @override
    def has_unsent(self) -> bool:
        return NotificationDelivery.objects.pending().exists()

    @override
    def waiting(self, now: datetime) -> Sequence[tuple[UUID, bool]]:
        return waiting_channels(now)

    @override
    def claim(self, address_id: UUID, most: int, now: datetime) -> list[ClaimedDelivery]:
        return claim(address_id, most, now, self._decision_link, self._error_words)

    @override
    def record(self, claimed: ClaimedDelivery, result: AttemptResult, now: datetime) -> None:
        record(claimed, result, now, self._chance)

    @override
    def release_all(self) -> None:
        NotificationDelivery.objects.release_all()

    @override
    async def tell(self, claimed: ClaimedDelivery) -> AttemptResult:
        result = await self._told(claimed)
        fault_points.crashpoint("notification_sent")
        return result

    async def _told(self, claimed: ClaimedDelivery) -> AttemptResult:
        channel = self._channels.get(claimed.kind)
        if claimed.address is None:
            return AttemptResult(error="The address cannot be read.", disables=_Disabled.SEALED)
        if channel is None:
            return AttemptResult(error=f"This site cannot send to channels of the kind {claimed.kind}.")
        limit_s = self._timings.attempt_limit_s
        try:
            async with asyncio.timeout(limit_s):
                receipt = await channel.send(claimed.address, claimed.message)
        except ChannelFailed as failed:
            gone = _Disabled.GONE if failed.is_permanent else None
            error = self._safe(failed.told, claimed.address) or "It failed."
            return AttemptResult(error=error, disables=gone, retry_after_s=failed.retry_after_s)
        except TimeoutError:
            return AttemptResult(error=f"No response within {limit_s:g} s.")
        except Exception as error:
            logger.exception("A channel of the kind %s failed.", claimed.kind)
            return AttemptResult(error=self._safe(f"{type(error).__name__}: {error}", claimed.address))
        return AttemptResult(reference=receipt.reference[:500])

    def _safe(self, text: str, address: str) -> str:
        """What went wrong, readable, without secrets: a service knows its address, and could send it back."""
        return readable(Redactor([*self._known, address]).text(text))[:MAX_TOLD_CHARS]
