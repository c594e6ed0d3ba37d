"""Each surface that saves an agent makes exactly one version of a change, and none of a save that changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Agent, AgentVersion
from tests.web.agent_fixtures import EDITOR
from tests.web.agent_page import AGENT_FORM
from tests.web.test_agents_editor import NEW, edit, sent_again
from tests.web.test_agents_file import file_of, imported

BrowserOf = Callable[[User | None], Client]
Save = Callable[[Client, Agent, str], Any]


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


@pytest.fixture
def agent(db: None) -> Agent:
    """A default agent with its first version."""
    Agent.objects.all().delete()
    return Agent.objects.create(
        name="Assistant", instructions="Solve the task.", model_names=["offline"], is_default=True
    )


def in_the_editor(browser: Client, agent: Agent, words: str) -> Any:
    return browser.post(edit(agent), sent_again(browser, agent, instructions=words))


def in_the_admin(browser: Client, agent: Agent, words: str) -> Any:
    form = {"name": agent.name, "description": agent.description, "instructions": words, **AGENT_FORM}
    return browser.post(f"/admin/runs/agent/{agent.pk}/change/", form)


def by_a_file(browser: Client, agent: Agent, words: str) -> Any:
    document = browser.get(f"/agents/{agent.pk}/export/").json()
    document["agents"][0]["instructions"] = words
    return imported(browser, file_of(*document["agents"]))


SURFACES: dict[str, Save] = {"editor": in_the_editor, "admin": in_the_admin, "file": by_a_file}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_that_changes_an_agent_makes_one_version_by_its_user(
    browser: Client, staff: User, agent: Agent, surface: str
) -> None:
    save = SURFACES[surface]

    assert save(browser, agent, "Be brief.").status_code == 302
    agent.refresh_from_db()
    assert save(browser, agent, "Be brief.").status_code == 302

    told = [(each.number, each.author, each.config["instructions"]) for each in agent.versions.order_by("number")[1:]]
    assert told == [(2, staff, "Be brief.")]
    agent.refresh_from_db()
    assert agent.version == 2


def test_a_rule_for_a_tool_is_a_version_as_is_its_end(browser: Client, staff: User, agent: Agent) -> None:
    for rule in ("never", "never", ""):
        browser.post(f"/agents/{agent.pk}/tool-rule/", {"tool": "calculator", "rule": rule, "confirmed": "1"})

    rules = [(each.author, each.config.get("tool_approvals")) for each in agent.versions.order_by("number")[1:]]
    assert rules == [(staff, {"calculator": "never"}), (staff, None)]


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        (NEW, EDITOR),
        ("/admin/runs/agent/add/", {**AGENT_FORM, "name": "Clerk", "description": "", "instructions": ""}),
    ],
)
def test_a_new_agent_has_its_first_version(browser: Client, staff: User, address: str, fields: dict[str, Any]) -> None:
    assert browser.post(address, fields | {"message": "The beginning"}).status_code == 302

    version = AgentVersion.objects.get(agent__name="Clerk")
    assert (version.number, version.author, version.message) == (1, staff, "The beginning")


def test_a_copy_of_an_agent_begins_with_a_first_version(browser: Client, agent: Agent) -> None:
    form = browser.get(f"{NEW}?from={agent.pk}").context["form"]
    shown = {field.html_name: field.value() for field in form if field.name != "tool_approvals"}

    browser.post(NEW, {name: value for name, value in shown.items() if value not in (None, False, {}, [])})

    copy = Agent.objects.get(name="Copy of Assistant")
    assert (copy.version, copy.versions.count(), agent.versions.count()) == (1, 1, 1)


def test_a_message_says_what_has_changed_and_is_at_most_200_characters(browser: Client, agent: Agent) -> None:
    fields = sent_again(browser, agent, instructions="Be brief.", message="x" * 201)

    refused = browser.post(edit(agent), fields)
    browser.post(edit(agent), fields | {"message": "Shorter answers"})

    assert refused.status_code == 422 and "message" in refused.context["form"].errors
    assert agent.versions.get(number=2).message == "Shorter answers"


def test_a_conflict_makes_no_version(browser: Client, agent: Agent) -> None:
    stale = sent_again(browser, agent, instructions="Mine")
    in_the_editor(browser, agent, "Theirs")

    assert browser.post(edit(agent), stale).status_code == 422

    assert [each.config["instructions"] for each in agent.versions.order_by("number")[1:]] == ["Theirs"]


def test_versions_are_read_in_the_admin_and_not_changed(browser: Client, agent: Agent) -> None:
    version = agent.versions.get()
    page = f"/admin/runs/agentversion/{version.pk}/"

    assert f'href="{page}change/"' in browser.get("/admin/runs/agentversion/").content.decode()
    shown = browser.get(f"{page}change/").content.decode()
    assert "Assistant v1" in shown and "Solve the task" in shown
    assert browser.post(f"{page}change/", {"message": "other"}).status_code == 403
    assert browser.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert AgentVersion.objects.get(pk=version.pk).message == ""
