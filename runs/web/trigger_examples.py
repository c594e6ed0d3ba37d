"""A line for a shell that sends a delivery to a trigger."""

import json
import shlex
from typing import Final

from runs.engine.triggers.launch_inputs import inputs_of_trigger
from runs.engine.triggers.sample_payloads import sample_payload
from runs.engine.triggers.signatures import Encoding, HmacRules, Scheme, hmac_rules_of
from runs.models import Trigger

MOST_SHOWN_CHARS: Final = 1000
"""Of a payload in a line for a shell."""


def example_of(trigger: Trigger, address: str, secret: str, *, payload: str = "") -> str:
    """Commands for a shell with openssl and curl; empty for a scheme whose sender nobody writes in a shell.

    `secret` empty stands for one that only its owner knows. They send `payload` if it is JSON and short; without one
    the newest that has arrived, or one that fits the trigger's expressions. Reads the trigger's template.
    """
    body = shlex.quote(_compact(payload) or _compact(_newest(trigger)) or fitting_payload(trigger, indent=None))
    rules = hmac_rules_of(trigger.hmac_rules)
    beginning = f"curl -X POST '{address}' -H 'Content-Type: application/json'"
    match trigger.scheme:
        case Scheme.TOKEN:
            return f"{beginning} -d {body}"
        case Scheme.GITHUB:
            headers = "-H 'X-GitHub-Event: push' -H \"X-GitHub-Delivery: $(date +%s)\""
            signed = HmacRules(header="X-Hub-Signature-256", prefix="sha256=")
            return _signed(beginning, secret, signed, headers, body)
        case Scheme.HMAC:
            headers = f'-H "{rules.id_header}: $(date +%s)"' if rules.id_header else ""
            return _signed(beginning, secret, rules, headers, body)
        case _:
            return ""


def fitting_payload(trigger: Trigger, *, indent: int | None) -> str:
    """A payload that fits the trigger's expressions, as JSON. Reads its template."""
    made = sample_payload(trigger.filter, trigger.inputs, inputs_of_trigger(trigger))
    return json.dumps(made, ensure_ascii=False, indent=indent)


def _newest(trigger: Trigger) -> str:
    kept = trigger.deliveries.exclude(payload="").order_by("-pk").first()
    return "" if kept is None else json.dumps(kept.body, ensure_ascii=False)


def _compact(payload: str) -> str:
    """The payload in one line; empty if it is too long for that, or no JSON."""
    if len(payload) > 4 * MOST_SHOWN_CHARS:
        return ""
    try:
        text = json.dumps(json.loads(payload), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return text if len(text) <= MOST_SHOWN_CHARS else ""


def _signed(beginning: str, secret: str, rules: HmacRules, headers: str, body: str) -> str:
    digest = f'openssl dgst -{rules.algorithm} -hmac "$SECRET"'
    written = (
        f"{digest} -binary | base64 -w0" if rules.encoding == Encoding.BASE64 else f"{digest} -hex | sed 's/^.* //'"
    )
    shown = secret or "…"
    return (
        f"SECRET='{shown}'\n"
        f"BODY={body}\n"
        f"SIGNATURE=$(printf '%s' \"$BODY\" | {written})\n"
        f'{beginning} {headers}{" " if headers else ""}-H "{rules.header}: {rules.prefix}$SIGNATURE" -d "$BODY"'
    )
