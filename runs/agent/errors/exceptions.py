"""Errors as values to show (`AgentError`) and as exceptions to raise (`AgentFailure`).

AgentFailure
├── ToolFailed          the model reads it and may try something else
│   ├── ToolUnavailable   a later call may succeed
│   ├── InvalidArguments
│   └── UnknownTool
├── ModelFailure        a provider gave no usable reply; `is_worth_retrying` says whether to ask again
│   ├── ModelTimeout      it took longer than one of the limits on a reply
│   ├── ModelPaused       no request was sent: the circuit breaker is open, or a Retry-After is not over
│   └── ModelUnavailable  no reply after all attempts: ends the run
├── BadOutput           the answer does not fit the output schema; it is asked for again, then ends the run
├── ModelNotSetUp       the model's server or its key is not configured: ends the run
├── CostUnknown         the price of a call under a money limit is unknown: ends the run
└── LimitReached        a limit of the run was reached: ends the run
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

from runs.agent.errors.sentences import ErrorSentence
from runs.agent.json_data.json_types import JsonObject
from runs.agent.text import number_text

if TYPE_CHECKING:
    from runs.agent.usage import Usage


class ErrorSeverity(Enum):
    """How bad an error is, from least to worst."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(slots=True)
class AgentError:
    """A structured error: what is shown to people, stored with the run and sent over the API."""

    message: str
    severity: ErrorSeverity
    context: JsonObject
    """Where it happened. JSON values, never a secret."""
    recoverable: bool
    """True if another attempt, unchanged or with the suggested change, can succeed."""
    suggested_action: str | None = None
    code: str = field(default="unexpected", kw_only=True)
    """Stable and machine-readable; the message may change, the code does not."""

    def as_json(self) -> JsonObject:
        """The error as a JSON object; the severity by its value."""
        return {
            "code": self.code,
            "message": self.message,
            "severity": self.severity.value,
            "context": self.context,
            "recoverable": self.recoverable,
            "suggested_action": self.suggested_action,
        }


class AgentFailure(Exception):
    """Base of every exception this package raises on purpose."""


class ToolFailed(AgentFailure):
    """The tool cannot do this call. The model reads the message and may try something else."""


class ToolUnavailable(ToolFailed):
    """The tool cannot do this call now, but perhaps later. The call is retried if the tool declares `retry`."""


class InvalidArguments(ToolFailed, ValueError):
    """The arguments do not fit the tool's schema. The message lists every fault with its path."""


class UnknownTool(ToolFailed, ValueError):
    """The model called a tool that this run does not have."""


FailurePhase = Literal["connect", "first_token", "stream", "reply"]
FailureKind = Literal[
    "timeout",
    "network",
    "rate_limited",
    "overloaded",
    "server",
    "refused",
    "not_found",
    "auth",
    "forbidden",
    "out_of_money",
    "context_overflow",
    "no_tools",
    "wrong_address",
    "bad_reply",
    "blocked",
]


class ModelFailure(AgentFailure):
    """One attempt at a model reply failed."""

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind,
        provider: str,
        model: str,
        status: int | None = None,
        retry_after_s: float | None = None,
        phase: FailurePhase = "reply",
        usage: "Usage | None" = None,
        context_tokens: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.provider = provider
        self.model = model
        self.status = status
        """The HTTP status, if there was an HTTP answer."""
        self.retry_after_s = retry_after_s
        """The provider's Retry-After."""
        self.phase = phase
        """The phase in which the attempt failed."""
        self.usage = usage
        """The usage of a discarded reply, if the provider reported it."""
        self.context_tokens = context_tokens
        """The size of the model's window, if a `context_overflow` error states it."""
        self.again = ""
        """What the next request changes, if it can be made without the refused part; else empty."""
        self.request_id = ""
        """The provider's id of the request, for its support; empty if it sent none."""
        self.no_more_because = ""
        """Why a failure worth a retry is not retried; else empty."""


TimeLimitName = Literal["first_token_timeout_s", "idle_timeout_s", "model_timeout_s", "max_duration_s"]

_TIMED_OUT: dict[TimeLimitName, ErrorSentence] = {
    "first_token_timeout_s": ErrorSentence(
        "%(model)s did not send the first piece of its reply within %(limit_s)s s (limit first_token_timeout_s)."
    ),
    "idle_timeout_s": ErrorSentence(
        "%(model)s did not send the next piece of a reply it had begun within %(limit_s)s s (limit idle_timeout_s)."
    ),
    "model_timeout_s": ErrorSentence(
        "%(model)s did not send its whole reply within %(limit_s)s s (limit model_timeout_s)."
    ),
    "max_duration_s": ErrorSentence(
        "%(model)s did not send its whole reply, due in the time left of the run, within %(limit_s)s s "
        "(limit max_duration_s)."
    ),
}


