"""Ceilings: an agent's limits, models, strategy, tools and costly settings limit a launch."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied

from runs.engine import control
from runs.models import Agent, Run

pytestmark = pytest.mark.django_db

BEYOND: dict[str, Any] = {
    "max_turns": 6,
    "max_calls": 8,
    "max_repeats": 4,
    "max_child_runs": 20,
    "max_duration_s": 61,
    "max_tokens": 1001,
    "max_cost_usd": "0.5001",
    "models": ["offline", "openai:gpt-6-astra"],
    "strategy": "race",
    "tools": ["calculator", "text_stats"],
    "max_output_tokens": 301,
    "reasoning_effort": "high",
    "extra": {"top_k": 41},
}
"""By override, a value a little above the agent's."""
WITHIN: dict[str, Any] = {
    "max_turns": 5,
    "max_calls": 7,
    "max_repeats": 2,
    "max_child_runs": 2,
    "max_duration_s": 1,
    "max_tokens": 1000,
    "max_cost_usd": "0.25",
    "models": ["offline"],
    "strategy": "fallback",
    "tools": [],
    "max_output_tokens": 300,
    "reasoning_effort": "none",
    "extra": {},
}
FREE = {"temperature": 2.0, "top_p": 1.0, "idle_timeout_s": 3600, "tool_timeout_s": 3600}
"""Overrides without a ceiling: they cost nothing, or only time the run has anyway."""


@pytest.fixture
def agent() -> Agent:
    """An agent with a value for every setting."""
    return Agent.objects.create(
        name="Clerk",
        model_names=["offline", "local/m1"],
        strategy="hedge",
        tools=["calculator"],
        max_turns=5,
        max_calls=7,
        max_repeats=3,
        max_child_runs=3,
        max_duration_s=60,
        max_tokens=1000,
        max_cost_usd="0.5",
        max_output_tokens=300,
        reasoning_effort="low",
        extra_settings={"top_k": 40, "seed": 1},
    )


@pytest.fixture
def ada() -> User:
    """A user who may not change agents."""
    return User.objects.create_user("ada")


@pytest.fixture
def editor() -> User:
    """A user who may change agents."""
    grace = User.objects.create_user("grace", is_staff=True)
    grace.user_permissions.add(Permission.objects.get(codename="change_agent"))
    return grace


def ended(user: User, agent: Agent, status: str = "failed", **config: Any) -> Run:
    """A finished run of the user, launched with this configuration."""
    return Run.objects.create(
        user=user,
        agent=agent,
        task="Count.",
        status=status,
        config=agent.snapshot() | config,
        ended_at="2026-01-01T00:00Z",
    )


@pytest.mark.parametrize("name", BEYOND)
def test_a_launch_beyond_its_agent_is_refused_by_every_way_of_launching(ada: User, agent: Agent, name: str) -> None:
    run, over = ended(ada, agent), {name: BEYOND[name]}

    for launch in (
        lambda: control.launch(user=ada, task="Count.", agent=agent, overrides=over),
        lambda: control.run_again(run.pk, by=ada, overrides=over),
        lambda: control.continue_run(run.pk, by=ada, message="On.", overrides=over),
        lambda: control.resume(run.pk, by=ada, overrides=over),
    ):
        with pytest.raises(
            control.OverrideRefused, match=r"^Clerk .*Only a person who may change the agent"
        ) as refused:
            launch()
        assert refused.value.name == name

    assert list(Run.objects.values_list("pk", "status")) == [(run.pk, "failed")]


@pytest.mark.parametrize("name", ["max_turns", "max_tokens", "max_cost_usd", "max_output_tokens", "tools", "models"])
def test_no_limit_at_all_is_beyond_any(ada: User, agent: Agent, name: str) -> None:
    with pytest.raises(control.OverrideRefused):
        control.launch(user=ada, task="Count.", agent=agent, overrides={name: None})


def test_the_same_model_twice_is_more_than_once(ada: User, agent: Agent) -> None:
    with pytest.raises(control.OverrideRefused, match="not with offline"):
        control.launch(user=ada, task="Count.", agent=agent, overrides={"models": ["offline", "offline"]})


@pytest.mark.parametrize("name", [*WITHIN, *FREE])
def test_a_launch_within_its_agent_is_taken(ada: User, agent: Agent, name: str) -> None:
    value = (WITHIN | FREE)[name]

    run = control.launch(user=ada, task="Count.", agent=agent, overrides={name: value})

    assert run.config[name] == value


def test_where_the_agent_says_nothing_there_is_no_ceiling(ada: User) -> None:
    plain = Agent.objects.create(name="Plain", model_names=["offline"])
    free = {name: BEYOND[name] for name in ("max_tokens", "max_cost_usd", "tools", "max_output_tokens")}

    run = control.launch(user=ada, task="Count.", agent=plain, overrides=free)

    assert {name: run.config[name] for name in free} == free


@pytest.mark.parametrize(
    "extra",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 60000}},
        {"reasoning": {"max_tokens": 60000}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 60000}}},
        {"service_tier": "priority"},
        {"chat_template_kwargs": {"reasoning_effort": "high"}},
        {"safety_settings": []},
        {"seed": None},
    ],
    ids=lambda extra: next(iter(extra)),
)
@pytest.mark.parametrize("own", [{}, {"seed": True, "thinking": {"budget_tokens": 100}}], ids=["none", "some"])
def test_a_launch_adds_no_further_settings_that_are_not_its_agents(ada: User, own: Any, extra: Any) -> None:
    agent = Agent.objects.create(
        name="Clerk", model_names=["offline"], tools=[], reasoning_effort="low", extra_settings=own
    )
    run, over = ended(ada, agent, status="completed"), {"extra": extra}

    for launch in (
        lambda: control.launch(user=ada, task="Count.", agent=agent, overrides=over),
        lambda: control.run_again(run.pk, by=ada, overrides=over),
        lambda: control.continue_run(run.pk, by=ada, message="On.", overrides=over),
    ):
        with pytest.raises(control.OverrideRefused, match="settings of its own"):
            launch()
    had_more = ended(ada, agent, status="completed", extra=extra)

    assert control.run_again(had_more.pk, by=ada).config.get("extra", {}) == own


