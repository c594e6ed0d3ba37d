"""The payloads of notes; `note` is the kind. Fields and JSON follow the rules in `steps.py`."""

from dataclasses import dataclass, field
from typing import Any, Literal

from runs.agent.payloads.steps import TokenParts

Why = Literal[
    "stopped",
    "paused",
    "suspended",
    "interrupted",
    "attempt_failed",
    "limit",
    "output_limit",
    "paused_by_provider",
]
"""Why a reply was not finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayload:
    """Payload of a note with little besides its text."""

    note: Literal[
        "dropped_thoughts",
        "interrupted",
        "missing_tools",
        "pause_asked",
        "paused",
        "resumed",
        "stop_retrying",
        "try_now",
        "without_tools",
    ]
    by: str | None = None
    """The person who asked for it; None without one."""
    overrides: dict[str, Any] | None = None
    """Changes to the run's configuration at a resume."""
    with_run: str | None = None
    """The id of the run above it that was paused or resumed, and this one with it; None for this one alone."""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPayload:
    """Payload of the note about a request that was shortened to fit the model's context window."""

    note: Literal["window"] = field(default="window", init=False)
    hidden_turns: int
    shortened_turns: int
    results: int
    """Number of tool results in the shortened turns."""
    context_tokens: int
    """Size of the context window in tokens."""
    learnt_tokens: int | None
    """Window size learnt from a refusal in this run; None if the size was known before."""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatsPayload:
    """Payload of the note that the model was told that it goes in circles."""

    note: Literal["repeats"] = field(default="repeats", init=False)
    warning: str
    """What the model reads before the last result of the turn."""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPayload:
    """Payload of the note that a call has launched a child run."""

    note: Literal["child"] = field(default="child", init=False)
    child_id: str
    agent: str
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingPayload:
    """Payload of the note about a reply that did not end by itself."""

    note: Literal["ending"] = field(default="ending", init=False)
    ending: str
    ending_reason: str
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadOutputPayload:
    """Payload of the note about an answer that does not match the output schema."""

    tokens_are_estimated: bool = False
    note: Literal["bad_output"] = field(default="bad_output", init=False)
    faults: tuple[str, ...]
    answer: str
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFarPayload:
    """Payload of the note that keeps an answer after which the run went on, because a person had said something."""

    note: Literal["so_far"] = field(default="so_far", init=False)
    answer: str
    """The text of the reply; the step's own text is the whole answer, of replies that continue each other too."""
    tokens_are_estimated: bool = False
    card: str | None = None
    token_parts: TokenParts | None = None
    """As in `ReasoningPayload`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedPayload:
    """Payload of the note that keeps an unfinished reply."""

    note: Literal["unfinished"] = field(default="unfinished", init=False)
    partial: bool
    answer: str
    reasoning: str
    why: Why
    goes_on: bool
    """The next reply continues it."""
    tokens_are_estimated: bool = False
    ending_reason: str | None = None
    """The provider's own finish reason, if the provider ended the reply."""
    card: str | None = None
    in_race: bool = False
    """The reply was a lane of a race."""
    missing_chars: int = 0
    """Number of further characters that were received and not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCall:
    """A call that was running at the stop request."""

    call_id: str
    tool_name: str
    ran_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedSoFar:
    """Usage of the run at the stop request."""

    tokens: int | None
    cost: str | None
    """US dollars as a decimal string."""
    cost_is_partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAskedPayload:
    """Payload of the note about a stop request."""

    note: Literal["cancel_asked"] = field(default="cancel_asked", init=False)
    by: str
    running: tuple[RunningCall, ...]
    asks_a_model: bool
    used: UsedSoFar | None
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedCall:
    """A call without a result, because its run was stopped."""

    call_id: str
    tool_name: str
    outcome: Literal["not_started", "awaited_child", "no_effect", "unknown"]
    ran_s: float | None
    """How long it had run; None if it did not run, or its start is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedCall:
    """A call of the last turn whose result came before the stop."""

    call_id: str
    tool_name: str
    state: str
    """A `CallState`."""


ReplyOutcome = Literal["none", "not_begun", "cut_off", "unknown"]
"""Outcome of the model request that was open at the stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProof:
    """The effects of a stop."""

    asked_by: str | None
    asked_at: str | None
    """ISO 8601, as `stopped_at`."""
    stopped_at: str
    took_s: float | None
    forced_by: str | None
    keeps_words: bool
    """An unfinished reply was kept."""
    stopped: tuple[StoppedCall, ...]
    finished: tuple[FinishedCall, ...]
    reply: ReplyOutcome
    tokens_after: int | None
    """Tokens booked after the stop request; None if unknown."""
    tokens_are_estimated: bool | None = None
    cost_after: str | None
    """US dollars as a decimal string."""
    cost_is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledPayload:
    """Payload of the note that ends a stopped run."""

    note: Literal["cancelled"] = field(default="cancelled", init=False)
    proof: StopProof | None
    by: str | None = None
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledAtOncePayload:
    """Payload of the same note for a run without a host. Read back as `CancelledPayload`."""

    note: Literal["cancelled"] = field(default="cancelled", init=False)
    by: str
    proof: StopProof
    card: str | None = None
