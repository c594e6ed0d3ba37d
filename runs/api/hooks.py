"""`POST /hooks/<token>`: a delivery to a trigger.

Until its signature is proven a request costs one look at an index and one HMAC, writes nothing, and an unknown address
is answered like a wrong signature. What comes of a proven one is committed before it is answered.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.redaction.redactor import Redactor
from runs.agent.sandbox.slots import JOBS_AT_ONCE, JobSlots
from runs.api.errors import ApiError, busy, error_for, invalid, not_allowed, not_found, too_large, too_many
from runs.api.launches import REPLAYED
from runs.api.long_responses import let_go_of_connection
from runs.client_address import network_of
from runs.engine import control
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.sealed_text import SealUnreadable
from runs.engine.triggers.credentials import MAX_TOKEN_CHARS, good_secrets, hash_of
from runs.engine.triggers.mapping import Mapped, MappingBusy
from runs.engine.triggers.payloads import MAX_BODY_BYTES, PayloadRefused, Received, read_request
from runs.engine.triggers.signatures import Scheme, hmac_rules_of, is_signed
from runs.models import Delivery, Trigger
from runs.throttle import Throttle

logger = logging.getLogger(__name__)

REQUESTS: Final = Throttle("hook-requests", limit=3000, window_s=60)
"""Per address, proven or not: a look at the database for each."""
WRONG_REQUESTS: Final = Throttle("hook-wrong", limit=100, window_s=60)
"""Per address. A proven request is always taken: services share addresses with strangers."""
MOST_EVALUATED: Final = 64
"""Deliveries of this process whose expressions are evaluated or wait for that."""
MOST_OF_ONE_PERSON: Final = 32
"""Those to triggers of one person: another one's deliveries always find room."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """A request with a right signature."""

    trigger: Trigger
    received: Received

    @property
    def is_test(self) -> bool:
        """True for GitHub's ping."""
        return self.trigger.scheme == Scheme.GITHUB and self.received.event == "ping"


