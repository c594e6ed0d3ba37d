"""The one-time link that creates the first user of a new installation.

It is kept in the memory of the serving process and works only while there is no user.
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
    """The valid token: its hash, and its expiry by the monotonic clock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.digest: bytes | None = None
        self.ends_at = 0.0


_link = _Link()


def issue() -> str | None:
    """A new token that replaces any earlier one and is valid for an hour. None once there is a user."""
    if User.objects.exists():
        return None
    token = secrets.token_urlsafe(32)
    with _link.lock:
        _link.digest, _link.ends_at = _digest(token), time.monotonic() + LIFETIME_S
    return token


def forget() -> None:
    """Invalidate the current link, if there is one."""
    with _link.lock:
        _link.digest = None


def is_good(token: str) -> bool:
    """True if `token` is valid and there is still no user. Does not use it up."""
    return _matches(token) and not User.objects.exists()


def redeem(token: str, form: FirstUserForm) -> User | None:
    """Create the first superuser from a valid form and end the link. None if the link is not valid (any more)."""
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
