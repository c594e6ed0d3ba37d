"""The one-time link with which the first person signs in to a new installation.

It lives in the memory of the serving process and works only while there is no user at all.
"""

import hashlib
import hmac
import secrets
import threading
import time
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from runs.web.forms import FirstUserForm

LIFETIME_S: Final = 3600.0


class _Link:
    """The token in force: its hash, and when it ends by the monotonic clock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.digest: bytes | None = None
        self.ends_at = 0.0


_link = _Link()


def issue() -> str | None:
    """A new token that replaces any earlier one and is good for an hour. None once there is a user."""
    if User.objects.exists():
        return None
    token = secrets.token_urlsafe(32)
    with _link.lock:
        _link.digest, _link.ends_at = _digest(token), time.monotonic() + LIFETIME_S
    return token


def forget() -> None:
    """End the link in force, if there is one."""
    with _link.lock:
        _link.digest = None


def is_good(token: str) -> bool:
    """True if `token` is the one in force and there is still no user. Uses nothing up."""
    return _matches(token) and not User.objects.exists()


def redeem(token: str, form: FirstUserForm) -> User | None:
    """Create the first superuser from a valid form and end the link. None if the link is not good (any more)."""
    with _link.lock, transaction.atomic():
        if not is_good(token):
            return None
        user = form.save_superuser()
        _link.digest = None
        return user


def _matches(token: str) -> bool:
    digest = _link.digest
    return digest is not None and time.monotonic() < _link.ends_at and hmac.compare_digest(digest, _digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
