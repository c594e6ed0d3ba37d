"""Errors of the API: one shape for all of them, whatever went wrong and wherever."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

COME_BACK_AFTER_S = 5
"""When to try again after the database did not answer."""

LONGEST_VALUE = 80
"""Characters of a wrong value that are said back."""


class ApiError(Exception):
    """An answer that is an error. `status` is the HTTP status; `headers` go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        action: str | None = None,
        recoverable: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`recoverable` None: true where the same request may succeed later."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.action = action
        self.recoverable = status in (409, 429, 503) if recoverable is None else recoverable
        self.headers = dict(headers or {})

    def response(self) -> HttpResponse:
        """The error as it is sent."""
        severity = "critical" if self.status == 500 else "error" if self.status > 500 else "warning"
        error = {
            "code": self.code,
            "message": str(self),
            "severity": severity,
            "recoverable": self.recoverable,
            "suggested_action": self.action,
        }
        return JsonResponse({"error": error}, status=self.status, headers=self.headers)


def unauthenticated(message: str = "Send a token: Authorization: Bearer ags_….") -> ApiError:
    """401: nobody knows who asks."""
    action = "Make a token under API tokens in the account menu and send it with every request."
    return ApiError(401, "unauthenticated", message, action=action, headers={"WWW-Authenticate": "Bearer"})


def not_found(what: str) -> ApiError:
    """404 for what is not there and for what is not theirs: nobody learns which."""
    return ApiError(404, "not_found", f"There is no such {what}, or it is not yours.")


def invalid(message: str) -> ApiError:
    """422: understood, and not possible. The message names the field, the value and the limit."""
    return ApiError(422, "invalid", message, action="Correct the request and send it again.")


def too_many(message: str, retry_after_s: float) -> ApiError:
    """429, and when to come back."""
    wait_s = max(1, int(retry_after_s + 0.999))
    action = f"Wait {wait_s} s, then send it again."
    return ApiError(429, "too_many_requests", message, action=action, headers={"Retry-After": str(wait_s)})


def not_allowed(method: str | None, allowed: str) -> ApiError:
    """405, with what is allowed."""
    words = f"{method} is not possible here; {allowed} is."
    return ApiError(405, "method_not_allowed", words, headers={"Allow": allowed})


def broken_request() -> ApiError:
    """400 for a body that is no JSON."""
    return ApiError(400, "bad_json", "The body is not JSON.", action="Send a JSON object in UTF-8.")


def too_large(message: str) -> ApiError:
    """413."""
    return ApiError(413, "too_large", message, action="Send less.")


def body_too_large() -> ApiError:
    """413 for a body over the limit of the server and of Django."""
    return too_large(f"The body is longer than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2**20:g} MiB.")


def unavailable() -> ApiError:
    """503: the database does not answer."""
    return ApiError(
        503,
        "unavailable",
        "The database does not answer.",
        action="Try again in a moment. Send launches with the same Idempotency-Key.",
        headers={"Retry-After": str(COME_BACK_AFTER_S)},
    )


def unexpected() -> ApiError:
    """500: a bug of ours."""
    return ApiError(500, "unexpected", "Something of ours failed. The log says what.", action="Tell the staff.")


def error_for(error: Exception) -> ApiError:
    """What a request is answered that ended in this exception; 500 for one nobody expected."""
    match error:
        # Ninja wraps whatever our parser raises.
        case (ApiError() as known) | HttpError(__cause__=ApiError() as known):
            return known
        case AuthenticationError():
            return unauthenticated()
        case HttpError(status_code=status):
            return ApiError(status, _code_of(status), str(error))
        case ValidationError():
            return invalid("\n".join(_fault_in_words(fault) for fault in error.errors))
        case RequestDataTooBig():
            return body_too_large()
        case UnreadablePostError():
            return ApiError(400, "unreadable", "The body did not arrive in full.")
        case OperationalError() | InterfaceError():
            return unavailable()
        case _:
            return unexpected()


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def _fault_in_words(fault: dict[str, Any]) -> str:
    """`overrides.max_turns: Input should be less than or equal to 1000`: where, and what is accepted."""
    place = [str(part) for part in fault["loc"]]
    # First where it stood (body, query …), then what the view calls all of it, if it is more than one value.
    names = place[2:] if place[0] == "body" or place[1:2] == ["asked"] else place[1:]
    words = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    value = repr(fault["input"]) if fault["type"] != "missing" else "nothing"
    shown = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    return f"{'.'.join(names) or 'The body'}: {words}, not {shown}."
