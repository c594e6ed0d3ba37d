"""Storms: what one rule tells one channel more often than ten times within a minute is gathered into summaries."""

from datetime import datetime, timedelta
from typing import Final, TypedDict
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule
from runs.models.notification import STILL_SO

MOST_SINGLE: Final = 10
"""Messages of one rule by one channel within `WINDOW`, before they are gathered."""
WINDOW: Final = timedelta(minutes=1)
SETTLES_IN: Final = timedelta(seconds=2)
"""How long the first summary of a storm is waited for, so that it has most of a burst."""
MOST_OF_CHANNEL: Final = 30
"""Messages by one channel within `WINDOW`, of all its rules, tests and repeats: the others wait."""
REMEMBERED: Final = timedelta(minutes=10)
PAUSES: Final = tuple(timedelta(seconds=each) for each in (0, 2, 3, 15, 60))
"""Before a summary, by how many messages of the storm came before it in `REMEMBERED`: the longer a storm lasts, the
rarer they are."""
PAUSES_WHILE_RUNS_WAIT: Final = tuple(timedelta(seconds=each) for each in (0, *[2] * 14, 15, 60))
"""The same where a run waits for the person: that is told within five seconds, for the first half minute of a storm."""
MOST_GATHERED: Final = 5_000
"""In one summary, and so in one transaction."""

_State: Final = NotificationDelivery.State
_IS_SINGLE: Final = Q(attempts=F("attempts_before"), gathers=0, notification__rule__isnull=False)
"""Not tried yet, and no summary."""


class _RecentMessages(TypedDict):
    """What a rule told a channel of late."""

    lately: int
    """Messages in `WINDOW`."""
    storm: int
    """Messages in `REMEMBERED` beyond the first ones, or summaries if those are more."""
    last: datetime | None


def leaders(channel: NotificationChannel, most: int, now: datetime) -> list[NotificationDelivery]:
    """Up to `most` deliveries to send now, locked, the oldest first; each with its notification, run and rule. A storm
    is gathered into one of them, or held back until its next summary, and no channel gets more than `MOST_OF_CHANNEL`.
    The channel's row is locked."""
    free = NotificationDelivery.objects.filter(channel=channel).free(now)
    singles = free.filter(_IS_SINGLE).order_by().values("notification__rule")
    waits = Count("pk", filter=Q(notification__event=NotificationRule.Event.NEEDS_PERSON))
    counted = singles.annotate(count=Count("pk"), oldest=Min("notification__due_at"), waits=waits)
    for rule_id, count, oldest, waiting in list(counted.values_list("notification__rule", "count", "oldest", "waits")):
        sent = _sent(channel, rule_id, now)
        if count + sent["lately"] > MOST_SINGLE:
            pauses = PAUSES_WHILE_RUNS_WAIT if waiting else PAUSES
            ready_at = max(oldest + SETTLES_IN, (sent["last"] or oldest) + pauses[min(sent["storm"], len(pauses) - 1)])
            _gather(free.filter(_IS_SINGLE, notification__rule=rule_id), ready_at, now)
    lately = NotificationDelivery.objects.filter(channel=channel, tried_at__gt=now - WINDOW, tried_at__lte=now)
    most = max(0, min(most, MOST_OF_CHANNEL - lately.count()))
    found = free.select_related("notification__rule", "notification__run__user", "notification__run__schedule")
    return list(found.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk")[:most])


def _sent(channel: NotificationChannel, rule_id: UUID, now: datetime) -> _RecentMessages:
    # What lies ahead was sent before the clock was set back.
    sent = NotificationDelivery.objects.filter(channel=channel, tried_at__gt=now - REMEMBERED, tried_at__lte=now)
    found = sent.filter(notification__rule=rule_id).aggregate(
        all=Count("pk"),
        lately=Count("pk", filter=Q(tried_at__gt=now - WINDOW)),
        summaries=Count("pk", filter=Q(gathers__gt=0)),
        last=Max("tried_at"),
    )
    storm = max(found["summaries"], found["all"] - MOST_SINGLE)
    return _RecentMessages(lately=found["lately"], storm=storm, last=found["last"])


def _gather(free: "QuerySet[NotificationDelivery]", ready_at: datetime, now: datetime) -> None:
    """Gather the free deliveries of a rule into the oldest, or hold them back until it is time."""
    if now < ready_at:
        free.update(due_at=ready_at)
        return
    outdated = Notification.objects.exclude(STILL_SO).filter(deliveries__in=free)
    over = {"due_at": None, "ended_at": timezone.now()}
    free.filter(notification__in=outdated.values("pk")).update(state=_State.WITHDRAWN, **over)
    pks = list(free.order_by("notification__due_at", "pk").values_list("pk", flat=True)[:MOST_GATHERED])
    if len(pks) > 1:
        gathered = NotificationDelivery.objects.filter(pk__in=pks[1:], state=_State.PENDING)
        gathered.update(state=_State.GATHERED, gathered_into=pks[0], **over)
        NotificationDelivery.objects.filter(pk=pks[0]).update(gathers=len(pks) - 1)
