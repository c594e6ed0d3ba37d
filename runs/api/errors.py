"""Errors of the API: all have the same shape."""

from collections.abc import Mapping
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponse, JsonResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

from runs.agent.json_data.json_types import JsonObject
from runs.api.validation_faults import faults_in_words
from runs.database_outages import AWAY, RETRY_AFTER_S, Outage, outage_of
from runs.hash_pool import HashBusy


class ApiError(Exception):
    """An error response. `status` is the HTTP status; `headers` go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        action: str | None = None,
        recoverable: bool | None = None,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """`recoverable`: the same request may succeed later, or one that was changed as `action` says; None: by the
        status. `fields` has the message of each wrong field, where there may be several."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.action = action
        self.recoverable = status in (409, 429, 503) if recoverable is None else recoverable
        self.headers = dict(headers or {})
        self.fields = dict(fields or {})

    def response(self) -> HttpResponse:
        """The error as a JSON response."""
        severity = "critical" if self.status == 500 else "error" if self.status > 500 else "warning"
        error = {
            "code": self.code,
            "message": str(self),
            "severity": severity,
            "recoverable": self.recoverable,
            "suggested_action": self.action,
            **({"fields": self.fields} if self.fields else {}),
        }
        return JsonResponse({"error": error}, status=self.status, headers=self.headers)


def unauthenticated(message: str = "Send a token: Authorization: Bearer ags_….") -> ApiError:
    """401: no valid token or session."""
    action = "Make a token under API tokens in the account menu and send it with every request."
    wanted = {"WWW-Authenticate": "Bearer"}
    return ApiError(401, "unauthenticated", message, action=action, recoverable=True, headers=wanted)


def not_found(what: str) -> ApiError:
    """404 for a missing object, and for one that the caller may not see: the response is the same."""
    return ApiError(404, "not_found", f"There is no such {what}, or it is not yours.")


def invalid(message: str, *, fields: Mapping[str, str] | None = None) -> ApiError:
    """422: a well-formed request with an invalid value. The message names the field, the value and the limit."""
    action = "Correct the request and send it again."
    return ApiError(422, "invalid", message, action=action, recoverable=True, fields=fields)


def invalid_fields(faults: Mapping[str, object], names: Mapping[str, str] | None = None) -> ApiError:
    """422 for what the engine refuses: words for each field, and those of none under the empty name. `names` are the
    fields of the API where they are called otherwise."""
    fields = {(names or {}).get(name, name): str(words) for name, words in faults.items()}
    words = "\n".join(f"{name}: {each}" if name else each for name, each in fields.items())
    return invalid(words, fields={name: each for name, each in fields.items() if name} or None)


def too_many(message: str, retry_after_s: float) -> ApiError:
    """429, with `Retry-After` in whole seconds."""
    wait_s = max(1, int(retry_after_s + 0.999))
    action = f"Wait {wait_s} s, then send it again."
    return ApiError(429, "too_many_requests", message, action=action, headers={"Retry-After": str(wait_s)})


def forbidden(message: str) -> ApiError:
    """403: the account lacks the permission for the action."""
    return ApiError(403, "forbidden", message, action="Ask a person who manages this installation for the permission.")


def not_allowed(method: str | None, allowed: str) -> ApiError:
    """405, with the allowed methods."""
    words = f"{method} is not possible here; {allowed} is."
    return ApiError(405, "method_not_allowed", words, headers={"Allow": allowed})


def broken_request() -> ApiError:
    """400 for a body that is no JSON."""
    return ApiError(400, "bad_json", "The body is not JSON.", action="Send a JSON object in UTF-8.", recoverable=True)


def unreadable() -> ApiError:
    """400 for a request that Django does not read."""
    return ApiError(400, "bad_request", "The request could not be read.")


def too_large(message: str) -> ApiError:
    """413: a field or the body exceeds its limit."""
    return ApiError(413, "too_large", message, action="Send less.", recoverable=True)


def body_too_large() -> ApiError:
    """413 for a body over the limit of the server and of Django."""
    return too_large(f"The body is longer than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2**20:g} MiB.")


def unavailable(outage: Outage = AWAY) -> ApiError:
    """503: the database does not answer, or cannot be written."""
    return ApiError(
        503,
        "unavailable",
        outage.what,
        action="Try again in a moment. Send launches with the same Idempotency-Key.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def busy(message: str) -> ApiError:
    """503: overloaded. The same request succeeds a moment later."""
    action = f"Wait {RETRY_AFTER_S} s, then send it again."
    return ApiError(503, "busy", message, action=action, headers={"Retry-After": str(RETRY_AFTER_S)})


def unexpected() -> ApiError:
    """500: a bug."""
    return ApiError(500, "unexpected", "The server failed. The log says why.", action="Tell the staff.")


def error_for(error: Exception) -> ApiError:  # noqa: C901, PLR0911  one line for each kind
    """The error response to an exception; 500 for an unexpected one."""
    match error:
        # Ninja wraps the exceptions of our parser.
        case (ApiError() as known) | HttpError(__cause__=ApiError() as known):
            return known
        case AuthenticationError():
            return unauthenticated()
        case HttpError(status_code=status):
            return ApiError(status, _code_of(status), str(error))
        case ValidationError():
            return invalid(faults_in_words(map(_in_its_field, error.errors), "The body"))
        case PermissionDenied():
            return forbidden(str(error))
        case RequestDataTooBig():
            return body_too_large()
        case SuspiciousOperation():  # Such as more query parameters than Django reads.
            return unreadable()
        case UnreadablePostError():
            return ApiError(400, "unreadable", "The body did not arrive in full.")
        case HashBusy():
            return busy(str(error))
        case _ if outage := outage_of(error):
            return unavailable(outage)
        case _:
            return unexpected()


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def _in_its_field(fault: JsonObject) -> JsonObject:
    """The fault with the place that a client knows: `loc` begins with the source (body, query …), then the name of the
    view's parameter, if that has several fields."""
    place = fault["loc"]
    return fault | {"loc": place[2:] if place[0] == "body" or place[1:2] == ("asked",) else place[1:]}
