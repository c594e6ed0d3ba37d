"""Who is told of an alert: webhooks and notifications, in the transaction of the level that they tell."""

from django.utils import timezone

from runs.agent.wording import Wording, said_in
from runs.engine.notifications import outbox as notifications
from runs.engine.webhooks import outbox as webhooks
from runs.engine.webhooks.event_body import alert_body
from runs.models import AlertLevel, AlertRule, Webhook


def tell(rule: AlertRule, level: AlertLevel, reason: Wording) -> None:
    """Tell that the rule has reached `level`; at `OK`, that it is resolved. Reads `user` and `agent` of the rule."""
    kind = Webhook.EventType.ALERT_RESOLVED if level is AlertLevel.OK else Webhook.EventType.ALERT_RAISED
    body = alert_body(rule, kind, timezone.now(), reason=str(reason))
    webhooks.note_of_user(rule.user_id, kind, body, sequence=rule.changes_count)
    title = {AlertLevel.OK: "Resolved: %s", AlertLevel.WARNING: "Warning: %s", AlertLevel.ALERT: "Alert: %s"}[level]
    notifications.note_event(
        kind.value,
        key=f"{rule.pk}:{rule.changes_count}",
        user_id=rule.user_id,
        title=title % rule.name,
        text=str(reason),
        parts={"name": rule.name, "level": level.value, **said_in(reason)},
        path=rule.get_absolute_url(),
    )
