"""Who opened a socket, and whether they may still see what it shows. Everything here reads the database."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from runs.models import ApiToken, Run


def session_key_of(scope: dict[str, Any]) -> str | None:
    """The session key in the handshake's cookies."""
    for name, value in scope.get("headers", []):
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin1")).get(settings.SESSION_COOKIE_NAME)
            except CookieError:
                continue
            if morsel is not None:
                return str(morsel.value)
    return None


TOKEN = "token "  # noqa: S105  a word before one
"""What a credential begins with that is the hash of an API token, and no session's key."""


def signed_in_user(session_key: str | None) -> Any:
    """The active user of a session that is valid now, or None. A changed password makes a session invalid.

    Instead of a session's key it takes `token ` and the hash of an API token.
    """
    if not session_key:
        return None
    if session_key.startswith(TOKEN):
        token = ApiToken.objects.good().select_related("user").filter(token_hash=session_key.removeprefix(TOKEN))
        found = token.first()
        return found.user if found is not None else None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user: AbstractBaseUser | Any = get_user(request)
    return user if user.is_authenticated and user.is_active else None


def run_seen_by(user: Any, run_id: UUID) -> Run | None:
    """The run, if `user` may see it; another user's run and no run at all look the same."""
    return Run.objects.visible_to(user).only("pk", "next_sequence").filter(pk=run_id).first()
