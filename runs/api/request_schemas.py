"""Request schemas of the API."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, create_model, field_validator

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_json, check_storable_text
from runs.agent.providers.model_catalog.model_names import MAX_NAME_CHARS
from runs.api.response_schemas import Strategy
from runs.api.setting_fields import request_fields
from runs.engine.files.attachments import MOST_ATTACHED
from runs.models.agent_label import MAX_AGENT_CHARS, MAX_LABEL_CHARS
from runs.models.thread import MAX_TITLE_CHARS

StatusFilter = Literal["", "idle", "thinking", "executing", "waiting", "completed", "failed", "cancelled"]
SeverityFilter = Literal["", "info", "warning", "error", "critical"]
CallStateFilter = Literal[
    "",
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
QuestionStateFilter = Literal["", "open", "answered", "expired", "withdrawn"]
"""An empty value means any."""


AskBefore = Literal["never", "unsafe", "always"]
Text = Annotated[str, AfterValidator(check_storable_text)]


class StrictSchema(Schema):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class _Choices(StrictSchema):
    """The overrides besides settings."""

    models: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]] | None,
        Field(min_length=1, max_length=8, description="In order of preference.", examples=[["offline"]]),
    ] = None
    strategy: Strategy | None = None
    approval: Annotated[
        AskBefore | None,
        Field(
            description="Before which calls a person is asked; not fewer than the agent says. "
            "Other rules than `always` need the scope `approve`."
        ),
    ] = None
    tools: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=128)]] | None,
        Field(max_length=200, description="Names of the tools it may use; an empty list means none."),
    ] = None


if TYPE_CHECKING:
    _Overrides = _Choices
else:  # Its fields are made from the declarations of the settings.
    _Overrides = create_model("_Overrides", __base__=_Choices, **request_fields())


class Overrides(_Overrides):
    """Changes of a launch to its agent's configuration."""

    def chosen(self) -> JsonObject:
        """The overrides for `control.launch`: only sent fields, by internal name, money as a decimal string."""
        sent = {name: value for name, value in self.dict(exclude_unset=True).items() if value is not None}
        settings = {each.name: each.as_json(sent.pop(each.public)) for each in LAUNCHED if each.public in sent}
        return sent | settings


TemplateNamed = Annotated[
    Annotated[int, Field(ge=1, lt=2**63)] | Annotated[Text, Field(max_length=MAX_AGENT_CHARS + 1 + 80)], Field()
]
"""A template by its id, or as `agent/name`, also with a version or a label of the agent: `agent@production/name`."""
InputValues = Annotated[JsonObject, AfterValidator(check_storable_json)]


class Launch(StrictSchema):
    """A task, or a template with its inputs, and the options of the run."""

    task: Annotated[
        Text | None,
        Field(min_length=1, description="At most 256 KiB. Not with a `template`.", examples=["What is 17 * 23?"]),
    ] = None
    template: Annotated[
        TemplateNamed | None,
        Field(
            description="In place of a task: a template's id, or `agent/name`, also with a version or a label: "
            "`Clerk@production/Essay`.",
            examples=["Assistant/Essay"],
        ),
    ] = None
    inputs: Annotated[
        InputValues,
        Field(
            description="The values of the template's inputs: texts, numbers, dates as 2026-11-22, ids of files. "
            "One that is left out has its default.",
            examples=[{"topic": "tides", "words": 200}],
        ),
    ] = {}
    agent: Annotated[
        Text | None,
        Field(
            max_length=MAX_AGENT_CHARS,
            description="An agent's name, also with a version or a label: `Clerk@3`, `Clerk@production`. Without one, "
            "the default agent. A template has its own.",
        ),
    ] = None
    version: Annotated[
        int | None,
        Field(ge=1, lt=2**31, description="The number of one of its versions; else the current one."),
    ] = None
    label: Annotated[
        Text | None, Field(min_length=1, max_length=MAX_LABEL_CHARS, description="A label of the agent, in its place.")
    ] = None
    overrides: Overrides | None = None
    files: Annotated[
        list[UUID], Field(max_length=MOST_ATTACHED, description="Ids of uploaded files that the run may read.")
    ] = []


class RunAgain(StrictSchema):
    """Changes for a repeated or resumed run."""

    overrides: Overrides | None = None


class FollowUp(StrictSchema):
    """The next message."""

    message: Annotated[Text, Field(min_length=1, description="At most 256 KiB.", examples=["And in miles?"])]
    agent: Annotated[
        Text | None,
        Field(max_length=MAX_AGENT_CHARS, description="Another agent, as of a launch; null: that of the run before."),
    ] = None
    overrides: Overrides | None = None
    files: Annotated[
        list[UUID], Field(max_length=MOST_ATTACHED, description="Ids of uploaded files that the run may read.")
    ] = []


class MessageEdit(StrictSchema):
    """Another text for a message."""

    text: Annotated[Text, Field(min_length=1, description="At most 32 KiB.", examples=["Use metric units."])]


class MessageIn(MessageEdit):
    """A message to a run in progress."""

    interrupt: Annotated[
        bool, Field(description="End the reply in progress for it. A call that runs ends first, in any case.")
    ] = False


class ThreadMessage(FollowUp):
    """The next message of a thread, at its end or at a branch."""

    after: Annotated[UUID | None, Field(description="The run that it follows up; null: the newest one.")] = None
    instead_of: Annotated[
        UUID | None,
        Field(description="The run whose message it stands in for, with the same past. Not together with `after`."),
    ] = None


class ThreadChange(StrictSchema):
    """What is to be changed of a thread; what is left out stays."""

    title: Annotated[
        Text | None,
        Field(max_length=MAX_TITLE_CHARS, description="Empty: the first message is the title.", examples=["Distances"]),
    ] = None
    archived: bool | None = None
    starred: Annotated[bool | None, Field(description="A star is your own.")] = None


_Hash = Annotated[Text, Field(max_length=64, description="The call's `arguments_hash` you decide about.")]
_Reason = Annotated[Text, Field(max_length=2000, description="Recorded; the model reads it after a denial.")]


class AnswerIn(StrictSchema):
    """The answer to a question."""

    answer: Annotated[
        str | JsonObject,
        Field(description="A text, one of the choices, or the object that the schema of the form describes."),
    ]

    _no_broken_text = field_validator("answer")(check_storable_json)


class Denial(StrictSchema):
    """The denial of a call."""

    arguments_hash: _Hash
    reason: _Reason = ""


class Approval(StrictSchema):
    """The approval of a call."""

    arguments_hash: _Hash
    arguments: Annotated[
        JsonObject | None, Field(description="Other arguments than the model asked for; they must fit the tool.")
    ] = None
    reason: _Reason = ""
    grace_s: Annotated[
        float,
        Field(ge=0, le=60, description="Seconds before an unsafe call runs, in which `/undo` takes the approval back."),
    ] = 0

    _no_broken_text = field_validator("arguments")(check_storable_json)


class Settlement(StrictSchema):
    """The outcome of a call."""

    outcome: Annotated[
        Literal["happened", "run_again"], Field(description="`run_again`: it did not happen, and may start once more.")
    ]
    reason: Annotated[Text, Field(max_length=20_000, description="For `happened`: the result.")] = ""
