"""What can go wrong, as values to show (`AgentError`) and as exceptions to raise (`AgentFailure`).

AgentFailure
├── ToolFailed          the model reads it and may try something else
│   ├── ToolUnavailable   not now, a moment later perhaps
│   ├── InvalidArguments
│   └── UnknownTool
├── ModelFailure        a provider gave no usable reply; `is_worth_retrying` says whether to ask again
│   ├── ModelTimeout      it took longer than one of the limits on a reply
│   ├── ModelPaused       not asked at all: its provider wants to be left alone for now
│   └── ModelUnavailable  no reply after all attempts: ends the run
├── BadOutput           the answer does not fit the output schema; it is asked for again, then ends the run
├── ModelNotSetUp       nobody serves the model here, or its key is missing: ends the run
├── CostUnknown         a call cannot be made under a money limit, because nobody knows its price: ends the run
└── LimitReached        a limit of the run was reached: ends the run
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from runs.agent.wording import counted, number_text

if TYPE_CHECKING:
    from runs.agent.messages import Usage


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
    context: dict[str, Any]
    """Where it happened. JSON values, never a secret."""
    recoverable: bool
    """True if trying again, as it is or with the suggested change, can succeed."""
    suggested_action: str | None = None
    code: str = field(default="unexpected", kw_only=True)
    """Stable and machine-readable; the message may change, the code does not."""

    def as_json(self) -> dict[str, Any]:
        """The error as a JSON object; the severity by its value."""
        return {
            "code": self.code,
            "message": self.message,
            "severity": self.severity.value,
            "context": self.context,
            "recoverable": self.recoverable,
            "suggested_action": self.suggested_action,
        }

    def as_metadata(self) -> dict[str, Any]:
        """What a thought says of the error besides its message."""
        return {
            "severity": self.severity.value,
            "recoverable": self.recoverable,
            "suggested_action": self.suggested_action,
            "code": self.code,
        }


class AgentFailure(Exception):
    """Base of every exception this package raises on purpose."""


class ToolFailed(AgentFailure):
    """The tool cannot do this call. The model reads the message and may try something else."""


class ToolUnavailable(ToolFailed):
    """The tool cannot do this call now, a moment later perhaps. It is tried again if the tool declares `retry`."""


class InvalidArguments(ToolFailed, ValueError):
    """The arguments do not fit the tool's schema. The message lists every fault with its path."""


class UnknownTool(ToolFailed, ValueError):
    """The model asked for a tool this run does not have."""


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
        """How long the provider asked us to wait."""
        self.phase = phase
        """How far the attempt had come."""
        self.usage = usage
        """What a reply that was thrown away had used, if the provider said so."""
        self.context_tokens = context_tokens
        """The size of the model's window, where the failure is that the request is larger (`context_overflow`)."""
        self.again = ""
        """How the very next request differs, where this one can be made without what was refused; else empty."""
        self.request_id = ""
        """What the provider calls the request, for its support; empty if it said nothing."""
        self.no_more_because = ""
        """Why it is not tried again, where it could have been."""


TimeLimitName = Literal["first_token_timeout_s", "idle_timeout_s", "model_timeout_s", "max_duration_s"]

_WAITED_FOR: dict[TimeLimitName, str] = {
    "first_token_timeout_s": "the first piece of its reply",
    "idle_timeout_s": "the next piece of a reply it had begun",
    "model_timeout_s": "its whole reply",
    "max_duration_s": "its whole reply, all that was left of the run's time",
}


class ModelTimeout(ModelFailure):
    """One attempt took longer than a limit allows. Says which, how many seconds, and what was waited for."""

    def __init__(
        self, limit_name: TimeLimitName, limit_s: float, *, provider: str, model: str, phase: FailurePhase
    ) -> None:
        super().__init__(
            f"{model!r} was waited for {limit_s:.3g} s for {_WAITED_FOR[limit_name]} (limit {limit_name}).",
            kind="timeout",
            provider=provider,
            model=model,
            phase=phase,
        )
        self.limit_name = limit_name
        self.limit_s = limit_s


class ModelPaused(ModelFailure):
    """A model that was not asked, because its provider is to be left alone until `retry_at`. Nothing was sent."""

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


class ModelUnavailable(ModelFailure):
    """No reply after all attempts. Ends the run; the user may start it again."""

    def __init__(self, last: ModelFailure, *, attempts: int, why: str = "") -> None:
        """`why` says why there were no more attempts, where it is not simply that they were used up."""
        super().__init__(
            f"Model {last.model!r} gave no reply in {counted(attempts, 'attempt')}. {why + ' ' if why else ''}"
            f"The last failure: {last}",
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


class LimitReached(AgentFailure):
    """A limit of the run was reached. Says which, how much was used, and how much was allowed."""

    def __init__(self, limit_name: str, *, used: float, limit: float, unit: str, needed: float = 0) -> None:
        """`needed` is what the next call would have used, if that is what goes beyond the limit."""
        more = f", and the next call may need {number_text(needed)}" if used < limit < used + needed else ""
        amounts = f"{number_text(used)} of {number_text(limit)} {unit}"
        super().__init__(f"The run reached its limit {limit_name}: {amounts}{more}.")
        self.limit_name = limit_name
        self.used = used
        self.limit = limit
        self.unit = unit


class BadOutput(AgentFailure):
    """The answer does not fit the output schema. The model reads the faults and may mend them."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("The answer does not fit the output schema:\n" + "\n".join(f"- {fault}" for fault in faults))
        self.faults = list(faults)


class CostUnknown(AgentFailure):
    """Under a money limit a model is not asked whose price nobody knows."""

    def __init__(self, model: str, *, limit_name: str) -> None:
        super().__init__(f"The price of {model!r} is unknown, so {limit_name} cannot be kept. It was not asked.")


class ModelNotSetUp(AgentFailure, ValueError):
    """A model that cannot be asked here: `AGENTSITE_ENDPOINTS` does not name its server, or there is no key for it."""

    def __init__(self, message: str, *, server: str = "", variable: str = "") -> None:
        super().__init__(message)
        self.server = server
        """The server its name begins with, if that is what is missing."""
        self.variable = variable
        """The environment variable its key belongs in, if that is what is missing."""
