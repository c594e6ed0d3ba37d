"""Messages in Slack, whose buttons decide.

The message goes to a channel that others read too: it has no decision link, and its buttons name a call and its
arguments, not a person. Who pressed one, Slack says, signed.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.notifications.channels import ChannelFailed, Sendable, SentReceipt
from runs.engine.notifications.channels.json_address import JsonAddress
from runs.engine.notifications.channels.slack_blocks import ShownCall, escaped, message_blocks

SLACK: Final = "https://slack.com"
REQUEST_LIMIT_S: Final = 10.0
MAX_RESPONSE_BYTES: Final = 256 * 1024
GONE: Final = frozenset(
    {"account_inactive", "channel_not_found", "invalid_auth", "is_archived", "missing_scope"}
    | {"not_authed", "not_in_channel", "token_expired", "token_revoked"}
)
"""Errors of Slack after which the channel takes nothing any more."""
REFUSED: Final = frozenset({"cant_update_message", "edit_window_closed", "invalid_blocks", "message_not_found"})
"""Errors that are of one message: the channel takes others."""


class SlackMessageRefused(ChannelFailed):
    """Slack will never take this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAddress(JsonAddress):
    """What a channel of the kind `slack` keeps sealed."""

    token: str
    """Of the bot: `xoxb-…`."""
    secret: str
    """With which Slack signs what it sends here."""
    channel: str
    """Slack's id of the channel: `C…`."""


class SlackChannel:
    """Posts messages."""

    async def send(self, address: str, message: Sendable) -> SentReceipt:
        """Post it once. Raises `ChannelFailed`. The reference names the message and the calls in it."""
        slack = SlackAddress.of(address)
        calls = [ShownCall.waiting(each) for each in message.decisions]
        body: JsonObject = {
            "channel": slack.channel,
            "text": escaped(message.title),
            "blocks": message_blocks(message.title, message.text, message.url, calls),
            "unfurl_links": False,
        }
        answer = await ask_slack("chat.postMessage", slack.token, body)
        if not message.decisions:
            return SentReceipt()
        ids = ",".join(each.call_id.hex for each in message.decisions)
        return SentReceipt(reference=f"{answer.get('channel', slack.channel)}:{answer.get('ts', '')}:{ids}")


async def ask_slack(method: str, token: str, body: JsonObject, *, is_form: bool = False) -> JsonObject:
    """Call a method of Slack's API and return its answer. `is_form`: for methods that take no JSON. Raises
    `ChannelFailed`."""
    headers = {"authorization": f"Bearer {token}", "user-agent": "Agentsite", "accept-encoding": "identity"}
    url = f"{settings.AGENTSITE_SLACK_API}/api/{method}"
    try:
        async with (
            asyncio.timeout(REQUEST_LIMIT_S),
            httpx2.AsyncClient(
                transport=GuardedTransport(_rules()), trust_env=False, timeout=REQUEST_LIMIT_S
            ) as client,
        ):
            sent: Any = {"data" if is_form else "json": body}
            request = client.build_request("POST", url, headers=headers, **sent)
            response = await client.send(request, stream=True)
            try:
                return _answer(response, await _body_of(response))
            finally:
                await response.aclose()
    except (httpx2.HTTPError, OSError, TimeoutError) as error:
        raise ChannelFailed(f"Slack cannot be reached: {str(error) or type(error).__name__}") from error


async def _body_of(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw(64 * 1024):
        body += piece
        if len(body) > MAX_RESPONSE_BYTES:
            raise ChannelFailed("Slack's answer is too long.")
    return bytes(body)


def _answer(response: httpx2.Response, body: bytes) -> JsonObject:
    if response.status_code == 429:
        wait = response.headers.get("retry-after", "").strip()
        wait_s = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None
        raise ChannelFailed("Slack asks to wait.", retry_after_s=wait_s)
    if response.status_code != 200:
        raise ChannelFailed(f"Slack answered {response.status_code}.")
    try:
        told = json.loads(body)
    except ValueError as error:
        raise ChannelFailed("Slack's answer is not JSON.") from error
    if not isinstance(told, dict) or told.get("ok") is not True:
        error_code = str(told.get("error", "unknown") if isinstance(told, dict) else "unknown")[:80]
        if error_code in REFUSED:
            raise SlackMessageRefused(f"Slack refused it: {error_code}")
        raise ChannelFailed(f"Slack refused it: {error_code}", is_permanent=error_code in GONE)
    return told


def _rules() -> HostRules:
    """Slack on the public internet, or what the site's settings name in its place."""
    own = urlsplit(settings.AGENTSITE_SLACK_API)
    if own.hostname is None or settings.AGENTSITE_SLACK_API == SLACK:
        return HostRules()
    return HostRules(frozenset({(own.hostname, own.port)}))
