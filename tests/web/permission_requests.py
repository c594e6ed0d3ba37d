"""Requests to every address, each rolled back, and how their responses differ from the rules."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import RequestFactory
from django.test.client import ClientHandler
from django.utils import timezone

from runs.models import Question, ToolCall
from tests.live.live_browser import session_of
from tests.push_service import subscription_elsewhere
from tests.slack_stand_in import CHANNEL, SECRET, TOKEN
from tests.web.identities import Identity
from tests.web.permission_site import HASH, Site
from tests.web.routes import DECIDING, RULES, addresses, rule_for

FORMS: dict[str, dict[str, str]] = {
    "runs:history": {"task": "half of 90"},
    "runs:continue": {"message": "And then?"},
    "runs:messages": {"text": "Shorter."},
    "runs:message": {"text": "Shorter."},
    "runs:settle": {"outcome": "happened"},
    "runs:approve": {"arguments_hash": HASH},
    "runs:deny": {"arguments_hash": HASH},
    "runs:inbox-decide": {"action": "approve"},
}
SLACK_CHANNEL = {"name": "x", "channel": CHANNEL, "token": TOKEN, "secret": SECRET}
BODIES: dict[str, dict[str, Any]] = {
    "launch_run": {"task": "x"},
    "list_runs": {"task": "x"},
    "continue_run": {"message": "x"},
    "upload_file": {"name": "a.txt", "size": 1},
    "approve_call": {"arguments_hash": HASH},
    "deny_call": {"arguments_hash": HASH},
    "settle_call": {"outcome": "happened"},
    "answer_question": {"answer": "x"},
    **{name: {"text": "Shorter."} for name in ("list_messages", "send_message", "edit_message", "withdraw_message")},
    **{name: {"name": "Clerk", "models": ["offline"]} for name in ("list_agents", "create_agent")},
    **{name: {"version": 1} for name in ("set_label", "remove_label")},
    "import_agents": {"document": "format: agent\nversion: 1\nname: Scout\nmodels: [offline]\n", "dry_run": True},
    "list_templates": {"agent": "Assistant", "name": "Letter", "task": "x"},
    "create_template": {"agent": "Assistant", "name": "Letter", "task": "x"},
    "list_webhooks": {"name": "x", "url": "https://x.example/", "events": ["run.failed"]},
    "create_webhook": {"name": "x", "url": "https://x.example/", "events": ["run.failed"]},
    **{name: {"name": "x", "metric": "cost", "alert_at": 5} for name in ("list_alert_rules", "create_alert_rule")},
    **{name: {"name": "x"} for name in ("get_alert_rule", "change_alert_rule")},
    **{
        name: {"kind": "email", "name": "x", "address": "ada@example.org"}
        for name in ("list_channels", "create_channel")
    },
    **{name: {"name": "x", "events": ["run.failed"]} for name in ("list_rules", "create_rule")},
    **{name: {"name": "x"} for name in ("get_channel", "change_channel", "get_rule", "change_rule")},
    **dict.fromkeys(("list_slack_channels", "create_slack_channel"), SLACK_CHANNEL),
    **{name: {"name": "x"} for name in ("get_slack_channel", "change_slack_channel")},
    **{name: {"name": "x", **subscription_elsewhere()} for name in ("list_devices", "create_device")},
    "mute_alert_rule": {"until": (timezone.now() + timedelta(days=1)).isoformat()},
    "list_schedules": {"name": "x", "when": "hourly", "agent": "Assistant", "task": "x"},
    "create_schedule": {"name": "x", "when": "hourly", "agent": "Assistant", "task": "x"},
    "get_schedule": {"name": "x"},
    "change_schedule": {"name": "x"},
    **{
        name: {"name": "x", "agent": "Assistant", "task": "x", "scheme": "token"}
        for name in ("list_triggers", "create_trigger")
    },
    **{name: {"name": "x"} for name in ("get_trigger", "change_trigger")},
    "try_trigger": {"task": "x"},
    "rotate_trigger_secret": {"keeps_old": True},
    "fill_template": {"template": "Assistant/Essay"},
    "run_agent": {"threadId": "t", "runId": "r", "messages": [{"id": "m", "role": "user", "content": "x"}]},
}
REQUESTS = RequestFactory()


MIDDLEWARE = ClientHandler(enforce_csrf_checks=False)
"""Responds as it does to a `Client`, which would also copy what each template was given."""


def ask(site: Site, name: str, route: str, method: str, credential: dict[str, Any]) -> tuple[int, bool]:
    """The status of the response, and whether a call was decided. Changes of the request are rolled back."""
    REQUESTS.cookies.clear()
    if "session" in credential:
        REQUESTS.cookies["sessionid"] = credential["session"]
    sent: dict[str, Any] = {"data": dict(FORMS.get(name, {}))} if method == "POST" else {}
    if name == "runs:inbox-decide" and sent:
        sent["data"]["call"] = f"{site.asking.pk}:{HASH}"
    if name == "runs:answer" and sent:
        sent["data"][f"answer-{site.question.pk}-answer"] = "x"
    if name.startswith("api:") and method in ("POST", "PATCH", "PUT"):
        sent = {"data": BODIES.get(name.removeprefix("api:"), {}), "content_type": "application/json"}
    cache.clear()
    make = getattr(REQUESTS, method.lower())
    request = make(site.path_of(name, route), headers=credential.get("headers"), **sent)
    with transaction.atomic():
        response = MIDDLEWARE(request.environ)
        decided = name in DECIDING and _is_decided()
        transaction.set_rollback(True)
    return int(response.status_code), decided


def _is_decided() -> bool:
    answered = Question.objects.filter(state=Question.State.ANSWERED)
    return answered.exists() or ToolCall.objects.exclude(decided_at=None).exists()


def surprises(site: Site, identity: Identity, asked: Iterable[tuple[str, str]]) -> list[str]:
    """The names and methods whose response differs from their rule, one line each."""
    credential, routes = identity.credential(identity.user(site.owner), session_of), addresses()
    found = []
    for name, method in asked:
        expected = rule_for(name, method).answer(identity)
        status, decided = ask(site, name, routes[name], method, credential)
        if status != expected:
            found.append(f"{identity.name}: {method} {name} {status}, not {expected}")
        if decided != decides(identity, name, method):
            found.append(f"{identity.name}: {method} {name} {'decided' if decided else 'did not decide'} about a call")
    return found


def decides(identity: Identity, name: str, method: str) -> bool:
    """True if the request decides a call of the owner's."""
    return method == "POST" and name in DECIDING and all(identity.has(fact) for fact in DECIDING[name])


def of_what_asks_for_a_permission(model: str = "") -> Iterator[tuple[str, str]]:
    """Pages and endpoints that need a permission, or the admin's of a model, by each method with a rule of its own."""
    for name, methods in RULES.items():
        is_wanted = name.startswith(f"admin:{model.replace('.', '_')}_") if model else not name.startswith("admin:")
        for method, rule in methods.items():
            asks = rule.asks_for_a_permission or name in DECIDING
            if is_wanted and asks and not (method == "POST" and rule == methods.get("GET")):
                yield name, method
