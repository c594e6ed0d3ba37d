"""Export and import of agents as one file."""

import json
from collections.abc import Callable
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from runs.agent_configs.agent_file import MAX_AGENTS, MAX_FILE_BYTES, FileRefused, document, read_file
from runs.models import Agent
from runs.models.agent_config import config_of
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]
IMPORT = "/agents/import/"


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


def file_of(*agents: dict[str, Any]) -> str:
    """A file of these agents."""
    return json.dumps({"format": "agents", "version": 1, "agents": agents}, indent=1)


def imported(browser: Client, text: str) -> Any:
    """The answer to the import of a text whose preview was looked at."""
    preview = browser.post(IMPORT, {"document": text})
    assert preview.status_code == 200, preview.content.decode()
    return browser.post(IMPORT, {"document": text, "plan": preview.context["mark"], "do": "import"})


def full_agent() -> Agent:
    """An agent that says something in each key of a file."""
    return Agent.objects.create(
        name="Clerk “7”",
        description="Looks things up",
        instructions="Mind\nthe gap – naïve 🙂",
        model_names=["local/m1", "offline"],
        strategy="race",
        tools=["calculator"],
        tool_approvals={"calculator": "always"},
        reasoning_effort="high",
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=500,
        extra_settings={"top_k": 40},
        max_turns=7,
        max_calls=9,
        max_repeats=6,
        max_child_runs=5,
        max_duration_s=60,
        max_tokens=10_000,
        max_cost_usd=Decimal("0.5"),
        context_tokens=32_000,
        first_token_timeout_s=5,
        idle_timeout_s=6,
        model_timeout_s=90.5,
        tool_timeout_s=2.5,
        output_schema={"type": "object", "properties": {"done": {"type": "boolean"}}},
        max_attempts=5,
        approval="always",
        approval_seconds=3600,
        on_approval_expiry="approve",
        launch_may_raise=["limits", "models"],
        priority=-3,
        max_runs_at_once=2,
    )


def test_an_exported_agent_is_imported_as_it_was(browser: Client) -> None:
    agent = full_agent()
    before, response = config_of(agent), browser.get(f"/agents/{agent.pk}/export/")
    agent.delete()

    imported(browser, response.content.decode())

    assert response["Content-Disposition"] == 'attachment; filename="agent-clerk-7.json"'
    assert config_of(Agent.objects.get(name="Clerk “7”")) == before
    assert len(before) == 32


def test_agents_that_call_each_other_are_imported_together(browser: Client) -> None:
    agents = [
        Agent.objects.create(
            name=name, model_names=["offline"], agents=[other], tool_approvals={"call_agent": "always"}
        )
        for name, other in (("Boss", "Worker"), ("Worker", "Boss"))
    ]
    text = document(agents)
    Agent.objects.all().delete()

    imported(browser, text)

    assert dict(Agent.objects.values_list("name", "agents")) == {"Boss": ["Worker"], "Worker": ["Boss"]}


@pytest.mark.parametrize("tools", [None, [], ["calculator"]])
def test_all_tools_none_and_some_stay_what_they_are(browser: Client, tools: Any) -> None:
    agent = Agent.objects.create(name="Clerk", model_names=["offline"], tools=tools)
    text = document([agent])
    agent.delete()

    imported(browser, text)

    assert Agent.objects.get(name="Clerk").tools == tools


def test_all_agents_are_exported_into_one_file_that_changes_nothing(browser: Client, agent: Agent) -> None:
    full_agent()

    text = browser.get("/agents/export/").content.decode()
    preview = browser.post(IMPORT, {"file": SimpleUploadedFile("agents.json", text.encode())})

    assert [each.name for each in preview.context["plan"]] == ["Assistant", "Clerk “7”"]
    assert preview.context["changed"] == 0 and "The same already" in preview.content.decode()


def test_the_preview_says_what_would_change_and_changes_nothing(browser: Client, agent: Agent) -> None:
    Agent.objects.create(name="Clerk", model_names=["offline"], max_turns=7, instructions="Old.")
    text = file_of({"name": "Clerk", "models": ["local/m1"], "max_turns": 9}, {"name": "New", "models": ["offline"]})

    response = browser.post(IMPORT, {"document": text})

    clerk, new = response.context["plan"]
    assert {each.key: (each.before, each.after) for each in clerk.changes} == {
        "instructions": ("Old.", ""),
        "models": ('["offline"]', '["local/m1"]'),
        "max_turns": ("7", "9"),
    }
    assert (clerk.is_new, new.is_new, response.context["changed"]) == (False, True, 2)
    assert Agent.objects.get(name="Clerk").max_turns == 7 and not Agent.objects.filter(name="New").exists()


def test_an_import_writes_what_the_preview_said(browser: Client, agent: Agent) -> None:
    kept = Agent.objects.create(name="Clerk", model_names=["offline"], max_turns=7)
    text = file_of({"name": "Clerk", "models": ["offline"], "max_turns": 9}, {"name": "New", "models": ["offline"]})

    response = imported(browser, text)

    kept.refresh_from_db()
    assert (response["Location"], kept.max_turns) == ("/agents/", 9)
    assert Agent.objects.filter(name="New").exists()


def test_an_import_keeps_the_default(browser: Client, agent: Agent) -> None:
    imported(browser, file_of({"name": "Assistant", "models": ["offline"], "max_turns": 9}))

    agent.refresh_from_db()
    assert (agent.is_default, agent.max_turns) == (True, 9)


