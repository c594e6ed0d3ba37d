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


def pages_of(browser: Client, agent: Agent, run: Run) -> list[str]:
    """The addresses that show what people have typed about the agent."""
    here = f"/agents/{agent.pk}/"
    parts = ("", "edit/", "versions/", "versions/1/", "compare/?from=1&to=2", f"edit/?draft={run.pk}")
    return ["/agents/", *(f"{here}{part}" for part in parts), f"/runs/{run.pk}/", "/runs/?version=draft", "/runs/new/"]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_typed_about_an_agent_is_shown_as_text(
    staff: User, browser_of: Callable[..., Client], agent: Agent, seed: str
) -> None:
    browser, short = browser_of(staff), "".join(char for char in seed if char.isprintable()).strip()[:79].strip()
    clerk = Agent.objects.create(name=short, description=short, instructions=short, model_names=["offline"])
    clerk.max_turns = 9
    clerk.save(by=staff, message=short)
    control.set_label(clerk.pk, "production", 1, by=staff)
    TaskTemplate.objects.create(agent=clerk, name=short.replace("/", "-"), description=short, task="x")
    sent: dict[str, Any] = EDITOR | {"name": short, "instructions": short, "do": "try", "task": short}
    tried = browser.post(f"/agents/{clerk.pk}/edit/", sent | {"seen": clerk.updated_at.isoformat()})
    assert tried.status_code == 302, tried.content.decode()

    shown = {address: browser.get(address).content.decode() for address in pages_of(browser, clerk, Run.objects.get())}
    text = browser.get(f"/agents/{clerk.pk}/export/?format=yaml").content.decode()
    changed = text.replace("max_turns: 9", "max_turns: 8")
    shown["preview"] = browser.post("/agents/import/", {"document": changed}).content.decode()

    assert escape(short) in shown["/agents/"]
    assert "max_turns" in shown["preview"]
    assert [(address, mark) for address, page in shown.items() for mark in MARKS if mark in page] == []