class _Evaluated:
    """The deliveries that are evaluated now, or wait for that, by the person whose triggers they are for."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._slots: WeakValueDictionary[int, JobSlots] = WeakValueDictionary()

    @asynccontextmanager
    async def one_of(self, user_id: int) -> AsyncIterator[None]:
        """Wait for a turn among those of the person, and hold it. Raises `ApiError` if too many are there, and
        `ToolUnavailable` if it does not come in time.

        As many have a turn as jobs run at once: the rest of a person's flood waits here, and not before the jobs of
        others.
        """
        if self._counts.total() >= MOST_EVALUATED or self._counts[user_id] >= MOST_OF_ONE_PERSON:
            raise busy("Too many deliveries arrive at once.")
        self._counts[user_id] += 1
        try:
            slots = self._slots.setdefault(user_id, JobSlots(JOBS_AT_ONCE))
            async with slots.hold():
                yield
        finally:
            self._counts[user_id] -= 1
            if not self._counts[user_id]:
                del self._counts[user_id]


EVALUATED: Final = _Evaluated()


@csrf_exempt
async def receive_delivery(request: HttpRequest, token: str) -> HttpResponseBase:
    """One request of a service."""
    try:
        response = await _answered(request, token)
    except Exception as error:
        known = error_for(error)
        if known.status == 500:
            raise
        response = known.response()
    patch_cache_control(response, private=True, no_store=True)
    return response


async def _answered(request: HttpRequest, token: str) -> HttpResponseBase:
    proven = await sync_to_async(_proven)(request, token)
    if isinstance(proven, HttpResponse):
        return proven
    made = None
    if not proven.is_test:
        made = await _mapped(proven)
    try:
        delivery, is_new = await sync_to_async(control.deliver)(proven.trigger.pk, proven.received, made)
    except Trigger.DoesNotExist:
        raise _unknown() from None
    return _told(delivery, is_new=is_new)


async def _mapped(proven: _Proven) -> Mapped:
    try:
        async with EVALUATED.one_of(proven.trigger.user_id):
            return await control.mapped_by(proven.trigger, proven.received.root)
    except (MappingBusy, ToolUnavailable) as error:
        raise busy("Too many deliveries arrive at once.") from error


def _proven(request: HttpRequest, token: str) -> _Proven | HttpResponse:
    """The proven request, or what it is answered with at once: a challenge, a repeated delivery. Raises `ApiError`."""
    if request.method != "POST":
        raise not_allowed(request.method, "POST")
    address = network_of(str(request.META.get("REMOTE_ADDR", "")))
    if (wait_s := REQUESTS.try_again_after_s(address)) is not None:
        raise too_many(f"More than {REQUESTS.limit:,} requests in a minute from {address}.", wait_s)
    body = request.body
    if len(body) > MAX_BODY_BYTES:
        raise too_large(f"The body is longer than {MAX_BODY_BYTES // 1024} KiB.")
    trigger = _trigger_with(token)
    if trigger is None or not _is_proven(trigger, request, body):
        if (wait_s := WRONG_REQUESTS.try_again_after_s(address)) is not None:
            raise too_many(f"More than {WRONG_REQUESTS.limit} wrong requests in a minute from {address}.", wait_s)
        raise _unknown()
    try:
        return _accepted(trigger, request, body, token)
    finally:
        let_go_of_connection()


def _accepted(trigger: Trigger, request: HttpRequest, body: bytes, token: str) -> _Proven | HttpResponse:
    limit = settings.AGENTSITE_DELIVERIES_PER_MINUTE
    if (wait_s := Throttle("deliveries", limit, 60).try_again_after_s(str(trigger.pk))) is not None:
        raise too_many(f"More than {limit:,} deliveries to this trigger in a minute.", wait_s)
    rules = hmac_rules_of(trigger.hmac_rules)
    try:
        received = read_request(body, request.headers, scheme=trigger.scheme, rules=rules)
    except PayloadRefused as refused:
        raise invalid(str(refused)) from refused
    if (challenge := _challenge_in(trigger, received)) is not None:
        return HttpResponse(challenge, content_type="text/plain; charset=utf-8")
    if (earlier := control.repeated_delivery(trigger, received)) is not None:
        return _told(earlier, is_new=False)
    # Services know the address, and send it back: GitHub's ping has it in its body.
    hidden = Redactor([*known_secrets(), token, *filter(None, good_secrets(trigger, timezone.now()))])
    return _Proven(trigger, received.without_secrets(hidden))


def _trigger_with(token: str) -> Trigger | None:
    if len(token) > MAX_TOKEN_CHARS:
        return None
    # By its hash: the time of the look tells nothing about the token.
    found = Trigger.objects.select_related("template", "user").filter(user__is_active=True)
    return found.filter(token_hash=hash_of(token)).first()


def _is_proven(trigger: Trigger, request: HttpRequest, body: bytes) -> bool:
    now, rules = timezone.now(), hmac_rules_of(trigger.hmac_rules)
    try:
        good = good_secrets(trigger, now)
    except SealUnreadable:
        logger.error("The secret of the trigger %s was stored with another secret key: give it a new one.", trigger.pk)
        return False
    return any(is_signed(trigger.scheme, each, request.headers, body, now=now, rules=rules) for each in good)


def _challenge_in(trigger: Trigger, received: Received) -> str | None:
    """What Slack wants to hear when an address is given to it; None for any other request."""
    if trigger.scheme != Scheme.SLACK or not isinstance(received.body, dict):
        return None
    challenge = received.body.get("challenge")
    is_asked = received.body.get("type") == "url_verification" and isinstance(challenge, str)
    return str(challenge) if is_asked else None


def _unknown() -> ApiError:
    return not_found("trigger")


def _told(delivery: Delivery, *, is_new: bool) -> HttpResponse:
    run = None if delivery.run_id is None else str(delivery.run_id)
    told = {"delivery": str(delivery.uid), "state": delivery.state, "run": run}
    return JsonResponse(told, status=202, headers={} if is_new else {REPLAYED: "true"})
