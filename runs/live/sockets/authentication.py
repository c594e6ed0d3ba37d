"""Authentication of sockets, and their access to runs. Everything here queries the database."""

from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from runs.asgi_types import Scope
from runs.cookies import cookie_in
from runs.models import ApiToken, Run
from runs.models.permissions import may_see_all


def session_key_of(scope: Scope) -> str | None:
    """The session key in the handshake's cookies; None without one."""
    for name, value in scope.get("headers", []):
        if name == b"cookie" and (key := cookie_in(value.decode("latin1"), settings.SESSION_COOKIE_NAME)):
            return key
    return None


TOKEN = "token "  # noqa: S105  a word before one
"""Prefix of a credential that is the hash of an API token and not a session key."""


def signed_in_user(session_key: str | None) -> Any:
    """The active user of a valid session, or None. A changed password invalidates a session.

    Instead of a session key it takes `token ` and the hash of an API token.
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


def seen_by_session(session_key: str | None) -> tuple[Any, bool]:
    """The user as of `signed_in_user`, and whether they see everybody's runs.

    The permissions are read here, in a thread that may query, and cached on the user.
    """
    user = signed_in_user(session_key)
    return user, user is not None and may_see_all(user)


def run_seen_by(user: Any, run_id: UUID) -> Run | None:
    """The run, if `user` may see it; another user's run and a missing run both give None."""
    return Run.objects.visible_to(user).only("pk", "next_sequence").filter(pk=run_id).first()
