"""Channels: how a message reaches a person. One module for each kind, with a class that sends.

A channel sends one message in one attempt, within the limit of its caller, and knows no rows: claims, retries and
summaries are the business of the sender.
"""

from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

MAX_TOLD_CHARS: Final = 500
"""Of what is kept of a failure."""

Severity = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decidable:
    """A call that waits for the person."""

    call_id: UUID
    waits_for: Literal["approval", "answer", "decision"]
    tool_name: str
    arguments: str
    """As JSON, without known secrets; cut where it is long."""
    arguments_hash: str = ""
    """Of the arguments that it asks to run with: an approval is bound to it."""
    question: str = ""
    """What it asks; empty unless it waits for an answer."""
    token: str = ""
    """Signed for this person: it decides without a session. Empty where there is none."""
    url: str = ""
    """The page of the token, absolute; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """One message, in the language of its channel, without known secrets."""

    message_id: str
    """The same in every attempt."""
    event: str
    title: str
    """One line."""
    text: str
    """Plain, several lines; empty if the title says it all."""
    url: str = ""
    """The page that shows more, absolute; empty if the site does not know its own address."""
    settings_url: str = ""
    """The page of the person's notifications, absolute, or empty."""
    severity: Severity = "info"
    run_id: UUID | None = None
    decisions: tuple[Decidable, ...] = ()
    """What the person may decide; empty if nothing waits."""
    gathered: int = 0
    """How many other notifications it tells of; 0 unless it is a summary."""
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentReceipt:
    """The service has taken the message."""

    reference: str = ""
    """What the service calls it, where it can be changed later: kept with the delivery, up to 500 characters."""


class ChannelFailed(Exception):
    """The service has not taken the message."""

    def __init__(self, told: str, *, is_permanent: bool = False, retry_after_s: float | None = None) -> None:
        """`told` is for the person, who sees it in the log. Permanent: this address takes nothing any more, and the
        channel is disabled. `retry_after_s`: how long the service asked to wait."""
        super().__init__(told)
        self.told = told[:MAX_TOLD_CHARS]
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """Sends to the addresses of one kind."""

    async def send(self, address: str, message: Sendable) -> SentReceipt:
        """Send it once. Raises `ChannelFailed`."""
