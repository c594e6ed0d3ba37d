"""A run says which version of its agent made it, and says it only if its configuration really came from there."""

import pytest
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Agent, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """A user who may launch and not change agents."""
    return User.objects.create_user("ada")


@pytest.fixture
def clerk() -> Agent:
    """An agent with three versions."""
    agent = Agent.objects.create(name="Clerk", model_names=["offline"])
    change(agent, instructions="Be brief.")
    return change(agent, instructions="Be kind.")


def change(agent: Agent, **values: object) -> Agent:
    """The agent with another version."""
    for name, value in values.items():
        setattr(agent, name, value)
    agent.save()
    return agent


def ended(run: Run) -> Run:
    Run.objects.filter(pk=run.pk).update(status="completed")
    return run


def test_a_run_says_its_version_after_ten_more_and_after_the_agents_end(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk)

    for number in range(10):
        change(clerk, instructions=f"Be {number}.")
    clerk.delete()

    run.refresh_from_db()
    assert (run.version, run.config["agent"], run.agent) == (3, "Clerk", None)


def test_overrides_do_not_take_the_version_away(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk, overrides={"max_turns": 2})

    assert (run.version, run.overrides) == (3, {"max_turns": 2})


def test_an_agent_that_is_of_no_version_makes_runs_of_none(ada: User, clerk: Agent) -> None:
    Agent.objects.filter(pk=clerk.pk).update(max_turns=4)

    assert control.launch(user=ada, task="Count.", agent=Agent.objects.get(pk=clerk.pk)).version is None


def test_a_rerun_of_an_unchanged_agent_is_of_the_same_version_with_its_overrides(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk, overrides={"max_turns": 2})

    assert control.run_again(run.pk, by=ada, overrides={"max_duration_s": 9}).version == 3


def test_a_rerun_whose_copied_configuration_is_that_of_the_earlier_version_keeps_it(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk)
    change(clerk, instructions="Be quick.")

    again = control.run_again(run.pk, by=ada)

    assert (again.version, again.config["instructions"]) == (3, "Be kind.")


def test_a_rerun_is_of_the_current_version_if_that_has_its_configuration(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk)
    change(clerk, description="Counts")

    assert control.run_again(run.pk, by=ada).version == 4


def test_a_rerun_with_rules_of_today_in_a_configuration_of_yesterday_is_of_no_version(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk)
    change(clerk, instructions="Be quick.", tools=["calculator"])

    again = control.run_again(run.pk, by=ada)

    assert (again.version, again.config["tools"]) == (None, ["calculator"])


def test_a_follow_up_says_its_version_by_the_same_rule(ada: User, clerk: Agent) -> None:
    run = ended(control.launch(user=ada, task="Count.", agent=clerk))
    same = control.continue_run(run.pk, by=ada, message="And now?")
    change(clerk, instructions="Be quick.", approval="always")
    other = control.continue_run(run.pk, by=ada, message="And now?")

    assert (same.version, other.version) == (3, None)


def test_a_run_of_an_agent_that_is_gone_is_run_again_with_its_version(ada: User, clerk: Agent) -> None:
    run = control.launch(user=ada, task="Count.", agent=clerk)
    clerk.delete()

    assert control.run_again(run.pk, by=ada).version == 3
