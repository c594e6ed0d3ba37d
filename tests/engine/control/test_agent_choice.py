"""Launches with a version or a label, what an earlier version may allow, and archived agents."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Agent, AgentVersion, LabelMove, Run
from tests.web.agent_fixtures import person_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """A user who may launch and not change agents."""
    return User.objects.create_user("ada")


@pytest.fixture
def editor() -> User:
    """A user who may change agents."""
    return person_with("editor", "change_agent")


@pytest.fixture
def clerk() -> Agent:
    """An agent with two versions, which allow the same."""
    agent = Agent.objects.create(name="Clerk", model_names=["offline"], instructions="Be brief.", tools=["calculator"])
    return change(agent, instructions="Be kind.")


def change(agent: Agent, **values: object) -> Agent:
    """The agent with another version."""
    for name, value in values.items():
        setattr(agent, name, value)
    agent.save()
    return agent


def launched(agent: Agent, version: str, by: User | None) -> Run:
    return control.launch(user=by, task="Count.", agent=agent, version=version)


@pytest.mark.parametrize(("version", "number", "said"), [("", 2, "kind"), ("2", 2, "kind"), ("1", 1, "brief")])
def test_a_launch_takes_the_configuration_of_the_version_it_names(
    ada: User, clerk: Agent, version: str, number: int, said: str
) -> None:
    run = launched(clerk, version, ada)

    assert (run.version, run.config["instructions"], run.agent) == (number, f"Be {said}.", clerk)


def test_a_label_is_moved_by_hand_and_a_launch_follows_it(ada: User, editor: User, clerk: Agent) -> None:
    control.set_label(clerk.pk, "production", 1, by=editor)
    first = launched(clerk, "production", ada)
    control.set_label(clerk.pk, "production", 2, by=editor)
    second = launched(clerk, "production", ada)
    control.set_label(clerk.pk, "production", 2, by=editor)
    control.remove_label(clerk.pk, "production", by=editor)

    assert (first.version, second.version) == (1, 2)
    moves = LabelMove.objects.order_by("pk").values_list("name", "number", "author__username")
    assert list(moves) == [("production", number, "editor") for number in (1, 2, None)]
    with pytest.raises(control.AgentRefused, match="Clerk has no label 'production'"):
        launched(clerk, "production", ada)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("", "begins with a letter"), ("3", "begins with"), ("Prod", "lower-case"), ("a b", "hyphens"), ("a" * 31, "30")],
)
def test_a_label_has_a_name_that_no_version_can_have(editor: User, clerk: Agent, name: str, complaint: str) -> None:
    with pytest.raises(control.AgentRefused, match=complaint):
        control.set_label(clerk.pk, name, 1, by=editor)


def test_a_label_points_at_a_version_that_there_is(editor: User, clerk: Agent) -> None:
    with pytest.raises(AgentVersion.DoesNotExist):
        control.set_label(clerk.pk, "staging", 9, by=editor)


LAXER: list[dict[str, Any]] = [
    {"max_turns": 10},
    {"tools": []},
    {"model_names": ["openai:gpt-5-mini"]},
    {"max_cost_usd": 1},
    {"approval": "always"},
    {"tool_approvals": {"calculator": "always"}},
]


@pytest.mark.parametrize("today", LAXER, ids=[next(iter(each)) for each in LAXER])
def test_an_earlier_version_that_allows_more_is_for_people_who_may_change_the_agent_unless_a_label_points_at_it(
    ada: User, editor: User, clerk: Agent, today: dict[str, Any]
) -> None:
    change(clerk, **today)

    with pytest.raises(control.AgentRefused, match="Version 2 of Clerk allows more than the agent does today"):
        launched(clerk, "2", ada)
    assert launched(clerk, "2", editor).version == 2
    control.set_label(clerk.pk, "staging", 2, by=editor)
    assert launched(clerk, "2", ada).version == 2


@pytest.mark.parametrize(
    ("then", "now", "is_refused"),
    [
        ((60, "approve"), (None, "approve"), True),
        ((60, "approve"), (600, "approve"), True),
        ((60, "approve"), (60, "deny"), True),
        ((None, "approve"), (60, "approve"), False),
        ((600, "approve"), (60, "approve"), False),
        ((60, "deny"), (None, "deny"), False),
    ],
)
def test_a_version_that_approved_undecided_calls_sooner_allows_more(
    ada: User, clerk: Agent, then: tuple[int | None, str], now: tuple[int | None, str], is_refused: bool
) -> None:
    change(clerk, approval_seconds=then[0], on_approval_expiry=then[1])
    change(clerk, approval_seconds=now[0], on_approval_expiry=now[1])

    if is_refused:
        with pytest.raises(control.AgentRefused, match="allows more than the agent does today: on_approval_expiry"):
            launched(clerk, "3", ada)
    else:
        assert launched(clerk, "3", ada).version == 3


def test_overrides_of_an_earlier_version_stay_within_its_ceilings(ada: User, clerk: Agent) -> None:
    change(clerk, max_turns=30)

    with pytest.raises(control.OverrideRefused):
        control.launch(user=ada, task="Count.", agent=clerk, version="2", overrides={"max_turns": 25})


@pytest.mark.parametrize("version", ["9", "0", "production", "99999999999999999999", "\x00", "Ⅷ"])
def test_a_version_that_there_is_not_is_refused(ada: User, clerk: Agent, version: str) -> None:
    with pytest.raises(control.AgentRefused, match="Clerk has no"):
        launched(clerk, version, ada)


def test_an_agent_is_named_with_its_version_and_a_name_may_have_an_at_itself(clerk: Agent) -> None:
    odd = Agent.objects.create(name="a@b", model_names=["offline"])

    told = [control.named_agent(text) for text in ("Clerk", "Clerk@3", "Clerk@production", "a@b", "a@b@1")]

    assert told == [(clerk, ""), (clerk, "3"), (clerk, "production"), (odd, ""), (odd, "1")]
    for text in ("Nobody", "Nobody@3", "@3", ""):
        with pytest.raises(control.AgentRefused, match="There is no agent"):
            control.named_agent(text)


def test_a_renamed_agent_launches_its_earlier_versions_under_its_name_of_today(ada: User, clerk: Agent) -> None:
    change(clerk, name="Cashier")

    assert launched(clerk, "1", ada).config["agent"] == "Cashier"


def test_no_run_is_launched_with_an_archived_agent_and_its_runs_go_on(ada: User, clerk: Agent) -> None:
    run = launched(clerk, "", ada)
    control.set_archived(clerk.pk, archived=True)
    clerk.refresh_from_db()

    with pytest.raises(control.AgentRefused, match="Clerk is archived"):
        launched(clerk, "1", ada)
    assert control.run_again(run.pk, by=ada).agent == clerk
    assert clerk.versions.count() == 2

    control.set_archived(clerk.pk, archived=False)
    clerk.refresh_from_db()
    assert launched(clerk, "", ada).version == 2


def test_the_default_agent_is_not_archived(clerk: Agent) -> None:
    Agent.objects.filter(is_default=True).update(is_default=False)
    Agent.objects.filter(pk=clerk.pk).update(is_default=True)

    with pytest.raises(control.AgentRefused, match="default agent"):
        control.set_archived(clerk.pk, archived=True)
