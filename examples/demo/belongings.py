"""What belongs to an account: a trigger with two deliveries, a webhook to the demo itself, rules that tell of runs, and
an alert rule."""

import json
import os
from decimal import Decimal
from typing import Any, Final

from asgiref.sync import async_to_sync

from examples.demo.model_server import LISTENER_PATH
from runs.engine import control
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.engine.control import TriggerSettings, notification_rules, webhooks
from runs.engine.control.notification_rules import RuleSettings
from runs.engine.control.webhooks import WebhookSettings
from runs.engine.triggers.payloads import read_request
from runs.engine.triggers.signatures import HmacRules, Scheme
from runs.models import Agent, AlertRule, Webhook

LISTENER: Final = "DEMO_LISTENER"
"""The variable with the address of the demo's own listener."""
TRIGGER: Final[dict[str, Any]] = {
    "name": "Orders of the shop",
    "task": "What is {{ price }} * {{ count }}?",
    "inputs": {"price": "body.item.price", "count": "body.count"},
    "filter": "body.state == 'paid'",
    "scheme": Scheme.TOKEN,
}
DELIVERIES: Final = (
    {"order": "A-1004", "state": "open", "count": 3, "item": {"name": "Desk lamp", "price": 39.5}},
    {"order": "A-1003", "state": "paid", "count": 12, "item": {"name": "Office chair", "price": 189}},
)
RULES: Final = (
    RuleSettings(name="What waits for a person", events=("run.needs_person",), is_for_all=True),
    RuleSettings(name="What goes wrong", events=("run.failed", "alert.raised", "schedule.stopped"), is_for_all=True),
)


def give(user: Any) -> None:
    """Make these rows of the user, who may see everybody's runs."""
    events = ("run.completed", "run.failed", "run.needs_person")
    webhooks.create_webhook(
        WebhookSettings(name="The demo itself", url=os.environ[LISTENER], event_types=events, is_for_all=True),
        user=user,
        by=user,
    )
    for rule in RULES:
        notification_rules.create_rule(rule, user=user)
    metric, name = AlertRule.Metric.FAILURE_RATE, "Many runs fail"
    thresholds: dict[str, Any] = {"warning_at": Decimal(10), "alert_at": Decimal(25), "window_s": AlertRule.Window.DAY}
    create_rule(AlertRuleValues(name=name, metric=metric, is_for_all=True, **thresholds), user=user, by=user)
    _trigger_runs(user)


def _trigger_runs(user: Any) -> None:
    """A trigger, and what two requests to it come to: the first is not wanted, the second launches a run."""
    agent = Agent.objects.get(is_default=True)
    trigger, _ = control.create_trigger(TriggerSettings(agent=agent, **TRIGGER), user=user)
    for payload in DELIVERIES:
        headers = {"Content-Type": "application/json"}
        body = json.dumps(payload).encode()
        received = read_request(body, headers, scheme=trigger.scheme, rules=HmacRules())
        made = async_to_sync(control.mapped_by)(trigger, received.root)
        control.deliver(trigger.pk, received, made)


def find_listener(address: str) -> None:
    """Let webhooks to the demo's listener of an earlier start send to this one, whose port is another."""
    for webhook in Webhook.objects.filter(url__startswith="http://127.0.0.1:", url__endswith=LISTENER_PATH):
        said = WebhookSettings(
            name=webhook.name,
            url=address,
            event_types=tuple(webhook.event_types),
            is_for_all=webhook.is_for_all,
            includes_answer=webhook.includes_answer,
        )
        webhooks.change_webhook(webhook.pk, said, by=None)
