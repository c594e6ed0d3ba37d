"""Templates in the API: kept, listed, filled and launched."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.api.cursors import LONGEST_NAME_CURSOR, name_cursor, name_place_of
from runs.engine import control
from runs.models import Agent, ApiToken, Run, TaskTemplate
from tests.api.conftest import Program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agent")]
ESSAY: dict[str, Any] = {
    "agent": "Assistant",
    "name": "Essay",
    "task": "Write about {{ topic }} in {{ words }} words.",
    "inputs": [
        {"name": "topic", "label": "Topic"},
        {"name": "words", "type": "number", "integer": True, "minimum": 1, "maximum": "500", "default": 40},
    ],
}


@pytest.fixture
def program(staff: User) -> Program:
    """A program of a person who may change agents."""
    return Program(ApiToken.issue(staff, name="x", scopes=["read", "launch", "edit"])[1])


@pytest.fixture
def launching(owner: User) -> Program:
    """A program of a person who may only launch."""
    return Program(ApiToken.issue(owner, name="x", scopes=["read", "launch", "edit"])[1])


@pytest.fixture
def essay(program: Program) -> dict[str, Any]:
    """The template, made through the API."""
    response = program.post("/templates", ESSAY)
    assert response.status_code == 201, response.content
    told: dict[str, Any] = response.json()
    assert response["Location"] == f"/api/v1/templates/{told['id']}"
    return told


def fields_of(response: Any) -> dict[str, str]:
    assert response.status_code == 422
    fields: dict[str, str] = response.json()["error"]["fields"]
    return fields


def test_a_template_is_kept_and_shown_as_it_was_sent(program: Program, essay: dict[str, Any]):
    shown = program.get(f"/templates/{essay['id']}").json()

    assert shown == essay
    assert {key: shown[key] for key in ("agent", "name", "task", "description")} == {
        "agent": "Assistant",
        "name": "Essay",
        "task": ESSAY["task"],
        "description": "",
    }
    assert shown["inputs"][1] == {
        "name": "words",
        "type": "number",
        "required": True,
        "default": "40",
        "minimum": "1",
        "maximum": "500",
        "integer": True,
    }


@pytest.mark.parametrize("named", ["id", "Assistant/Essay"])
def test_a_launch_names_a_template_by_its_id_or_with_its_agent(launching: Program, essay: dict[str, Any], named: str):
    template = essay["id"] if named == "id" else named

    response = launching.post("/runs", {"template": template, "inputs": {"topic": "tides", "words": 1e2}})

    assert response.status_code == 201
    told = response.json()
    assert told["task"] == "Write about tides in 100 words."
    assert told["template"] == {"id": essay["id"], "name": "Essay"}
    assert told["inputs"] == {"topic": "tides", "words": "100"}
    (listed,) = launching.get("/runs").json()["items"]
    assert (listed["template"], listed["inputs"]) == (told["template"], told["inputs"])


@pytest.mark.parametrize(
    "named",
    [
        {"template": "Assistant/Essay", "version": 1},
        {"template": "Assistant/Essay", "label": "production"},
        {"template": "Assistant@1/Essay"},
        {"template": "Assistant@production/Essay"},
    ],
)
def test_a_template_is_launched_with_a_version_or_a_label_of_its_agent(
    launching: Program, agent: Agent, essay: dict[str, Any], named: dict[str, Any]
):
    first = agent.instructions
    control.set_label(agent.pk, "production", 1, by=None)
    agent.instructions = "Be kind."
    agent.save()

    response = launching.post("/runs", named | {"inputs": {"topic": "tides"}})

    assert (response.status_code, response.json()["version"]) == (201, 1)
    assert Run.objects.get().config["instructions"] == first


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ({"template": "Assistant@1/Essay", "version": 1}, "version: Name one version or one label, not both."),
        ({"template": "Assistant/Essay", "version": 9}, "agent: Assistant has no version 9."),
        ({"template": "Assistant@next/Essay"}, "agent: Assistant has no label 'next'."),
        ({"template": "Nobody@1/Essay"}, "template: There is no template 'Nobody@1/Essay'."),
    ],
)
def test_a_template_with_a_version_that_there_is_not_is_refused(
    launching: Program, essay: dict[str, Any], named: dict[str, Any], complaint: str
):
    response = launching.post("/runs", named | {"inputs": {"topic": "tides"}})

    assert response.status_code == 422 and complaint in response.json()["error"]["message"]
    assert not Run.objects.exists()


def test_each_input_that_does_not_fit_has_an_error_of_its_own(launching: Program, essay: dict[str, Any]):
    response = launching.post("/runs", {"template": essay["id"], "inputs": {"words": 2.5, "tone": "x", "topic": [1]}})

    assert fields_of(response) == {
        "inputs.topic": "A text is needed here.",
        "inputs.words": "A whole number is needed here.",
        "inputs.tone": "The template has no such input.",
    }
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"template": "Assistant/Essay", "task": "x"}, "task: It is that of the template"),
        ({"template": "Assistant/Essay", "agent": "Assistant"}, "agent: It is that of the template"),
        ({"task": "x", "inputs": {"topic": "y"}}, "inputs: They are those of a template"),
        ({}, "task: A launch has a task, or a template."),
        ({"template": "Essay"}, "template: There is no template 'Essay'."),
        ({"template": 2**62}, "template: There is no template"),
    ],
)
def test_a_launch_has_either_a_task_or_a_template(
    launching: Program, essay: dict[str, Any], body: dict[str, Any], words: str
):
    response = launching.post("/runs", body)

    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith(words)


def test_the_same_key_launches_a_template_once(launching: Program, essay: dict[str, Any]):
    body = {"template": essay["id"], "inputs": {"topic": "tides"}}

    first, second = (launching.post("/runs", body, idempotency_key="k") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert Run.objects.count() == 1


def test_filling_shows_the_task_and_launches_nothing(launching: Program, essay: dict[str, Any]):
    filled = launching.post("/templates/fill", {"template": "Assistant/Essay", "inputs": {"topic": "tides"}})

    assert filled.json()["task"] == "Write about tides in 40 words."
    assert filled.json()["agent"] == "Assistant"
    assert not Run.objects.exists()


def test_a_change_keeps_what_is_not_sent_and_is_checked_as_a_whole(program: Program, essay: dict[str, Any]):
    address = f"/templates/{essay['id']}"

    changed = program.send("PATCH", address, {"description": "Short."})
    refused = program.send("PATCH", address, {"task": "About {{ topic }} and {{ tone }}."})

    assert changed.json() | {"description": "", "updated_at": essay["updated_at"]} == essay
    assert fields_of(refused) == {
        "task": "Line 1: The place “tone” has no input. The input “words” has no place in the task."
    }
    assert program.get(address).json()["task"] == ESSAY["task"]


def test_a_deleted_template_leaves_its_runs_with_their_values(program: Program, essay: dict[str, Any]):
    run = program.post("/runs", {"template": essay["id"], "inputs": {"topic": "tides"}}).json()

    assert program.send("DELETE", f"/templates/{essay['id']}").status_code == 204

    assert program.get(f"/templates/{essay['id']}").status_code == 404
    kept = program.get(f"/runs/{run['id']}").json()
    assert kept["template"] == {"id": None, "name": "Essay"}
    assert kept["inputs"] == {"topic": "tides", "words": "40"}


def test_who_may_only_launch_changes_nothing(launching: Program, essay: dict[str, Any]):
    address = f"/templates/{essay['id']}"

    answers = [
        launching.post("/templates", ESSAY | {"name": "Other"}),
        launching.send("PATCH", address, {"name": "Other"}),
        launching.send("DELETE", address),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert TaskTemplate.objects.get().name == "Essay"


def test_the_list_is_searched_filtered_and_paged_without_a_gap(program: Program, essay: dict[str, Any]):
    other = Agent.objects.create(name="Other", model_names=["offline"])
    TaskTemplate.objects.bulk_create(TaskTemplate(agent=other, name=f"Brief {n}", task="x") for n in range(7))

    names, cursor = [], ""
    while True:
        page = program.get("/templates", limit=3, **({"cursor": cursor} if cursor else {})).json()
        names += [each["name"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert names == [*(f"Brief {n}" for n in range(7)), "Essay"]
    assert "task" not in page["items"][0]
    assert [each["name"] for each in program.get("/templates", q="ESS").json()["items"]] == ["Essay"]
    assert len(program.get("/templates", agent="Other").json()["items"]) == 7
    for forged in ("x", "W10", "WyJhIl0", "bnVsbA", "WyJcdWQ4MDAiLDFd"):
        assert program.get("/templates", cursor=forged).status_code == 422


@pytest.mark.parametrize("character", ["ü", "\U0001f600", '"', "\x01", "\\"])
def test_the_cursor_after_the_longest_name_is_short_enough(character: str):
    cursor = name_cursor(character * 80, 2**63 - 1)

    assert len(cursor) <= LONGEST_NAME_CURSOR
    assert name_place_of(cursor) == (character * 80, 2**63 - 1)
