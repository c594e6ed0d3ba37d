"""Rules of notifications as sentences, and notifications as pages tell them."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.engine.notifications.message_texts import path_of, title_of
from runs.models import Notification, NotificationRule

MOST_NEWS: Final = 20
"""Notifications that a page is told at once."""
_Event: Final = NotificationRule.Event
CLAUSES: Final[dict[str, Promise]] = {
    _Event.COMPLETED: gettext_lazy("a run is completed"),
    _Event.FAILED: gettext_lazy("a run fails"),
    _Event.CANCELLED: gettext_lazy("a run is stopped"),
    _Event.NEEDS_PERSON: gettext_lazy("a run waits for a person"),
    _Event.BUDGET_REACHED: gettext_lazy("a run reaches a limit"),
    _Event.SCHEDULE_STOPPED: gettext_lazy("a schedule stops after failures"),
    _Event.ALERT_RAISED: gettext_lazy("an alert is raised"),
    _Event.ALERT_RESOLVED: gettext_lazy("an alert is over"),
}
"""What happens, as a clause after “when”."""


@dataclass(frozen=True, slots=True)
class PageNews:
    """A notification as an open page tells it."""

    id: UUID
    title: str
    path: str


def sentence_of(rule: NotificationRule) -> str:
    """What the rule does, in one sentence. Its channels are read."""
    clauses = [_clause(rule, event) for event in rule.events]
    whose = gettext("everybody's runs") if rule.is_for_all else gettext("your runs")
    if rule.agent is not None:
        whose = gettext("%(runs)s of %(agent)s") % {"runs": whose, "agent": rule.agent.name}
    ways = [each.name for each in rule.channels.all()] + ([gettext("open pages")] if rule.in_page else [])
    words = gettext("When %(events)s (%(runs)s): told by %(ways)s.")
    return words % {"events": gettext(" or ").join(clauses), "runs": whose, "ways": ", ".join(ways)}


def wait_words(seconds: int) -> str:
    """A wait in minutes, or in hours if it is of whole hours."""
    if seconds and seconds % 3600 == 0:
        return ngettext("%(count)s hour", "%(count)s hours", seconds // 3600) % {"count": seconds // 3600}
    return ngettext("%(count)s minute", "%(count)s minutes", seconds // 60) % {"count": seconds // 60}


def news_for(user: Any) -> list[PageNews]:
    """What open pages of the person tell, and have not told yet; the oldest first."""
    due = Notification.objects.in_page(user, timezone.now()).select_related("run__schedule", "run__user")
    return [PageNews(each.pk, title_of(each), path_of(each)) for each in due.order_by("due_at", "pk")[:MOST_NEWS]]


def _clause(rule: NotificationRule, event: str) -> str:
    if event == _Event.NEEDS_PERSON and rule.waits_over_s:
        return gettext("a run waits for a person over %(time)s") % {"time": wait_words(rule.waits_over_s)}
    return str(CLAUSES[event])
