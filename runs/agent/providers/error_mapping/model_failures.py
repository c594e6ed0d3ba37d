"""Translation of every error of the transport into a `ModelFailure`."""

import errno
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx2
from pydantic_ai import exceptions as foreign

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.exception_text import attribute_of, for_log, name_of, words_of
from runs.agent.errors.model_exceptions import FailureKind, FailurePhase, ModelFailure
from runs.agent.providers.error_mapping.context_overflow import overflow_of
from runs.agent.providers.error_mapping.error_text import ErrorText, error_text, phrase_of
from runs.agent.providers.error_mapping.refusal_kinds import kind_of_status, kind_of_words, special_kind, status_told
from runs.agent.providers.error_mapping.retry_after import retry_after_s
from runs.agent.providers.model_server import Server
from runs.agent.redaction.redactor import HIDDEN, redacted
from runs.agent.tools.validation import shortened_text

logger = logging.getLogger(__name__)

_NETWORK_WORDS: Final = {
    errno.ECONNREFUSED: sentences.CONNECTION_REFUSED.made(),
    errno.ECONNRESET: sentences.CONNECTION_RESET.made(),
    errno.ETIMEDOUT: sentences.NO_ANSWER_IN_TIME.made(),
    errno.EHOSTUNREACH: sentences.NO_ROUTE.made(),
    errno.ENETUNREACH: sentences.NO_NETWORK.made(),
}
"""Why there is no connection, by the system's error number."""

MAX_MESSAGE_CHARS = 4000
"""Length limit of a failure's message. The longest ones of providers list the faults of a schema."""

FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,  # base of the transport's own errors
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    # The SDKs do not validate responses: a chunk that is a number or `"choices": "no"` raises one of these.
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def failure_from(error: Exception, *, server: Server, model: str, phase: FailurePhase) -> ModelFailure:
    """The `ModelFailure` for an error, to be raised `from` it. A `ModelFailure` is returned unchanged."""
    if isinstance(error, ModelFailure):
        return error
    if (answer := _answer(error)) is not None:
        return _of_answer(*answer, otherwise=_kind(error), server=server, model=model, phase=phase)
    kind = _kind(error)
    if isinstance(error, foreign.ModelConnectionError) and error.phase in ("connect", "pool"):
        phase = "connect"
    if kind == "network" and _speaks_no_tls(error):
        kind = "wrong_address"
    if kind == "bad_reply" and not isinstance(error, foreign.AgentRunError):
        logger.warning("A reply of %r could not be read.", server.name, exc_info=for_log(error))
    message = _what_happened(error, server.name, kind, phase)
    return ModelFailure(_without(server.key, message), kind=kind, provider=server.name, model=model, phase=phase)


def failure_from_body(
    body: object,
    *,
    status: int,
    server: Server,
    model: str,
    phase: FailurePhase,
    headers: Mapping[str, str] | None = None,
) -> ModelFailure:
    """The `ModelFailure` for an error body in place of a reply: in a 200 response, or as an event of a stream.

    `body` is JSON values, bytes or text: an error in any of the known shapes, a web page, or plain text. `status` is
    that of the response; a status in the body takes precedence. Plain text is an error of kind "server" in `phase`
    "stream", else "bad_reply".
    """
    said = error_text(body)
    told = status_told(said) if status < 300 else status
    if told is not None:
        otherwise = kind_of_status(told)
    else:
        otherwise = kind_of_words(said) or ("server" if said.is_json or phase == "stream" else "bad_reply")
    return _of_answer(told, said, headers or {}, otherwise=otherwise, server=server, model=model, phase=phase)


def _of_answer(
    status: int | None,
    said: ErrorText,
    headers: Mapping[str, str],
    *,
    otherwise: FailureKind,
    server: Server,
    model: str,
    phase: FailurePhase,
) -> ModelFailure:
    """The failure for an error response. `otherwise` is the kind if its codes and text indicate no other."""
    headers = {name.lower(): value for name, value in headers.items()}
    overflow = overflow_of(status, said)
    kind = "context_overflow" if overflow is not None else special_kind(status, said) or otherwise
    message = _answered(server.name, status, said, headers)
    failure = ModelFailure(
        _without(server.key, message),
        kind=kind,
        provider=server.name,
        model=model,
        status=status,
        retry_after_s=retry_after_s(headers, said),
        phase=phase,
        context_tokens=overflow.window_tokens if overflow is not None else None,
    )
    failure.request_id = said.request_id or (headers.get("request-id") or headers.get("x-request-id") or "")[:80]
    return failure


