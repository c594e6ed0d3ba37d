"""Pages say which tools of an agent cannot be called now, and why."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import turn_off
from runs.models import Agent
from runs.web.tool_availability import launch_note, why_not_now
from tests.engine.stored_tools.stored_fixtures import SEARCH, Shop, make_shop, shop  # noqa: F401
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def states(shop: Shop) -> Shop:  # noqa: F811
    """The shop with a tool in each state."""
    names = ("on", "off", "changed", "unlisted")
    shop.has(*[replace(SEARCH, remote_name=name) for name in names])
    turn_off(shop.row("shop__off").pk)
    listed = [replace(SEARCH, remote_name=name) for name in ("on", "off", "new")]
    shop.lists(*listed, replace(SEARCH, remote_name="changed", description="Another."))
    refresh_tools()
    return shop


def test_each_tool_that_cannot_be_called_has_its_reason(states: Shop) -> None:
    names = [f"shop__{name}" for name in ("on", "off", "new", "changed", "unlisted")]

    assert why_not_now(["calculator", *names, "removed"]) == {
        "shop__off": "off: staff turned it off",
        "shop__new": "off: nobody has turned it on",
        "shop__changed": "changed: it waits until staff approve the change",
        "shop__unlisted": "its source no longer lists it",
        "removed": "this site no longer has it",
    }


@pytest.mark.parametrize(
    ("state", "why"),
    [("connected", ""), ("idle", ""), ("failed", "its server could not be reached"),
     ("signed_out", "its server needs a sign-in")],
)  # fmt: skip
def test_a_server_that_is_down_is_the_reason_for_its_tools(states: Shop, state: str, why: str) -> None:
    type(states.source).objects.filter(pk=states.source.pk).update(state=state)

    assert why_not_now(["shop__on"]).get("shop__on", "") == why


def test_the_agents_page_its_editor_and_the_launch_form_tell_and_the_editor_lets_go_of_it(
    browser_of: BrowserOf, states: Shop
) -> None:
    agent = Agent.objects.create(name="Clerk", tools=["calculator", "shop__off", "removed"])
    editor = browser_of(person_with("editor", "change_agent", "view_agent", "add_run"))
    told = "2 of its tools cannot be called now: shop__off (off: staff turned it off), removed"

    assert told in launch_note(agent)
    for url in (f"/agents/{agent.pk}/", "/runs/new/?agent=Clerk", "/runs/new/model-notes/?agent=Clerk"):
        assert told in editor.get(url).content.decode(), url
    page = editor.get(f"/agents/{agent.pk}/edit/").content.decode()
    assert "Gone: untick them" in page
    assert 'value="removed" checked' in page


def test_an_agent_without_such_tools_has_no_note(states: Shop) -> None:
    assert launch_note(Agent(name="Clerk", tools=["calculator", "shop__on"])) == ""
    assert launch_note(Agent(name="All", tools=None)) == ""
    assert launch_note(None) == ""
