"""Agents in the admin: what can be saved, and how it is shown."""

import json
import re
from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from runs.agent.providers.model_catalog import retirements
from runs.engine import control
from runs.models import Agent, AgentLabel, LabelMove, Run, TaskTemplate
from tests.web.agent_page import AGENT_FORM


@pytest.fixture
def browser(staff: User, browser_of: Callable[[User | None], Client]) -> Client:
    """A staff member's browser."""
    return browser_of(staff)


@pytest.fixture
def agent_form(agent: Agent) -> dict[str, str]:
    """The fields that the agent's page sends when nothing is changed."""
    return {
        "name": agent.name,
        "description": agent.description,
        "instructions": agent.instructions,
        **AGENT_FORM,
    }


def test_an_agent_can_be_saved_as_it_is(browser: Client, agent: Agent, agent_form: dict[str, str]) -> None:
    response = browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form)

    assert response.status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("model_names", '"offline"', "list with at least one name"),
        ("model_names", "[]", "list with at least one name"),
        ("model_names", "[", "valid JSON"),
        ("model_names", '["gpt 5"]', "Unknown model"),
        ("model_names", "[5]", "Unknown model"),
        ("tools", '["no_such_tool"]', "No such tool: no_such_tool"),
        ("tools", '{"a": 1}', "list of names"),
        ("max_turns", "0", "greater than or equal to 1"),
        ("max_turns", "1001", "less than or equal to 1000"),
        ("max_duration_s", "86401", "less than or equal to 86400"),
        ("max_tokens", "0", "greater than or equal to 1"),
        ("max_cost_usd", "0", "greater than or equal to 0.0001"),
        ("context_tokens", "999", "greater than or equal to 1000"),
        ("output_schema", "{", "valid JSON"),
        ("output_schema", "[]", "A JSON Schema is an object"),
        ("output_schema", '{"type": "objct"}', "This is not a JSON Schema: type: "),
        ("output_schema", '{"$ref": "https://example.org/x"}', "does not exist in this schema"),
        ("max_attempts", "11", "less than or equal to 10"),
        ("tools", "0", "list of names"),
        ("tools", "[" * 100_000, "valid JSON"),
        ("output_schema", '{"title": "\\ud800"}', "A lone surrogate is not a character."),
        ("output_schema", '{"maximum": 1e999}', "A number that is not finite cannot be stored."),
        ("tool_approvals", '{"a": "\\u0000"}', "The NUL character cannot be stored."),
        ("tools", "9" * 5000, "valid JSON"),
        ("reasoning_effort", "huge", "Select a valid choice"),
        ("temperature", "2.1", "It must be a number from 0 to 2, not 2.1."),
        ("temperature", "-1", "It must be a number from 0 to 2, not -1."),
        ("temperature", "nan", "Enter a number."),
        ("temperature", "1e999", "Enter a number."),
        ("temperature", "0,7", "Enter a number."),
        ("top_p", "0", "It must be a number above 0 and at most 1, not 0."),
        ("top_p", "1.5", "It must be a number above 0 and at most 1, not 1.5."),
        ("max_output_tokens", "0", "It must be a whole number from 1 to 1,000,000,000, not 0."),
        ("max_output_tokens", "1000000001", "It must be a whole number from 1 to 1,000,000,000, not 1000000001."),
        ("extra_settings", '{"n": 2}', "It must not have &#x27;n&#x27;: a run reads one reply"),
        ("extra_settings", '{"a": 1e999}', "It must contain finite numbers only"),
        ("extra_settings", "[]", "It must be a JSON object"),
        ("extra_settings", "{", "valid JSON"),
        ("tool_timeout_s", "0", "It must be a number of seconds from 0.1 to 3,600, not 0."),
        ("model_timeout_s", "3601", "It must be a number of seconds from 0.1 to 3,600, not 3601."),
        ("first_token_timeout_s", "-1", "It must be a number of seconds from 0.1 to 3,600, not -1."),
        ("idle_timeout_s", "inf", "Enter a number."),
        ("tool_approvals", '{"calculator": "sometimes"}', "Rules: never, unsafe, always."),
        ("tool_approvals", '["calculator"]', "Type the tools with a rule of their own"),
        ("tool_approvals", '{"teleport": "always"}', "No such tool: teleport."),
        ("priority", "101", "less than or equal to 100"),
        ("name", "", "required"),
    ],
)
def test_a_mistake_in_an_agent_is_found_when_it_is_saved(
    browser: Client, agent: Agent, agent_form: dict[str, str], field: str, value: str, complaint: str
) -> None:
    response = browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | {field: value})

    assert response.status_code == 200
    assert complaint in response.content.decode()


