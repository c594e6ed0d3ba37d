"""Triggers for tests, and requests that are signed as the services sign them."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from runs.engine import control
from runs.engine.triggers.signatures import HmacRules
from runs.models import Agent, TaskTemplate, Trigger

SECRETS = {
    "github": "It's a Secret to Everybody",
    "slack": "8f742231b10e8888abcd99yyyzzz85a5",
    "standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "hmac": "a secret of ours",
    "token": "",
}
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "repository": {"full_name": "octo/tides"},
    "commits": [{"message": "First"}, {"message": "Second"}],
}
TASK = "Summarize what was pushed to {{ repository }}: {{ messages }}"
INPUTS = {"repository": "body.repository.full_name", "messages": "join('; ', body.commits[].message)"}


def make_trigger(user: Any, scheme: str = "github", **more: Any) -> tuple[Trigger, str]:
    """A trigger of the user with a task of its own, and the token of its address."""
    agent = more.pop("agent", None) or Agent.objects.get(is_default=True)
    said: dict[str, Any] = {"name": "Pushes", "agent": agent, "task": TASK, "inputs": INPUTS, "scheme": scheme}
    said |= {"secret": SECRETS[scheme], **more}
    trigger, made = control.create_trigger(control.TriggerSettings(**said), user=user)
    return trigger, made.token


def make_template(agent: Agent) -> TaskTemplate:
    """A template with the inputs of `INPUTS`."""
    inputs = [{"name": name, "type": "text", "required": True} for name in INPUTS]
    return TaskTemplate.objects.create(agent=agent, name="Pushes", task=TASK, inputs=inputs)


def signed(
    body: bytes, scheme: str = "github", *, key: str = "delivery-1", secret: str | None = None, **more: Any
) -> dict[str, str]:
    """The headers of a request with this body. `more`: the `event` of GitHub, the age of the timestamp as `age_s`."""
    secret = SECRETS[scheme] if secret is None else secret
    stamp = str(int(time.time()) - more.get("age_s", 0))
    match scheme:
        case "github":
            event = more.get("event", "push")
            proof = {"X-Hub-Signature-256": "sha256=" + _hex(secret, body)}
            return {"X-GitHub-Event": event, "X-GitHub-Delivery": key, **proof}
        case "slack":
            proof = {"X-Slack-Signature": "v0=" + _hex(secret, f"v0:{stamp}:".encode() + body)}
            return {"X-Slack-Request-Timestamp": stamp, **proof}
        case "standard":
            known = base64.b64decode(secret.removeprefix("whsec_"))
            made = hmac.new(known, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
            proof = {"webhook-signature": "v1," + base64.b64encode(made).decode()}
            return {"webhook-id": key, "webhook-timestamp": stamp, **proof}
        case "hmac":
            return {HmacRules().header: _hex(secret, body)}
        case _:
            return {}


def json_of(value: Any) -> bytes:
    """The value as it is sent."""
    return json.dumps(value).encode()


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
