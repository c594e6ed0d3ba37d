"""The outbox: a notification is written in the transaction of the change that it tells.

So none is lost with a process, and none tells of a change that was rolled back. "Waits for me over 5 minutes" is a
notification that is due in 5 minutes: whether the run still waits is asked when its time has come.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Prefetch, Q
from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.engine.db_clock import database_now
from runs.engine.outbound.retry_schedule import TRIED_FOR
from runs.engine.outbound.wake_up import WakeUp
from runs.engine.webhooks.outbox import types_of
from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule, Run

WAKE_UP: Final = WakeUp()
_Event: Final = NotificationRule.Event
_ACTIVE: Final = Prefetch(
    "channels", NotificationChannel.objects.filter(state=NotificationChannel.State.ACTIVE), to_attr="active_channels"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a rule tells of."""

    event: str
    key: str
    run: Run | None = None
    title: str = ""
    text: str = ""
    parts: JsonObject = field(default_factory=dict)
    path: str = ""


def note(run: Run) -> None:
    """Write what the rules tell of the run as it stands now. Call it in the transaction of the change, after it; the
    row of the run is locked. Without rules it costs one query."""
    events = [each.value for each in types_of(run)]
    if events:
        told = NotificationRule.objects.told_of(run).prefetch_related(_ACTIVE)
        _write(_of_run(run, events, told))


def note_event(
    event: str, *, key: str, user_id: int | None, title: str, text: str, path: str, parts: JsonObject | None = None
) -> None:
    """Write what the rules tell of something that is of no single run, such as an alert. Call it in the transaction of
    the change.

    `key` is equal for the same happening, which is told once. `user_id` is whose it is: their rules tell it, and those
    about everybody's runs; None: only the latter. `path` begins at the root of the site. `parts` are those of
    `Notification.parts`.
    """
    of_user = Q(is_for_all=True) if user_id is None else Q(is_for_all=True) | Q(user=user_id)
    rules = NotificationRule.objects.filter(of_user, agent=None, is_active=True).prefetch_related(_ACTIVE)
    about: JsonObject = {"title": title[:200], "text": text, "path": path[:500], "parts": parts or {}}
    happening = Happening(event=event, key=f"{event}:{key}"[:200], **about)
    _write((rule, happening) for rule in rules if event in rule.events)


def note_test(channel: NotificationChannel) -> NotificationDelivery:
    """Write a test of the channel, and return its delivery."""
    happening = Happening(event=Notification.TEST, key=uuid.uuid4().hex)
    now = timezone.now()
    notification = _notification(None, happening, user_id=channel.user_id, due_at=now, now=now)
    notification.in_page = False
    notification.save(force_insert=True)
    due_at = database_now()
    delivery = NotificationDelivery.objects.create(
        notification=notification, channel=channel, due_at=due_at, expires_at=due_at + TRIED_FOR
    )
    WAKE_UP.after_commit()
    return delivery


def _of_run(
    run: Run, events: list[str], rules: Iterable[NotificationRule]
) -> Iterator[tuple[NotificationRule, Happening]]:
    for rule in rules:
        # A run that reached a limit has failed too: a person is told the more exact of both.
        told = [event for event in events if event in rule.events][-1:]
        for event in told:
            # What a waiting run asks for: it may have gone on when the log is read.
            title = run.waiting_for if event == NotificationRule.Event.NEEDS_PERSON else ""
            yield rule, Happening(event=event, key=f"{event}:{run.pk}:{run.last_sequence}", run=run, title=title)


def _write(told: Iterable[tuple[NotificationRule, Happening]]) -> None:
    # One's own rules first: what one about everybody tells of no run is withdrawn with the right to see that.
    told = sorted(told, key=lambda each: each[0].is_for_all)
    if not told:
        return
    now_by_database, now = database_now(), timezone.now()
    notifications, deliveries = [], []
    # A person whose rules overlap is told once by each way at a time; what another rule tells later is a reminder.
    ways: set[tuple[object, ...]] = set()
    for rule, happening in told:
        wait = timedelta(seconds=rule.waits_over_s if happening.event == _Event.NEEDS_PERSON else 0)
        due_at = now_by_database + wait
        notification = _notification(rule, happening, user_id=rule.user_id, due_at=due_at, now=now)
        if notification.in_page:
            notification.in_page = _is_first(ways, rule.user_id, happening.key, due_at)
        notifications.append(notification)
        deliveries += [
            NotificationDelivery(
                notification=notification, channel=channel, due_at=due_at, expires_at=due_at + TRIED_FOR
            )
            for channel in rule.active_channels  # type: ignore[attr-defined]  # of the prefetch above
            if _is_first(ways, channel.pk, happening.key, due_at)
        ]
    # A change that is written twice, because its first commit was not confirmed, is told once: the ids are the same.
    Notification.objects.bulk_create(notifications, ignore_conflicts=True)
    NotificationDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    WAKE_UP.after_commit()


def _is_first(ways: set[tuple[object, ...]], *way: object) -> bool:
    """True the first time that `ways` is asked for this one."""
    is_first = way not in ways
    ways.add(way)
    return is_first


def _notification(
    rule: NotificationRule | None, happening: Happening, *, user_id: int, due_at: datetime, now: datetime
) -> Notification:
    return Notification(
        id=_id_of(rule, happening.key),
        rule=rule,
        user_id=user_id,
        event=happening.event,
        run=happening.run,
        run_epoch=0 if happening.run is None else happening.run.epoch,
        key=happening.key,
        title=happening.title,
        text=happening.text,
        parts=happening.parts,
        path=happening.path,
        in_page=rule is not None and rule.in_page,
        due_at=due_at,
        created_at=now,
    )


def _id_of(rule: NotificationRule | None, key: str) -> UUID:
    return uuid.uuid4() if rule is None else uuid.uuid5(rule.pk, key)
