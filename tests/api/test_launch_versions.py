"""Launches through the API with a version of an agent, or a label."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Agent, Run
from tests.api.conftest import Program, error_of

ProgramOf = Callable[..., Program]


@pytest.mark.parametrize(
    "named",
    [
        {"agent": "Assistant", "version": 1},
        {"agent": "Assistant@1"},
        {"agent": "Assistant", "label": "production"},
        {"agent": "Assistant@production"},
        {"label": "production"},
    ],
)
def test_a_run_is_launched_with_a_version_or_a_label(owner: User, program_of: ProgramOf, named: dict[str, Any]) -> None:
    agent = with_two_versions()
    control.set_label(agent.pk, "production", 1, by=None)

    answer = program_of(owner).post("/runs", {"task": "Count.", **named})

    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    assert Run.objects.get().config["instructions"] == "Be brief."


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ({"agent": "Assistant@9"}, "agent: Assistant has no version 9."),
        ({"agent": "Assistant", "label": "staging"}, "agent: Assistant has no label 'staging'."),
        ({"agent": "Nobody@1"}, "agent: There is no agent 'Nobody@1'."),
        ({"agent": "Assistant@1", "version": 1}, "version: Name one version or one label, not both."),
        ({"version": 1, "label": "production"}, "version: Name one version or one label, not both."),
    ],
)
def test_a_version_that_there_is_not_is_refused(
    owner: User, program_of: ProgramOf, named: dict[str, Any], complaint: str
) -> None:
    with_two_versions()

    answer = program_of(owner).post("/runs", {"task": "Count.", **named})

    assert answer.status_code == 422 and complaint in error_of(answer)["message"]
    assert not Run.objects.exists()


def with_two_versions() -> Agent:
    """A default agent that was brief, and is kind."""
    Agent.objects.all().delete()
    agent = Agent.objects.create(name="Assistant", model_names=["offline"], is_default=True, instructions="Be brief.")
    agent.instructions = "Be kind."
    agent.save()
    return agent


def test_an_agent_says_its_version_and_labels_and_an_archived_one_is_not_listed(
    owner: User, program_of: ProgramOf
) -> None:
    agent = with_two_versions()
    control.set_label(agent.pk, "production", 1, by=None)
    retired = Agent.objects.create(name="Retired", model_names=["offline"])
    control.set_archived(retired.pk, archived=True)

    (listed,) = program_of(owner).get("/agents").json()["items"]
    one = program_of(owner).get(f"/agents/{retired.pk}").json()

    assert (listed["name"], listed["version"], listed["labels"]) == ("Assistant", 2, {"production": 1})
    assert (listed["is_archived"], one["is_archived"], one["version"]) == (False, True, 1)
