"""Messages in Slack are changed once what they ask is decided, wherever that was: they say who decided, and where.

A message is open while its delivery has a reference. It is changed when its run waits no more, and as soon as a button
was pressed (`due_at`). A change that is sent twice changes nothing, so a claim that ran out is sent again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext
from typing_extensions import override

from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.agent.redaction.redactor import Redactor
from runs.engine.notifications.channels import ChannelFailed
from runs.engine.notifications.channels.slack import SlackAddress, SlackMessageRefused, ask_slack
from runs.engine.notifications.channels.slack_blocks import ShownCall, escaped, message_blocks
from runs.engine.notifications.decidables import decidables_of
from runs.engine.notifications.message_texts import address_of
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.outbound.sender import OutboxSender
from runs.engine.outbound.wake_up import WakeUp
from runs.engine.sealed_text import SealUnreadable, unseal
from runs.models import Notification, NotificationChannel, NotificationDelivery, Run, Surface, ToolCall
from runs.models.notification import STILL_SO, NotificationDeliveryQuerySet
from runs.models.permissions import may_see

CLAIMED_FOR: Final = timedelta(seconds=30)
TRIED_FOR: Final = timedelta(days=14)
"""How long after a message was sent it is still changed."""
LEAST_WAIT_S: Final = 5.0
MAX_ARGUMENTS_CHARS: Final = 1_000
MAX_TASK_CHARS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChange:
    """A message that is changed now."""

    delivery_id: int
    address: SlackAddress
    body: JsonObject
    is_last: bool
    """Nothing in it can be decided any more."""


class SlackUpdates(OutboxSender[SlackChange, float]):
    """Changes messages from this process. A result is how many seconds to wait before the next try: 0 if it is done,
    less than 0 if it is given up."""

    NAME: ClassVar[str] = "slack"
    WAKE_UP: ClassVar[WakeUp] = WakeUp()
    MOST_PER_ADDRESS: ClassVar[int] = 1

    @override
    def has_unsent(self) -> bool:
        return _open().exists()

    @override
    def waiting(self, now: datetime) -> Sequence[tuple[UUID, bool]]:
        found = _stale(now).order_by("channel").values_list("channel", flat=True).distinct()[:100]
        return [(channel_id, False) for channel_id in found]

    @override
    def claim(self, address_id: UUID, most: int, now: datetime) -> list[SlackChange]:
        changes = []
        rows = (
            _stale(now).filter(channel=address_id).select_related("channel__user", "notification__run").order_by("pk")
        )
        for delivery in rows[:most]:
            mine = NotificationDelivery.objects.filter(_is_free(now), pk=delivery.pk)
            if not mine.update(claimed_until=now + CLAIMED_FOR, due_at=None):
                continue  # Another process was first.
            if (change := _change_of(delivery, now)) is not None:
                changes.append(change)
        return changes

    @override
    def record(self, claimed: SlackChange, result: float, now: datetime) -> None:
        row = NotificationDelivery.objects.filter(pk=claimed.delivery_id)
        if result > 0:
            row.update(claimed_until=now + timedelta(seconds=result), due_at=now)
        elif result < 0 or claimed.is_last:
            row.update(claimed_until=None, reference="", due_at=None)
        else:
            row.update(claimed_until=None)

    @override
    def release_all(self) -> None:
        _open().update(claimed_until=None)

    @override
    async def tell(self, claimed: SlackChange) -> float:
        try:
            await ask_slack("chat.update", claimed.address.token, claimed.body)
        except SlackMessageRefused:
            return -1.0
        except ChannelFailed as failed:
            return -1.0 if failed.is_permanent else max(LEAST_WAIT_S, failed.retry_after_s or 0.0)
        return 0.0


def refresh(channel_id: UUID, slack_channel: str, ts: str) -> None:
    """Have the message changed to how it stands now."""
    _open().filter(channel=channel_id, reference__startswith=f"{slack_channel}:{ts}:").update(due_at=Now())
    SlackUpdates.WAKE_UP.after_commit()


def _open() -> NotificationDeliveryQuerySet:
    sent = NotificationDelivery.objects.filter(~Q(reference=""), state=NotificationDelivery.State.SENT)
    return sent.filter(channel__kind=NotificationChannel.Kind.SLACK)


def _stale(now: datetime) -> NotificationDeliveryQuerySet:
    still = Exists(Notification.objects.filter(STILL_SO, pk=OuterRef("notification")))
    return _open().filter(_is_free(now)).filter(Q(due_at__lte=now) | ~still)


def _is_free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _change_of(delivery: NotificationDelivery, now: datetime) -> SlackChange | None:
    """What the message says now. None, and the message is not changed any more, if that cannot be."""
    try:
        address = SlackAddress.of(unseal(delivery.channel.address))
        slack_channel, ts, ids = delivery.reference.split(":")
    except (SealUnreadable, ValueError):
        address = None
    is_old = delivery.ended_at is not None and now - delivery.ended_at > TRIED_FOR
    run = delivery.notification.run
    if address is None or is_old or run is None:
        NotificationDelivery.objects.filter(pk=delivery.pk).update(reference="", claimed_until=None)
        return None
    user: Any = delivery.channel.user
    with translation.override(delivery.channel.language or settings.LANGUAGE_CODE):
        if may_see(user, run):
            calls = _calls_of(delivery.notification, ids.split(","), user)
            title = _title_of(run, is_over=not any(each.call for each in calls))
        else:
            calls, title = [], gettext("You may not see this run any more.")
        url = address_of(run.get_absolute_url())
        body: JsonObject = {
            "channel": slack_channel,
            "ts": ts,
            "text": escaped(title),
            "blocks": message_blocks(title, "", url, calls),
        }
    is_last = not Notification.objects.filter(STILL_SO, pk=delivery.notification_id).exists()
    return SlackChange(delivery_id=delivery.pk, address=address, body=body, is_last=is_last)


def _calls_of(notification: Notification, ids: list[str], user: Any) -> list[ShownCall]:
    waiting = {each.call_id: each for each in decidables_of(notification, user, None)}
    hide = Redactor(known_secrets()).text
    rows = ToolCall.objects.filter(pk__in=ids).select_related("run", "decided_by").order_by("turn", "index", "position")
    shown = []
    for call in rows:
        if (open_one := waiting.get(call.pk)) is not None:
            shown.append(ShownCall.waiting(open_one))
            continue
        arguments = readable(hide(json.dumps(call.arguments, ensure_ascii=False))[:MAX_ARGUMENTS_CHARS])
        about = {"tool_name": call.tool_name, "arguments": arguments, "outcome": outcome_of(call)}
        shown.append(ShownCall(**about, call=None))
    return shown


def outcome_of(call: ToolCall) -> str:
    """What became of a call, in the active language: who decided, and where."""
    question = call.questions.select_related("answered_by").order_by("round").last()
    by, surface = call.decided_by, call.surface
    if question is not None and question.answered_by is not None:
        by, surface = question.answered_by, question.surface
        words = gettext("Answered by %(name)s %(where)s")
    elif by is not None:
        is_denied = call.state == ToolCall.State.DENIED
        words = gettext("Denied by %(name)s %(where)s") if is_denied else gettext("Approved by %(name)s %(where)s")
    elif call.decided_at is not None:
        return gettext("Nobody decided in time: %(state)s") % {"state": call.get_state_display()}
    elif call.run.is_finished or call.run.cancel_requested_at is not None:
        return gettext("Not decided: the run has ended")
    else:
        return str(call.get_state_display())
    where = str(Surface(surface).label) if surface in Surface.values else ""
    return (words % {"name": by.get_username(), "where": where}).strip()


def _title_of(run: Run, *, is_over: bool) -> str:
    # Known secrets go before the cut: it could break one.
    task = Redactor(known_secrets()).text(run.task[: 4 * MAX_TASK_CHARS])
    task = " ".join(readable(task)[:MAX_TASK_CHARS].split())
    return gettext("Decided: %(task)s") % {"task": task} if is_over else task