class ModelTimeout(ModelFailure):
    """One attempt exceeded a time limit. The message names the limit, its seconds, and what was missing."""

    def __init__(
        self, limit_name: TimeLimitName, limit_s: float, *, provider: str, model: str, phase: FailurePhase
    ) -> None:
        super().__init__(
            _TIMED_OUT[limit_name].made(model=repr(model), limit_s=f"{limit_s:.3g}"),
            kind="timeout",
            provider=provider,
            model=model,
            phase=phase,
        )
        self.limit_name = limit_name
        self.limit_s = limit_s


class ModelPaused(ModelFailure):
    """No request was sent: the circuit breaker is open, or a Retry-After is not over. Possible from `retry_at` on."""

    def __init__(
        self,
        message: str,
        *,
        reason: Literal["breaker_open", "asked_to_wait"],
        provider: str,
        model: str,
        wait_s: float,
    ) -> None:
        kind: FailureKind = "overloaded" if reason == "breaker_open" else "rate_limited"
        super().__init__(message, kind=kind, provider=provider, model=model, retry_after_s=wait_s, phase="connect")
        self.reason = reason
        self.retry_at = time.time() + wait_s
        """Seconds since the epoch."""


_NO_REPLY = ErrorSentence(
    "No reply of %(model)s after %(count)s attempt: %(message)s",
    plural="No reply of %(model)s after %(count)s attempts: %(message)s",
)


class ModelUnavailable(ModelFailure):
    """No reply after all attempts. Ends the run; the user may start it again."""

    def __init__(self, last: ModelFailure, *, attempts: int, why: str = "") -> None:
        """`why` is the reason for no further attempts, unless the attempts were used up."""
        super().__init__(
            _NO_REPLY.made(model=repr(last.model), count=attempts, message=f"{last} {why}" if why else str(last)),
            kind=last.kind,
            provider=last.provider,
            model=last.model,
            status=last.status,
            retry_after_s=last.retry_after_s,
            phase=last.phase,
            context_tokens=last.context_tokens,
        )
        self.attempts = attempts
        self.last = last


_LIMIT_REACHED = ErrorSentence("The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s.")
_WOULD_EXCEED = ErrorSentence(
    "The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s, and the next call may need %(needed)s."
)
_REPLY_WOULD_EXCEED = ErrorSentence(
    "The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s, and the next reply asks for %(needed)s."
)


class LimitReached(AgentFailure):
    """A limit of the run was reached. The message names it, what was used, and what was allowed."""

    def __init__(
        self,
        limit_name: str,
        *,
        used: float,
        limit: float,
        unit: str,
        needed: float = 0,
        is_asked_for: bool = False,
    ) -> None:
        """`needed` is the further amount that would exceed the limit; `is_asked_for`: a reply asks for it, and it is no
        estimate."""
        values = {"limit": limit_name, "used": number_text(used), "most": number_text(limit), "unit": unit}
        if used < limit < used + needed:
            sentence = _REPLY_WOULD_EXCEED if is_asked_for else _WOULD_EXCEED
            super().__init__(sentence.made(**values, needed=number_text(needed)))
        else:
            super().__init__(_LIMIT_REACHED.made(**values))
        self.limit_name = limit_name
        self.used = used
        self.limit = limit
        self.unit = unit


_NO_FIT = ErrorSentence("The answer does not fit the output schema:\n%(message)s")


class BadOutput(AgentFailure):
    """The answer does not fit the output schema. The model reads `faults` and may correct the answer."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(_NO_FIT.made(message="\n".join(f"- {fault}" for fault in faults)))
        self.faults = list(faults)


_NO_PRICE = ErrorSentence("The price of %(model)s is unknown, so %(limit)s cannot be enforced. No request was sent.")


class CostUnknown(AgentFailure):
    """The run has a money limit, and the price of the model is unknown. No request was sent."""

    def __init__(self, model: str, *, limit_name: str) -> None:
        super().__init__(_NO_PRICE.made(model=repr(model), limit=limit_name))


class ModelNotSetUp(AgentFailure, ValueError):
    """The model is not configured: `AGENTSITE_ENDPOINTS` does not name its server, or its key is missing."""

    def __init__(self, message: str, *, server: str = "", variable: str = "") -> None:
        super().__init__(message)
        self.server = server
        """The missing server, named by the prefix of the model's name; else empty."""
        self.variable = variable
        """The environment variable of the missing key; else empty."""


class JournalClosed(AgentFailure):
    """The journal accepts no more entries: the run was taken over, or could not be stored. Stop, and write nothing."""
