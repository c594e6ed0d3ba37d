"""Authentication and scopes: an API token has its scopes, a signed-in user has all."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.utils import check_csrf

from runs.agent.json_data.json_types import JsonObject
from runs.api.errors import ApiError, too_many, unauthenticated
from runs.api.query_parameters import check_query
from runs.api.serializers import call_as_json, message_as_json, question_as_json
from runs.client_address import network_of
from runs.live.sockets.authentication import TOKEN
from runs.models import ApiToken, Question, Run, RunMessage, Surface, ToolCall
from runs.models.as_json import run_as_json
from runs.request_slots import note_person
from runs.throttle import Throttle

FROM_MCP: Final = "agentsite.from_mcp"
"""In `META` of a request that an MCP client has made; no header can have that name there."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

WRONG_TOKENS: Final = Throttle("api-wrong-token", limit=100, window_s=60)
"""Per address. A valid token is always accepted: nobody guesses 256 bits, and strangers may share an address."""
_TOKEN_SHAPE = re.compile(r"ags_[\w-]{20,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request."""

    user: User
    token: ApiToken | None
    """None for a signed-in browser."""

    session_key: str = ""

    @property
    def credential(self) -> str:
        """The session key or token hash, to check later whether it is still valid; see
        `runs.live.sockets.authentication`."""
        return f"{TOKEN}{self.token.token_hash}" if self.token else self.session_key

    def has(self, scope: ApiToken.Scope) -> bool:
        """True if the token has this scope. A session has all scopes."""
        return self.token is None or scope in self.token.scopes


class RequireScope:
    """Requires a scope. Given to an endpoint as `auth`; the caller is then `request.auth`."""

    def __init__(self, scope: ApiToken.Scope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller. Raises `ApiError` 401, 403, 422 or 429."""
        caller = _caller_of(request)
        check_scope(caller, self.scope)
        _throttle(caller)
        check_query(request)
        return caller


def check_scope(caller: Caller, scope: ApiToken.Scope) -> None:
    """Raise `ApiError` 403 if the caller's token lacks this scope."""
    if not caller.has(scope):
        raise ApiError(
            403,
            "missing_scope",
            f"This token may not do that: it lacks the scope {scope.value!r}.",
            action="Make a token with that scope under API tokens in the account menu.",
        )


def run_told_to(caller: Caller, run: Run) -> JsonObject:
    """The run, for the response to a change. A token without the scope `read` gets its id and status only."""
    told: JsonObject = run_as_json(run)
    return told if caller.has(ApiToken.Scope.READ) else _without(told, _OF_A_RUN)


def call_told_to(caller: Caller, call: ToolCall) -> JsonObject:
    """The call, for the response to a decision; restricted as in `run_told_to`."""
    told = call_as_json(call)
    return told if caller.has(ApiToken.Scope.READ) else _without(told, _OF_A_CALL)


def question_told_to(caller: Caller, question: Question) -> JsonObject:
    """The question, for the response to an answer; restricted as in `run_told_to`."""
    told = question_as_json(question)
    return told if caller.has(ApiToken.Scope.READ) else _without(told, _OF_A_QUESTION)


def message_told_to(caller: Caller, message: RunMessage) -> JsonObject:
    """The message, for the response to a change; restricted as in `run_told_to`."""
    told = message_as_json(message)
    return told if caller.has(ApiToken.Scope.READ) else _without(told, _OF_A_MESSAGE)


def _without(told: JsonObject, known: frozenset[str]) -> JsonObject:
    return {name: value if name in known else None for name, value in told.items()}


_OF_A_RUN = frozenset({"id", "status", "waiting_for", "created_at", "started_at", "ended_at"})
_OF_A_CALL = frozenset(
    {"call_id", "run_id", "tool_name", "arguments_hash", "state", "decided_by", "decided_at", "surface"}
)
_OF_A_QUESTION = frozenset({"id", "call_id", "run_id", "state", "answered_by", "answered_at", "surface"})

_OF_A_MESSAGE = frozenset({"id", "run_id", "position", "state", "interrupt", "created_at"})

may_read = RequireScope(ApiToken.Scope.READ)
may_launch = RequireScope(ApiToken.Scope.LAUNCH)
may_approve = RequireScope(ApiToken.Scope.APPROVE)
may_edit = RequireScope(ApiToken.Scope.EDIT)


def caller_with_token(request: HttpRequest) -> Caller:
    """The holder of the request's token, whatever its scopes; a cookie is not enough. Raises `ApiError` 401 or 429."""
    if request.headers.get("Authorization") is None:
        raise unauthenticated()
    caller = _caller_of(request)
    _throttle(caller)
    return caller


def caller_of(request: HttpRequest) -> Caller:
    """The caller that `RequireScope` accepted."""
    caller: Any = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    assert isinstance(caller, Caller)  # noqa: S101  every endpoint has a `RequireScope`
    return caller


def caller_that_reads(request: HttpRequest) -> Caller:
    """The same, who has the scope `read` too. Raises `ApiError` 403."""
    caller = caller_of(request)
    check_scope(caller, ApiToken.Scope.READ)
    return caller


def surface_of(request: HttpRequest) -> Surface:
    """Where a decision of this request is made."""
    return Surface.MCP if FROM_MCP in request.META else Surface.API


def _caller_of(request: HttpRequest) -> Caller:
    header = request.headers.get("Authorization")
    if header is not None:
        # A wrong header is an error, even if a valid cookie came along.
        return _holder_of(header, network_of(str(request.META.get("REMOTE_ADDR", ""))))
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
    session_key = request.session.session_key or ""
    note_person(session_key, user.pk)
    return Caller(user, None, session_key)


def _holder_of(header: str, address: str) -> Caller:
    scheme, _, text = header.partition(" ")
    is_token = scheme.lower() == "bearer" and _TOKEN_SHAPE.fullmatch(text.strip())
    token = ApiToken.objects.with_text(text.strip()) if is_token else None
    if token is None:
        if (wait_s := WRONG_TOKENS.try_again_after_s(address)) is not None:
            raise too_many(f"More than {WRONG_TOKENS.limit} wrong tokens in a minute from {address}.", wait_s)
        raise unauthenticated("The token is unknown, expired or revoked, or its owner may not sign in any more.")
    token.note_use()
    note_person(text.strip(), token.user_id)
    return Caller(token.user, token)


def _throttle(caller: Caller) -> None:
    limit = settings.AGENTSITE_API_REQUESTS_PER_MINUTE
    who = f"token {caller.token.pk}" if caller.token else f"user {caller.user.pk}"
    wait_s = Throttle("api", limit, 60).try_again_after_s(who)
    if wait_s is not None:
        raise too_many(f"More than {limit:,} requests in a minute.", wait_s)