def _answered(server: str, status: int | None, said: ErrorText, headers: Mapping[str, str]) -> str:
    if status is None:
        sentence = sentences.ANSWERED_WITH_PAGE if said.is_page else sentences.ANSWERED_WITH_ERROR
        return sentence.made(server=server, message=said.told())
    if 300 <= status < 400 and (location := headers.get("location", "")):
        return sentences.REDIRECTED.made(server=server, status=str(status), address=location[:500])
    return sentences.ANSWERED.made(server=server, status=str(status), message=said.told(status))


def _answer(error: Exception) -> tuple[int | None, ErrorText, Mapping[str, str]] | None:
    """The status, text and headers of the server's response; None without a response.

    The response itself is preferred to the SDK's error, which keeps only the `error` member of the body.
    """
    response = _response(error)
    status: int | None = attribute_of(error, "status_code")
    if response is not None and response.status_code >= 300:
        content = _content(response)
        said = error_text(attribute_of(error, "body") if content is None else content)
        return response.status_code, said, response.headers
    body = attribute_of(error, "body")
    if status is None and body is None and not getattr(error, "in_stream", False):
        return None
    said = error_text(body)
    if not said.texts:
        said = error_text(_message(error)) if status is None else said
    return status if status is not None else status_told(said), said, getattr(error, "headers", None) or {}


def _message(error: Exception) -> str:
    said = attribute_of(error, "message", "")
    return said if said and isinstance(said, str) else words_of(error)


def _response(error: Exception) -> Any:
    """The HTTP response in the error or its causes, of any HTTP client; None if there is none."""
    for each in _causes(error):
        response = attribute_of(each, "response")
        if isinstance(getattr(response, "status_code", None), int) and hasattr(response, "headers"):
            return response
    return None


def _content(response: Any) -> bytes | None:
    try:
        return bytes(response.content)
    except httpx2.StreamError:
        return None  # closed before it was read


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, the innermost last."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ if each.__cause__ is not None else each.__context__


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
    (foreign.ModelQuotaExceededError, "out_of_money"),
    (foreign.ModelContextWindowExceededError, "refused"),  # an overflow without a window and without a known wording
    (foreign.ModelNotFoundError, "not_found"),
    (foreign.ContentFilterError, "blocked"),
    (foreign.UserError, "refused"),
)
"""Checked in order: a timeout is a connection error too."""


def _kind(error: Exception) -> FailureKind:
    match error:
        case foreign.ModelAPIError(provider_error_code="content_filter"):
            return "blocked"
    for family, kind in _KINDS:
        if isinstance(error, family):
            return kind
    match error:
        case foreign.ModelHTTPError(status_code=status):
            return kind_of_status(status)
        case foreign.ModelAuthenticationError():
            return "auth"
        case foreign.ModelRequestRejectedError():
            return "refused"
        case foreign.ModelAPIError(in_stream=True):
            return "server"  # an error event in the stream without a known code
        case _:
            return "bad_reply"


def _what_happened(error: Exception, server: str, kind: FailureKind, phase: FailurePhase) -> str:
    match kind, phase:
        case "timeout", "stream":
            return sentences.REPLY_TOO_LATE.made(server=server)
        case "timeout", _:
            return sentences.ANSWER_TOO_LATE.made(server=server)
        case "wrong_address", _:
            return sentences.NO_TLS.made(server=server, message=_root(error))
        case "network", "connect":
            return sentences.NOT_REACHED.made(server=server, message=_words_of_network(error))
        case "network", _:
            return sentences.BROKE_OFF.made(server=server, message=_root(error))
        case _:
            return sentences.UNREADABLE.made(server=server, message=_message(error) or phrase_of(None))


def _speaks_no_tls(error: Exception) -> bool:
    told = " ".join(words_of(each) for each in _causes(error))
    return "WRONG_VERSION_NUMBER" in told or "RECORD_LAYER_FAILURE" in told  # OpenSSL before 3.2 and since


def _root(error: BaseException) -> str:
    """The text of the innermost cause: the outer ones are only "Connection error."."""
    *_, innermost = _causes(error)
    return words_of(innermost) or name_of(innermost)


def _words_of_network(error: BaseException) -> str:
    """The cause in words: `connection refused` in place of `[Errno 111] Connect call failed ('127.0.0.1', 9)`."""
    *_, innermost = _causes(error)
    if isinstance(innermost, OSError) and innermost.errno in _NETWORK_WORDS:
        return _NETWORK_WORDS[innermost.errno]
    return _root(error)


def _without(key: str | None, message: str) -> str:
    message = message.replace(key, HIDDEN) if key else message
    return shortened_text(redacted(" ".join(message.split())), max_length=MAX_MESSAGE_CHARS)
