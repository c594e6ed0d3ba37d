"""One request to a receiver, with a bound on everything the other side could send or delay."""

import asyncio
import email.utils
import ssl
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx2

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_values import as_storable_text
from runs.agent.output_text import readable
from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.outbound.sender import ATTEMPT_LIMIT_S
from runs.engine.webhooks.signing import signed_headers
from runs.models import WebhookAttempt

CONNECT_LIMIT_S: Final = 5.0
BODY_LIMIT_S: Final = 2.0
"""How long the body of a response may take; its status decides, and the rest is not read."""
MAX_RESPONSE_CHARS: Final = 4096
"""Of the response, as it is kept."""
MAX_READ_BYTES: Final = 2 * MAX_RESPONSE_CHARS
"""More than is kept: a secret that the end of what was read has broken, and that is not known by that, is cut off."""
GONE: Final = 410
_ASKS_TO_WAIT: Final = (429, 503)

_Outcome = WebhookAttempt.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of one attempt."""

    outcome: WebhookAttempt.Outcome
    status: int | None = None
    """Of HTTP; None without a response."""
    response: str = ""
    """The beginning of its body, or what went wrong; readable, without secrets."""
    is_cut: bool = False
    retry_after_s: float | None = None
    """How long the receiver asked to wait; None if it did not, or not in a way that is read."""
    duration_ms: int = 0

    @property
    def is_delivered(self) -> bool:
        """True if the receiver took it."""
        return self.outcome is _Outcome.DELIVERED


async def tell(
    url: str,
    message_id: str,
    body: str,
    signing: list[str],
    *,
    rules: HostRules,
    redactor: Redactor,
    tls: ssl.SSLContext | None = None,
    limit_s: float = ATTEMPT_LIMIT_S,
) -> Told:
    """Send the event once and return what came of it; whatever the receiver does, nothing is raised but a
    cancellation."""
    began = time.monotonic()
    told = await _told(url, message_id, body, signing, rules=rules, tls=tls, limit_s=limit_s)
    # The secrets go first: a cut, or a sign that takes the place of another, would break one that then stays.
    text = readable(redactor.text(as_storable_text(told.response)))
    return Told(
        outcome=told.outcome,
        status=told.status,
        response=text[:MAX_RESPONSE_CHARS],
        is_cut=told.is_cut or len(text) > MAX_RESPONSE_CHARS,
        retry_after_s=told.retry_after_s,
        duration_ms=int((time.monotonic() - began) * 1000),
    )


async def _told(
    url: str,
    message_id: str,
    body: str,
    signing: list[str],
    *,
    rules: HostRules,
    tls: ssl.SSLContext | None,
    limit_s: float,
) -> Told:
    headers = {
        "content-type": "application/json",
        "user-agent": "Agentsite",
        "accept-encoding": "identity",
        **signed_headers(message_id, body, signing, datetime.now(UTC)),
    }
    try:
        async with (
            asyncio.timeout(limit_s + BODY_LIMIT_S),
            httpx2.AsyncClient(
                transport=GuardedTransport(rules, tls=tls),
                trust_env=False,
                timeout=httpx2.Timeout(limit_s, connect=min(CONNECT_LIMIT_S, limit_s)),
            ) as client,
        ):
            request = client.build_request("POST", url, content=body.encode(), headers=headers)
            async with asyncio.timeout(limit_s):
                response = await client.send(request, stream=True)
            try:
                return await _read(response)
            finally:
                await response.aclose()
    except Exception as error:  # noqa: BLE001 - the receiver's fault or that of its address, which the log tells
        return Told(outcome=_outcome_of(error), response=_words(error, limit_s))


async def _read(response: httpx2.Response) -> Told:
    text, is_cut = await _beginning(response)
    status = response.status_code
    if 200 <= status < 300:
        outcome = _Outcome.DELIVERED
    else:
        outcome = _Outcome.REDIRECT if 300 <= status < 400 else _Outcome.REFUSED
    asked = _asked_to_wait_s(response.headers.get("retry-after", "")) if status in _ASKS_TO_WAIT else None
    return Told(outcome=outcome, status=status, response=text, is_cut=is_cut, retry_after_s=asked)


async def _beginning(response: httpx2.Response) -> tuple[str, bool]:
    """The beginning of the body as text, and whether there may be more."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("", "identity"):
        return f"(compressed: {encoding[:20]})", True
    body, is_cut = bytearray(), False
    try:
        async with asyncio.timeout(BODY_LIMIT_S), aclosing(response.aiter_raw(MAX_READ_BYTES)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > MAX_READ_BYTES:
                    is_cut = True
                    break
    except (httpx2.HTTPError, TimeoutError):
        is_cut = True  # The status was received, and it decides.
    return bytes(body[:MAX_READ_BYTES]).decode(errors="replace"), is_cut


def _asked_to_wait_s(header: str) -> float | None:
    """The seconds of `Retry-After`, which are a number or a date; None for anything else."""
    header = header.strip()[:40]
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _outcome_of(error: Exception) -> WebhookAttempt.Outcome:
    match error:
        case TimeoutError() | httpx2.TimeoutException():
            return _Outcome.TIMEOUT
        case ToolFailed() | httpx2.InvalidURL():  # by the guard of addresses
            return _Outcome.ADDRESS
        case _ if _is_of_tls(error):
            return _Outcome.TLS
        case httpx2.ConnectError() | OSError():
            return _Outcome.CONNECTION
        case _:
            return _Outcome.BROKEN


def _is_of_tls(error: BaseException | None) -> bool:
    depth = 0
    while error is not None and depth < 10:
        if isinstance(error, ssl.SSLError):
            return True
        error, depth = error.__cause__ or error.__context__, depth + 1
    return False


def _words(error: Exception, limit_s: float) -> str:
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        return f"No response within {limit_s:g} s."
    return (str(error) or type(error).__name__)[:500]
