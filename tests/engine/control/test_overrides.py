"""Settings of models, timeouts and tools: from an agent and a launch into a run and its follow-ups."""

from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection

from runs.agent.model_settings import EFFORTS, ModelSettings
from runs.agent.run_limits import RunLimits
from runs.engine import control
from runs.engine.control.overrides import with_rules_of_today
from runs.engine.hosting.run_config import setup_of
from runs.models import Agent, Run

pytestmark = pytest.mark.django_db

SETTINGS: dict[str, Any] = {
    "reasoning_effort": "low",
    "temperature": 0.0,
    "top_p": 0.9,
    "max_output_tokens": 500,
    "extra": {"top_k": 40},
}
TIMES = {"tool_timeout_s": 5.5, "model_timeout_s": 900, "first_token_timeout_s": 300, "idle_timeout_s": 0.5}


@pytest.fixture
def agent() -> Agent:
    """An agent with settings and timeouts of its own."""
    columns = {name: value for name, value in SETTINGS.items() if name != "extra"}
    return Agent.objects.create(
        name="Clerk", model_names=["offline"], approval="never", extra_settings=SETTINGS["extra"], **columns, **TIMES
    )


@pytest.fixture
def ada() -> User:
    """A user who is not staff."""
    return User.objects.create_user("ada")


def setup(config: dict[str, Any]) -> Any:
    return setup_of(config, lambda _name: None)  # type: ignore[arg-type,return-value]  # no model is asked


def test_an_agents_settings_and_time_limits_are_those_of_its_runs(ada: User, agent: Agent) -> None:
    made = setup(control.launch(user=ada, task="Count.", agent=agent).config)

    assert made.settings == ModelSettings(**SETTINGS)
    assert {name: getattr(made.limits, name) for name in TIMES} == TIMES


def test_a_launch_replaces_what_it_names_and_nothing_else(ada: User, agent: Agent) -> None:
    overrides = {"temperature": 1.5, "extra": {}, "idle_timeout_s": 60}

    made = setup(control.launch(user=ada, task="Count.", agent=agent, overrides=overrides).config)

    assert made.settings == ModelSettings(**SETTINGS | {"temperature": 1.5, "extra": {}})
    assert (made.limits.idle_timeout_s, made.limits.tool_timeout_s) == (60, 5.5)


def test_an_agent_that_says_nothing_leaves_it_to_the_provider_and_the_defaults(ada: User) -> None:
    plain = Agent.objects.create(name="Plain", model_names=["offline"])

    made = setup(control.launch(user=ada, task="Count.", agent=plain).config)

    assert made.settings == ModelSettings()
    assert all(getattr(made.limits, name) == getattr(RunLimits(), name) for name in TIMES)


@pytest.mark.parametrize("tools", [None, [], ["calculator"]])
def test_a_run_from_before_there_were_settings_still_works(agent: Agent, tools: list[str] | None) -> None:
    new = {*SETTINGS, *TIMES}
    old = {name: value for name, value in agent.snapshot().items() if name not in new} | {"tools": tools}

    made = setup(old)

    assert made.settings == ModelSettings()
    assert made.limits.tool_timeout_s == RunLimits().tool_timeout_s
    assert len(made.toolbox) == (0 if tools == [] else 1 if tools else len(setup(old | {"tools": None}).toolbox))