@pytest.mark.parametrize(
    "names", ['["offline"]', '["openai:gpt-6-luna", "offline"]', '["local/m1"]', '["google:gemini-3.8-flash"]']
)
def test_names_of_models_of_every_kind_can_be_saved(
    browser: Client, agent: Agent, agent_form: dict[str, str], names: str
) -> None:
    assert browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | {"model_names": names}).status_code == 302


@pytest.mark.parametrize("name", ["local/@cf/meta/llama", "local/m@2026-01-01", "openai:a=b,c+d", "local/通义-3"])
def test_a_name_of_any_form_is_saved_as_it_is(
    browser: Client, agent: Agent, agent_form: dict[str, str], name: str
) -> None:
    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | {"model_names": json.dumps([name])})

    agent.refresh_from_db()
    assert agent.model_names == [name]
    assert name in browser.get("/admin/runs/agent/").content.decode()


def test_an_agent_whose_model_ends_says_so_in_the_list_and_on_its_page(
    browser: Client, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retirements, "today", lambda: date(2026, 11, 28))
    Agent.objects.filter(pk=agent.pk).update(model_names=["openai:gpt-5-mini", "offline"])

    listed = browser.get("/admin/runs/agent/").content.decode()
    page = browser.get(f"/admin/runs/agent/{agent.pk}/change/").content.decode()

    assert "openai:gpt-5-mini (retires on 2026-12-11, in 13 days), offline" in listed
    assert "The model openai:gpt-5-mini retires on 2026-12-11, in 13 days. Choose another one." in page
    assert "retires" not in browser.get("/admin/runs/agent/add/").content.decode()


def test_an_agent_keeps_its_output_schema_and_limits(browser: Client, agent: Agent, agent_form: dict[str, str]) -> None:
    limits = {"max_tokens": "5000", "max_cost_usd": "0.5", "context_tokens": "8000"}
    schema = {"type": "object", "required": ["city"]}
    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | limits | {"output_schema": json.dumps(schema)})

    agent.refresh_from_db()
    snapshot = agent.snapshot()
    assert snapshot["output_schema"] == schema
    assert (snapshot["max_tokens"], snapshot["max_cost_usd"], snapshot["context_tokens"]) == (5000, "0.5000", 8000)


def test_an_agent_keeps_its_settings_and_time_limits(browser: Client, agent: Agent, agent_form: dict[str, str]) -> None:
    settings = {"reasoning_effort": "high", "temperature": "0", "top_p": "0.5", "max_output_tokens": "800"}
    times = {"tool_timeout_s": "2.5", "model_timeout_s": "900", "first_token_timeout_s": "300", "idle_timeout_s": "60"}
    browser.post(
        f"/admin/runs/agent/{agent.pk}/change/", agent_form | settings | times | {"extra_settings": '{"k": 1}'}
    )

    agent.refresh_from_db()
    snapshot = agent.snapshot()
    assert {name: snapshot[name] for name in settings} == settings | {
        "temperature": 0,
        "top_p": 0.5,
        "max_output_tokens": 800,
    }
    assert {name: snapshot[name] for name in times} == {name: float(text) for name, text in times.items()}
    assert snapshot["extra"] == {"k": 1}


def test_settings_that_are_emptied_are_the_providers_again(
    browser: Client, agent: Agent, agent_form: dict[str, str]
) -> None:
    before = agent.snapshot()
    emptied = {"extra_settings": "null", "temperature": "", "reasoning_effort": "", "idle_timeout_s": ""}
    agent.temperature, agent.extra_settings, agent.reasoning_effort, agent.idle_timeout_s = 0, {"k": 1}, "low", 5
    agent.save()

    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | emptied)

    agent.refresh_from_db()
    assert agent.snapshot() == before


