"""Launch limits per person: launches a minute, and queued runs."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count
from django.utils import timezone

from runs.agent.wording import Wording
from runs.models import Run

WINDOW_S = 60.0


class TooManyLaunches(ValueError):
    """The person launches too fast or has too many queued runs. The message says which, and the limit."""

    def __init__(self, message: Wording, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def check_launch_limits(user: Any) -> None:
    """Raise `TooManyLaunches` if the person may not launch a run now. Called in the transaction that makes it.

    Rows are counted, so the limit holds across web processes. Runs of the command line have no user and are not
    counted, nor are child runs: the limits of their tree count those.
    """
    if user is None:
        return
    # Without the lock, two simultaneous launches of one person would count the same rows and both pass.
    get_user_model().objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    _check_rate(user)
    _check_queue(user)


def launches_left(users: Collection[Any]) -> dict[int, int]:
    """How many runs each of these people may launch now, by their ids; 0 for whoever may not launch any.

    Locks their rows, in one order in all processes: called in the transaction that makes the runs.
    """
    ids = sorted({user.pk for user in users})
    people = get_user_model().objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(people.values_list("pk", flat=True))
    since = timezone.now() - timedelta(seconds=WINDOW_S)
    own = Run.objects.filter(user__in=ids, root=None).order_by().values_list("user").annotate(count=Count("pk"))
    recent, queued = dict(own.filter(created_at__gt=since)), dict(own.filter(status=Run.Status.IDLE))
    per_minute, most_queued = settings.AGENTSITE_LAUNCHES_PER_MINUTE, settings.AGENTSITE_MAX_QUEUED
    return {pk: max(0, min(per_minute - recent.get(pk, 0), most_queued - queued.get(pk, 0))) for pk in ids}


def _check_rate(user: Any) -> None:
    limit = settings.AGENTSITE_LAUNCHES_PER_MINUTE
    now = timezone.now()
    since = now - timedelta(seconds=WINDOW_S)
    recent = Run.objects.filter(user=user, created_at__gt=since, root=None).order_by("-created_at")
    # The launch that has to leave the window before another one fits in.
    oldest = recent.values_list("created_at", flat=True)[limit - 1 : limit].first()
    if oldest is not None:
        wait_s = WINDOW_S - (now - oldest).total_seconds()
        raise TooManyLaunches(
            Wording(
                "You have launched %(count)s run within a minute, and that is the limit. Wait %(wait_s)s s.",
                plural="You have launched %(count)s runs within a minute, and that is the limit. Wait %(wait_s)s s.",
                count=limit,
                wait_s=max(1, round(wait_s)),
            ),
            retry_after_s=wait_s,
        )


def _check_queue(user: Any) -> None:
    limit = settings.AGENTSITE_MAX_QUEUED
    if Run.objects.filter(user=user, status=Run.Status.IDLE, root=None).order_by()[limit - 1 : limit].exists():
        raise TooManyLaunches(
            Wording(
                "You have %(count)s run in the queue, and that is the limit. Launch more when some have begun.",
                plural="You have %(count)s runs in the queue, and that is the limit. Launch more when some have begun.",
                count=limit,
            ),
            retry_after_s=WINDOW_S / 6,
        )
