"""The token in a trigger's address, and the secret of its signatures."""

import base64
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Final

from runs.engine.sealed_text import seal, unseal
from runs.engine.triggers.signatures import Scheme
from runs.models import Trigger

TOKEN_BYTES: Final = 32
SECRET_BYTES: Final = 32
TOKEN_BEGINNING: Final = "agh_"  # noqa: S105 - how all of them begin
PREFIX_CHARS: Final = 12
MAX_TOKEN_CHARS: Final = 100


def new_token() -> str:
    """A random token for an address."""
    return TOKEN_BEGINNING + secrets.token_urlsafe(TOKEN_BYTES)


def new_secret(scheme: str) -> str:
    """A random secret for signatures, in the form that senders of the scheme expect; empty if it has none."""
    if scheme == Scheme.TOKEN:
        return ""
    if scheme == Scheme.STANDARD:
        return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(token: str) -> str:
    """What is stored of a token: it is random and long, and needs no slow hash."""
    return sha256(token.encode(errors="replace")).hexdigest()


def set_token(trigger: Trigger) -> str:
    """Give the trigger a new token, which is returned and can be read only now. The caller saves it."""
    token = new_token()
    trigger.token_hash, trigger.token_prefix = hash_of(token), token[:PREFIX_CHARS]
    return token


def good_secrets(trigger: Trigger, now: datetime) -> list[str]:
    """The secrets that a request may be signed with now, the newest first. Raises `SealUnreadable`."""
    found = [unseal(trigger.secret)] if trigger.secret else [""]
    if trigger.old_secret and trigger.old_secret_until is not None and now < trigger.old_secret_until:
        found.append(unseal(trigger.old_secret))
    return found


def set_secret(trigger: Trigger, secret: str) -> None:
    """Give the trigger this secret, which is kept sealed. The caller saves it."""
    trigger.secret = seal(secret) if secret else ""
