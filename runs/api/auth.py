"""Who asks, and what they may: a token's scopes, or everything for somebody who is signed in."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.utils import check_csrf

from runs.api.errors import ApiError, too_many, unauthenticated
from runs.live.access import TOKEN
from runs.models import ApiToken
from runs.throttle import Throttle

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    user: User
    token: ApiToken | None
    """None for somebody signed in with a browser."""

    session_key: str = ""

    @property
    def credential(self) -> str:
        """What the request rests on, to look again later whether it still holds; see `runs.live.access`."""
        return f"{TOKEN}{self.token.token_hash}" if self.token else self.session_key


class Needs:
    """Lets somebody in who has this scope. Given to an endpoint as `auth`; the caller is then `request.auth`."""

    def __init__(self, scope: ApiToken.Scope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller. Raises `ApiError` 401, 403 or 429."""
        caller = _caller_of(request)
        check_scope(caller, self.scope)
        _throttle(caller)
        return caller


def check_scope(caller: Caller, scope: ApiToken.Scope) -> None:
    """Raise `ApiError` 403 if the caller is a token without this scope."""
    if caller.token is not None and scope not in caller.token.scopes:
        raise ApiError(
            403,
            "missing_scope",
            f"This token may not do that: it lacks the scope {scope.value!r}.",
            action="Make a token with that scope under API tokens in the account menu.",
        )


may_read = Needs(ApiToken.Scope.READ)
may_launch = Needs(ApiToken.Scope.LAUNCH)
may_approve = Needs(ApiToken.Scope.APPROVE)


def caller_of(request: HttpRequest) -> Caller:
    """The caller that `Needs` let in."""
    caller: Any = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    assert isinstance(caller, Caller)  # noqa: S101  every endpoint has a `Needs`
    return caller


def _caller_of(request: HttpRequest) -> Caller:
    header = request.headers.get("Authorization")
    if header is not None:
        # A header that is wrong is never made up for by a cookie that happens to be there.
        return _holder_of(header)
    user = request.user
    if not isinstance(user, User):
        raise unauthenticated()
    if request.method not in SAFE_METHODS and check_csrf(request) is not None:
        raise ApiError(
            403,
            "csrf_failed",
            "A browser's session changes things only with the CSRF token of its page.",
            action="Send the header X-CSRFToken, or use a token of your own.",
        )
    return Caller(user, None, request.session.session_key or "")


def _holder_of(header: str) -> Caller:
    scheme, _, text = header.partition(" ")
    token = ApiToken.objects.with_text(text.strip()) if scheme.lower() == "bearer" and text else None
    if token is None:
        raise unauthenticated("The token is unknown, expired or revoked, or its owner may not sign in any more.")
    token.note_use()
    return Caller(token.user, token)


def _throttle(caller: Caller) -> None:
    limit = settings.AGENTSITE_API_REQUESTS_PER_MINUTE
    who = f"token {caller.token.pk}" if caller.token else f"user {caller.user.pk}"
    wait_s = Throttle("api", limit, 60).try_again_after_s(who)
    if wait_s is not None:
        raise too_many(f"More than {limit:,} requests in a minute.", wait_s)
