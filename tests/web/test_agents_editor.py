"""Creating, editing and duplicating agents."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.agent_configs.agent_editor import moved_rows
from runs.models import Agent
from tests.web.agent_fixtures import EDITOR, person_with
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
NEW = "/agents/new/"


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


def edit(agent: Agent) -> str:
    """The address of an agent's form."""
    return f"/agents/{agent.pk}/edit/"


def sent_again(browser: Client, agent: Agent, **changes: Any) -> dict[str, Any]:
    """The form of the agent as it is shown, with changes."""
    form = browser.get(edit(agent)).context["form"]
    shown = {field.html_name: field.value() for field in form if field.name not in ("tool_approvals", "is_default")}
    shown = {name: value for name, value in shown.items() if value not in (None, {}, [])}
    if agent.is_default:
        shown["is_default"] = "on"
    return {**shown, "seen": agent.updated_at.isoformat(), **changes}


def errors(response: Any) -> dict[str, str]:
    """The errors of the form, by field."""
    assert response.status_code == 422
    return {name: " ".join(found) for name, found in response.context["form"].errors.items()}


def test_an_agent_is_made_of_what_was_typed_and_defaults_fill_the_rest(browser: Client) -> None:
    more = {"max_cost_usd": "0.25", "temperature": "0.5", "rule-calculator": "always", "launch_may_raise": ["models"]}

    response = browser.post(NEW, EDITOR | more)

    agent = Agent.objects.get(name="Clerk")
    assert response["Location"] == f"/agents/{agent.pk}/"
    assert (agent.model_names, agent.tools) == (["offline"], ["calculator", "current_time"])
    assert (agent.max_turns, agent.max_duration_s, agent.max_attempts, agent.priority) == (20, 600, 3, 0)
    assert (agent.max_cost_usd, agent.temperature, agent.max_tokens) == (Decimal("0.25"), 0.5, None)
    assert (agent.tool_approvals, agent.launch_may_raise) == ({"calculator": "always"}, ["models"])
    assert (agent.output_schema, agent.extra_settings) == (None, {})


def test_a_new_form_has_a_choice_wherever_one_is_needed(browser: Client) -> None:
    form = browser.get(NEW).context["form"]

    chosen = {name: form[name].value() for name in ("strategy", "tool_choice", "approval", "on_approval_expiry")}
    assert chosen == {"strategy": "fallback", "tool_choice": "all", "approval": "unsafe", "on_approval_expiry": "deny"}
    assert form["max_turns"].value() is None


@pytest.mark.parametrize(("choice", "tools"), [("all", None), ("none", []), ("chosen", ["calculator"])])
def test_all_tools_none_and_some_are_three_different_things(browser: Client, choice: str, tools: Any) -> None:
    browser.post(NEW, EDITOR | {"tool_choice": choice, "tools": ["calculator"]})

    agent = Agent.objects.get(name="Clerk")
    assert agent.tools == tools
    assert browser.get(edit(agent)).context["form"]["tool_choice"].value() == choice


def test_save_and_launch_goes_to_the_launch_form_with_the_agent(browser: Client) -> None:
    plain = browser.post(NEW, EDITOR | {"name": "A & B", "do": "launch"})
    htmx = browser.post(NEW, EDITOR | {"do": "launch"}, headers=HTMX)

    assert plain["Location"] == "/runs/new/?agent=A+%26+B"
    assert htmx["HX-Redirect"] == "/runs/new/?agent=Clerk"


