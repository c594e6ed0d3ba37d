"""Drafts: the editor's settings are tried before they are saved, and opened again from the run."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, AgentDraft, AgentVersion, ApiToken, Run
from runs.models.agent_config import config_of
from tests.api.conftest import Program
from tests.web.agent_fixtures import EDITOR, person_with

BrowserOf = Callable[[User | None], Client]
TRY: dict[str, Any] = {"do": "try", "task": "half of 90"}


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


@pytest.fixture
def clerk(browser: Client, agent: Agent) -> Agent:
    """An agent with two versions."""
    browser.post("/agents/new/", EDITOR)
    made = Agent.objects.get(name="Clerk")
    made.max_turns = 8
    made.save()
    return made


def seen_of(agent: Agent) -> str:
    return Agent.objects.get(pk=agent.pk).updated_at.isoformat()


def tried(browser: Client, address: str, **changes: Any) -> Run:
    """The run of a draft that was tried."""
    response = browser.post(address, EDITOR | TRY | changes)
    assert response.status_code == 302, response.content.decode()
    run = Run.objects.latest("created_at")
    assert response["Location"] == f"/runs/{run.pk}/"
    return run


def test_a_draft_runs_with_the_unsaved_settings_and_saves_nothing(browser: Client, clerk: Agent) -> None:
    before = (config_of(clerk), AgentVersion.objects.count())

    run = tried(browser, f"/agents/{clerk.pk}/edit/", max_turns=3, instructions="Be brief.", seen=seen_of(clerk))

    clerk.refresh_from_db()
    assert (config_of(clerk), AgentVersion.objects.count()) == before
    assert (run.agent_id, run.version, run.draft_base, run.task) == (clerk.pk, None, 2, "half of 90")
    assert (run.config["max_turns"], run.config["instructions"]) == (3, "Be brief.")


def test_the_run_says_that_it_is_a_draft_on_its_page_in_the_list_and_in_the_api(
    browser: Client, staff: User, clerk: Agent
) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", max_turns=3, seen=seen_of(clerk))
    program = Program(ApiToken.issue(staff, name="x", scopes=["read"])[1])

    page = browser.get(f"/runs/{run.pk}/").content.decode()
    listed = browser.get("/runs/?agent=Clerk&version=draft").content.decode()
    others = browser.get("/runs/?agent=Clerk&version=1").content.decode()
    told = program.get(f"/runs/{run.pk}").json()
    markdown = program.get(f"/runs/{run.pk}/export", format="markdown").content.decode()

    assert "draft, based on version 2" in page
    assert f"/agents/{clerk.pk}/edit/?draft={run.pk}" in page
    assert f'data-run-row="{run.pk}"' in listed and f'data-run-row="{run.pk}"' not in others
    assert (told["version"], told["draft"]) == (None, {"based_on": 2})
    assert "- draft, based on version: 2" in markdown


def test_the_editor_opens_the_draft_again_with_everything_that_was_typed(browser: Client, clerk: Agent) -> None:
    typed = {"max_turns": 3, "message": "Shorter", "tools": ["calculator"], "rule-calculator": "always"}
    run = tried(browser, f"/agents/{clerk.pk}/edit/", **typed, is_default="on", seen=seen_of(clerk))

    opened = browser.get(f"/agents/{clerk.pk}/edit/?draft={run.pk}")

    form = opened.context["form"]
    values = {name: form[name].value() for name in ("max_turns", "message", "tools", "is_default", "task", "name")}
    assert values == {
        "max_turns": 3,
        "message": "Shorter",
        "tools": ["calculator"],
        "is_default": True,
        "task": "half of 90",
        "name": "Clerk",
    }
    assert form["tool_approvals"].value() == {"calculator": "always"}
    assert opened.context["seen"] == seen_of(clerk)
    assert "Nothing of it is saved yet" in opened.content.decode()


def test_saving_a_reopened_draft_says_if_somebody_has_saved_the_agent_meanwhile(browser: Client, clerk: Agent) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", max_turns=3, seen=seen_of(clerk))
    clerk.description = "Meanwhile"
    clerk.save()
    seen = browser.get(f"/agents/{clerk.pk}/edit/?draft={run.pk}").context["seen"]

    refused = browser.post(f"/agents/{clerk.pk}/edit/", EDITOR | {"max_turns": 3, "seen": seen, "do": "save"})

    assert refused.status_code == 422 and "Somebody else has saved this agent" in refused.content.decode()


def test_a_new_agent_is_tried_before_there_is_one(browser: Client, agent: Agent) -> None:
    run = tried(browser, "/agents/new/", max_turns=3)

    page = browser.get(f"/runs/{run.pk}/").content.decode()
    opened = browser.get(f"/agents/new/?draft={run.pk}")

    assert not Agent.objects.filter(name="Clerk").exists()
    assert (run.agent, run.draft_base, run.config["agent"]) == (None, 0, "Clerk")
    assert "draft of a new agent" in page and f"/agents/new/?draft={run.pk}" in page
    assert opened.context["form"]["name"].value() == "Clerk"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"task": " "}, "task", "Type what the agent should do."),
        ({"task": "x" * (256 * 1024 + 1)}, "task", "KiB"),
        ({"max_turns": 0}, "max_turns", "at least"),
        ({"name": "Assistant"}, "name", "Another agent has this name"),
        ({"tools": ["no_such_tool"]}, "tools", "No such tool"),
    ],
)
def test_what_cannot_be_saved_is_not_tried_and_stays_typed(
    browser: Client, clerk: Agent, changes: dict[str, Any], field: str, words: str
) -> None:
    sent = EDITOR | TRY | {"instructions": "Typed.", "seen": seen_of(clerk)} | changes

    refused = browser.post(f"/agents/{clerk.pk}/edit/", sent)

    form = refused.context["form"]
    assert refused.status_code == 422 and not Run.objects.exists()
    assert words in str(form.errors[field]) and form["instructions"].value() == "Typed."


def test_a_form_that_is_sent_twice_launches_one_run(browser: Client, clerk: Agent) -> None:
    sent = EDITOR | TRY | {"once": "a1b2c3", "seen": seen_of(clerk)}

    first, second = (browser.post(f"/agents/{clerk.pk}/edit/", sent)["Location"] for _ in range(2))
    other = browser.post(f"/agents/{clerk.pk}/edit/", sent | {"max_turns": 4})["Location"]

    assert first == second != other
    assert (Run.objects.count(), AgentDraft.objects.count()) == (2, 2)


def test_an_archived_agent_is_not_tried(browser: Client, clerk: Agent) -> None:
    control.set_archived(clerk.pk, archived=True)

    refused = browser.post(f"/agents/{clerk.pk}/edit/", EDITOR | TRY | {"seen": seen_of(clerk)})

    assert refused.status_code == 422 and "Clerk is archived" in refused.content.decode()


def test_who_may_not_launch_or_not_edit_tries_nothing(browser_of: BrowserOf, clerk: Agent, owner: User) -> None:
    editor, maker = browser_of(person_with("editor", "change_agent")), browser_of(person_with("maker", "add_agent"))

    assert browser_of(owner).post(f"/agents/{clerk.pk}/edit/", EDITOR | TRY).status_code == 404
    assert maker.post(f"/agents/{clerk.pk}/edit/", EDITOR | TRY).status_code == 404
    assert maker.post("/agents/new/", EDITOR | {"name": "Mine"} | TRY).status_code == 422
    assert not Run.objects.exists()
    assert editor.post(f"/agents/{clerk.pk}/edit/", EDITOR | TRY | {"seen": seen_of(clerk)}).status_code == 302


def test_a_draft_is_opened_by_nobody_who_does_not_see_its_run(
    browser: Client, browser_of: BrowserOf, clerk: Agent, agent: Agent
) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", instructions="Secret plans", seen=seen_of(clerk))
    editor = browser_of(person_with("editor", "change_agent", "add_agent"))

    assert editor.get(f"/agents/{clerk.pk}/edit/?draft={run.pk}").status_code == 404
    for address in (f"/agents/{agent.pk}/edit/", "/agents/new/"):
        assert browser.get(f"{address}?draft={run.pk}").status_code == 404
    for wrong in ("x", "\x00", "1" * 5000, "00000000-0000-0000-0000-000000000000"):
        assert browser.get(f"/agents/{clerk.pk}/edit/", {"draft": wrong}).status_code == 404


def test_the_way_back_to_a_draft_is_shown_only_to_who_may_edit(
    browser: Client, browser_of: BrowserOf, clerk: Agent
) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", seen=seen_of(clerk))

    page = browser_of(person_with("auditor", "view_run", "view_agent")).get(f"/runs/{run.pk}/").content.decode()

    assert "draft, based on version 2" in page and "?draft=" not in page


def test_a_copy_keeps_the_draft_for_who_may_change_the_agent_and_has_the_rules_of_the_agent_for_others(
    browser: Client, staff: User, clerk: Agent
) -> None:
    changes = {"tools": ["calculator", "text_stats"], "max_turns": 9, "approval": "never"}
    run = tried(browser, f"/agents/{clerk.pk}/edit/", **changes, seen=seen_of(clerk))
    launcher = person_with("launcher", "launch_run", "view_run")

    own, others = control.run_again(run.pk, by=staff), control.run_again(run.pk, by=launcher)

    assert (own.version, own.draft_base, own.config["tools"]) == (None, 2, ["calculator", "text_stats"])
    assert (others.version, others.draft_base) == (None, None)
    assert (others.config["tools"], others.config["max_turns"]) == (["calculator"], 8)
    assert others.config["approval"] == "unsafe"


def test_a_copy_of_a_draft_that_was_saved_since_is_of_the_new_version(browser: Client, clerk: Agent) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", max_turns=3, seen=seen_of(clerk))
    saved = browser.post(f"/agents/{clerk.pk}/edit/", EDITOR | {"max_turns": 3, "seen": seen_of(clerk), "do": "save"})

    again = control.run_again(run.pk, by=run.user)

    assert saved.status_code == 302
    assert (again.version, again.draft_base) == (3, None)


def test_a_draft_that_is_deleted_with_its_run_leaves_nothing(browser: Client, clerk: Agent) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", seen=seen_of(clerk))

    run.delete()

    assert not AgentDraft.objects.exists()


def test_a_draft_outlives_its_agent(browser: Client, clerk: Agent) -> None:
    run = tried(browser, f"/agents/{clerk.pk}/edit/", max_turns=3, seen=seen_of(clerk))

    clerk.delete()

    assert "draft, based on version 2" in browser.get(f"/runs/{run.pk}/").content.decode()
    assert browser.get(f"/agents/new/?draft={run.pk}").context["form"]["max_turns"].value() == 3


def test_a_draft_of_a_new_agent_is_launched_again_only_by_who_may_create_agents(
    browser: Client, browser_of: BrowserOf, agent: Agent
) -> None:
    run = tried(browser, "/agents/new/", approval="never")
    launcher, maker = (
        person_with(name, "launch_run", "view_run", *more) for name, *more in (["a"], ["b", "add_agent"])
    )
    Run.objects.filter(pk=run.pk).update(status="completed")

    refused = [
        browser_of(launcher).post(f"/runs/{run.pk}/rerun/"),
        browser_of(launcher).post(f"/runs/{run.pk}/continue/", {"message": "And then?"}),
        browser_of(launcher).get(f"/runs/new/?from={run.pk}"),
        Program(ApiToken.issue(launcher, name="x", scopes=["launch"])[1]).post(f"/runs/{run.pk}/rerun"),
    ]

    assert [each.status_code for each in refused] == [403] * 4
    assert Run.objects.count() == 1
    assert browser_of(maker).post(f"/runs/{run.pk}/rerun/").status_code == 302
