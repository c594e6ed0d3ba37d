"""What a new run takes over from an earlier one, and what it may not."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Agent, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    """An agent that asks nobody."""
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


def test_nobody_but_staff_has_a_run_ask_less(earlier: Run, agent: Agent) -> None:
    agent.approval = "unsafe"
    agent.save()
    less: dict[str, Any] = {"approval": "never"}

    with pytest.raises(control.AsksTooSeldom, match="Clerk asks before tools run: unsafe tools only"):
        control.launch(user=person(earlier), task="Write.", agent=agent, overrides=less)
    with pytest.raises(control.AsksTooSeldom):
        control.run_again(earlier.pk, by=person(earlier), overrides=less)
    staff = User.objects.create_user("grace", is_staff=True)

    assert control.run_again(earlier.pk, by=staff, overrides=less).config["approval"] == "never"
