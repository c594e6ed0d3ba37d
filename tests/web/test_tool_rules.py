"""A tool that an agent calls without asking: the rule is set in the inbox, and removed on the agent's page."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, Run, ToolCall
from tests.engine.control.decision_fixtures import Post
from tests.web.conftest import HTMX
from tests.web.identities import permission_of
from tests.web.waiting_fixtures import Ask

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def editor(owner: User) -> User:
    """The owner of the runs, who may also change agents."""
    owner.user_permissions.add(permission_of("runs.change_agent"))
    return owner


@pytest.fixture
def call(editor: User, ask: Ask) -> ToolCall:
    """A waiting call of a tool that changes nothing outside, of an agent that asks before every tool."""
    Agent.objects.update(approval="always")
    call = ask(editor, expression="1 + 1")
    ToolCall.objects.update(tool_name="calculator", effect="pure")
    Run.objects.update(agent=Agent.objects.get(is_default=True))
    call.refresh_from_db()
    return call


def rule_address(call: ToolCall) -> str:
    return f"/agents/{call.run.agent_id}/tool-rule/"


def rules() -> dict[str, str]:
    found: dict[str, str] = Agent.objects.get(is_default=True).tool_approvals
    return found


def test_a_rule_set_in_the_inbox_holds_for_later_runs_and_decides_nothing_now(
    editor: User, browser_of: BrowserOf, call: ToolCall
) -> None:
    browser = browser_of(editor)

    before = browser.get("/inbox/").content.decode()
    answer = browser.post(rule_address(call), {"tool": "calculator", "rule": "never"}, headers=HTMX)
    after = browser.get("/inbox/").content.decode()

    assert "Always allow calculator for Assistant" in before
    assert answer.status_code == 204 and "This call still waits for you." in answer["HX-Trigger"]
    assert rules() == {"calculator": "never"}
    assert f'data-inbox-call="{call.pk}"' in after
    assert "Later runs of Assistant do not ask." in after
    launched = control.launch(user=editor, task="What is 1 + 1?")
    assert launched.config["tool_approvals"] == {"calculator": "never"}


def test_the_rule_is_removed_on_the_page_of_the_agent(editor: User, browser_of: BrowserOf, call: ToolCall) -> None:
    browser = browser_of(editor)
    browser.post(rule_address(call), {"tool": "calculator", "rule": "never"})
    page = f"/agents/{call.run.agent_id}/"

    before = browser.get(page).content.decode()
    answer = browser.post(rule_address(call), {"tool": "calculator", "rule": "", "back": "agent"})
    after = browser.get(page).content.decode()

    assert "Remove the rule of calculator" in before
    assert (answer.status_code, answer["Location"], rules()) == (302, page, {})
    assert "Remove the rule" not in after


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_tool_that_changes_things_outside_is_asked_about_first(
    editor: User, browser_of: BrowserOf, call: ToolCall, send_name: str, headers: dict[str, str]
) -> None:
    browser, fields = browser_of(editor), {"tool": send_name, "rule": "never"}

    asked = browser.post(rule_address(call), fields, headers=headers)
    before = rules()
    browser.post(rule_address(call), fields | {"confirmed": "1"}, headers=headers)

    assert (asked.status_code, before) == (200, {})
    assert "without asking?" in asked.content.decode()
    assert 'name="confirmed"' in asked.content.decode()
    assert rules() == {send_name: "never"}


def test_a_tool_that_itself_wants_to_be_asked_about_is_asked_about_first(
    editor: User, browser_of: BrowserOf, call: ToolCall
) -> None:
    reads = Post("read", approval="always")
    fields = {"tool": reads.name, "rule": "never"}

    asked = browser_of(editor).post(rule_address(call), fields, headers=HTMX).content.decode()
    before = rules()
    browser_of(editor).post(rule_address(call), fields | {"confirmed": "1"}, headers=HTMX)

    assert "The tool itself says that a person should always be asked." in asked
    assert "It changes things outside" not in asked
    assert (before, rules()) == ({}, {reads.name: "never"})


def test_who_may_not_change_the_agent_is_offered_no_rule_and_sets_none(
    other: User, browser_of: BrowserOf, ask: Ask
) -> None:
    call = ask(other)
    Run.objects.update(agent=Agent.objects.get(is_default=True))
    call.refresh_from_db()
    browser = browser_of(other)

    page = browser.get("/inbox/").content.decode()
    answer = browser.post(rule_address(call), {"tool": call.tool_name, "rule": "never"})

    assert "Always allow" not in page
    assert (answer.status_code, rules()) == (404, {})


def test_a_tool_that_the_agent_does_not_have_gets_no_rule(editor: User, browser_of: BrowserOf, call: ToolCall) -> None:
    answer = browser_of(editor).post(rule_address(call), {"tool": "no_such", "rule": "never"}, headers=HTMX)

    assert (answer.status_code, rules()) == (422, {})
    assert "Assistant has no such tool." in answer["HX-Trigger"]