WRONG = {
    "name": ("", "Give the agent a name."),
    "model_names": ("gpt 5", "Unknown model"),
    "max_turns": ("lots", "Type a whole number of turns."),
    "max_cost_usd": ("0", "A limit is at least $0.0001."),
    "temperature": ("3", "It must be a number from 0 to 2, not 3."),
    "output_schema": ('{"type": "object",\n}', "This is not JSON: line 2, column 1"),
    "extra_settings": ('{"stream": true}', "replies are always streamed"),
    "max_attempts": ("11", "less than or equal to 10"),
    "approval_seconds": ("0", "greater than or equal to 1"),
    "tools": ("no_such_tool", "No such tool: no_such_tool. Untick it."),
    "rule-no_such_tool": ("always", "No such tool: no_such_tool."),
    "strategy": ("fastest", "Select a valid choice"),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(browser: Client, field: str) -> None:
    typed, words = WRONG[field]

    response = browser.post(NEW, EDITOR | {"instructions": "Mind the gap.", field: typed})

    found = errors(response)
    assert words in " ".join(found.values()) and len(found) == 1
    page = response.content.decode()
    assert "Mind the gap." in page and "Nothing is saved yet: 1 field needs a look." in page
    assert not Agent.objects.filter(name="Clerk").exists()


def test_the_first_field_that_is_wrong_has_the_focus(browser: Client) -> None:
    page = browser.post(NEW, EDITOR | {"name": "", "max_turns": "lots"}).content.decode()

    focused = [part for part in page.split("<input")[1:] if "autofocus" in part.partition(">")[0]]
    assert len(focused) == 1 and 'name="name"' in focused[0]
    assert page.count('aria-invalid="true"') == 2


def test_to_htmx_the_form_comes_back_alone(browser: Client) -> None:
    response = browser.post(NEW, EDITOR | {"name": ""}, headers=HTMX)

    assert response.status_code == 422 and response.content.decode().lstrip().startswith("<form")


def test_a_form_that_is_sent_twice_makes_one_agent_and_a_changed_one_another(browser: Client) -> None:
    sent = EDITOR | {"once": "0123456789abcdef"}

    first, second = browser.post(NEW, sent), browser.post(NEW, sent)
    browser.post(NEW, sent | {"name": "Other"})

    assert first["Location"] == second["Location"]
    assert set(Agent.objects.exclude(name="Assistant").values_list("name", flat=True)) == {"Clerk", "Other"}


def test_a_name_that_is_taken_is_refused(browser: Client, agent: Agent) -> None:
    assert errors(browser.post(NEW, EDITOR | {"name": "Assistant"})) == {
        "name": "Another agent has this name. Choose another one."
    }


def test_an_agent_sent_as_it_is_shown_stays_as_it_is(browser: Client) -> None:
    agent = Agent.objects.create(
        name="Clerk",
        model_names=["offline", "local/m1"],
        tools=["calculator"],
        tool_approvals={"calculator": "never"},
        max_turns=7,
        max_cost_usd=Decimal("0.5"),
        temperature=0,
        tool_timeout_s=2.5,
        extra_settings={"top_k": 40},
        output_schema={"type": "object"},
        launch_may_raise=["limits"],
    )
    before = {name: value for name, value in vars(agent).items() if name not in ("updated_at", "_state")}

    response = browser.post(edit(agent), sent_again(browser, agent, **{"rule-calculator": "never"}))

    assert response.status_code == 302
    agent = Agent.objects.get(pk=agent.pk)
    assert {name: value for name, value in vars(agent).items() if name in before} == before


@pytest.mark.parametrize(
    ("action", "rows"),
    [
        ("add", ["a", "b", "c", ""]),
        ("up-1", ["b", "a", "c"]),
        ("down-1", ["a", "c", "b"]),
        ("remove-0", ["b", "c"]),
        ("up-0", ["a", "b", "c"]),
        ("down-2", ["a", "b", "c"]),
        ("remove-99999", ["a", "b", "c"]),
        ("up-x", ["a", "b", "c"]),
    ],
)
def test_models_are_added_moved_and_removed(action: str, rows: list[str]) -> None:
    assert moved_rows(["a", "b", "c"], action) == rows


def test_a_row_is_added_without_scripts_and_saves_nothing(browser: Client) -> None:
    typed = EDITOR | {"model_names": ["offline", "local/m1"], "do": "add", "max_turns": "lots", "name": ""}

    response = browser.post(NEW, typed)

    assert response.status_code == 200
    assert [model.name for model in response.context["models"]] == ["offline", "local/m1", ""]
    page = response.content.decode()
    assert 'value="lots"' in page and "aria-invalid" not in page
    assert not Agent.objects.filter(name="Clerk").exists()


def test_a_model_is_tested_only_by_those_who_may(
    db: None, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("runs.web.agent_editor_page.test_by_name", asked.append)
    maker, tester = person_with("maker", "add_agent"), person_with("tester", "add_agent", "test_models")
    typed = EDITOR | {"model_names": ["offline", "local/m1"], "do": "test-1"}

    for person in (maker, tester):
        assert browser_of(person).post(NEW, typed).status_code == 200

    assert asked == ["local/m1"]


def test_a_copy_is_filled_in_but_for_its_name_and_is_no_default(browser: Client, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(instructions="Mind the gap.", tools=["calculator"], max_turns=7)

    response = browser.get(f"{NEW}?from={agent.pk}")

    form = response.context["form"]
    shown = [form[name].value() for name in ("name", "instructions", "tool_choice", "tools", "max_turns", "is_default")]
    assert shown == ["Copy of Assistant", "Mind the gap.", "chosen", ["calculator"], 7, False]
    assert response.context["agent"] is None
    assert Agent.objects.count() == 1


@pytest.mark.parametrize("wanted", ["0", "x", "9" * 30])
def test_a_copy_of_nothing_is_not_found(browser: Client, wanted: str) -> None:
    assert browser.get(f"{NEW}?from={wanted}").status_code == 404


def test_a_copy_is_for_those_who_may_read_instructions(browser_of: BrowserOf, agent: Agent) -> None:
    maker = person_with("maker", "add_agent")

    assert browser_of(maker).get(f"{NEW}?from={agent.pk}").status_code == 404
    assert browser_of(maker).get(NEW).status_code == 200


def test_a_save_in_between_is_noticed_and_what_was_typed_is_kept(browser: Client, agent: Agent) -> None:
    mine = sent_again(browser, agent, description="mine")
    theirs = sent_again(browser, agent, description="theirs", max_turns="7")
    assert browser.post(edit(agent), theirs).status_code == 302

    refused = browser.post(edit(agent), mine)

    page = refused.content.decode()
    agent.refresh_from_db()
    assert (refused.status_code, agent.description) == (422, "theirs")
    assert "Somebody else has saved this agent" in page and 'value="mine"' in page
    changes = {each.key: (each.before, each.after) for each in refused.context["conflict"]}
    assert changes == {"description": ("theirs", "mine"), "max_turns": ("7", "20")}

    again = browser.post(edit(agent), mine | {"seen": refused.context["seen"]})

    agent.refresh_from_db()
    assert (again.status_code, agent.description, agent.max_turns) == (302, "mine", 20)


def test_a_form_without_a_time_overwrites_nothing(browser: Client, agent: Agent) -> None:
    response = browser.post(edit(agent), sent_again(browser, agent, description="mine", seen="yesterday"))

    agent.refresh_from_db()
    assert (response.status_code, agent.description == "mine") == (422, False)


def test_one_agent_is_the_default(browser: Client, agent: Agent) -> None:
    browser.post(NEW, EDITOR | {"is_default": "on"})

    assert list(Agent.objects.filter(is_default=True).values_list("name", flat=True)) == ["Clerk"]


def test_who_may_only_add_agents_takes_the_default_from_nobody(browser_of: BrowserOf, agent: Agent) -> None:
    browser_of(person_with("maker", "add_agent")).post(NEW, EDITOR | {"is_default": "on"})

    assert Agent.objects.get(is_default=True) == agent
    assert Agent.objects.filter(name="Clerk").exists()


def test_what_was_typed_after_signing_out_is_kept(agent: Agent) -> None:
    response = Client().post(NEW, EDITOR)

    assert response.status_code == 401
    assert response.context["kept"]


@pytest.mark.parametrize(
    ("language", "labels"),
    [("de", {"Name", "Beschreibung", "Anweisungen"}), ("zh-hans", {"名称", "说明", "指令"})],
)
def test_labels_and_helps_are_in_the_language_of_the_page(browser: Client, language: str, labels: set[str]) -> None:
    page = browser.get("/agents/new/", headers={"Accept-Language": language}).content.decode()

    found = {words.strip() for words in re.findall(r"<label[^>]*>([^<]*)<", page)}
    assert labels <= found
    assert re.findall(r"[\u4e00-\u9fff]\.[ <]", page) == []
