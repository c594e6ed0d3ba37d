"""What a message says: made when it is sent, of what the person may see then, in the language of its channel."""

from typing import Any, Final

from django.conf import settings
from django.db.models import Count
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from runs.agent.redaction.redactor import Redactor
from runs.engine.notifications.alert_texts import alert_text, alert_title
from runs.engine.notifications.channels import Decidable, Sendable, Severity
from runs.engine.notifications.decidables import LinkSigner, decidables_of
from runs.engine.notifications.run_texts import ErrorWords, run_text, run_title
from runs.engine.operations.known_secrets import known_secrets
from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule
from runs.models.notification import STILL_SO

MOST_LISTED: Final = 10
"""Of the notifications that a summary tells, by name."""
_Event: Final = NotificationRule.Event
SEVERITIES: Final[dict[str, Severity]] = {
    _Event.COMPLETED: "success",
    _Event.FAILED: "error",
    _Event.NEEDS_PERSON: "warning",
    _Event.BUDGET_REACHED: "error",
    _Event.SCHEDULE_STOPPED: "error",
    _Event.ALERT_RAISED: "error",
    _Event.ALERT_RESOLVED: "success",
}


def message_of(
    delivery: NotificationDelivery, channel: NotificationChannel, link: LinkSigner | None, error_words: ErrorWords = str
) -> Sendable | None:
    """The message of a delivery with its notification, run and rule, or of the summary that it leads. None if there is
    nothing to tell: the person may not see it any more, or it does not wait any more. `error_words` translates what is
    stored of a run's error."""
    user: Any = channel.user
    if not user.is_active:
        return None
    with translation.override(channel.language or settings.LANGUAGE_CODE):
        if delivery.gathers:
            return _summary(delivery, channel)
        notification = delivery.notification
        seen = Notification.objects.visible_to(user).filter(STILL_SO, pk=notification.pk)
        if not seen.exists():
            return None
        calls = decidables_of(notification, user, link)
        return _message(notification, channel, str(delivery.uid), calls, error_words)


def title_of(notification: Notification) -> str:
    """One line that says what happened, in the active language."""
    if notification.event == Notification.TEST:
        return gettext("Agentsite can reach you here")
    if notification.run is not None:
        return run_title(notification.run, notification.event, waiting_for=notification.title)
    if notification.event == _Event.SCHEDULE_STOPPED:
        return gettext("The schedule “%(name)s” stopped after failures") % {"name": notification.title}
    return alert_title(notification)


def address_of(path: str) -> str:
    """The absolute address of a page; empty if the site does not know its own."""
    return settings.AGENTSITE_URL + path if settings.AGENTSITE_URL and path else ""


def path_of(notification: Notification) -> str:
    """The page that shows more."""
    if notification.run is not None:
        return notification.run.get_absolute_url()
    return notification.path or _settings_path()


def _message(
    notification: Notification,
    channel: NotificationChannel,
    message_id: str,
    decisions: tuple[Decidable, ...],
    error_words: ErrorWords,
) -> Sendable:
    hide = Redactor(known_secrets()).text
    if notification.event == Notification.TEST:
        text = gettext("This is a test of the channel “%(name)s”.") % {"name": channel.name}
    elif notification.run is None:
        text = alert_text(notification)
    else:
        text = run_text(notification.run, notification.event, channel.user, error_words)
    return Sendable(
        message_id=message_id,
        event=notification.event,
        title=hide(title_of(notification)),
        text=hide(text),
        url=address_of(path_of(notification)),
        settings_url=address_of(_settings_path()),
        severity=SEVERITIES.get(notification.event, "info"),
        run_id=notification.run_id,
        decisions=decisions,
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )


def _summary(delivery: NotificationDelivery, channel: NotificationChannel) -> Sendable | None:
    """The message about a delivery and those that it gathers."""
    deliveries = NotificationDelivery.objects.filter(pk=delivery.pk) | delivery.gathered.all()
    visible = Notification.objects.visible_to(channel.user).filter(STILL_SO, deliveries__in=deliveries)
    counts = dict(visible.order_by().values_list("event").annotate(Count("pk")))
    count = sum(counts.values())
    if not count:
        return None
    first = list(visible.select_related("run__user", "run__schedule").order_by("due_at", "pk")[:MOST_LISTED])
    lines = [f"- {title_of(each)}" for each in first]
    if count > len(first):
        others = count - len(first)
        lines.append(ngettext("and %(count)s more", "and %(count)s more", others) % {"count": others})
    hide = Redactor(known_secrets()).text
    kinds = [_counted(event, number) for event, number in sorted(counts.items())]
    return Sendable(
        message_id=str(delivery.uid),
        event=delivery.notification.event,
        title=", ".join(kinds),
        text=hide("\n".join(lines)),
        url=address_of(_page_of(counts)),
        settings_url=address_of(_settings_path()),
        severity=SEVERITIES.get(delivery.notification.event, "info"),
        gathered=count - 1,
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )


def _counted(event: str, count: int) -> str:
    """How often it happened, in words."""
    match event:
        case _Event.COMPLETED:
            words = ngettext("%(count)s run is completed", "%(count)s runs are completed", count)
        case _Event.FAILED:
            words = ngettext("%(count)s run failed", "%(count)s runs failed", count)
        case _Event.CANCELLED:
            words = ngettext("%(count)s run was stopped", "%(count)s runs were stopped", count)
        case _Event.NEEDS_PERSON:
            words = ngettext("%(count)s run waits for you", "%(count)s runs wait for you", count)
        case _Event.BUDGET_REACHED:
            words = ngettext("%(count)s run reached a limit", "%(count)s runs reached a limit", count)
        case _:
            words = ngettext("%(count)s notification", "%(count)s notifications", count)
    return words % {"count": count}


def _page_of(counts: dict[str, int]) -> str:
    """The page that shows all of a summary."""
    if set(counts) == {_Event.NEEDS_PERSON}:
        return reverse("runs:inbox")
    if set(counts) <= {_Event.ALERT_RAISED, _Event.ALERT_RESOLVED}:
        return reverse("runs:alerts")
    return reverse("runs:history") + ("?status=failed" if set(counts) == {_Event.FAILED} else "")


def _settings_path() -> str:
    return reverse("runs:notifications")
