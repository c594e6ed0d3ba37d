"""A line for a shell that sends a delivery to a trigger."""

from typing import Final

from runs.engine.triggers.signatures import Encoding, HmacRules, Scheme, hmac_rules_of
from runs.models import Trigger

BODY: Final = '{"text": "Hello"}'


def example_of(trigger: Trigger, address: str, secret: str) -> str:
    """Commands for a shell with openssl and curl; empty for a scheme whose sender nobody writes in a shell.

    `secret` empty stands for one that only its owner knows.
    """
    rules = hmac_rules_of(trigger.hmac_rules)
    beginning = f"curl -X POST '{address}' -H 'Content-Type: application/json'"
    match trigger.scheme:
        case Scheme.TOKEN:
            return f"{beginning} -d '{BODY}'"
        case Scheme.GITHUB:
            headers = "-H 'X-GitHub-Event: push' -H \"X-GitHub-Delivery: $(date +%s)\""
            signed = HmacRules(header="X-Hub-Signature-256", prefix="sha256=")
            return _signed(beginning, secret, signed, headers)
        case Scheme.HMAC:
            headers = f'-H "{rules.id_header}: $(date +%s)"' if rules.id_header else ""
            return _signed(beginning, secret, rules, headers)
        case _:
            return ""


def _signed(beginning: str, secret: str, rules: HmacRules, headers: str) -> str:
    digest = f'openssl dgst -{rules.algorithm} -hmac "$SECRET"'
    written = (
        f"{digest} -binary | base64 -w0" if rules.encoding == Encoding.BASE64 else f"{digest} -hex | sed 's/^.* //'"
    )
    shown = secret or "…"
    return (
        f"SECRET='{shown}'\n"
        f"BODY='{BODY}'\n"
        f"SIGNATURE=$(printf '%s' \"$BODY\" | {written})\n"
        f'{beginning} {headers}{" " if headers else ""}-H "{rules.header}: {rules.prefix}$SIGNATURE" -d "$BODY"'
    )
