"""Agents in the API: created, changed, compared, labelled, exported and imported, with the rights of the pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.all_settings import SETTINGS
from runs.models import Agent, LabelMove
from runs.models.agent_config import KEYS, config_of
from tests.api.agent_requests import CLERK, create_clerk, fields_of
from tests.api.conftest import Program, error_of
from tests.web.agent_fixtures import person_with
from tests.web.test_agents_file import full_agent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agent")]
ProgramOf = Callable[..., Program]


@pytest.fixture
def program(staff: User, program_of: ProgramOf) -> Program:
    """That of a person who may do everything with agents."""
    return program_of(staff)


@pytest.fixture
def clerk(program: Program) -> int:
    """The id of an agent that was made through the API."""
    return create_clerk(program)


def test_a_created_agent_is_as_it_was_sent_and_version_1_has_author_and_message(program: Program, clerk: int):
    shown = program.get(f"/agents/{clerk}").json()
    version = program.get(f"/agents/{clerk}/versions/1").json()

    assert shown["config"].items() >= CLERK.items()
    assert (shown["version"], shown["max_turns"]) == (1, 7)
    assert version["config"] == shown["config"]
    assert (version["author"], version["message"], version["is_current"]) == ("staff", "As agreed", True)


def test_every_key_of_a_file_can_be_sent_and_comes_back(program: Program):
    whole = full_agent()
    before = config_of(whole)
    whole.delete()

    created = program.post("/agents", before)

    assert set(before) == KEYS.keys() - {"libraries", "skills", "agents"}
    assert created.status_code == 201, created.content
    assert config_of(Agent.objects.get(pk=created.json()["id"])) == before


def test_a_change_changes_only_what_is_sent_and_null_means_the_default(program: Program, clerk: int):
    changed = program.send("PATCH", f"/agents/{clerk}", {"max_turns": None, "strategy": "race", "message": "Faster"})
    again = program.send("PATCH", f"/agents/{clerk}", {"strategy": "race"})

    config = program.get(f"/agents/{clerk}").json()["config"]
    assert (changed.status_code, changed.json()["version"], again.json()["version"]) == (200, 2, 2)
    assert config == CLERK | {
        "strategy": "race",
        "max_turns": SETTINGS["max_turns"].default,
        **{name: config[name] for name in config.keys() - CLERK.keys()},
    }
    assert Agent.objects.get(pk=clerk).versions.get(number=2).message == "Faster"


def test_a_change_of_an_older_version_is_refused_and_says_which_one_there_is(program: Program, clerk: int):
    program.send("PATCH", f"/agents/{clerk}", {"max_turns": 8, "based_on": 1})

    refused = program.send("PATCH", f"/agents/{clerk}", {"max_turns": 9, "based_on": 1})

    assert refused.status_code == 409
    assert error_of(refused)["code"] == "changed_meanwhile"
    assert error_of(refused)["message"].endswith("It has version 2.")
    assert Agent.objects.get(pk=clerk).max_turns == 8


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a taken name": ({"name": "Assistant"}, "name", "Another agent has this name"),
    "an empty name": ({"name": " "}, "name", "Give the agent a name"),
    "no models": ({"models": []}, "models", "Choose at least one model"),
    "an unknown model": ({"models": ["nothing:at-all"]}, "models", "nothing"),
    "an unknown tool": ({"tools": ["x"]}, "tools", "No such tool: x"),
    "an unknown skill": ({"skills": ["x"]}, "skills", "No such skill: x"),
    "an unknown library": ({"libraries": ["x"]}, "libraries", "No such library: x"),
    "an unknown agent": ({"agents": ["x"]}, "agents", "No such agent: x"),
    "a rule of an unknown tool": ({"tool_approvals": {"x": "never"}}, "tool_approvals", "No such tool: x"),
    "a schema that is none": ({"output_schema": {"type": "thing"}}, "output_schema", "thing"),
    "a cold model": ({"temperature": -1}, "temperature", "from 0 to 2"),
    "an overruling setting": ({"extra": {"model": "x"}}, "extra", "model"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_the_editor_refuses_is_422_with_the_field_and_changes_nothing(
    program: Program, clerk: int, case: str, method: str
):
    values, field, words = WRONG[case]
    path = "/agents" if method == "POST" else f"/agents/{clerk}"
    body = CLERK | {"name": "Another"} | values if method == "POST" else values

    refused = program.send(method, path, body)

    fields = fields_of(refused)
    assert list(fields) == [field] and words in fields[field]
    assert Agent.objects.count() == 2 and Agent.objects.get(pk=clerk).version == 1


@pytest.mark.parametrize(
    "values",
    [
        {"max_turns": 0},
        {"max_turns": True},
        {"max_turns": "7"},
        {"strategy": "luck"},
        {"max_turn": 3},
        {"version": 3},
        {"instructions": "\x00"},
        {"instructions": "\ud800"},
        {"output_schema": json.loads("[" * 120 + "]" * 120) and {"a": json.loads("[" * 120 + "]" * 120)}},
        {"models": ["offline"] * 21},
        {"message": "x" * 201},
        {"priority": 101},
        {"approval_seconds": -1},
        {"tool_approvals": {"calculator": "maybe"}},
        {"launch_may_raise": ["everything"]},
        {"max_cost_usd": "NaN"},
    ],
)
def test_values_of_a_wrong_kind_are_refused(program: Program, clerk: int, values: dict[str, Any]):
    refused = program.send("PATCH", f"/agents/{clerk}", values)

    assert refused.status_code == 422, refused.content
    assert next(iter(values)) in error_of(refused)["message"]
    assert Agent.objects.get(pk=clerk).version == 1


def test_the_mark_of_the_default_goes_from_one_agent_to_another(program: Program, clerk: int):
    marked = program.send("PATCH", f"/agents/{clerk}", {"is_default": True})

    assert (marked.status_code, marked.json()["version"]) == (200, 1)
    assert list(Agent.objects.filter(is_default=True).values_list("pk", flat=True)) == [clerk]
    assert program.send("PATCH", f"/agents/{clerk}", {"max_turns": 9}).status_code == 200
    assert Agent.objects.get(pk=clerk).is_default


def test_a_duplicate_has_the_configuration_under_another_name(program: Program, clerk: int):
    copied = program.post(f"/agents/{clerk}/duplicate", {})
    named = program.post(f"/agents/{clerk}/duplicate", {"name": "Clerk, at night", "message": "For nights"})
    taken = program.post(f"/agents/{clerk}/duplicate", {})

    assert (copied.json()["name"], named.json()["name"]) == ("Copy of Clerk", "Clerk, at night")
    assert fields_of(taken).keys() == {"name"}
    original, copy = (config_of(Agent.objects.get(pk=pk)) for pk in (clerk, named.json()["id"]))
    assert copy == original | {"name": "Clerk, at night"}


def test_an_archived_agent_is_listed_with_the_archive_only(program: Program, clerk: int, agent: Agent):
    archived = program.post(f"/agents/{clerk}/archive")
    again = program.post(f"/agents/{clerk}/archive")

    def listed(**query: Any) -> list[str]:
        return [each["name"] for each in program.get("/agents", **query).json()["items"]]

    assert [each.json()["is_archived"] for each in (archived, again)] == [True, True]
    assert (listed(), listed(archived="true")) == (["Assistant"], ["Clerk"])
    assert program.post("/runs", {"task": "x", "agent": "Clerk"}).status_code == 422
    assert program.post(f"/agents/{clerk}/unarchive").json()["is_archived"] is False
    assert program.post(f"/agents/{agent.pk}/archive").status_code == 422  # the default


def test_versions_are_listed_page_by_page_the_latest_first(program: Program, clerk: int):
    for turns in (8, 9, 10):
        program.send("PATCH", f"/agents/{clerk}", {"max_turns": turns, "message": f"{turns} turns"})
    program.send("PUT", f"/agents/{clerk}/labels/production", {"version": 3})

    first = program.get(f"/agents/{clerk}/versions", limit=2).json()
    second = program.get(f"/agents/{clerk}/versions", limit=2, cursor=first["next"]).json()

    assert [(each["number"], each["is_current"]) for each in first["items"]] == [(4, True), (3, False)]
    assert [each["labels"] for each in first["items"]] == [[], ["production"]]
    assert [each["message"] for each in second["items"]] == ["8 turns", "As agreed"] and second["next"] is None
    assert program.get(f"/agents/{clerk}/versions", cursor="x").status_code == 422
    assert program.get(f"/agents/{clerk}/versions/5").status_code == 404
    assert program.get("/agents/999999999999999999999999/versions").status_code == 404


def test_a_comparison_says_exactly_what_differs(program: Program, clerk: int):
    program.send("PATCH", f"/agents/{clerk}", {"max_turns": 8})
    program.send("PATCH", f"/agents/{clerk}", {"instructions": "You work in a shop.\nAsk twice.", "max_calls": 5})

    latest = program.get(f"/agents/{clerk}/diff").json()
    whole = program.get(f"/agents/{clerk}/diff", before=1, after=3).json()

    assert (latest["before"], latest["after"]) == (2, 3)
    assert latest["changes"] == [
        {
            "key": "instructions",
            "before": "You work in a shop.",
            "after": "You work in a shop.\nAsk twice.",
            "lines": ["  You work in a shop.", "+ Ask twice."],
        },
        {"key": "max_calls", "before": None, "after": 5, "lines": ["+ 5"]},
    ]
    assert [each["key"] for each in whole["changes"]] == ["instructions", "max_turns", "max_calls"]
    assert program.get(f"/agents/{clerk}/diff", before=9).status_code == 404


def test_a_restored_version_is_a_new_version(program: Program, clerk: int, agent: Agent):
    program.send("PATCH", f"/agents/{clerk}", {"max_turns": 8, "name": "Seller"})

    restored = program.post(f"/agents/{clerk}/versions/1/restore")
    version = program.get(f"/agents/{clerk}/versions/3").json()

    assert (restored.json()["version"], restored.json()["name"]) == (3, "Clerk")
    assert (version["restored_from"], version["config"]["max_turns"]) == (1, 7)
    assert program.post(f"/agents/{clerk}/versions/1/restore").json()["version"] == 3
    program.send("PATCH", f"/agents/{clerk}", {"name": "Seller"})
    agent.name = "Clerk"
    agent.save()
    assert fields_of(program.post(f"/agents/{clerk}/versions/1/restore")).keys() == {"name"}
    assert program.post(f"/agents/{clerk}/versions/99/restore").status_code == 404


def test_a_label_is_set_moved_and_removed_and_says_who_moved_it(program: Program, clerk: int, owner: User):
    program.send("PATCH", f"/agents/{clerk}", {"max_turns": 8})

    set_first = program.send("PUT", f"/agents/{clerk}/labels/production", {"version": 1})
    moved = program.send("PUT", f"/agents/{clerk}/labels/production", {"version": 2})
    listed = program.get(f"/agents/{clerk}/labels").json()["items"]
    launched = program.post("/runs", {"task": "x", "agent": "Clerk", "label": "production"}).json()
    removed = program.send("DELETE", f"/agents/{clerk}/labels/production")

    assert (set_first.json()["version"], moved.json()["version"]) == (1, 2)
    assert listed == [moved.json()] and listed[0]["moved_by"] == "staff" and listed[0]["moved_at"].endswith("Z")
    assert launched["version"] == 2
    assert (removed.status_code, removed.content) == (204, b"")
    assert list(LabelMove.objects.order_by("pk").values_list("name", "number", "author__username")) == [
        ("production", 1, "staff"),
        ("production", 2, "staff"),
        ("production", None, "staff"),
    ]
    assert program.send("DELETE", f"/agents/{clerk}/labels/production").status_code == 404


@pytest.mark.parametrize("name", ["Production", "3", "a" * 31, "%00", "%F0%9F%99%82", "a b"])
def test_a_name_that_is_none_is_no_label(program: Program, clerk: int, name: str):
    refused = program.send("PUT", f"/agents/{clerk}/labels/{name}", {"version": 1})

    assert refused.status_code == 422, refused.content
    assert program.send("DELETE", f"/agents/{clerk}/labels/{name}").status_code == 404
    assert program.get(f"/agents/{clerk}/labels").json()["items"] == []


def test_a_label_at_a_version_that_there_is_not_is_refused(program: Program, clerk: int):
    assert program.send("PUT", f"/agents/{clerk}/labels/staging", {"version": 2}).status_code == 422
    assert program.send("PUT", "/agents/999999/labels/staging", {"version": 1}).status_code == 404


PERMISSIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("POST", "/agents"): ("add_agent",),
    ("PATCH", "/agents/{id}"): ("change_agent",),
    ("POST", "/agents/{id}/duplicate"): ("add_agent", "view_agent"),
    ("POST", "/agents/{id}/archive"): ("change_agent",),
    ("POST", "/agents/{id}/unarchive"): ("change_agent",),
    ("GET", "/agents/{id}/versions"): ("view_agent",),
    ("GET", "/agents/{id}/versions/1"): ("view_agent",),
    ("POST", "/agents/{id}/versions/1/restore"): ("change_agent",),
    ("GET", "/agents/{id}/diff"): ("view_agent",),
    ("PUT", "/agents/{id}/labels/staging"): ("change_agent",),
    ("DELETE", "/agents/{id}/labels/production"): ("change_agent",),
    ("GET", "/agents/{id}/export"): ("view_agent",),
    ("GET", "/agents/export"): ("view_agent",),
    ("POST", "/agents/import"): ("add_agent",),
}
"""What an account needs, beside the scope of its token."""
SENT: dict[str, Any] = {
    "agents": {"name": "New", "models": ["offline"]},
    "duplicate": {},
    "staging": {"version": 1},
    "import": {"document": "format: agent\nversion: 1\nname: Scout\nmodels: [offline]\n"},
}


@pytest.mark.parametrize(("method", "path"), PERMISSIONS)
def test_an_account_needs_the_permissions_of_the_page(
    program: Program, clerk: int, program_of: ProgramOf, method: str, path: str
):
    program.send("PUT", f"/agents/{clerk}/labels/production", {"version": 1})
    needed = PERMISSIONS[method, path]
    path, body = path.format(id=clerk), SENT.get(path.rsplit("/", 1)[1], {})
    body = None if method in ("GET", "DELETE") or path.endswith(("archive", "restore")) else body
    people = {
        name: person_with(name, *codes)
        for name, codes in {
            "nothing": ["launch_run"],
            "half": [*needed[:-1], "launch_run"],
            "another": ["view_agent" if needed != ("view_agent",) else "add_agent"],
            "enough": needed,
        }.items()
    }
    if needed == ("add_agent", "view_agent"):
        del people["another"]

    def status(name: str) -> int:
        return int(program_of(people[name]).send(method, path, body).status_code)

    assert {status(name) for name in people if name != "enough"} == {403}
    assert status("enough") in (200, 201, 204)


def test_instructions_are_for_accounts_that_may_read_agents(program: Program, clerk: int, program_of: ProgramOf):
    launching, reading = (program_of(person_with(each, each)) for each in ("launch_run", "view_agent"))

    shown = launching.get(f"/agents/{clerk}")

    assert shown.json()["config"] is None and "You work in a shop" not in shown.content.decode()
    assert reading.get(f"/agents/{clerk}").json()["config"]["instructions"] == "You work in a shop."
    labels = program.send("PUT", f"/agents/{clerk}/labels/production", {"version": 1}).json()
    assert launching.get(f"/agents/{clerk}/labels").json()["items"] == [labels | {"moved_by": None, "moved_at": None}]


def test_who_may_not_change_agents_takes_the_default_from_none_and_replaces_none(clerk: int, program_of: ProgramOf):
    maker = program_of(person_with("maker", "add_agent"))

    default = maker.post("/agents", {"name": "New", "models": ["offline"], "is_default": True})
    replaced = maker.post("/agents/import", {"document": "format: agent\nversion: 1\nname: Clerk\nmodels: [offline]\n"})

    assert default.status_code == 403
    assert "you may not change agents" in fields_of(replaced)["document"]
    assert Agent.objects.get(pk=clerk).max_turns == 7 and Agent.objects.get(name="Assistant").is_default


def test_a_token_without_the_scope_read_learns_nothing_from_an_import(staff: User, program_of: ProgramOf, clerk: int):
    document = "format: agent\nversion: 1\nname: Clerk\nmodels: [offline]\n"

    told = program_of(staff, "edit").post("/agents/import", {"document": document, "dry_run": True}).json()

    assert told["items"] == [{"name": "Clerk", "id": clerk, "action": "change", "changes": None}]