def test_an_agent_that_changed_since_the_preview_is_shown_again_and_nothing_is_written(
    browser: Client, agent: Agent
) -> None:
    text = file_of({"name": "New", "models": ["offline"]}, {"name": "Assistant", "models": ["offline"], "max_turns": 9})
    mark = browser.post(IMPORT, {"document": text}).context["mark"]
    agent.save()

    response = browser.post(IMPORT, {"document": text, "plan": mark, "do": "import"})

    agent.refresh_from_db()
    assert response.status_code == 422 and "Somebody has changed an agent meanwhile" in response.content.decode()
    assert agent.max_turns == 20 and not Agent.objects.filter(name="New").exists()


REFUSED = {
    "not JSON": ('{\n "format": "agents",\n}', 3, "This is not JSON: line 3, column 1"),
    "another file": ('{"format": "runs", "version": 1}', 1, "This is no file of agents"),
    "a later version": ('{"format": "agents", "version": 2, "agents": []}', 1, "This is no file of agents"),
    "a list": ("[]", 1, "This is no file of agents"),
    "no agents": ('{"format": "agents", "version": 1,\n "agents": []}', 2, "1 to 100 agents"),
    "a name twice": ('{"format": "agents", "format": "agents"}', 1, "appears twice"),
    "too deep": ("[" * 100_000, 1, "nested too deeply"),
    "a long number": ('{"version": ' + "9" * 5000 + "}", 1, "."),
    "a surrogate": (r'{"format": "\ud800"}', 1, "surrogate"),
    "an infinite number": ('{"version": 1e999}', 1, "not finite"),
    "no object": ('{"format": "agents", "version": 1, "agents": [\n7]}', 2, "An agent is an object"),
    "no name": (file_of({"models": ["offline"]}), 5, "An agent needs a “name”"),
    "an unknown key": (file_of({"name": "A", "model": "offline"}), 7, "There is no setting “model”"),
    "a number for a text": (file_of({"name": "A", "instructions": 7}), 7, "“instructions” is a text"),
    "a text for a list": (file_of({"name": "A", "models": "offline"}), 7, "“models” is a list of texts"),
    "true for a number": (file_of({"name": "A", "max_turns": True}), 7, "“max_turns” is a number"),
    "too many turns": (file_of({"name": "A", "models": ["offline"], "max_turns": 9999}), 10, "A: At most 1,000 turns"),
    "no models": (file_of({"name": "A"}), 5, "A: Choose at least one model"),
    "an unknown tool": (file_of({"name": "A", "models": ["offline"], "tools": ["x"]}), 10, "A: No such tool: x"),
    "an unknown rule": (
        file_of({"name": "A", "models": ["offline"], "tool_approvals": {"calculator": "maybe"}}), 10, "rule: maybe",
    ),
    "a schema that is none": (
        file_of({"name": "A", "models": ["offline"], "output_schema": {"type": "thing"}}), 10, "A: ",
    ),
    "two of one name": (file_of({"name": "A"}, {"name": "A"}), 9, "“A” appears twice"),
    "too large": (" " * (MAX_FILE_BYTES + 1), 1, "more than 512 KiB"),
    "nothing": ("", 1, "Choose a file"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_imported_is_refused_with_the_line_and_nothing_is_written(
    browser: Client, agent: Agent, case: str
) -> None:
    text, line, words = REFUSED[case]
    sent = {"file": SimpleUploadedFile("a.json", text.encode())} if text else {"document": text}

    response = browser.post(IMPORT, sent)

    assert response.status_code == 422
    fault = response.context["faults"][0]
    assert (fault.line, words in fault.words) == (line, True), fault
    assert Agent.objects.count() == 1


def test_one_wrong_agent_keeps_the_others_out(browser: Client, agent: Agent) -> None:
    text = file_of({"name": "Good", "models": ["offline"]}, {"name": "Bad", "models": ["offline"], "max_turns": 0})

    response = browser.post(IMPORT, {"document": text, "do": "import"})

    assert response.status_code == 422 and not Agent.objects.filter(name="Good").exists()


def test_a_file_that_is_no_text_is_refused(browser: Client) -> None:
    response = browser.post(IMPORT, {"file": SimpleUploadedFile("a.json", b"\xff\xfe\x00")})

    assert response.status_code == 422 and "UTF-8" in response.content.decode()


def test_who_may_add_agents_only_replaces_none(browser_of: BrowserOf, agent: Agent) -> None:
    maker = browser_of(person_with("maker", "add_agent"))

    refused = maker.post(IMPORT, {"document": file_of({"name": "Assistant", "models": ["offline"]})})
    imported(maker, file_of({"name": "New", "models": ["offline"]}))

    assert refused.status_code == 422 and "you may not change agents" in refused.content.decode()
    assert Agent.objects.filter(name="New").exists()


def test_who_may_not_read_instructions_exports_nothing(owner: User, agent: Agent, browser_of: BrowserOf) -> None:
    for address in ("/agents/export/", f"/agents/{agent.pk}/export/"):
        assert browser_of(owner).get(address).status_code == 404


def test_the_largest_file_is_read_in_a_bounded_time() -> None:
    many = [
        {"name": f"Agent {number}", "instructions": "x" * 4_000, "models": ["offline"]} for number in range(MAX_AGENTS)
    ]

    started = process_time()
    entries = read_file(file_of(*many))
    with pytest.raises(FileRefused):
        read_file(file_of(*many, {"name": "One more"}))
    took_s = process_time() - started

    assert [entry.line for entry in entries[:2]] == [5, 12]
    assert took_s < 2, f"{took_s:.3f} s"