@pytest.mark.parametrize(
    ("sent", "tools", "is_ticked"),
    [
        ({"tools": ""}, None, False),
        ({"tools": "null"}, None, False),
        ({"tools": "[]"}, [], True),
        ({"tools": "", "no_tools": "on"}, [], True),
        ({"tools": "[]", "no_tools": "on"}, [], True),
        ({"tools": '["calculator"]'}, ["calculator"], False),
    ],
)
def test_all_tools_and_no_tools_are_said_apart_and_shown_apart(
    browser: Client,
    agent: Agent,
    agent_form: dict[str, str],
    sent: dict[str, str],
    tools: list[str] | None,
    is_ticked: bool,
) -> None:
    agent.tools = ["date_math"] if tools is None else None
    agent.save()

    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | sent)

    agent.refresh_from_db()
    page = browser.get(f"/admin/runs/agent/{agent.pk}/change/").content.decode()
    assert (agent.tools, agent.snapshot()["tools"]) == (tools, tools)
    assert ("checked" in re.search(r'<input[^>]*name="no_tools"[^>]*>', page).group()) is is_ticked


def test_no_tools_and_a_list_of_tools_are_not_both_taken(
    browser: Client, agent: Agent, agent_form: dict[str, str]
) -> None:
    both = {"tools": '["calculator"]', "no_tools": "on"}
    response = browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | both)

    agent.refresh_from_db()
    assert "Either no tools, or those on the list" in response.content.decode()
    assert agent.tools is None


def test_staff_who_may_only_look_at_agents_see_their_settings(
    agent: Agent, browser_of: Callable[[User | None], Client]
) -> None:
    agent.tools, agent.temperature, agent.reasoning_effort = [], 0.25, "xhigh"
    agent.save()
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_agent"))

    response = browser_of(clerk).get(f"/admin/runs/agent/{agent.pk}/change/")

    page = response.content.decode()
    assert response.status_code == 200
    assert "0.25" in page and "Extra high" in page


def test_tools_can_be_limited_to_some(browser: Client, agent: Agent, agent_form: dict[str, str]) -> None:
    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | {"tools": '["calculator"]'})

    agent.refresh_from_db()
    assert agent.tools == ["calculator"]


def test_a_new_default_agent_takes_the_mark_from_the_one_before(
    browser: Client, agent: Agent, agent_form: dict[str, str]
) -> None:
    response = browser.post("/admin/runs/agent/add/", agent_form | {"name": "Careful"})

    assert response.status_code == 302
    assert list(Agent.objects.filter(is_default=True).values_list("name", flat=True)) == ["Careful"]


def test_changing_an_agent_changes_no_run(
    browser: Client, owner: User, agent: Agent, agent_form: dict[str, str], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner)

    browser.post(f"/admin/runs/agent/{agent.pk}/change/", agent_form | {"max_turns": "5"})

    run.refresh_from_db()
    assert run.config["max_turns"] == 20


def test_templates_and_labels_are_shown_with_who_moved_them_and_end_with_their_agent(
    browser: Client, staff: User, agent: Agent
) -> None:
    clerk = Agent.objects.create(name="Clerk", model_names=["offline"])
    control.set_label(clerk.pk, "production", 1, by=staff)
    template = TaskTemplate.objects.create(agent=clerk, name="Essay", task="Write about {{ topic }}.")

    pages = {
        name: browser.get(f"/admin/runs/{name}/").content.decode()
        for name in ("tasktemplate", "agentlabel", "labelmove")
    }
    shown = browser.get(f"/admin/runs/tasktemplate/{template.pk}/change/").content.decode()
    deleted = browser.post(f"/admin/runs/agent/{clerk.pk}/delete/", {"post": "yes"})

    assert "Essay" in pages["tasktemplate"] and "{{ topic }}" in shown
    assert all("production" in pages[name] and "Clerk" in pages[name] for name in ("agentlabel", "labelmove"))
    assert "staff" in pages["labelmove"]
    assert deleted.status_code == 302
    assert not any(model.objects.exists() for model in (TaskTemplate, AgentLabel, LabelMove))
