"""The JSON Schema of a file of agents: it accepts what is exported, and finds what an import refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from runs.agent.all_settings import SETTINGS
from runs.agent_configs.agent_file import FileRefused, document, entry_of, read_file
from runs.agent_configs.agent_plan import plan_of
from runs.agent_configs.agent_yaml import yaml_document
from runs.agent_configs.file_schema import file_schema
from runs.models import Agent, TaskTemplate
from runs.models.agent_config import KEYS
from tests.web.test_agents_file import full_agent

PUBLISHED = Path("docs/agent-file.schema.json")
ESSAY: dict[str, Any] = {
    "name": "Essay",
    "task": "Write about {{ topic }} in {{ words }} words, {{ tone }}, until {{ day }}, like {{ sample }}.",
    "inputs": [
        {"name": "topic", "label": "Topic", "help": "What about", "max_length": 80},
        {"name": "words", "type": "number", "integer": True, "minimum": 1, "maximum": "500", "default": 40},
        {"name": "tone", "type": "choice", "choices": ["dry", "wild"], "default": "dry"},
        {"name": "day", "type": "date", "default": "today", "required": False},
        {"name": "sample", "type": "file", "required": False},
    ],
}


def faults_in(told: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(file_schema()).iter_errors(told)]


def file_of(**values: Any) -> dict[str, Any]:
    return {"format": "agent", "version": 1, "name": "Clerk", "models": ["offline"], **values}


def is_imported(told: dict[str, Any]) -> bool:
    try:
        return bool(plan_of(None, read_file(yaml.safe_dump(told))))
    except FileRefused:
        return False


def test_the_schema_in_the_documentation_is_that_of_the_command() -> None:
    assert json.loads(PUBLISHED.read_text()) == file_schema(), "manage.py agents schema > docs/agent-file.schema.json"
    Draft202012Validator.check_schema(file_schema())


def test_the_schema_has_every_key_of_a_file() -> None:
    properties = file_schema()["$defs"]["agent"]["properties"]

    assert set(properties) == {*KEYS, "templates"}
    assert {each.public for each in SETTINGS.values()} <= set(properties)


@pytest.mark.django_db
def test_every_exported_file_fits_and_is_imported() -> None:
    whole = full_agent()
    plan_of(None, read_file(yaml_document(file_of(name="Seller", templates=[ESSAY]))))
    TaskTemplate.objects.create(agent=whole, name="Essay", task="x", inputs=[])
    plain = Agent.objects.create(name="Plain", model_names=["offline"], tools=[])

    for agent in (whole, plain):
        text = yaml_document(entry_of(agent))
        assert faults_in(yaml.safe_load(text)) == []
        assert faults_in(json.loads(document([agent]))) == []
        assert [each.changes for each in plan_of(None, read_file(text))] == [[]]


@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted(Path("examples/agents").glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_fit(path: Path) -> None:
    assert faults_in(json.loads(path.read_text())) == []


@pytest.mark.django_db
def test_a_file_with_all_kinds_of_inputs_fits_and_is_imported() -> None:
    assert faults_in(file_of(templates=[ESSAY])) == []
    assert is_imported(file_of(templates=[ESSAY]))


WRONG: dict[str, dict[str, Any]] = {
    "an unknown key": file_of(max_turn=3),
    "a number for a text": file_of(instructions=7),
    "a text for a list": file_of(models="offline"),
    "a list of numbers": file_of(tools=[7]),
    "true for a number": file_of(max_turns=True),
    "a list for an object": file_of(tool_approvals=["calculator"]),
    "an unknown rule": file_of(tool_approvals={"calculator": "maybe"}),
    "an unknown strategy": file_of(strategy="luck"),
    "an unknown effort": file_of(reasoning_effort="huge"),
    "too many turns": file_of(max_turns=9999),
    "no turns": file_of(max_turns=0),
    "half a turn": file_of(max_turns=2.5),
    "a cold model": file_of(temperature=-0.1),
    "a top p of nothing": file_of(top_p=0),
    "money with five digits": file_of(max_cost_usd="0.00001"),
    "no money": file_of(max_cost_usd="free"),
    "no models": file_of(models=[]),
    "too many models": file_of(models=["offline"] * 21),
    "a long name": file_of(name="x" * 81),
    "an empty name": file_of(name=""),
    "a long description": file_of(description="x" * 201),
    "too many attempts": file_of(max_attempts=11),
    "a high priority": file_of(priority=101),
    "no deadline": file_of(approval_seconds=0),
    "an unknown end": file_of(on_approval_expiry="wait"),
    "a raise of everything": file_of(launch_may_raise=["everything"]),
    "a schema as text": file_of(output_schema="object"),
    "another format": {"format": "runs", "version": 1},
    "a later version": {**file_of(), "version": 2},
    "no list of agents": {"format": "agents", "version": 1},
    "an empty list of agents": {"format": "agents", "version": 1, "agents": []},
    "templates that are no list": file_of(templates={"name": "x"}),
    "a template without a task": file_of(templates=[{"name": "x"}]),
    "a template with another key": file_of(templates=[{"name": "x", "task": "y", "agent": "z"}]),
    "a template with a long name": file_of(templates=[{"name": "x" * 81, "task": "y"}]),
    "an empty task": file_of(templates=[{"name": "x", "task": ""}]),
    "an input of an unknown type": file_of(
        templates=[{"name": "x", "task": "{{ a }}", "inputs": [{"name": "a", "type": "colour"}]}]
    ),
    "an input without a name": file_of(templates=[{"name": "x", "task": "y", "inputs": [{"type": "text"}]}]),
    "an input with another key": file_of(
        templates=[{"name": "x", "task": "{{ a }}", "inputs": [{"name": "a", "kind": "text"}]}]
    ),
    "a text for true": file_of(
        templates=[{"name": "x", "task": "{{ a }}", "inputs": [{"name": "a", "required": "yes"}]}]
    ),
    "numbers to choose from": file_of(
        templates=[{"name": "x", "task": "{{ a }}", "inputs": [{"name": "a", "type": "choice", "choices": [1, 2]}]}]
    ),
    "a true limit": file_of(
        templates=[{"name": "x", "task": "{{ a }}", "inputs": [{"name": "a", "type": "number", "minimum": True}]}]
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", WRONG)
def test_what_an_import_refuses_because_of_its_form_the_schema_finds_too(case: str) -> None:
    assert faults_in(WRONG[case]) and not is_imported(WRONG[case])


@pytest.mark.django_db
def test_each_fault_of_templates_names_the_template_and_the_line_of_the_templates() -> None:
    wrong = file_of(
        templates=[
            {"name": "Essay", "task": "About {{ topic }}"},
            {"name": "Letter", "task": "{{ a }}", "inputs": [{"name": "a", "type": "number", "default": "x"}]},
            {"name": "Twice", "task": "x"},
            {"name": "Twice", "task": "x"},
            {"name": 7, "task": "x"},
        ]
    )

    with pytest.raises(FileRefused) as refused:
        plan_of(None, read_file(yaml.safe_dump(wrong, sort_keys=False)))

    assert {fault.line for fault in refused.value.faults} == {6}
    words = sorted(fault.words for fault in refused.value.faults)
    assert [each.partition(": ")[2] for each in words] == [
        "Template “5”: “name” is a text.",
        "Template “Essay”: task: Line 1: The place “topic” has no input.",
        "Template “Letter”: inputs.a.default: A number is needed here, such as 2.5, of at most 40 digits.",
        "The template “Twice” appears twice.",
    ]
