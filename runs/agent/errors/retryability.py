"""Which failures are worth another attempt."""

import socket

from runs.agent.errors.exception_text import attribute_of
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused, ModelTimeout, ModelUnavailable

_RETRIED_KINDS = frozenset({"timeout", "network", "rate_limited", "overloaded", "server", "bad_reply"})


def is_worth_retrying(error: BaseException) -> bool:
    """True for failures that the same request may not meet a moment later: no connection, a timeout, an overloaded
    or failing server, a broken stream. False for a refusal and for a cancellation."""
    match error:
        case ModelUnavailable() | ModelPaused() | ModelTimeout(limit_name="max_duration_s"):
            return False
        case ModelFailure(again=again) if again:
            return True
        case ModelFailure(kind=kind, status=status):
            # Kind and status: an exhausted quota is a 429 too, but of kind "out_of_money".
            return kind in _RETRIED_KINDS and (status is None or is_retried_status(status))
        case TimeoutError() | ConnectionError() | socket.gaierror():
            return True
        case Exception():
            return is_retried_status(_status_of(error))
        case _:
            return False


def is_retried_status(status: int | None) -> bool:
    """True for HTTP statuses worth a retry: 408, 409, 425, 429 and 5xx but 501; 529 is Anthropic's "overloaded"."""
    return status in (408, 409, 425, 429) or (status is not None and 500 <= status < 600 and status != 501)


def _status_of(error: Exception) -> int | None:
    """The HTTP status of an exception of any HTTP client; None without one."""
    for carrier in (error, attribute_of(error, "response")):
        status = attribute_of(carrier, "status_code")
        if isinstance(status, int):
            return status
    return None
