"""What a delivery brings: its body as JSON, the headers that are kept, and the name of the delivery."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import MAX_DEPTH, as_storable_json, as_storable_text, plain_json
from runs.agent.redaction.redactor import Redactor
from runs.agent.wording import Wording
from runs.engine.triggers.signatures import HmacRules, Scheme

MAX_BODY_BYTES: Final = 512 * 1024
MOST_VALUES: Final = 50_000
"""In one payload, names not counted."""
MOST_FORM_FIELDS: Final = 1000
MOST_HEADERS: Final = 40
MAX_HEADER_CHARS: Final = 500
MAX_KEY_CHARS: Final = 200
MAX_EVENT_CHARS: Final = 80
_FORM: Final = "application/x-www-form-urlencoded"
_KEPT: Final = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})
_SECRET_PARTS: Final = (
    *("signature", "hmac", "token", "secret", "auth", "key", "cookie", "password", "forwarded", "real-ip"),
)
"""Of the names of headers that prove something, or tell who passed the request on: they are not kept."""


class PayloadRefused(ValueError):
    """The body is not read. The message is a `Wording`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request whose signature was right."""

    body: Any
    """JSON that every database can store."""
    headers: JsonObject
    """The kept ones, by name in lower case."""
    key: str
    """The sender's name of the delivery; empty without one."""
    body_hash: str
    """SHA-256 of the body as it came, in hexadecimal."""
    size: int
    """Of the body as it came, in bytes."""

    @property
    def event(self) -> str:
        """What has happened, in the sender's words; empty if it does not say."""
        told = next((str(text) for name, text in self.headers.items() if name.endswith("-event")), "")
        if not told and isinstance(self.body, dict):
            inner = self.body.get("event")
            kind = inner.get("type") if isinstance(inner, dict) else self.body.get("type")
            told = kind if isinstance(kind, str) else ""
        return told[:MAX_EVENT_CHARS]

    @property
    def root(self) -> JsonObject:
        """What expressions read."""
        return {"body": self.body, "headers": self.headers}

    def without_secrets(self, redactor: Redactor) -> "Received":
        """The same without what the redaction hides."""
        return replace(self, body=redactor.value(self.body), headers=redactor.value(self.headers))


def read_request(body: bytes, headers: Mapping[str, str], *, scheme: str, rules: HmacRules) -> Received:
    """The request as it is stored. Raises `PayloadRefused` for a body that is no JSON and no form."""
    read = as_storable_json(read_body(body, headers.get("Content-Type", "")))
    proof = rules.header.lower() if scheme == Scheme.HMAC else ""
    kept = kept_headers((name, text) for name, text in headers.items() if name.lower() != proof)
    key = as_storable_text(_key_of(scheme, headers, read, rules))
    if len(key) > MAX_KEY_CHARS:
        key = "sha256:" + sha256(key.encode()).hexdigest()
    return Received(body=read, headers=kept, key=key, body_hash=sha256(body).hexdigest(), size=len(body))


def read_body(body: bytes, content_type: str = "") -> Any:
    """The JSON value of a body in UTF-8; of a form its fields, or the JSON in its field `payload`; null if it is empty.
    Raises `PayloadRefused`."""
    if len(body) > MAX_BODY_BYTES:
        raise PayloadRefused(Wording("The payload is larger than %(most)s KiB.", most=MAX_BODY_BYTES // 1024))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PayloadRefused(Wording("The payload is not text in UTF-8.")) from None
    if content_type.partition(";")[0].strip().lower() == _FORM:
        return _form_value(text)
    return _json_value(text) if text.strip() else None


def kept_headers(headers: Iterable[tuple[str, str]]) -> JsonObject:
    """The headers that say something of the delivery, cut: those of the sender, without what proves it."""
    kept: JsonObject = {}
    for name, text in headers:
        low = name.lower()
        is_own = low in _KEPT or (low.startswith("x-") and not any(part in low for part in _SECRET_PARTS))
        if is_own and len(low) <= MAX_EVENT_CHARS and len(kept) < MOST_HEADERS:
            kept[as_storable_text(low)] = as_storable_text(text[:MAX_HEADER_CHARS])
    return kept


def _json_value(text: str) -> Any:
    try:
        value = plain_json(json.loads(text))
    except RecursionError:
        raise PayloadRefused(_too_deep()) from None
    except json.JSONDecodeError as error:
        where = Wording(
            "The payload is not JSON: line %(line)s, column %(column)s.", line=error.lineno, column=error.colno
        )
        raise PayloadRefused(where) from None
    except ValueError:
        # A number of thousands of digits, one that is not finite, or too deep a nesting.
        raise PayloadRefused(_too_deep()) from None
    if _counted(value) > MOST_VALUES:
        raise PayloadRefused(Wording("The payload has more than %(most)s values.", most=MOST_VALUES))
    return value


def _too_deep() -> Wording:
    return Wording(
        "The payload is nested more than %(most)s levels deep, or has a number that cannot be stored.", most=MAX_DEPTH
    )


def _counted(value: Any) -> int:
    match value:
        case dict():
            return 1 + sum(map(_counted, value.values()))
        case list():
            return 1 + sum(map(_counted, value))
        case _:
            return 1


def _form_value(text: str) -> Any:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FORM_FIELDS)
    except ValueError:
        words = Wording("The payload is a form of more than %(most)s fields.", most=MOST_FORM_FIELDS)
        raise PayloadRefused(words) from None
    fields = dict(pairs)
    return _json_value(fields["payload"]) if set(fields) == {"payload"} else fields


def _key_of(scheme: str, headers: Mapping[str, str], body: Any, rules: HmacRules) -> str:
    match scheme:
        case Scheme.GITHUB:
            return headers.get("X-GitHub-Delivery", "")
        case Scheme.STANDARD:
            return headers.get("webhook-id", "")
        case Scheme.SLACK:
            named = [body.get(name) for name in ("event_id", "trigger_id")] if isinstance(body, dict) else []
            return next((each for each in named if isinstance(each, str)), "")
        case _:
            return headers.get(rules.id_header, "") if rules.id_header else ""
