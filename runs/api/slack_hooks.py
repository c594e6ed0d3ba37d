"""`POST /hooks/slack/<channel>`: presses of buttons in Slack.

Until its signature is proven a request costs one look at an index and one HMAC, and writes nothing. Slack waits three
seconds for the answer, which is empty: what is said, is said by its API.
"""

import asyncio
import json
import logging
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from runs.agent.json_data.json_types import JsonObject
from runs.api.errors import error_for, invalid, not_allowed, not_found, too_large, too_many
from runs.client_address import network_of
from runs.engine.control.slack_decisions import Press, Pressed, press
from runs.engine.notifications.channels import ChannelFailed
from runs.engine.notifications.channels.slack import SlackAddress, ask_slack
from runs.engine.notifications.channels.slack_blocks import APPROVE, DENY, escaped
from runs.engine.notifications.channels.slack_users import email_of
from runs.engine.sealed_text import SealUnreadable, unseal
from runs.engine.triggers.signatures import MAX_AGE, HmacRules, Scheme, is_signed
from runs.live.rendering.stored_words import refusal_words
from runs.models import NotificationChannel
from runs.models.slack_account import MAX_SLACK_ID_CHARS
from runs.throttle import Throttle

logger = logging.getLogger(__name__)

REQUESTS: Final = Throttle("slack-requests", limit=600, window_s=60)
"""Per address, proven or not."""
MAX_BODY_BYTES: Final = 256 * 1024
ANSWER_LIMIT_S: Final = 2.0
"""For what only who pressed is told; Slack waits a second longer."""
EMAIL_LIMIT_S: Final = 0.9
"""Before that, for the address of an account that nobody has linked."""


@csrf_exempt
async def receive_slack(request: HttpRequest, channel_id: UUID) -> HttpResponseBase:
    """A press of a button, or anything else that Slack sends, which is taken and ignored."""
    try:
        channel, address = await sync_to_async(_proven)(request, channel_id)
        pressed = _press_in(request.body)
        if pressed is not None and await sync_to_async(_is_first)(request):
            outcome = await _pressed(channel, address, pressed)
            await _tell(_words_of(outcome, channel, request), address, pressed)
    except Exception as error:
        known = error_for(error)
        if known.status == 500:
            raise
        return known.response()
    return HttpResponse(headers={"Cache-Control": "private, no-store"})


def _proven(request: HttpRequest, channel_id: UUID) -> tuple[NotificationChannel, SlackAddress]:
    if request.method != "POST":
        raise not_allowed(request.method, "POST")
    address = network_of(str(request.META.get("REMOTE_ADDR", "")))
    if (wait_s := REQUESTS.try_again_after_s(address)) is not None:
        raise too_many(f"More than {REQUESTS.limit:,} requests in a minute from {address}.", wait_s)
    body = request.body
    if len(body) > MAX_BODY_BYTES:
        raise too_large(f"The body is longer than {MAX_BODY_BYTES // 1024} KiB.")
    found = NotificationChannel.objects.filter(pk=channel_id, kind=NotificationChannel.Kind.SLACK, user__is_active=True)
    channel = found.select_related("user").first()
    slack = _address_of(channel) if channel is not None else None
    if channel is None or slack is None:
        raise not_found("channel")
    if not is_signed(Scheme.SLACK, slack.secret, request.headers, body, now=timezone.now(), rules=HmacRules()):
        raise not_found("channel")
    return channel, slack


def _address_of(channel: NotificationChannel) -> SlackAddress | None:
    try:
        return SlackAddress.of(unseal(channel.address))
    except (SealUnreadable, ValueError):
        logger.error("The address of the channel %s cannot be read: type it again.", channel.pk)
        return None


def _is_first(request: HttpRequest) -> bool:
    """False for a request that came before: its signature is the same."""
    signature = request.headers.get("X-Slack-Signature", "")[:100]
    return bool(cache.add(f"slack-press:{signature}", 1, timeout=2 * MAX_AGE.total_seconds()))


def _press_in(body: bytes) -> Press | None:
    """The press of one of our buttons; None for anything else. Raises `ApiError` for what is no interaction."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=10, strict_parsing=True)
        told = json.loads(fields["payload"][0])
    except (ValueError, KeyError, RecursionError) as error:
        raise invalid("The body has to be a form whose field `payload` is JSON.") from error
    if not isinstance(told, dict) or told.get("type") != "block_actions":
        return None
    action = next((each for each in _list_of(told.get("actions")) if isinstance(each, dict)), {})
    if action.get("action_id") not in (APPROVE, DENY):
        return None
    user, container = _object_of(told.get("user")), _object_of(told.get("container"))
    return Press(
        slack_id=_text_of(user.get("id"), MAX_SLACK_ID_CHARS),
        slack_name=_text_of(user.get("username") or user.get("name") or user.get("id"), 80),
        slack_channel=_text_of(container.get("channel_id"), MAX_SLACK_ID_CHARS),
        ts=_text_of(container.get("message_ts"), 40),
        value=_text_of(action.get("value"), 2000),
    )


async def _pressed(channel: NotificationChannel, address: SlackAddress, pressed: Press) -> Pressed:
    """What became of the press. Of an account that nobody has linked, Slack is asked for the e-mail address."""
    outcome = await sync_to_async(press)(channel, pressed)
    if not outcome.link_token:
        return outcome
    try:
        async with asyncio.timeout(EMAIL_LIMIT_S):
            email = await email_of(pressed.slack_id, address.token)
    except (ChannelFailed, TimeoutError) as error:
        # An app needs two more scopes for it: without them people link their accounts themselves.
        logger.info("Slack does not tell whose account pressed a button: %s", str(error) or "no answer in time")
        return outcome
    return await sync_to_async(press)(channel, pressed, email=email) if email else outcome


def _words_of(outcome: Pressed, channel: NotificationChannel, request: HttpRequest) -> str:
    """What who pressed is told, in the language of the channel; empty if the message says it all."""
    if outcome.told is None:
        return ""
    with translation.override(channel.language or settings.LANGUAGE_CODE):
        text = escaped(refusal_words(ValueError(outcome.told)))
        if not outcome.link_token:
            return text
        path = reverse("runs:slack-link", args=[outcome.link_token])
        origin = settings.AGENTSITE_URL or request.build_absolute_uri("/").rstrip("/")
        return f"{text} <{escaped(origin + path)}|{escaped(gettext('Link it'))}>"


async def _tell(text: str, address: SlackAddress, pressed: Press) -> None:
    """Tell who pressed what the message does not say."""
    if not text:
        return
    body: JsonObject = {"channel": pressed.slack_channel, "user": pressed.slack_id, "text": text}
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await ask_slack("chat.postEphemeral", address.token, body)
    except (ChannelFailed, TimeoutError) as error:
        logger.warning("Who pressed a button in Slack could not be told what became of it: %s", error)


def _text_of(value: object, most: int) -> str:
    if not isinstance(value, str) or not value or len(value) > most or "\x00" in value:
        raise invalid("The interaction lacks who pressed which button of which message.")
    return value


def _object_of(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list_of(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
