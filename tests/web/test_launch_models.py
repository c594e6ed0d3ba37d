"""Models on the launch form: offered, taken, refused, and noted beside their agents."""

import json
from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from runs.agent.providers.model_catalog import retirements
from runs.agent.providers.model_catalog.catalog import sources
from runs.agent.providers.model_catalog.model_entries import ListedModel
from runs.agent.providers.model_catalog.model_list import LISTS
from runs.models import Agent, Run
from tests.markup import flat


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def test_models_of_an_own_server_are_offered_and_taken(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    server = {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1"]}
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps([server]))

    page = browser.get("/runs/new/").content.decode()
    browser.post("/runs/", {"task": "half of 90", "model": "local/m1"})

    assert '<option value="local/m1">' in page
    assert Run.objects.get().config["models"] == ["local/m1"]


def test_a_company_whose_key_is_set_has_its_newest_models_offered(
    owner: User, agent: Agent, browser_of: Callable[[User | None], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k")

    page = browser_of(owner).get("/runs/new/").content.decode()

    assert '<option value="offline">' in page
    assert '<option value="google:gemini-' in page
    assert "anthropic:" not in page


@pytest.mark.parametrize(
    "model", ["@cf/meta/llama", "model@2026-01-01", "org/m:free", "a=b,c+d", "通义-3", "<i>&amp;\"'"]
)
def test_a_name_of_any_form_is_offered_taken_and_shown_as_it_is(
    browser: Client, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    server = {"name": "local", "base_url": "http://127.0.0.1:9999/v1", "models": [model]}
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps([server]))

    page = browser.get("/runs/new/").content.decode()
    response = browser.post("/runs/", {"task": "half of 90", "model": f"local/{model}"})
    again = browser.get(f"/runs/new/?from={Run.objects.get().pk}").content.decode()

    assert f'<option value="local/{escape(model)}">' in page
    assert Run.objects.get().config["models"] == [f"local/{model}"]
    assert browser.get(response["Location"]).status_code == 200
    assert f'value="local/{escape(model)}"' in again


def test_a_model_that_ends_is_named_beside_its_agent_and_where_it_is_chosen(
    browser: Client, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retirements, "today", lambda: date(2026, 11, 28))
    Agent.objects.create(name="Old", model_names=["openai:gpt-5-mini", "offline"])
    Agent.objects.create(name="Older", model_names=["openai:o1"])
    soon = "retires on 2026-12-11, in 13 days"

    page = browser.get("/runs/new/").content.decode()
    chosen = browser.get("/runs/new/model-notes/?agent=Old&model=").content.decode()
    other = browser.get("/runs/new/model-notes/?agent=Old&model=offline").content.decode()
    typed = browser.get("/runs/new/model-notes/?agent=Assistant&model=openai:gpt-4o").content.decode()
    gone = browser.get("/runs/new/model-notes/?agent=Older").content.decode()

    assert f"Old – openai:gpt-5-mini {soon}</option>" in flat(page)
    assert "openai:gpt-5-mini</span> " + soon in chosen
    assert "notice" not in other
    assert "retires on 2027-01-14" in typed
    assert "retired on 2026-10-23" in gone
    assert page.count('class="notice">') == 0  # the default agent's model is not retired


def test_a_note_about_a_model_repeats_nothing_that_could_be_markup(browser: Client) -> None:
    nasty = "openai:gpt-5-2025-08-07<script>"

    assert "<script>" not in browser.get("/runs/new/model-notes/", {"model": nasty}).content.decode()
    assert browser.get("/runs/new/model-notes/", {"agent": "\x00"}).status_code == 200


def test_a_model_the_server_lists_can_be_launched_with_and_one_it_does_not_list_cannot(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = {"name": "local", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1"]}
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps([server]))
    (source,) = sources()
    LISTS.note(source.account, {"m2": ListedModel(name="m2")})

    taken = browser.post("/runs/", {"task": "half of 90", "model": "local/m2"})
    refused = browser.post("/runs/", {"task": "half of 90", "model": "local/m3"})
    LISTS.forget()

    assert taken.status_code == 302
    assert refused.status_code == 422
    assert "has local/m1, local/m2." in refused.content.decode()
