"""The arguments of the tools that MCP clients call."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.request_schemas import InputValues, StatusFilter, StrictSchema, TemplateNamed, Text
from runs.engine.files.attachments import MOST_ATTACHED
from runs.models.agent_label import MAX_AGENT_CHARS

LONGEST_WAIT_S = 300
_RunId = Annotated[UUID, Field(description="The run's id.")]
_Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT_S, description="Most seconds to wait before it returns.")]
_Limit = Annotated[int, Field(ge=1, le=100)]


class NoArguments(StrictSchema):
    """Arguments of a tool without any."""


class LaunchArguments(StrictSchema):
    """Arguments of `launch_run`."""

    task: Annotated[
        Text | None, Field(min_length=1, description="What the agent should do; at most 256 KiB. Or a template.")
    ] = None
    template: Annotated[
        TemplateNamed | None,
        Field(
            description="In place of a task: the prompt's name, `agent/name`, also with a label as "
            "`Clerk@production/Essay`, or an id."
        ),
    ] = None
    inputs: Annotated[InputValues, Field(description="The values of the template's inputs, by name.")] = {}
    agent: Annotated[
        Text | None,
        Field(
            max_length=MAX_AGENT_CHARS,
            description="Its name, of `list_agents`, also with a label: `Clerk@production`. Else the default agent.",
        ),
    ] = None
    files: Annotated[list[UUID], Field(max_length=MOST_ATTACHED, description="Ids of uploaded files.")] = []
    idempotency_key: Annotated[
        str, Field(max_length=255, description="A launch that is sent twice with the same key happens once.")
    ] = ""
    wait_s: _Wait = 0


class RunArguments(StrictSchema):
    """Arguments of `get_run` and `cancel_run`."""

    run_id: _RunId


class FollowArguments(StrictSchema):
    """Arguments of `follow_run`."""

    run_id: _RunId
    wait_s: _Wait = 30


class StepsArguments(StrictSchema):
    """Arguments of `list_steps`."""

    run_id: _RunId
    after: Annotated[int, Field(ge=0, le=2**31 - 1, description="The last sequence you have.")] = 0


class RunListArguments(StrictSchema):
    """Arguments of `list_runs`."""

    status: Annotated[StatusFilter, Field(description="Only runs of this status.")] = ""
    q: Annotated[Text, Field(max_length=500, description="Words in task or answer, or a run's id.")] = ""
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: _Limit = 20


class WaitingArguments(StrictSchema):
    """Arguments of `list_waiting`."""

    limit: _Limit = 20


class DecisionArguments(StrictSchema):
    """Arguments of `decide_call`."""

    call_id: UUID
    decision: Annotated[
        Literal["approve", "deny", "happened", "run_again"],
        Field(description="`approve` or `deny` a call that waits; the others settle one whose outcome is unknown."),
    ]
    arguments_hash: Annotated[Text, Field(max_length=64, description="The hash you saw; to approve or deny.")] = ""
    reason: Annotated[Text, Field(max_length=2000)] = ""


class AnswerArguments(StrictSchema):
    """Arguments of `answer_question`."""

    question_id: UUID
    answer: Annotated[str | JsonObject, Field(description="A text, one of the choices, or an object of its schema.")]


class MessageArguments(StrictSchema):
    """Arguments of `send_message`."""

    run_id: _RunId
    text: Annotated[Text, Field(min_length=1, description="What to tell the agent; at most 32 KiB.")]
    interrupt: Annotated[bool, Field(description="End the reply in progress for it. Tool calls end by themselves.")] = (
        False
    )
    idempotency_key: Annotated[
        str, Field(max_length=255, description="A message that is sent twice with the same key is one message.")
    ] = ""
