"""Request and response schemas of agents that are created, changed, compared and imported."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints, create_model

from runs.agent.all_settings import SETTINGS
from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.model_names import MAX_NAME_CHARS
from runs.agent_configs.agent_editor import MAX_MODELS
from runs.api.request_schemas import AskBefore, InputValues, StrictSchema, Text
from runs.api.response_schemas import AgentOut, Sent, Strategy
from runs.api.setting_fields import agent_fields
from runs.models.agent_config import KEYS
from runs.models.agent_label import MAX_LABEL_CHARS
from runs.models.agent_version import MAX_MESSAGE_CHARS
from runs.models.bounds import MAX_APPROVAL_SECONDS, MAX_PRIORITY, MAX_RUNS_AT_ONCE

CONFIG_EXAMPLE: Final = {"name": "Clerk", "models": ["offline"], "max_turns": 20}
_Name = Annotated[Text, StringConstraints(min_length=1, max_length=128)]
_Names = Annotated[list[_Name], Field(max_length=200)]
_Model = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]
_MayRaise = Literal["limits", "models", "tools", "settings"]
_Message = Annotated[
    Text, Field(max_length=MAX_MESSAGE_CHARS, description="What has changed, for the list of versions.")
]


class _AgentParts(StrictSchema):
    """The keys of an agent's file besides settings."""

    name: Annotated[Text | None, Field(max_length=80, examples=["Clerk"])] = None
    description: Annotated[Text | None, Field(max_length=200)] = None
    instructions: Annotated[Text | None, Field(description="What its models are told before the task.")] = None
    models: Annotated[
        list[_Model] | None,
        Field(max_length=MAX_MODELS, description="In order of preference; at least one.", examples=[["offline"]]),
    ] = None
    strategy: Strategy | None = None
    tools: Annotated[_Names | None, Field(description="Null: all tools, also later ones. An empty list: none.")] = None
    libraries: _Names | None = None
    skills: _Names | None = None
    agents: Annotated[_Names | None, Field(description="The agents that it may call.")] = None
    tool_approvals: Annotated[
        dict[_Name, AskBefore] | None, Field(description="Rules of single tools.", examples=[{"calculator": "never"}])
    ] = None
    max_attempts: Annotated[int | None, Field(strict=True, ge=1, le=10)] = None
    output_schema: Annotated[InputValues | None, Field(description="A JSON Schema of the answer.")] = None
    approval: AskBefore | None = None
    approval_seconds: Annotated[int | None, Field(strict=True, ge=1, le=MAX_APPROVAL_SECONDS)] = None
    on_approval_expiry: Literal["deny", "approve"] | None = None
    launch_may_raise: list[_MayRaise] | None = None
    priority: Annotated[int | None, Field(strict=True, ge=-MAX_PRIORITY, le=MAX_PRIORITY)] = None
    max_runs_at_once: Annotated[int | None, Field(strict=True, ge=1, le=MAX_RUNS_AT_ONCE)] = None


if TYPE_CHECKING:
    _AgentConfig = _AgentParts
else:  # The settings' fields are made from their declarations.
    _AgentConfig = create_model("_AgentConfig", __base__=_AgentParts, **agent_fields())


class NewAgent(_AgentConfig):
    """A new agent. What is left out, and null, has its default."""

    name: Annotated[Text, Field(min_length=1, max_length=80, examples=["Clerk"])]
    is_default: Annotated[
        bool | None, Field(description="The agent of launches that name none. It takes the right to change agents.")
    ] = None
    message: _Message = ""

    def config(self) -> JsonObject:
        """The sent values, as in a file."""
        return _as_in_file(self)


class AgentChange(_AgentConfig):
    """Changes of an agent: only what is sent. Null means the default."""

    is_default: Annotated[bool | None, Field(description="True takes the mark from another agent.")] = None
    message: _Message = ""
    based_on: Annotated[
        int | None,
        Field(
            ge=1,
            lt=2**31,
            description="The number of the version that you read. If the agent has another one by now, nothing is "
            "changed, and the answer is 409.",
        ),
    ] = None

    def config(self) -> JsonObject:
        """The sent values, as in a file."""
        return _as_in_file(self)


