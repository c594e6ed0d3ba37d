"""The exceptions of model calls.

ModelFailure        a provider gave no usable reply; `is_worth_retrying` says whether to ask again
├── ModelTimeout      it took longer than one of the limits on a reply
├── ModelPaused       no request was sent: the circuit breaker is open, or a Retry-After is not over
└── ModelUnavailable  no reply after all attempts: ends the run
ModelNotSetUp       the model's server or its key is not configured: ends the run
CostUnknown         the price of a call under a money limit is unknown: ends the run
"""

import time
from typing import TYPE_CHECKING, Literal

from runs.agent.errors.exceptions import AgentFailure
from runs.agent.errors.sentences import ErrorSentence

if TYPE_CHECKING:
    from runs.agent.usage import Usage

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
