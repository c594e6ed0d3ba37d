"""Response schemas of the API, for its description."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, create_model

from runs.agent.json_data.json_types import JsonObject
from runs.api.setting_fields import response_fields
from runs.models.bounds import MAX_PRIORITY

Status = Literal["idle", "thinking", "executing", "waiting", "completed", "failed", "cancelled"]
WaitingFor = Literal["approval", "decision", "retry", "resume", "answer", "child"]
Severity = Literal["info", "warning", "error", "critical"]
Kind = Literal[
    "reasoning", "tool_call", "tool_result", "answer", "retry", "race", "error", "approval", "message", "note"
]
Effect = Literal["pure", "read", "idempotent", "unsafe"]
Strategy = Literal["fallback", "hedge", "race"]
CallState = Literal[
    "proposed",
    "awaiting_approval",
    "awaiting_answer",
    "awaiting_child",
    "approved",
    "denied",
    "started",
    "succeeded",
    "failed",
    "unknown",
]
SurfaceName = Literal["page", "inbox", "api", "agui", "mcp", "terminal", "mail", "slack"]
RUN_ID = "0b9a4a0e-7a55-4a43-9d8f-4b3f0b0a4c11"
CALL_ID = "5d0c7a0e-3f7e-5c8a-8a53-9f1f0e6b7d42"
QUESTION_ID = "2f6b1c9d-8a3e-5b74-9c0d-1e2f3a4b5c6d"
FILE_ID = "7c1f3a2e-5d0b-4f8e-9a61-2b3c4d5e6f70"
"""Ids for the examples."""


class Sent(Schema):
    """Base of responses: all fields are always present."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class AgentErrorOut(Sent):
    """The error that ended a run."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    severity: Severity
    context: JsonObject
    recoverable: bool
    suggested_action: str | None


class DraftRef(Sent):
    """The draft that a run tried."""

    based_on: Annotated[
        int | None, Field(description="The version of the agent that was changed; null for a new agent.", examples=[3])
    ]


class TemplateRef(Sent):
    """The template of a run."""

    id: Annotated[int | None, Field(description="Null after its end.", examples=[7])]
    name: Annotated[str, Field(description="The name it had when the run was launched.", examples=["Essay"])]


class RunOut(Sent):
    """A run. Unknown and inapplicable fields are null, as are most fields for a token without the scope `read`."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    task: Annotated[str | None, Field(examples=["What is 17 * 23?"])]
    status: Status
    could_not: Annotated[bool, Field(description="A completed run whose answer says that the task could not be done.")]
    waiting_for: WaitingFor | None
    agent: Annotated[str | None, Field(description="The name its agent had when it was launched.")]
    version: Annotated[
        int | None, Field(description="Of its agent, that made it; null if none did.", ge=1, examples=[3])
    ]
    draft: Annotated[
        DraftRef | None, Field(description="Set if it was made with settings of the agent that were not saved.")
    ]
    template: Annotated[
        TemplateRef | None, Field(description="The template its task was made of; null for a task without one.")
    ]
    inputs: Annotated[
        dict[str, str] | None,
        Field(
            description="The values of the template's inputs, as they were put into the task; of a file its id.",
            examples=[{"topic": "tides", "words": "200"}],
        ),
    ]
    schedule_id: Annotated[str | None, Field(description="The schedule that launched it, while that exists.")]
    trigger_id: Annotated[str | None, Field(description="What launched it.", json_schema_extra={"format": "uuid"})]
    parent_id: Annotated[
        str | None,
        Field(
            description="The run that launched it, by a call; null for a run that no run launched.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
    parent_call_id: Annotated[str | None, Field(description="That call.", json_schema_extra={"format": "uuid"})]
    root_id: Annotated[
        str | None,
        Field(
            description="The first run of the tree it is in; null for a run that no run launched.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
    thread_id: Annotated[
        str | None,
        Field(
            description="The thread it is in: the id of its first run, which is its own for a run alone.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
    continues_id: Annotated[
        str | None,
        Field(
            description="The run whose conversation it continues; null for the first of a thread.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
    answer: str | None
    output: Annotated[Any, Field(description="The answer as data, if its agent has an output schema.")]
    error: AgentErrorOut | None
    steps_taken: Annotated[int | None, Field(ge=0)]
    tokens_used: Annotated[int | None, Field(ge=0)]
    usage_is_estimated: Annotated[
        bool | None, Field(description="Some of the tokens were counted here, because a server reported none.")
    ]
    cost: Annotated[str | None, Field(description="US dollars as a decimal string; null when some of it is unknown.")]
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class ChildRunOut(Sent):
    """A child run, as the run that launched it shows it."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    call_id: Annotated[str, Field(description="The call that launched it.", json_schema_extra={"format": "uuid"})]
    agent: str | None
    status: Status
    could_not: bool
    waiting_for: WaitingFor | None
    cost: Annotated[
        str | None, Field(description="What it has used itself, in US dollars; null when some of it is unknown.")
    ]


class RunWithChildrenOut(RunOut):
    """A run with the runs that its calls have launched."""

    children: Annotated[list[ChildRunOut], Field(description="In the order of their launch.")]


class FileOut(Sent):
    """A file given to a run, in a library, or made by a tool."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    name: str
    media_type: Annotated[str | None, Field(description="Recognised by the content; null while it is uploaded.")]
    size: Annotated[int, Field(ge=0, description="In bytes.")]
    received: Annotated[int, Field(ge=0, description="How many bytes have come.")]
    is_ready: Annotated[bool, Field(description="All bytes have come, and it can be given to a run.")]
    is_artifact: Annotated[bool, Field(description="A tool made it.")]
    sha256: str | None


class FilePage(Sent):
    """Files."""

    items: list[FileOut]
    next: str | None


class StepOut(Sent):
    """A step. Unknown and inapplicable fields are null."""

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
    metadata: JsonObject


RootId = Annotated[
    str | None,
    Field(
        description="Of a child run: the first run of its tree. Null for a call of that run itself, or of a run alone.",
        json_schema_extra={"format": "uuid"},
    ),
]


class CallOut(Sent):
    """A tool call and its state. A token without the scope `read` does not get its arguments."""

    call_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[CALL_ID])]
    run_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    root_id: RootId
    turn: int | None
    parent_id: Annotated[
        str | None,
        Field(description="The call whose script makes this one.", json_schema_extra={"format": "uuid"}),
    ]
    tool_name: str
    arguments: JsonObject | None
    arguments_hash: Annotated[str, Field(description="Send it with a decision: it says which arguments you saw.")]
    proposed_arguments: Annotated[
        JsonObject | None, Field(description="What the model asked for, if a person changed it.")
    ]
    effect: Effect | None
    state: CallState
    decided_by: Annotated[str | None, Field(description="User name; null if no user decided.")]
    decided_at: AwareDatetime | None
    decision_reason: str | None
    surface: Annotated[SurfaceName | None, Field(description="Where it was decided.")]
    expires_at: AwareDatetime | None
    undo_until: Annotated[
        AwareDatetime | None, Field(description="Of an approved call: it does not run before, and `/undo` works.")
    ]
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class QuestionOut(Sent):
    """What an agent asks a person, and the answer. A token without the scope `read` gets neither."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[QUESTION_ID])]
    call_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[CALL_ID])]
    run_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    root_id: RootId
    tool_name: str | None
    kind: Literal["text", "choice", "form"] | None
    text: str | None
    choices: Annotated[list[str] | None, Field(description="Of a choice: the answers to choose from.")]
    schema_: Annotated[
        JsonObject | None, Field(alias="schema", description="Of a form: the JSON Schema of the answer, an object.")
    ]
    default: Annotated[
        str | JsonObject | None, Field(description="The answer if nobody answers in time; null: the call then fails.")
    ]
    state: Literal["open", "answered", "expired", "withdrawn"]
    answer: Annotated[str | JsonObject | None, Field(description="Of an expired one: the default.")]
    answered_by: Annotated[str | None, Field(description="User name; null if no user answered.")]
    answered_at: AwareDatetime | None
    surface: Annotated[SurfaceName | None, Field(description="Where it was answered.")]
    asked_at: AwareDatetime | None
    expires_at: AwareDatetime | None


class _AgentHead(Sent):
    """Id, name, models and tools of an agent."""

    id: int
    name: str
    description: str
    models: list[str]
    strategy: Strategy
    tools: Annotated[list[str] | None, Field(description="Null: all of them. An empty list: none.")]


if TYPE_CHECKING:
    _AgentSettings = _AgentHead
else:  # Its fields are made from the declarations of the settings.
    _AgentSettings = create_model("_AgentSettings", __base__=_AgentHead, **response_fields())


class AgentOut(_AgentSettings):
    """A saved configuration for runs."""

    agents: Annotated[list[str], Field(description="The names of the agents that it may call.")]
    libraries: Annotated[list[str], Field(description="The names of the libraries that it may read.")]
    skills: Annotated[list[str], Field(description="The names of the skills that it has.")]
    output_schema: Any
    approval: Literal["never", "unsafe", "always"]
    launch_may_raise: Annotated[
        list[Literal["limits", "models", "tools", "settings"]],
        Field(description="Kinds of limits and settings that any launch may raise above the agent's values."),
    ]
    priority: Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]
    is_default: bool
    is_archived: Annotated[bool, Field(description="No run is launched with it.")]
    version: Annotated[int | None, Field(ge=1, description="The number of its current version.")]
    labels: Annotated[
        dict[str, int], Field(description="The versions that its labels point at.", examples=[{"production": 3}])
    ]


class ToolOut(Sent):
    """A tool that agents may call."""

    name: str
    description: str
    parameters: Annotated[JsonObject, Field(description="JSON Schema of its arguments.")]
    effect: Effect


class RunListed(RunOut):
    """A run in a list. A long task or answer is shortened, and `output` is then null, as are long `inputs`."""

    cut: Annotated[
        list[Literal["task", "answer", "output", "inputs"]], Field(description="The fields that are shortened.")
    ]
    whole: Annotated[str, Field(description="The address of the run in full.")]


class RunPage(Sent):
    """Runs, newest first. A page ends early at about 1 MiB."""

    items: list[RunListed]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class CallPage(Sent):
    """Tool calls, those of the newest run first."""

    items: list[CallOut]
    next: str | None


class QuestionPage(Sent):
    """Questions, newest first."""

    items: list[QuestionOut]
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


def _without_fields(schema: JsonObject) -> None:
    schema["required"].remove("fields")


class ErrorBody(Sent):
    """Details of an error."""

    model_config = ConfigDict(json_schema_extra=_without_fields)

    code: Annotated[str, Field(description="Stable and machine-readable; the message may change.")]
    message: str
    severity: Severity
    recoverable: Annotated[
        bool, Field(description="True if the same request may succeed later, or one changed as suggested.")
    ]
    suggested_action: str | None
    fields: Annotated[
        dict[str, str], Field(description="The message of each wrong field, where a request may have several.")
    ] = {}


class ErrorOut(Sent):
    """Every error of the API."""

    error: ErrorBody
