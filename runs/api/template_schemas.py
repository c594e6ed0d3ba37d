"""Request and response schemas of templates."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import MOST_INPUTS
from runs.api.request_schemas import InputValues, StrictSchema, TemplateNamed, Text
from runs.api.response_schemas import Sent, TemplateRef
from runs.models import TaskTemplate
from runs.models.as_json import as_utc

Type = Literal["text", "long_text", "number", "choice", "date", "file"]
_Exact = Annotated[Text, Field(max_length=100_000)] | int | float
"""A value whose digits count: a text, or a JSON number."""


class InputIn(StrictSchema):
    """The input for the places of one name."""

    name: Annotated[Text, Field(min_length=1, max_length=40, description="As it stands in the task.")]
    type: Type = "text"
    label: Annotated[Text, Field(max_length=80, description="For people; without one, the name.")] = ""
    help: Annotated[Text, Field(max_length=200)] = ""
    required: bool = True
    default: Annotated[
        _Exact | None, Field(description="The value where none is sent; of a date also `today`. A file has none.")
    ] = None
    max_length: Annotated[int | None, Field(ge=1, le=100_000, description="Of texts, in characters.")] = None
    choices: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=200)]], Field(max_length=100, description="Of a choice.")
    ] = []
    minimum: Annotated[_Exact | None, Field(description="Of numbers, inclusive; a text keeps all digits.")] = None
    maximum: _Exact | None = None
    integer: Annotated[bool, Field(description="Of numbers: whole ones only.")] = False


_Name = Annotated[Text, Field(min_length=1, max_length=80, description="Unique with the agent, without a slash.")]
_Task = Annotated[
    Text,
    Field(
        min_length=1,
        description="With `{{ name }}` for the value of each input; `{{{{` are two braces. At most 256 KiB.",
    ),
]
_Inputs = Annotated[
    list[InputIn], Field(max_length=MOST_INPUTS, description="One for each name in the task, in order.")
]
_Description = Annotated[Text, Field(max_length=200)]


class NewTemplate(StrictSchema):
    """A new template."""

    agent: Annotated[Text, Field(min_length=1, max_length=80, description="The name of its agent.")]
    name: _Name
    description: _Description = ""
    task: _Task
    inputs: _Inputs = []

    def values(self) -> JsonObject:
        """What is stored."""
        told: JsonObject = self.dict(exclude={"agent"})
        return told


class TemplateChange(StrictSchema):
    """Changes of a template: only what is sent."""

    name: _Name | None = None
    description: _Description | None = None
    task: _Task | None = None
    inputs: _Inputs | None = None

    def values(self) -> JsonObject:
        """What is changed."""
        return {name: value for name, value in self.dict(exclude_unset=True).items() if value is not None}


class Filling(StrictSchema):
    """A template and values for it."""

    template: Annotated[TemplateNamed, Field(description="Its id, or `agent/name`.")]
    inputs: InputValues = {}


class TemplateListed(Sent):
    """A template in a list."""

    id: Annotated[int, Field(examples=[7])]
    agent: Annotated[str, Field(examples=["Assistant"])]
    name: Annotated[str, Field(examples=["Essay"])]
    description: str
    inputs: list[JsonObject]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TemplateOut(TemplateListed):
    """A template."""

    task: Annotated[str, Field(examples=["Write about {{ topic }} in {{ words }} words."])]


class TemplatePage(Sent):
    """Templates, by name."""

    items: list[TemplateListed]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class FilledOut(Sent):
    """The task of a launch with these inputs."""

    template: TemplateRef
    agent: str
    description: str
    task: str
    files: Annotated[list[str], Field(description="Ids of the files that the run would read.")]


def template_as_json(template: TaskTemplate) -> JsonObject:
    """The template as a list shows it. Reads `agent`: select it with many."""
    return {
        "id": template.pk,
        "agent": template.agent.name,
        "name": template.name,
        "description": template.description,
        "inputs": template.inputs,
        "created_at": as_utc(template.created_at),
        "updated_at": as_utc(template.updated_at),
    }
