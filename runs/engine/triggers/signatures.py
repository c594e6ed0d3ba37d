"""Signatures of deliveries, as each service makes them. Texts are compared in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from standardwebhooks.webhooks import EmptyWebhookSecretError
from standardwebhooks.webhooks import Webhook as StandardSigner

from runs.agent.json_data.json_types import JsonObject

MAX_AGE: Final = timedelta(minutes=5)
"""How far the timestamp of a signed request may be from now, before or after."""
MOST_SIGNATURES: Final = 20
"""Signatures of one request that are looked at: a sender that rotates its secret sends two."""
MAX_HEADER_CHARS: Final = 4096
MIN_SECRET_CHARS: Final = 8
MAX_SECRET_CHARS: Final = 500


class Scheme(StrEnum):
    """How a trigger's requests are proven. `token`: by their address alone."""

    GITHUB = "github"
    SLACK = "slack"
    STANDARD = "standard"
    HMAC = "hmac"
    TOKEN = "token"  # noqa: S105 - the name of a scheme


class Encoding(StrEnum):
    """How a plain HMAC is written."""

    HEX = "hex"
    BASE64 = "base64"


ALGORITHMS: Final = ("sha256", "sha512", "sha1")


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacRules:
    """What a sender with an HMAC of its own does: of the body, in one header."""

    header: str = "X-Signature-256"
    algorithm: str = "sha256"
    encoding: str = Encoding.HEX
    prefix: str = ""
    """Before the signature, such as `sha256=`."""
    id_header: str = ""
    """The header that names the delivery; empty for none."""

    def as_json(self) -> JsonObject:
        """As it is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


def hmac_rules_of(stored: object) -> HmacRules:
    """The stored rules; the defaults for what is missing."""
    known = stored if isinstance(stored, dict) else {}
    return HmacRules(**{name: str(known[name]) for name in HmacRules.__slots__ if name in known})


def is_signed(
    scheme: str, secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime, rules: HmacRules
) -> bool:
    """True if the request is signed with the secret, and its timestamp is not too old, where the scheme has one.

    `headers` are looked up in any case. `now` is aware. Never raises for what a sender may send.
    """
    if scheme != Scheme.TOKEN and not secret:
        return False  # An HMAC with an empty key is one that everybody can make.
    match scheme:
        case Scheme.GITHUB:
            return _has(headers, "X-Hub-Signature-256", "sha256=" + _hmac(secret, body).hexdigest())
        case Scheme.SLACK:
            return _is_signed_by_slack(secret, headers, body, now)
        case Scheme.STANDARD:
            return _is_signed_by_standard(secret, headers, body, now)
        case Scheme.HMAC:
            return _has(headers, rules.header, rules.prefix + _written(_hmac(secret, body, rules.algorithm), rules))
        case Scheme.TOKEN:
            return True
        case _:
            return False


def is_usable_secret(scheme: str, secret: str) -> bool:
    """True for a secret that signatures of the scheme can be made with."""
    if scheme == Scheme.TOKEN:
        return True
    if not MIN_SECRET_CHARS <= len(secret) <= MAX_SECRET_CHARS or not secret.isprintable() or secret != secret.strip():
        return False
    return scheme != Scheme.STANDARD or _standard_signer(secret) is not None


def _is_signed_by_slack(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    if not _is_recent(timestamp, now):
        return False
    return _has(
        headers, "X-Slack-Signature", "v0=" + _hmac(secret, b"v0:" + timestamp.encode() + b":" + body).hexdigest()
    )


def _is_signed_by_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    timestamp, message_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    signer = _standard_signer(secret)
    if signer is None or not message_id or len(message_id) > MAX_HEADER_CHARS or not _is_recent(timestamp, now):
        return False
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    expected = signer.sign(message_id, datetime.fromtimestamp(int(timestamp), tz=UTC), text)
    given = headers.get("webhook-signature", "")[:MAX_HEADER_CHARS].split(" ")[:MOST_SIGNATURES]
    # All of them, in any case: the time does not tell which one was right.
    return sum(_is_same(each, expected) for each in given) > 0


def _standard_signer(secret: str) -> StandardSigner | None:
    try:
        return StandardSigner(secret)
    except (EmptyWebhookSecretError, binascii.Error, ValueError):
        return None


def _is_recent(timestamp: str, now: datetime) -> bool:
    """True for whole seconds since 1970 that are near `now`."""
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > len("9999999999"):
        return False
    return abs(int(timestamp) - now.timestamp()) <= MAX_AGE.total_seconds()


def _hmac(secret: str, body: bytes, algorithm: str = "sha256") -> hmac.HMAC:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm))


def _written(signature: hmac.HMAC, rules: HmacRules) -> str:
    if rules.encoding == Encoding.BASE64:
        return base64.b64encode(signature.digest()).decode()
    return signature.hexdigest()


def _has(headers: Mapping[str, str], name: str, expected: str) -> bool:
    return _is_same(headers.get(name, ""), expected)


def _is_same(given: str, expected: str) -> bool:
    # As bytes: of texts, only ASCII can be compared so.
    return hmac.compare_digest(given[:MAX_HEADER_CHARS].encode(errors="replace"), expected.encode())
