"""Launch limits per person: launches a minute, and queued runs."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
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