@pytest.mark.parametrize("name", ["temperature", "top_p", "max_output_tokens", "reasoning_effort", "extra"])
def test_a_value_no_model_takes_in_a_row_fails_the_run_with_its_name(agent: Agent, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must "):
        setup(agent.snapshot() | {name: -1})


def test_what_follows_a_run_has_its_settings_not_those_its_agent_has_today(ada: User, agent: Agent) -> None:
    earlier = control.launch(user=ada, task="Count.", agent=agent, overrides={"temperature": 1.5})
    agent.temperature, agent.reasoning_effort, agent.tool_timeout_s = 0.1, "max", 1
    agent.save()
    again = control.run_again(earlier.pk, by=ada)
    changed = control.run_again(earlier.pk, by=ada, overrides={"reasoning_effort": "high"})
    Run.objects.filter(pk=earlier.pk).update(status="completed")
    further = control.continue_run(earlier.pk, by=ada, message="And then?", overrides={"top_p": 0.5})

    for run in (again, changed, further):
        assert (run.config["temperature"], run.config["tool_timeout_s"]) == (1.5, 5.5)
    assert [run.config["reasoning_effort"] for run in (again, changed, further)] == ["low", "high", "low"]
    assert further.config["top_p"] == 0.5


def test_a_failed_run_is_resumed_with_other_settings_and_a_step_says_so(ada: User, agent: Agent) -> None:
    agent.launch_may_raise = ["settings"]
    agent.save()
    run = control.launch(user=ada, task="Count.", agent=agent)
    Run.objects.filter(pk=run.pk).update(status="failed")
    overrides = {"max_output_tokens": 8000, "extra": {"stop": ["x" * 1000]}}

    assert control.resume(run.pk, by=ada, overrides=overrides) == "resumed"

    run.refresh_from_db()
    note = run.steps.get()
    assert (run.config["max_output_tokens"], run.config["temperature"]) == (8000, 0.0)
    assert "max_output_tokens 500 → 8000" in note.content
    assert len(note.content) < 1000, "of a long value the words have the beginning"
    assert note.metadata["overrides"] == overrides


def test_efforts_are_the_same_for_agents_and_for_models() -> None:
    assert tuple(Agent.ReasoningEffort.values) == EFFORTS


def test_an_agent_without_tools_has_none_and_one_without_a_list_has_all(ada: User, agent: Agent) -> None:
    everything = setup(control.launch(user=ada, task="Count.", agent=agent).config)
    agent.tools = []
    agent.save()
    nothing = setup(control.launch(user=ada, task="Count.", agent=agent).config)

    assert "calculator" in everything.toolbox
    assert len(nothing.toolbox) == 0


def test_nobody_who_may_not_change_an_agent_without_tools_gives_it_any(ada: User, agent: Agent) -> None:
    agent.tools = []
    agent.save()

    for more in (["calculator"], None):
        with pytest.raises(control.OverrideRefused, match="Clerk may call no tools, not "):
            control.launch(user=ada, task="Count.", agent=agent, overrides={"tools": more})

    admin = User.objects.create_superuser("grace")
    assert control.launch(user=admin, task="Count.", agent=agent, overrides={"tools": None}).config["tools"] is None


@pytest.mark.parametrize("may", [None, ["calculator"], []])
def test_anybody_may_launch_without_tools(ada: User, agent: Agent, may: list[str] | None) -> None:
    agent.tools = may
    agent.save()

    assert control.launch(user=ada, task="Count.", agent=agent, overrides={"tools": []}).config["tools"] == []


@pytest.mark.parametrize(
    ("had", "may_today", "has_again"),
    [
        (None, None, None),
        (None, ["calculator"], ["calculator"]),
        (None, [], []),
        ([], None, []),
        ([], ["calculator"], []),
        (["calculator", "date_math"], ["date_math", "text_stats"], ["date_math"]),
        (["calculator"], ["text_stats"], ["text_stats"]),
        (["calculator"], None, ["calculator"]),
        (["calculator"], [], []),
    ],
)
def test_what_a_run_may_call_again_is_what_it_could_and_its_agent_may_today(
    ada: User, agent: Agent, had: list[str] | None, may_today: list[str] | None, has_again: list[str] | None
) -> None:
    agent.tools = had
    agent.save()
    run = control.launch(user=ada, task="Count.", agent=agent)
    agent.tools = may_today
    agent.save()
    run.refresh_from_db()

    assert with_rules_of_today(run, by=None)["tools"] == has_again
    assert control.run_again(run.pk, by=ada).config["tools"] == has_again


def test_agents_whose_empty_list_meant_all_tools_keep_them_all() -> None:
    lists: dict[str, Any] = {
        "none": None,
        "empty": [],
        "object": {},
        "one": ["calculator"],
        "several": ["date_math", "calculator"],
    }
    for name, tools in lists.items():
        Agent.objects.create(name=name, model_names=["offline"], tools=tools)

    migration = import_module("runs.migrations.0008_no_tools_is_none")
    migration.empty_lists_mean_all(apps, connection.schema_editor())

    kept = {agent.name: agent.tools for agent in Agent.objects.filter(name__in=lists)}
    assert kept == lists | {"empty": None, "object": None}


def test_a_price_and_a_temperature_of_nothing_are_not_the_same_as_none(ada: User, agent: Agent) -> None:
    overrides = {"max_cost_usd": "0.5", "temperature": 0}

    made = setup(control.launch(user=ada, task="Count.", agent=agent, overrides=overrides).config)

    assert (made.settings.temperature, made.limits.max_cost_usd) == (0, Decimal("0.5"))


def stored_by_an_earlier_version(user: User, agent: Agent) -> Run:
    """A failed run whose row has the earlier name of its time limit."""
    config = agent.snapshot()
    config["max_seconds"] = config.pop("max_duration_s") - 1
    run = Run.objects.create(
        user=user, agent=agent, task="Count.", status="failed", config=config, ended_at="2026-01-01T00:00Z"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT config FROM runs_run")
        assert '"max_seconds"' in str(cursor.fetchone())
    return Run.objects.get(pk=run.pk)


def test_a_time_limit_stored_under_its_earlier_name_is_that_of_the_run_and_of_what_follows_it(
    ada: User, agent: Agent
) -> None:
    run = stored_by_an_earlier_version(ada, agent)

    again = control.run_again(run.pk, by=ada)

    assert setup(run.config).limits.max_duration_s == 599
    assert (again.config["max_duration_s"], "max_seconds" in again.config) == (599, False)


def test_an_earlier_run_is_resumed_with_more_time_and_the_step_calls_it_as_the_api_does(
    ada: User, agent: Agent
) -> None:
    run = stored_by_an_earlier_version(ada, agent)

    control.resume(run.pk, by=ada, overrides={"max_duration_s": 600})

    run.refresh_from_db()
    note = run.steps.get()
    assert run.config["max_duration_s"] == 600
    assert note.content == "Resumed by ada with max_seconds 599 → 600."
    assert note.metadata["overrides"] == {"max_seconds": 600}
