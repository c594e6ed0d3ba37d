"""Agents as files in the API: exported, tried, imported."""

import json
from collections.abc import Callable

import pytest
import yaml
from django.contrib.auth.models import User

from runs.models import Agent, TaskTemplate
from tests.api.agent_requests import create_clerk, fields_of
from tests.api.conftest import Program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agent")]


@pytest.fixture
def program(staff: User, program_of: Callable[..., Program]) -> Program:
    """That of a person who may do everything with agents."""
    return program_of(staff)


@pytest.fixture
def clerk(program: Program) -> int:
    """The id of an agent that was made through the API."""
    return create_clerk(program)


def test_an_export_is_imported_as_it_was_and_twice_is_no_change(program: Program, clerk: int):
    program.post(
        "/templates",
        {"agent": "Clerk", "name": "Essay", "task": "Write about\n{{ topic }}.", "inputs": [{"name": "topic"}]},
    )
    exported = program.get(f"/agents/{clerk}/export")
    text = exported.content.decode()

    again = program.post("/agents/import", {"document": text}).json()
    Agent.objects.get(pk=clerk).delete()
    created = program.post("/agents/import", {"document": text, "message": "From git"}).json()

    assert exported["Content-Type"] == "application/yaml; charset=utf-8"
    assert yaml.safe_load(text)["templates"][0]["task"] == "Write about\n{{ topic }}."
    assert [(each["action"], each["changes"]) for each in again["items"]] == [("none", [])]
    (item,) = created["items"]
    assert (item["action"], created["imported"]) == ("create", True)
    assert program.get(f"/agents/{item['id']}/export").content.decode() == text
    assert program.get(f"/agents/{item['id']}/versions/1").json()["message"] == "From git"


def test_a_dry_run_says_what_an_import_would_change_and_its_plan_holds_only_for_that(program: Program, clerk: int):
    text = program.get(f"/agents/{clerk}/export").content.decode().replace("max_turns: 7", "max_turns: 9")

    tried = program.post("/agents/import", {"document": text, "dry_run": True}).json()
    kept = Agent.objects.get(pk=clerk)
    program.send("PATCH", f"/agents/{clerk}", {"description": "Meanwhile"})
    outdated = program.post("/agents/import", {"document": text, "plan": tried["plan"]})
    plan = program.post("/agents/import", {"document": text, "dry_run": True}).json()["plan"]
    done = program.post("/agents/import", {"document": text, "plan": plan}).json()

    assert tried["items"][0]["changes"] == [{"key": "max_turns", "before": 7, "after": 9, "lines": ["- 7", "+ 9"]}]
    assert (tried["imported"], kept.max_turns, kept.version) == (False, 7, 1)
    assert outdated.status_code == 409
    assert (done["imported"], Agent.objects.get(pk=clerk).max_turns) == (True, 9)


def test_a_wrong_file_is_422_with_its_lines_and_nothing_is_imported(program: Program):
    text = "format: agent\nversion: 1\nname: Scout\nmodels: [offline]\nmax_turn: 3\n"

    refused = program.post("/agents/import", {"document": text})

    assert fields_of(refused)["document"].startswith("line 5: There is no setting")
    assert not Agent.objects.filter(name="Scout").exists()


def test_all_agents_are_one_file(program: Program, clerk: int):
    told = program.get("/agents/export").json()

    assert [each["name"] for each in told["agents"]] == ["Assistant", "Clerk"]
    assert program.post("/agents/import", {"document": json.dumps(told)}).json()["items"][1]["action"] == "none"
    assert json.loads(program.get(f"/agents/{clerk}/export", format="json").content)["agents"] == told["agents"][1:]


def test_templates_that_a_file_does_not_mention_stay_and_an_empty_list_ends_them(program: Program, clerk: int):
    TaskTemplate.objects.create(agent_id=clerk, name="Essay", task="x")
    text = program.get(f"/agents/{clerk}/export").content.decode()
    before, _templates, _rest = text.partition("templates:")

    program.post("/agents/import", {"document": before})
    kept = TaskTemplate.objects.count()
    told = program.post("/agents/import", {"document": f"{before}templates: []\n"}).json()

    assert (kept, TaskTemplate.objects.count()) == (1, 0)
    assert [each["key"] for each in told["items"][0]["changes"]] == ["templates"]
