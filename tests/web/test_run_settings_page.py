"""The settings that a run used, and where each came from."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Agent, Run
from tests.web.step_fixtures import add_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(browser_of: Callable[[User | None], Client], owner: User) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def rows_in(page: str) -> dict[str, tuple[str, ...]]:
    """Value, origin and the agent's value of each setting."""
    rows = re.findall(r'<th scope="row">([^<]*)</th>(.*?)</tr>', page, re.DOTALL)
    return {
        unescape(name): tuple(unescape(cell).strip() for cell in re.findall(r"<td[^>]*>([^<]*)</td>", cells))
        for name, cells in rows
    }


def test_values_of_the_agent_of_the_launch_and_defaults_are_told_apart(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    agent.max_tokens = 5_000
    agent.save()
    run = make_run(owner, config=agent.snapshot() | {"max_turns": 7})

    rows = rows_in(browser.get(f"/runs/{run.pk}/?view=settings").content.decode())

    assert rows["Max tokens"] == ("5,000", "Agent", "")
    assert rows["Max turns"] == ("7", "Launch, or the agent at that time", "20")
    assert rows["First word within"] == ("2 min", "Default", "")


def test_a_run_that_recorded_its_launch_tells_what_was_set_there_from_what_the_agent_said_then(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    set_there = {"max_turns": 7, "models": ["local/m2"]}
    run = make_run(owner, config=agent.snapshot() | set_there | {"max_calls": 3}, overrides=set_there)
    Agent.objects.filter(pk=agent.pk).update(max_duration_s=60)

    rows = rows_in(browser.get(f"/runs/{run.pk}/?view=settings").content.decode())

    assert rows["Max turns"] == ("7", "Launch", "20")
    assert rows["Models"][:2] == ("local/m2", "Launch")
    assert rows["Max tool calls"][:2] == ("3", "Agent at that time")
    assert rows["Max time"] == ("10 min", "Agent at that time", "1 min")


def test_differences_to_the_agent_of_today_are_counted(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    run = make_run(owner, config=agent.snapshot() | {"tools": ["calculator", "send_name"]})
    assert "1 difference" in browser.get(f"/runs/{run.pk}/?view=settings").content.decode()

    Agent.objects.filter(pk=agent.pk).update(max_turns=50, tools=["calculator", "date_math"], approval="always")
    page = browser.get(f"/runs/{run.pk}/?view=settings").content.decode()

    assert "3 differences" in page
    assert rows_in(page)["Max turns"] == ("20", "Launch, or the agent at that time", "50")
    assert rows_in(page)["Asks before"][2] == "Every tool"
    assert "+ date_math, − send_name" in page


def test_a_value_changed_at_a_resume_names_the_person_and_the_step(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    run = make_run(owner, config=agent.snapshot() | {"max_turns": 40})
    note = {"note": "resumed", "by": "grace", "overrides": {"max_turns": 40}}
    add_rows(run, [{"kind": "note", "content": "Resumed.", "metadata": note}])

    rows = rows_in(browser.get(f"/runs/{run.pk}/?view=settings").content.decode())

    assert rows["Max turns"] == ("40", "Resumed by grace, step 1", "20")


def test_tools_are_shown_with_their_effect_and_whether_they_ask(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    config = agent.snapshot() | {"tools": ["calculator", "gone_tool"], "tool_approvals": {"calculator": "always"}}
    page = browser.get(f"/runs/{make_run(owner, config=config).pk}/?view=settings").content.decode()

    tools = re.findall(r'class="agent-tool-name"[^>]*>(?:<code>)?(\w+)(.*?)</li>', page, re.DOTALL)
    assert [name for name, _rest in tools] == ["calculator", "gone_tool"]
    assert "Computes only" in tools[0][1] and "Asks first" in tools[0][1]
    assert "Gone" in tools[1][1]


def test_a_run_whose_agent_is_gone_or_old_still_shows_its_settings(
    browser: Client, make_run: Callable[..., Run], owner: User, agent: Agent
) -> None:
    run, old = make_run(owner, agent=None), make_run(owner, agent=None, config={})

    page = browser.get(f"/runs/{run.pk}/?view=settings").content.decode()

    assert rows_in(page)["Max turns"] == ("20", "Run")
    assert "Agent now" not in page
    assert browser.get(f"/runs/{old.pk}/?view=settings").status_code == 200


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({}, "Nothing"),
        ({"approval": "never", "approval_floor": "always"}, "Every tool"),
        ({"approval": "always", "approval_floor": "unsafe"}, "Every tool"),
    ],
)
def test_the_page_says_of_approvals_what_the_run_does(
    browser: Client, make_run: Callable[..., Run], owner: User, rules: dict[str, str], words: str
) -> None:
    run = make_run(
        owner, agent=None, config={"tools": ["calculator"], "tool_approvals": {"calculator": "never"}, **rules}
    )

    page = browser.get(f"/runs/{run.pk}/?view=settings").content.decode()

    assert rows_in(page)["Asks before"][0] == words
    assert ("Asks first" in page) == (rules.get("approval_floor") == "always")


def test_instructions_are_not_told_to_those_who_may_not_read_them(
    browser: Client, browser_of: Callable[[User | None], Client], staff: User, make_run: Callable[..., Run],
    owner: User, agent: Agent,
) -> None:  # fmt: skip
    run = make_run(owner)
    Agent.objects.filter(pk=agent.pk).update(instructions="Be brief.")
    address = f"/runs/{run.pk}/?view=settings"

    assert "instructions are others" not in browser.get(address).content.decode()
    page = browser_of(staff).get(address).content.decode()
    assert "instructions are others" in page and "Be brief." not in page
