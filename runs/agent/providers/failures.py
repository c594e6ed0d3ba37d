"""Every error of the transport as a `ModelFailure`: the edge where foreign errors end."""

import logging
import re
from collections.abc import Mapping
from html import unescape

import httpx2
from pydantic_ai import exceptions as foreign

from runs.agent.errors import FailureKind, FailurePhase, ModelFailure
from runs.agent.providers.served import Server
from runs.agent.redaction import HIDDEN, redacted
from runs.agent.tools.validation import shortened_text

logger = logging.getLogger(__name__)

_HTML = re.compile(r"\s*<(?:!doctype html|html|head)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)

FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,  # the transport's own errors are all of this family
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    # The SDKs do not check what they read: a chunk that is a number or `"choices": "no"` ends in one of these.
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def failure_from(error: Exception, *, server: Server, model: str, phase: FailurePhase) -> ModelFailure:
    """What the error means to us. To be raised `from` it."""
    kind = _kind(error)
    if isinstance(error, foreign.ModelConnectionError) and error.phase in ("connect", "pool"):
        phase = "connect"
    if kind == "bad_reply" and not isinstance(error, foreign.AgentRunError):
        logger.warning("A reply of %r could not be read.", server.name, exc_info=error)
    message = f"{server.name} {_what_happened(error, kind, phase)}"
    return ModelFailure(
        _without(server.key, message),
        kind=kind,
        provider=server.name,
        model=model,
        status=getattr(error, "status_code", None),
        retry_after_s=getattr(error, "retry_after", None),
        phase=phase,
    )


_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (foreign.ModelRequestTimeout, "timeout"),
    (foreign.ModelTimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (foreign.ModelConnectionError, "network"),
    (httpx2.TransportError, "network"),
    (OSError, "network"),
    (foreign.ModelRateLimitError, "rate_limited"),
    (foreign.ModelUnavailableError, "overloaded"),
    (foreign.ModelServerError, "server"),
    (foreign.ModelAuthenticationError, "auth"),
    (foreign.ModelNotFoundError, "not_found"),
    (foreign.ContentFilterError, "blocked"),
    (foreign.ModelRequestRejectedError, "refused"),
    (foreign.ModelQuotaExceededError, "refused"),
    (foreign.UserError, "refused"),
)
"""The first that fits counts: a timeout is a connection error too, and one with authentication a rejection."""


def _kind(error: Exception) -> FailureKind:
    match error:
        case foreign.ModelAPIError(provider_error_code="content_filter"):
            return "blocked"
    for family, kind in _KINDS:
        if isinstance(error, family):
            return kind
    match error:
        case foreign.ModelHTTPError(status_code=status):
            return _kind_of_status(status)
        case foreign.ModelAPIError(in_stream=True):
            return "server"  # the provider told of an error in its stream, without a code anybody knows
        case _:
            return "bad_reply"


def _kind_of_status(status: int) -> FailureKind:
    if status == 408:
        return "timeout"
    if status in (409, 425):
        return "overloaded"
    return "server" if status >= 500 else "refused"


def _what_happened(error: Exception, kind: FailureKind, phase: FailurePhase) -> str:
    status = getattr(error, "status_code", None)
    if status is not None:
        return f"answered {status}: {_told(error)}"
    match kind, phase:
        case "timeout", "stream":
            return "did not finish its reply in time."
        case "timeout", _:
            return "did not answer in time."
        case "network", "connect":
            return f"could not be reached: {_root(error)}"
        case "network", _:
            return f"broke off the connection: {_root(error)}"
        case _:
            return f"gave a reply that makes no sense: {_told(error)}"


def _told(error: Exception) -> str:
    """The provider's own words, if it had any."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]  # as Anthropic and Google send it; OpenAI's SDK has taken it out
    words = body.get("message") if isinstance(body, dict) else body
    if not isinstance(words, str) or not words.strip():
        return str(error)
    return _title_of(words) if _HTML.match(words) else words


def _title_of(page: str) -> str:
    """What a page of HTML is about, in one line. Proxies and web sites at a wrong address answer with whole pages."""
    title = _TITLE.search(page)
    words = unescape(title[1]).strip() if title else ""
    return f"a web page, “{words}”" if words else "a web page, not the reply of a model"


def _root(error: BaseException) -> str:
    """The innermost cause: the outer ones only say "Connection error."."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__


def _without(key: str | None, message: str) -> str:
    message = message.replace(key, HIDDEN) if key else message
    return shortened_text(redacted(" ".join(message.split())), max_length=500)


def failure_from_body(
    body: object,
    *,
    status: int,
    server: Server,
    model: str,
    phase: FailurePhase,
    headers: Mapping[str, str] | None = None,
) -> ModelFailure:
    """TEMPORARY until the branch with errors' words lands."""
    import json

    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except ValueError:
            body = body.decode(errors="replace")
    error = foreign.ModelHTTPError(status, model, body)
    kind: FailureKind = {401: "auth", 404: "not_found", 429: "rate_limited", 529: "overloaded"}.get(status) or (
        "server" if status == 200 or status >= 500 else "refused"
    )
    retry = (headers or {}).get("retry-after")
    return ModelFailure(
        _without(server.key, f"{server.name} answered {status}: {_told(error)}"),
        kind=kind,
        provider=server.name,
        model=model,
        status=status if status != 200 else None,
        retry_after_s=float(retry) if retry and retry.isdigit() else None,
        phase=phase,
    )
