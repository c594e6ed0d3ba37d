"""What a new run takes over from an earlier one, and what it may not."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from runs.agent.tools.toolbox import Toolbox
from runs.engine import control
from runs.engine.hosting.run_config import approvals_of
from runs.models import Agent, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    """An agent that never asks."""
    return Agent.objects.create(name="Clerk", model_names=["offline"], approval="never")


@pytest.fixture
def earlier(django_user_model: Any, agent: Agent) -> Run:
    """A run of ada's, who is not staff, from before staff changed the agent."""
    ada = django_user_model.objects.create_user("ada")
    run = control.launch(user=ada, task="Write to them.", agent=agent, overrides={"max_turns": 3})
    Run.objects.filter(pk=run.pk).update(status="completed")
    return run


def person(run: Run) -> User:
    assert run.user is not None
    return run.user


def test_a_run_launched_again_asks_as_its_agent_does_today(earlier: Run, agent: Agent) -> None:
    agent.approval, agent.tool_approvals, agent.max_turns = "unsafe", {"send": "always"}, 9
    agent.save()

    again = control.run_again(earlier.pk, by=person(earlier))
    further = control.continue_run(earlier.pk, by=person(earlier), message="And to them.")

    for run in (again, further):
        assert (run.config["approval"], run.config["tool_approvals"]) == ("unsafe", {"send": "always"})
        assert run.config["max_turns"] == 3


def test_a_run_that_asked_more_often_than_its_agent_still_does(earlier: Run) -> None:
    careful = control.run_again(earlier.pk, by=person(earlier), overrides={"approval": "always"})

    assert control.run_again(careful.pk, by=person(earlier)).config["approval"] == "always"


def test_nobody_who_may_not_change_the_agent_has_a_run_ask_less(earlier: Run, agent: Agent) -> None:
    agent.approval = "unsafe"
    agent.save()
    less: dict[str, Any] = {"approval": "never"}

    with pytest.raises(control.OverrideRefused, match="Clerk asks before tools run: unsafe tools only"):
        control.launch(user=person(earlier), task="Write.", agent=agent, overrides=less)
    with pytest.raises(control.OverrideRefused):
        control.run_again(earlier.pk, by=person(earlier), overrides=less)
    grace = User.objects.create_user("grace", is_staff=True)
    with pytest.raises(control.OverrideRefused):
        control.run_again(earlier.pk, by=grace, overrides=less)
    grace.user_permissions.add(Permission.objects.get(codename="change_agent"))

    may_change_agents = User.objects.get(pk=grace.pk)
    assert control.run_again(earlier.pk, by=may_change_agents, overrides=less).config["approval"] == "never"


def test_nobody_who_may_not_change_the_agent_adds_tools_to_its_own(earlier: Run, agent: Agent) -> None:
    agent.tools = ["calculator", "text_stats"]
    agent.save()
    ada, admin = person(earlier), User.objects.create_superuser("grace")

    fewer = control.launch(user=ada, task="Count.", agent=agent, overrides={"tools": ["calculator"]})
    for more in (["calculator", "current_time"], None):
        with pytest.raises(control.OverrideRefused, match="Clerk may call calculator, text_stats, not"):
            control.launch(user=ada, task="Count.", agent=agent, overrides={"tools": more})

    assert fewer.config["tools"] == ["calculator"]
    assert control.launch(user=admin, task="Count.", agent=agent, overrides={"tools": None}).config["tools"] is None
    assert control.run_again(earlier.pk, by=ada).config["tools"] == agent.tools


def test_a_failed_run_that_is_resumed_goes_on_by_the_rules_of_today(earlier: Run, agent: Agent) -> None:
    Run.objects.filter(pk=earlier.pk).update(status="failed")
    agent.approval = "always"
    agent.save()

    assert control.resume(earlier.pk, by=person(earlier), overrides={"max_turns": 10}) == "resumed"

    earlier.refresh_from_db()
    assert (earlier.config["approval"], earlier.config["max_turns"]) == ("always", 10)


def test_who_asks_for_a_rule_at_the_launch_means_every_tool(earlier: Run, agent: Agent) -> None:
    agent.tool_approvals = {"calculator": "never"}
    agent.save()

    plain = control.launch(user=person(earlier), task="Count.", agent=agent)
    careful = control.launch(user=person(earlier), task="Count.", agent=agent, overrides={"approval": "always"})

    calculator = Toolbox(None).get("calculator")
    assert not approvals_of(plain.config).needed_for(calculator)
    assert approvals_of(careful.config).needed_for(calculator)
