"""The shapes of what the API sends, for its description."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field

from runs.agent.model_settings import ReasoningEffort
from runs.models.limits import MAX_PRIORITY

Status = Literal["idle", "thinking", "executing", "waiting", "completed", "failed", "cancelled"]
WaitingFor = Literal["approval", "decision", "retry", "resume"]
Severity = Literal["info", "warning", "error", "critical"]
Kind = Literal["reasoning", "tool_call", "tool_result", "answer", "retry", "race", "error", "approval", "note"]
Effect = Literal["pure", "read", "idempotent", "unsafe"]
Strategy = Literal["fallback", "hedge", "race"]
CallState = Literal["proposed", "awaiting_approval", "approved", "denied", "started", "succeeded", "failed", "unknown"]
RUN_ID = "0b9a4a0e-7a55-4a43-9d8f-4b3f0b0a4c11"
CALL_ID = "5d0c7a0e-3f7e-5c8a-8a53-9f1f0e6b7d42"
"""For examples."""


class Sent(Schema):
    """What the API sends: always all of its fields."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class AgentErrorOut(Sent):
    """What ended a run."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    severity: Severity
    context: dict[str, Any]
    recoverable: bool
    suggested_action: str | None


class RunOut(Sent):
    """A run. What is not known or does not apply is null."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    task: Annotated[str, Field(examples=["What is 17 * 23?"])]
    status: Status
    waiting_for: WaitingFor | None
    agent: Annotated[str | None, Field(description="The name its agent had when it was launched.")]
    answer: str | None
    output: Annotated[Any, Field(description="The answer as data, if its agent has an output schema.")]
    error: AgentErrorOut | None
    steps_taken: Annotated[int, Field(ge=0)]
    tokens_used: Annotated[int | None, Field(ge=0)]
    usage_is_estimated: Annotated[
        bool, Field(description="Some of the tokens were counted here, because a server reported none.")
    ]
    cost: Annotated[str | None, Field(description="US dollars as a decimal string; null when some of it is unknown.")]
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class StepOut(Sent):
    """A step. What is not known or does not apply is null."""

    sequence: Annotated[int, Field(ge=1)]
    turn: int | None
    kind: Kind
    content: str
    tool_name: str | None
    call_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    tool_input: Any
    tool_output: Any
    attempt: int | None
    max_attempts: int | None
    severity: Severity | None
    recoverable: bool | None
    suggested_action: str | None
    provider: str | None
    model: str | None
    lane: int | None
    tokens: int | None
    cost: Annotated[str | None, Field(description="US dollars as a decimal string.")]
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    metadata: dict[str, Any]


class CallOut(Sent):
    """A tool call, and how far it came."""

    call_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[CALL_ID])]
    run_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    turn: int
    tool_name: str
    arguments: dict[str, Any]
    arguments_hash: Annotated[str, Field(description="Send it with a decision: it says which arguments you saw.")]
    proposed_arguments: Annotated[
        dict[str, Any] | None, Field(description="What the model asked for, if a person changed it.")
    ]
    effect: Effect
    state: CallState
    decided_by: Annotated[str | None, Field(description="User name; null for nobody.")]
    decided_at: AwareDatetime | None
    decision_reason: str | None
    expires_at: AwareDatetime | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class AgentOut(Sent):
    """A saved configuration runs are launched with."""

    name: str
    description: str
    models: list[str]
    strategy: Strategy
    tools: Annotated[list[str] | None, Field(description="Null: all of them. An empty list: none.")]
    max_turns: int
    max_seconds: int
    max_tokens: int | None
    max_cost_usd: Annotated[str | None, Field(description="US dollars as a decimal string.")]
    reasoning_effort: Annotated[ReasoningEffort | None, Field(description="Null: the provider's default.")]
    temperature: float | None
    top_p: float | None
    max_output_tokens: int | None
    extra: Annotated[dict[str, Any], Field(description="Members added to every request to a model.")]
    tool_timeout_s: Annotated[float | None, Field(description="Seconds; null: the default.")]
    model_timeout_s: float | None
    first_token_timeout_s: float | None
    idle_timeout_s: float | None
    output_schema: Any
    approval: Literal["never", "unsafe", "always"]
    priority: Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]
    is_default: bool


class ToolOut(Sent):
    """A tool agents may call."""

    name: str
    description: str
    parameters: Annotated[dict[str, Any], Field(description="JSON Schema of its arguments.")]
    effect: Effect


class RunPage(Sent):
    """Runs, newest first."""

    items: list[RunOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class CallPage(Sent):
    """Tool calls, those of the newest run first."""

    items: list[CallOut]
    next: str | None


class AgentPage(Sent):
    """All agents, by name."""

    items: list[AgentOut]
    next: None


class ToolPage(Sent):
    """All tools."""

    items: list[ToolOut]
    next: None


class StepPage(Sent):
    """Steps in order. Ask again with `after` = `last` until `ended`."""

    items: list[StepOut]
    last: Annotated[int, Field(ge=0, description="The sequence to ask `after` next.")]
    ended: Annotated[bool, Field(description="True if the run has ended and there are no further steps.")]


class ErrorBody(Sent):
    """What went wrong."""

    code: Annotated[str, Field(description="Stable and machine-readable; the message may change.")]
    message: str
    severity: Severity
    recoverable: Annotated[bool, Field(description="True if the same request may succeed later.")]
    suggested_action: str | None


class ErrorOut(Sent):
    """Every error of the API."""

    error: ErrorBody
