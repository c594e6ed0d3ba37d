"""Messages to browsers, by the push service of each: also to a phone whose browser is closed."""

import asyncio
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.notifications.channels import ChannelFailed, Sendable, SentReceipt
from runs.engine.notifications.channels.json_address import JsonAddress
from runs.engine.notifications.channels.push_encryption import (
    MAX_PAYLOAD_BYTES,
    encrypted,
    from_base64url,
    vapid_header,
)

PUSH_SERVICES: Final = (
    *("fcm.googleapis.com", "android.googleapis.com", "updates.push.services.mozilla.com"),
    *("web.push.apple.com", ".push.apple.com", ".notify.windows.com", ".push.services.mozilla.com"),
)
"""The hosts of browsers' push services; one that begins with a dot is any host of that domain."""
REQUEST_LIMIT_S: Final = 10.0
KEPT_FOR_S: Final = 24 * 3600
"""How long a push service keeps a message for a device that is off."""
MAX_ENDPOINT_CHARS: Final = 1000
MAX_TITLE_CHARS: Final = 150
MAX_BODY_CHARS: Final = 300
GONE: Final = (404, 410)


class SubscriptionRefused(ValueError):
    """No message can be sent to this subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription(JsonAddress):
    """What a browser gives for one device: where to send, and for whom to encrypt."""

    endpoint: str
    p256dh: str
    auth: str

    def check(self) -> None:
        """Raise `SubscriptionRefused` for one that no message can be sent to."""
        try:
            encrypted(b"", p256dh=from_base64url(self.p256dh), auth=from_base64url(self.auth))
            own = urlsplit(self.endpoint)
            host, port = own.hostname or "", own.port or (443 if own.scheme == "https" else 80)
        except ValueError as error:
            raise SubscriptionRefused("The subscription is none.") from error
        if len(self.endpoint) > MAX_ENDPOINT_CHARS or not self.endpoint.isprintable() or own.username is not None:
            raise SubscriptionRefused("The endpoint is none.")
        if push_rules().are_named(host, port):
            return
        is_known = any(host == each or (each[0] == "." and host.endswith(each)) for each in PUSH_SERVICES)
        if own.scheme != "https" or port != 443 or not is_known:
            raise SubscriptionRefused("The endpoint is not of a push service that the site knows.")


class WebPushChannel:
    """Sends to browsers."""

    async def send(self, address: str, message: Sendable) -> SentReceipt:
        """Send it once. Raises `ChannelFailed`; permanent if the browser has unsubscribed."""
        subscription = PushSubscription.of(address)
        try:
            subscription.check()
        except SubscriptionRefused as refused:
            raise ChannelFailed(str(refused), is_permanent=True) from refused
        body = encrypted(
            payload_of(message),
            p256dh=from_base64url(subscription.p256dh),
            auth=from_base64url(subscription.auth),
        )
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(KEPT_FOR_S),
            "urgency": "high" if message.decisions or message.severity == "error" else "normal",
            "authorization": vapid_header(subscription.endpoint),
        }
        if message.run_id is not None:
            # A later message about the same run takes the place of one that was not shown yet.
            headers["topic"] = message.run_id.hex
        status, wait = await _posted(subscription.endpoint, headers, body)
        if 200 <= status < 300:
            return SentReceipt()
        wait_s = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None
        told = f"The push service answered {status}."
        raise ChannelFailed(told, is_permanent=status in GONE, retry_after_s=wait_s)


def payload_of(message: Sendable) -> bytes:
    """What the service worker shows, as JSON that fits."""
    of_run = "/inbox/" if message.run_id is None else f"/runs/{message.run_id}/"
    path = urlsplit(message.url).path or of_run
    about = {"title": message.title[:MAX_TITLE_CHARS], "path": path, "tag": str(message.run_id or message.message_id)}
    first = message.decisions[0] if message.decisions else None
    text = message.text if first is None else (first.question or f"{first.tool_name} {first.arguments}")
    payload = json.dumps(about | {"body": text[:MAX_BODY_CHARS]}, ensure_ascii=False).encode()
    return payload if len(payload) <= MAX_PAYLOAD_BYTES else json.dumps(about | {"body": ""}).encode()


def push_rules() -> HostRules:
    """The push services of one's own, which the site's settings name."""
    return HostRules(frozenset(settings.AGENTSITE_PUSH_HOSTS))


async def _posted(endpoint: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """Status and `Retry-After` of the response, whose body is not read."""
    try:
        async with (
            asyncio.timeout(REQUEST_LIMIT_S),
            httpx2.AsyncClient(
                transport=GuardedTransport(push_rules()), trust_env=False, timeout=REQUEST_LIMIT_S
            ) as client,
        ):
            request = client.build_request("POST", endpoint, content=body, headers=headers)
            response = await client.send(request, stream=True)
            await response.aclose()
            return response.status_code, response.headers.get("retry-after", "").strip()
    except (httpx2.HTTPError, OSError, TimeoutError) as error:
        raise ChannelFailed(f"The push service cannot be reached: {type(error).__name__}") from error
