"""Settings of the model, time limits and tools through the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.models import Agent, Run
from tests.api.conftest import Program, error_of

OVERRIDES: dict[str, Any] = {
    "reasoning_effort": "low",
    "temperature": 0,
    "top_p": 0.9,
    "max_output_tokens": 500,
    "extra": {"top_k": 40},
    "tool_timeout_s": 2.5,
    "model_timeout_s": 900,
    "first_token_timeout_s": 300,
    "idle_timeout_s": 60,
}


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program], agent: Agent) -> Program:
    """A program of the owner, who is not staff, with the scopes to launch and read."""
    return program_of(owner, "read", "launch")


def test_a_launch_a_repetition_and_a_follow_up_take_settings(program: Program, agent: Agent) -> None:
    launched = program.post("/runs", {"task": "x", "overrides": OVERRIDES}).json()
    Run.objects.filter(pk=launched["id"]).update(status="failed")
    again = program.post(f"/runs/{launched['id']}/rerun", {"overrides": {"temperature": 1}}).json()
    further = program.post(f"/runs/{launched['id']}/continue", {"message": "y", "overrides": {"extra": {}}}).json()
    program.post(f"/runs/{launched['id']}/resume", {"overrides": {"max_output_tokens": 900}})

    configs = [Run.objects.get(pk=each["id"]).config for each in (launched, again, further)]
    expected: list[dict[str, Any]] = [{"max_output_tokens": 900}, {"temperature": 1}, {"extra": {}}]
    for config, changed in zip(configs, expected, strict=True):
        assert {name: config[name] for name in OVERRIDES} == OVERRIDES | changed


def test_null_is_the_agents_own(program: Program, agent: Agent) -> None:
    agent.temperature, agent.extra_settings = 0.5, {"seed": 1}
    agent.save()

    program.post("/runs", {"task": "x", "overrides": dict.fromkeys(OVERRIDES)})

    assert Run.objects.get().config == agent.snapshot()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"temperature": 2.1}, "overrides.temperature: It must be a number from 0 to 2, not 2.1."),
        ({"temperature": -1}, "overrides.temperature: It must be a number from 0 to 2, not -1."),
        ({"temperature": "0.5"}, "temperature: Send a number, not '0.5'."),
        ({"temperature": True}, "temperature: Send a number, not True."),
        ({"top_p": 0}, "overrides.top_p: It must be a number above 0 and at most 1, not 0."),
        ({"top_p": 1.5}, "overrides.top_p: It must be a number above 0 and at most 1, not 1.5."),
        ({"max_output_tokens": 0}, "overrides.max_output_tokens: It must be a whole number from 1 to 1,000,000,000"),
        ({"max_output_tokens": 10**12}, "overrides.max_output_tokens: It must be a whole number from 1 to"),
        ({"max_output_tokens": 1.5}, "max_output_tokens: Send a whole number"),
        ({"max_output_tokens": True}, "max_output_tokens: Send a whole number"),
        ({"reasoning_effort": "huge"}, "reasoning_effort: Send 'none', 'minimal', 'low'"),
        ({"extra": []}, "extra: Send an object, not []."),
        (
            {"extra": {"messages": []}},
            "overrides.extra: It must not have 'messages': the run sends its own conversation",
        ),
        ({"extra": {"text": {"format": {}}}}, "overrides.extra: It must not have 'text.format'"),
        ({"extra": {"a": "\x00"}}, "overrides.extra: It must contain no NUL"),
        ({"extra": {"a": "x" * 20_000}}, "overrides.extra: It must be at most 16 KiB of JSON"),
        ({"extra_settings": {}}, "extra_settings: There is no such field."),
        ({"tool_timeout_s": 0.01}, "overrides.tool_timeout_s: It must be a number of seconds from 0.1 to 3,600"),
        ({"idle_timeout_s": 3601}, "overrides.idle_timeout_s: It must be a number of seconds from 0.1 to 3,600"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_the_words_of_the_form(
    program: Program, overrides: dict[str, Any], words: str
) -> None:
    response = program.post("/runs", {"task": "x", "overrides": overrides})

    assert response.status_code == 422
    assert words in error_of(response)["message"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("value", "status"),
    [('{"temperature": 1e999}', 422), ('{"temperature": NaN}', 400), ('{"extra": {"a": [1e999]}}', 422)],
)
def test_a_number_that_is_none_launches_nothing(program: Program, value: str, status: int) -> None:
    response = program.post("/runs", f'{{"task": "x", "overrides": {value}}}')

    assert response.status_code == status
    assert not Run.objects.exists()


def test_an_empty_list_of_tools_is_none_and_null_is_the_agents_own(program: Program, agent: Agent) -> None:
    without = program.post("/runs", {"task": "x", "overrides": {"tools": []}}).json()
    plain = program.post("/runs", {"task": "x", "overrides": {"tools": None}}).json()
    agent.tools = []
    agent.save()
    refused = program.post("/runs", {"task": "x", "overrides": {"tools": ["calculator"]}})

    assert [Run.objects.get(pk=each["id"]).config["tools"] for each in (without, plain)] == [[], None]
    assert refused.status_code == 422
    assert "overrides.tools: Assistant may call no tools, not calculator." in error_of(refused)["message"]


@pytest.mark.parametrize("tools", [None, [], ["calculator"]])
def test_an_agent_tells_its_settings_and_whether_it_has_all_tools_or_none(
    program: Program, agent: Agent, tools: list[str] | None
) -> None:
    columns = {name: value for name, value in OVERRIDES.items() if name != "extra"}
    Agent.objects.filter(pk=agent.pk).update(tools=tools, extra_settings=OVERRIDES["extra"], **columns)

    told = program.get("/agents").json()["items"][0]

    assert {name: told[name] for name in OVERRIDES} == OVERRIDES
    assert told["tools"] == tools


def test_the_limit_of_tool_calls_is_told_and_taken(program: Program, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(max_calls=7)

    told = program.get("/agents").json()["items"][0]
    program.post("/runs", {"task": "x", "overrides": {"max_calls": 9}})

    assert told["max_calls"] == 7
    assert Run.objects.get().config["max_calls"] == 9


def test_the_description_has_the_bounds(program: Program) -> None:
    described = program.get("/openapi.json").json()["components"]["schemas"]["Overrides"]["properties"]

    def bounds(name: str) -> dict[str, Any]:
        kinds: list[dict[str, Any]] = described[name]["anyOf"]
        return {key: value for key, value in kinds[0].items() if key not in ("type", "title")}

    assert bounds("temperature") == {"minimum": 0, "maximum": 2}
    assert bounds("top_p") == {"exclusiveMinimum": 0, "maximum": 1}
    assert bounds("max_output_tokens") == {"minimum": 1, "maximum": 10**9}
    assert bounds("idle_timeout_s") == {"minimum": 0.1, "maximum": 3600}
    assert bounds("reasoning_effort")["enum"][0] == "none"


def test_a_run_says_whether_some_of_its_tokens_were_counted_here(
    program: Program, owner: User, make_run: Callable[..., Run]
) -> None:
    told, guessed = make_run(owner, tokens_used=7), make_run(owner, tokens_used=7, usage_is_estimated=True)

    answers = [program.get(f"/runs/{run.pk}").json() for run in (told, guessed)]

    assert [(each["tokens_used"], each["usage_is_estimated"]) for each in answers] == [(7, False), (7, True)]