class Duplicate(StrictSchema):
    """The name of a copy."""

    name: Annotated[Text | None, Field(max_length=80, description="Null: “Copy of” and the name.")] = None
    message: _Message = ""


class LabelIn(StrictSchema):
    """The version that a label is to point at."""

    version: Annotated[int, Field(strict=True, ge=1, lt=2**31, examples=[3])]


class ImportIn(StrictSchema):
    """A file of agents."""

    document: Annotated[
        Text,
        Field(
            min_length=1,
            description="The text of the file, YAML of one agent or JSON of several. At most 512 KiB.",
            examples=["format: agent\nversion: 1\nname: Clerk\nmodels: [offline]\n"],
        ),
    ]
    dry_run: Annotated[bool, Field(description="Say what would change, and change nothing.")] = False
    plan: Annotated[
        Text | None,
        Field(max_length=64, description="The `plan` of a dry run: if something else would change by now, it is 409."),
    ] = None
    message: _Message = ""


class AgentSaved(Sent):
    """An agent after a change."""

    id: Annotated[int, Field(examples=[1])]
    name: Annotated[str, Field(examples=["Clerk"])]
    version: Annotated[int | None, Field(description="The number of its current version.", ge=1, examples=[4])]
    is_archived: bool


class AgentWhole(AgentOut):
    """An agent with its whole configuration."""

    config: Annotated[
        JsonObject | None,
        Field(
            description="As in a file, instructions included, without templates; null for an account that may not "
            "read agents.",
            examples=[CONFIG_EXAMPLE],
        ),
    ]


class VersionListed(Sent):
    """A version in a list."""

    number: Annotated[int, Field(ge=1, examples=[3])]
    message: str
    author: Annotated[str | None, Field(description="Null: the command line, or a person who is gone.")]
    restored_from: Annotated[int | None, Field(description="The version that it restored.")]
    is_current: bool
    labels: Annotated[list[str], Field(examples=[["production"]])]
    created_at: AwareDatetime


class VersionOut(VersionListed):
    """A version with its whole configuration."""

    config: Annotated[JsonObject, Field(description="As in a file.", examples=[CONFIG_EXAMPLE])]


class VersionPage(Sent):
    """Versions, the latest first."""

    items: list[VersionListed]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class SettingChange(Sent):
    """A key whose values differ."""

    key: Annotated[str, Field(examples=["max_turns"])]
    before: Annotated[Any, Field(description="Null: it had the default.")]
    after: Any
    lines: Annotated[
        list[str],
        Field(
            description="The same as a unified diff: lines that begin with `-`, `+` or a space.", examples=[["- 20"]]
        ),
    ]


class VersionDiff(Sent):
    """What differs between two versions."""

    before: Annotated[int, Field(examples=[2])]
    after: Annotated[int, Field(examples=[3])]
    changes: list[SettingChange]


class LabelOut(Sent):
    """A label."""

    name: Annotated[str, Field(max_length=MAX_LABEL_CHARS, examples=["production"])]
    version: Annotated[int, Field(ge=1, examples=[3])]
    moved_by: Annotated[str | None, Field(description="Null: the command line, or a person who is gone.")]
    moved_at: AwareDatetime | None


class LabelPage(Sent):
    """The labels of an agent, by name."""

    items: list[LabelOut]
    next: None


class ImportedAgent(Sent):
    """What the import does, or did, with one agent."""

    name: str
    id: Annotated[int | None, Field(description="Null for one that is not created yet.")]
    action: Literal["create", "change", "none"]
    changes: Annotated[list[SettingChange] | None, Field(description="Null for a token without the scope `read`.")]


class ImportOut(Sent):
    """What an import changed, or would change."""

    items: list[ImportedAgent]
    plan: Annotated[str, Field(description="Stands for exactly these changes.")]
    imported: Annotated[bool, Field(description="False after a dry run.")]


def _as_in_file(sent: StrictSchema) -> JsonObject:
    values = {name: value for name, value in sent.dict(exclude_unset=True).items() if name in KEYS}
    settings = {each.public: each for each in SETTINGS.values()}
    return {
        name: settings[name].as_json(value) if name in settings and value is not None else value
        for name, value in values.items()
    }
