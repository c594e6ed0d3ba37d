"""Markup in the names and texts of agents stays text, on every page that shows them."""

from collections.abc import Callable
from html import escape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, Run, TaskTemplate
from tests.web.agent_fixtures import EDITOR
from tests.web.xss import SEEDS

MARKS = ("<script>alert(1)", "onerror=alert(1)>", "<img src=x", "<svg/onload", "<meta http-equiv", "<base href=http")
"""What a page would have if a seed had become markup."""
QUOTED = ['"><img src=x onerror=alert(1)>.csv']
"""A seed that ends an attribute's value."""


ON_EVERY_PAGE = [*dict.fromkeys(next(seed for seed in SEEDS if mark in seed) for mark in MARKS), *QUOTED]
"""A seed for each mark, which a page that does not escape a text has whatever the seed."""
LISTS = ("/agents/", "/runs/?version=draft", "/runs/new/")


def as_name(seed: str) -> str:
    """As much of the seed as an agent's name may hold."""
    return "".join(char for char in seed if char.isprintable()).strip()[:79].strip()


def agent_with(seed: str, staff: User, browser: Client) -> Agent:
    """An agent with the seed in each of its texts, and a run of a draft of it."""
    short = as_name(seed)
    clerk = Agent.objects.create(name=short, description=short, instructions=short, model_names=["offline"])
    clerk.max_turns = 9
    clerk.save(by=staff, message=short)
    control.set_label(clerk.pk, "production", 1, by=staff)
    TaskTemplate.objects.create(agent=clerk, name=short.replace("/", "-"), description=short, task="x")
    sent: dict[str, Any] = EDITOR | {"name": short, "instructions": short, "do": "try", "task": short}
    tried = browser.post(f"/agents/{clerk.pk}/edit/", sent | {"seen": clerk.updated_at.isoformat()})
    assert tried.status_code == 302, tried.content.decode()
    return clerk


def pages_of(agent: Agent, run: Run) -> list[str]:
    """The addresses that show what people have typed about the agent, but for lists."""
    here = f"/agents/{agent.pk}/"
    parts = ("", "edit/", "versions/", "versions/1/", "compare/?from=1&to=2", f"edit/?draft={run.pk}")
    return [*(f"{here}{part}" for part in parts), f"/runs/{run.pk}/"]


def preview_of(browser: Client, agent: Agent) -> str:
    """The page on which a change of the exported agent is imported."""
    text = browser.get(f"/agents/{agent.pk}/export/?format=yaml").content.decode()
    changed = text.replace("max_turns: 9", "max_turns: 8")
    return browser.post("/agents/import/", {"document": changed}).content.decode()


def found_marks(shown: dict[str, str]) -> list[tuple[str, str]]:
    """The pages with a mark, and the mark."""
    return [(address, mark) for address, page in shown.items() for mark in MARKS if mark in page]


def test_what_is_typed_about_an_agent_is_listed_and_imported_as_text(
    staff: User, browser_of: Callable[..., Client], agent: Agent
) -> None:
    browser = browser_of(staff)
    clerks = {seed: agent_with(seed, staff, browser) for seed in {as_name(seed): seed for seed in SEEDS}.values()}

    shown = {address: browser.get(address).content.decode() for address in LISTS}
    shown |= {f"preview of {seed}": preview_of(browser, clerk) for seed, clerk in clerks.items()}

    assert [seed for seed in SEEDS if escape(as_name(seed)) not in shown["/agents/"]] == []
    assert [seed for seed in clerks if "max_turns" not in shown[f"preview of {seed}"]] == []
    assert found_marks(shown) == []


@pytest.mark.parametrize("seed", ON_EVERY_PAGE)
def test_what_is_typed_about_an_agent_is_shown_as_text(
    staff: User, browser_of: Callable[..., Client], agent: Agent, seed: str
) -> None:
    browser = browser_of(staff)
    clerk = agent_with(seed, staff, browser)

    addresses = pages_of(clerk, Run.objects.get())
    shown = {address: browser.get(address).content.decode() for address in addresses}

    assert escape(as_name(seed)) in shown[f"/agents/{clerk.pk}/"]
    assert found_marks(shown) == []