def test_a_further_setting_that_only_looks_the_same_is_another(ada: User, agent: Agent) -> None:
    with pytest.raises(control.OverrideRefused):
        control.launch(user=ada, task="Count.", agent=agent, overrides={"extra": {"seed": True}})


def test_no_tools_and_no_models_of_an_agent_are_ceilings_too(ada: User) -> None:
    bare = Agent.objects.create(name="Bare", model_names=[], tools=[])

    for beyond in ({"tools": ["calculator"]}, {"tools": None}, {"models": ["openai:gpt-6-astra"]}):
        with pytest.raises(control.OverrideRefused):
            control.launch(user=ada, task="Count.", agent=bare, overrides=beyond)


@pytest.mark.parametrize("name", BEYOND)
def test_who_may_change_the_agent_and_the_command_line_launch_beyond_it(editor: User, agent: Agent, name: str) -> None:
    for by in (editor, None):
        run = control.launch(user=by, task="Count.", agent=agent, overrides={name: BEYOND[name]})

        assert run.config[name] == BEYOND[name]


@pytest.mark.parametrize(
    ("switch", "opens"),
    [
        (
            "limits",
            {"max_turns", "max_calls", "max_repeats", "max_child_runs", "max_duration_s", "max_tokens", "max_cost_usd"},
        ),
        ("models", {"models", "strategy"}),
        ("tools", {"tools"}),
        ("settings", {"max_output_tokens", "reasoning_effort", "extra"}),
    ],
)
def test_a_switch_of_the_agent_opens_its_kind_and_no_other(
    ada: User, agent: Agent, switch: str, opens: set[str]
) -> None:
    agent.launch_may_raise = [switch]
    agent.save()

    taken = set()
    for name, value in BEYOND.items():
        try:
            control.launch(user=ada, task="Count.", agent=agent, overrides={name: value})
        except control.OverrideRefused:
            continue
        taken.add(name)

    assert taken == opens


def test_no_switch_lets_a_launch_ask_a_person_less_often(ada: User, agent: Agent) -> None:
    agent.launch_may_raise = Agent.MayRaise.values
    agent.save()

    with pytest.raises(control.OverrideRefused, match="more often, not less"):
        control.launch(user=ada, task="Count.", agent=agent, overrides={"approval": "never"})


@pytest.mark.parametrize("again", ["run_again", "continue_run"])
def test_a_new_run_like_one_that_had_more_has_what_its_agent_allows_today(
    ada: User, editor: User, agent: Agent, again: str
) -> None:
    raised = BEYOND | {"tools": ["calculator", "date_math"]}
    had_more = ended(ada, agent, status="completed", **raised)
    launch: dict[str, Any] = {
        "run_again": lambda by: control.run_again(had_more.pk, by=by),
        "continue_run": lambda by: control.continue_run(had_more.pk, by=by, message="On."),
    }

    theirs, editors = launch[again](ada).config, launch[again](editor).config

    agent.refresh_from_db()
    today = agent.snapshot()
    assert {name: theirs[name] for name in BEYOND} == {name: today[name] for name in BEYOND} | {"models": ["offline"]}
    assert {name: editors[name] for name in BEYOND} == raised | {"tools": ["calculator"]}


def test_a_run_that_goes_on_keeps_what_it_was_given_but_gets_no_more(ada: User, agent: Agent) -> None:
    run = ended(ada, agent, max_turns=50)

    with pytest.raises(control.OverrideRefused):
        control.resume(run.pk, by=ada, overrides={"max_turns": 51})
    assert control.resume(run.pk, by=ada, overrides={"max_turns": 50}) == "resumed"

    run.refresh_from_db()
    assert run.config["max_turns"] == 50


@pytest.mark.parametrize(("name", "value"), [("max_tokens", 5000), ("max_cost_usd", "7"), ("max_calls", 80)])
def test_a_run_that_was_launched_without_a_limit_may_go_on_with_one_of_its_own(
    ada: User, agent: Agent, name: str, value: Any
) -> None:
    config = {key: each for key, each in agent.snapshot().items() if key != name}
    run = Run.objects.create(user=ada, agent=agent, config=config, task="Do it.", status="failed")

    assert control.resume(run.pk, by=ada, overrides={name: value}) == "resumed"


def test_a_run_whose_agent_is_gone_is_launched_again_with_no_more_than_it_had(ada: User, agent: Agent) -> None:
    run = ended(ada, agent)
    agent.delete()

    with pytest.raises(control.OverrideRefused, match="Clerk allows 5 turns at most, not 6"):
        control.run_again(run.pk, by=ada, overrides={"max_turns": 6})
    assert control.run_again(run.pk, by=ada, overrides={"max_turns": 4}).config["max_turns"] == 4


def test_an_account_that_was_given_something_else_launches_nothing(ada: User, agent: Agent) -> None:
    ada.user_permissions.add(Permission.objects.get(codename="view_run"))
    ada = User.objects.get(pk=ada.pk)
    run = ended(ada, agent, status="completed")

    for launch in (
        lambda: control.launch(user=ada, task="Count.", agent=agent),
        lambda: control.run_again(run.pk, by=ada),
        lambda: control.continue_run(run.pk, by=ada, message="On."),
    ):
        with pytest.raises(PermissionDenied):
            launch()

    assert Run.objects.count() == 1
