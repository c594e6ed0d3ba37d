"""The payloads of replies, tool calls, attempts, errors and approvals.

The stored JSON has its keys in the order of the fields. A field without a default is always stored; a field with a
default is stored only if it has another value (`json_form.py`). `card` names the streamed reply that the step ends:
`turn-attempt-lane`, stored with the claim's epoch in front.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runs.agent.concurrency.race import Strategy
from runs.agent.payloads.absent import ABSENT, Absent
from runs.agent.tools.protocol import Effect

CallBesideState = Literal["waiting", "denied", "running", "succeeded", "failed", "timeout", "unknown"]
LaneOutcome = Literal["won", "lost", "failed", "cancelled"]
Decision = Literal["approved", "denied", "undone", "happened", "run_again", "answered", "not_answered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenParts:
    """The parts of a reply's tokens, as in `Usage`. None: not reported."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningPayload:
    """Payload of reasoning, and of text before tool calls."""

    tokens_are_estimated: bool = False
    """The provider reported no token count; the tokens were estimated."""
    output: Any = ABSENT
    """The structured output of the answer in the same reply, if there is one."""
    card: str | None = None
    token_parts: TokenParts | None = None
    """Of the reply, if this step has its tokens; None for steps of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPayload:
    """Payload of the answer."""

    tokens_are_estimated: bool = False
    """The provider reported no token count; the tokens were estimated."""
    output: Any = ABSENT
    """The validated structured output (JSON), if the run has an output schema."""
    ending: str | None = None
    """The reply's `Ending`, if the provider reported a finish reason."""
    ending_reason: str | None = None
    """The provider's own finish reason."""
    could_not: bool = False
    """The answer says that the task could not be done."""
    card: str | None = None
    token_parts: TokenParts | None = None
    """As in `ReasoningPayload`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBeside:
    """One of several tool calls of a turn, with its state when the step was recorded."""

    call_id: str
    tool_name: str
    state: CallBesideState
    started_at: float | None = None
    """Seconds since the epoch, as `ended_at`; both are None before there is a result."""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPayload:
    """Payload of a proposed tool call."""

    effect: Effect
    card: str | None = None
    calls: tuple[CallBeside, ...] = ()
    """All calls of the turn; only the last of several calls has them."""
    token_parts: TokenParts | None = None
    """As in `ReasoningPayload`."""
    parent_id: str = ""
    """The id of the call that makes this one, such as that of a script; empty for the calls of a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultPayload:
    """Payload of a tool call's result."""

    by: str | Absent | None = ABSENT
    """The person who decided on this result; None if the deadline passed without a decision."""
    remark: str = ""
    """How a person affected the result."""
    code: str = ""
    """Error code; empty after a success."""
    card: str | None = None
    calls: tuple[CallBeside, ...] = ()
    """All calls of the turn, if there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPayload:
    """Payload of a failed attempt (model reply or tool call), of a race round without a winner, or of a wait."""

    code: str
    status: int | Absent | None = ABSENT
    """HTTP status of a model attempt, if there was an HTTP response."""
    phase: str = ""
    """`FailurePhase` of a model attempt."""
    wait_s: float | None
    """Wait before the next attempt, in seconds; None after the last attempt."""
    next_at: float | None
    """Time of the next attempt, in seconds since the epoch."""
    no_more_because: str = ""
    """Reason why no attempt follows although attempts were left."""
    again: str = ""
    """Change to the request, if it is repeated at once."""
    retry_at: float | None = None
    """End of the provider's cooldown (seconds since the epoch), if no request was sent because of it."""
    waits_only: bool = False
    """The step is only a wait that the provider asked for; no attempt was made."""
    in_race: bool = False
    """One lane of a race failed; the other lanes continue."""
    is_round: bool = False
    """All lanes of a race round failed."""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLane:
    """A provider in a race that has begun."""

    lane: int
    """Position in the order of preference, from 1."""
    provider: str
    model: str
    started_at: float | None
    """In seconds since the epoch; None for a lane of a hedge that is not asked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceStartPayload:
    """Payload of the start of a race, or of a hedge once a second lane is asked. A `RacePayload` of the same turn and
    attempt is its end; an interrupted race has none."""

    strategy: Strategy
    asked: tuple[AskedLane, ...]
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A provider that was asked in a race. Times are in seconds since the epoch."""

    lane: int
    """Position in the order of preference, from 1."""
    provider: str
    model: str
    started_at: float | None
    first_token_at: float | None
    ended_at: float | None
    outcome: LaneOutcome
    tokens: int | None
    cost: str | None
    """US dollars as a decimal string; None if unknown."""
    error_code: str | None
    tokens_are_estimated: bool = False
    """True for our own count of a reply that was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RacePayload:
    """Payload of a decided race."""

    strategy: Strategy
    lanes: tuple[Lane, ...]
    multiple: float | None
    """Number of requests per reply."""
    card: str | None = None
    """The first of `cards`."""
    cards: tuple[str, ...] = ()
    """Cards of the replies that lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPayload:
    """Payload of the error that ended the run."""

    code: str
    context: dict[str, Any]
    """Context of the `AgentError`."""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPart:
    """A question of a tool to a person."""

    id: str
    round: int
    """Which question of its call it is, from 1."""
    kind: str
    """The `QuestionKind`."""
    text: str
    choices: tuple[str, ...] = ()
    form: dict[str, Any] | None = None
    """The JSON Schema of the answer."""
    default: Any = ABSENT
    """The answer if nobody answers in time; absent without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPayload:
    """Payload of a question to a person about a call: may it run (`approval`), did it take effect (`outcome`), or what
    is the answer that its tool asks for (`answer`)?"""

    asks: Literal["approval", "outcome", "answer"]
    effect: Effect
    expires_at: float | Absent | None = ABSENT
    """Deadline in seconds since the epoch, after which the agent's rule decides; None without a deadline."""
    card: str | None = None
    arguments_hash: str = ""
    """Hash of the stored and shown arguments; an approval is bound to it."""
    question: QuestionPart | None = None
    """What the tool asks, with `answer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentChange:
    """An argument that a person changed."""

    name: str
    before: Any = ABSENT
    after: Any = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPayload:
    """Payload of a person's answer to a `QuestionPayload`."""

    decision: Decision
    by: str | None
    """None if the deadline passed without a decision."""
    reason: str
    changes: tuple[ArgumentChange, ...] = ()
    card: str | None = None
    question_id: str = ""
    """The question that was answered."""
    answer: Any = ABSENT
    """The answer: a text, a choice, or the object of a form."""
    surface: str = ""
    """Where it was decided or answered: a `Surface`; empty for the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePayload:
    """Payload of a message of a person to the run, which the model reads with the step's turn."""

    message_id: str
    by: str | None
    """The person who sent it; None for the command line."""
    sent_at: float
    """In seconds since the epoch."""
    interrupts: bool = False
    """It was to interrupt the reply in progress."""
    card: str | None = None


@dataclass(frozen=True, slots=True)
class OtherPayload:
    """Payload of a thought from a script, stored unchanged."""

    told: Mapping[str, Any] = field(default_factory=dict)
    card: str | None = None
