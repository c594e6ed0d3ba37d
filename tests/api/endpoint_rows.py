"""Rows that the addresses of endpoints name, each of the owner of a run, and bodies that they take."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from runs.models import (
    AlertRule,
    Attachment,
    Delivery,
    Run,
    RunMessage,
    Schedule,
    StoredFile,
    TaskTemplate,
    Trigger,
)
from tests.push_service import subscription_elsewhere
from tests.slack_stand_in import CHANNEL, SECRET, TOKEN
from tests.web.permission_site import device_of, slack_account_of, told_person

BODIES: dict[str, dict[str, Any]] = {
    "files": {"name": "a.txt", "size": 1},
    "runs": {"task": "x"},
    "continue": {"message": "x"},
    "approve": {"arguments_hash": "x"},
    "deny": {"arguments_hash": "x"},
    "settle": {"outcome": "happened"},
    "answer": {"answer": "x"},
    "messages": {"text": "x"},
    "templates": {"agent": "Assistant", "name": "Letter", "task": "x"},
    "fill": {"template": "Assistant/Essay"},
    "triggers": {"name": "Pushes", "agent": "Assistant", "task": "x", "scheme": "token"},
    "try": {"task": "x"},
    "agents": {"name": "Clerk", "models": ["offline"]},
    "duplicate": {},
    "import": {"document": "format: agent\nversion: 1\nname: Scout\nmodels: [offline]\n"},
    "alert-rules": {"name": "Costs", "metric": "cost", "alert_at": 5},
    "mute": {"until": (timezone.now() + timedelta(days=1)).isoformat()},
    "notification-channels": {"kind": "email", "name": "Mail", "address": "ada@example.org"},
    "notification-rules": {"name": "Failures", "events": ["run.failed"]},
    "slack-channels": {"name": "Approvals", "channel": CHANNEL, "token": TOKEN, "secret": SECRET},
    "devices": {"name": "Phone", **subscription_elsewhere()},
    "webhooks": {"name": "Chat", "url": "https://chat.example/hook", "events": ["run.failed"]},
}
"""Request bodies by the last segment of a path."""


def message_to(run: Run) -> RunMessage:
    """A message that waits to be read by the run."""
    message = RunMessage.objects.create(run=run, user=run.user, position=1, text="Shorter.")
    Run.objects.filter(pk=run.pk).update(queued_messages=1)
    return message


def file_of(run: Run) -> StoredFile:
    """A file given to the run."""
    file = StoredFile.objects.create(user=run.user, name="a.txt", media_type="text/plain", size=0, state="ready")
    Attachment.objects.create(run=run, file=file, position=0)
    return file


def schedule_of(run: Run) -> Schedule:
    """A schedule of the run's owner."""
    now = timezone.now()
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "next_tick_at": now, "launch_at": now}
    return Schedule.objects.create(user=run.user, name="Report", agent=run.agent, task="x", **about)


def alert_rule_of(run: Run) -> AlertRule:
    """A rule of the run's owner."""
    assert run.user is not None
    return AlertRule.objects.create(user=run.user, name="Costs", metric="cost", alert_at=5)


def template_of(run: Run) -> int:
    """The id of a template of the run's agent."""
    assert run.agent is not None
    return TaskTemplate.objects.get_or_create(agent=run.agent, name="Essay", task="x")[0].pk


def delivery_for(run: Run) -> dict[str, Any]:
    """A trigger of the run's owner, and a delivery to it."""
    about = {"scheme": "token", "task": "x", "token_hash": str(run.pk), "token_prefix": "agh_"}
    assert run.user is not None
    trigger = Trigger.objects.create(user=run.user, name="Pushes", agent=run.agent, **about)
    kept = {"body_hash": "h", "payload": "{}", "state": "filtered"}
    delivery = Delivery.objects.create(trigger=trigger, received_at=timezone.now(), **kept)
    return {"trigger": trigger.pk, "delivery": delivery.uid}


def labelled(run: Run) -> dict[str, Any]:
    """The agent of the run, with a label at its first version."""
    assert run.agent is not None
    run.agent.labels.get_or_create(name="production", defaults={"number": 1})
    return {"agent": run.agent.pk, "number": 1, "name": "production"}


def notice_for(run: Run) -> dict[str, Any]:
    """A rule of the run's owner, its channel, what it tells of the run; a Slack channel and a device."""
    assert run.user is not None
    sent, account = told_person(run.user, run), slack_account_of(run.user)
    ids = {"slack_channel": account.channel_id, "account": account.pk, "device": device_of(run.user).pk}
    return ids | {"notification_rule": sent.notification.rule_id, "channel": sent.channel_id, "notice": sent.uid}
