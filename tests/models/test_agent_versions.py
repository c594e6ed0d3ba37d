"""Versions of agents: an immutable numbered row for each saved change."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection

from runs.models import Agent, AgentVersion
from runs.models.agent_config import config_of
from runs.models.agent_version import VersionIsKept

SAVERS = 8


def numbers(agent: Agent) -> list[int]:
    return list(agent.versions.order_by("number").values_list("number", flat=True))


@pytest.fixture
def clerk(db: None) -> Agent:
    """An agent with its first version."""
    return Agent.objects.create(name="Clerk", model_names=["offline"], max_cost_usd=Decimal("0.5000"), tools=[])


def test_each_saved_change_is_one_version_and_a_save_that_changes_nothing_is_none(clerk: Agent) -> None:
    clerk.save()
    clerk.is_default = False
    clerk.save()
    clerk.instructions = "Be brief."
    clerk.save()
    again = Agent.objects.get(pk=clerk.pk)
    again.save()

    assert numbers(clerk) == [1, 2]
    assert (clerk.version, again.version) == (2, 2)
    assert [each.config.get("instructions") for each in clerk.versions.order_by("number")] == [None, "Be brief."]


def test_a_version_has_an_author_a_message_and_the_number_it_was_restored_from(clerk: Agent) -> None:
    ada = User.objects.create_user("ada")
    clerk.max_turns = 3
    clerk.save(by=ada, message="Shorter runs", restored_from=1)

    version = clerk.versions.get(number=2)
    assert (version.author, version.message, version.restored_from) == (ada, "Shorter runs", 1)
    assert (version.config["max_turns"], version.config["max_cost_usd"], version.config["tools"]) == (3, "0.5", [])

    ada.delete()

    assert clerk.versions.get(number=2).author is None


def test_the_name_and_the_description_are_part_of_a_version_and_being_the_default_agent_is_not(clerk: Agent) -> None:
    Agent.objects.filter(is_default=True).update(is_default=False)
    clerk.is_default = True
    clerk.save()
    clerk.name, clerk.description = "Cashier", "Counts"
    clerk.save()

    assert numbers(clerk) == [1, 2]
    assert "is_default" not in clerk.versions.get(number=2).config


def test_a_save_of_some_columns_makes_a_version_of_the_whole_row(clerk: Agent) -> None:
    stale = Agent.objects.get(pk=clerk.pk)
    clerk.instructions = "Be brief."
    clerk.save()
    stale.tool_approvals = {"search": "never"}
    stale.save(update_fields=["tool_approvals", "updated_at"])

    latest = clerk.versions.get(number=3).config
    assert (latest["instructions"], latest["tool_approvals"]) == ("Be brief.", {"search": "never"})
    assert config_of(Agent.objects.get(pk=clerk.pk)) == latest


def test_an_agent_made_of_a_version_has_its_configuration_and_its_snapshot(clerk: Agent) -> None:
    clerk.temperature, clerk.launch_may_raise, clerk.output_schema = 0.0, ["models"], {"type": "object"}
    clerk.save()

    saved = Agent.objects.get(pk=clerk.pk)
    made = Agent.of_config(clerk.versions.get(number=2).config)

    assert (config_of(made), made.snapshot()) == (config_of(saved), saved.snapshot())


def test_a_version_is_never_changed_nor_deleted_but_with_its_agent(clerk: Agent) -> None:
    version = clerk.versions.get()

    for attempt in (
        version.save,
        version.delete,
        lambda: clerk.versions.update(message="other"),
        lambda: AgentVersion.objects.all().delete(),
    ):
        with pytest.raises(VersionIsKept):
            attempt()
    clerk.delete()

    assert not AgentVersion.objects.filter(pk=version.pk).exists()


def test_an_agent_changed_beside_its_versions_is_of_none_until_it_is_saved(clerk: Agent) -> None:
    Agent.objects.filter(pk=clerk.pk).update(max_turns=7)
    changed = Agent.objects.get(pk=clerk.pk)
    was_of = changed.version

    changed.save()

    assert (was_of, changed.version, numbers(clerk)) == (None, 2, [1, 2])


@pytest.mark.django_db(transaction=True)
def test_people_who_save_an_agent_at_the_same_time_make_numbers_without_a_gap() -> None:
    clerk = Agent.objects.create(name="Clerk", model_names=["offline"])

    def save(turns: int) -> None:
        agent = Agent.objects.get(pk=clerk.pk)
        agent.max_turns = turns
        agent.save()
        connection.close()

    with ThreadPoolExecutor(SAVERS) as together:
        list(together.map(save, range(100, 100 + SAVERS)))

    clerk.refresh_from_db()
    latest = clerk.versions.get(number=SAVERS + 1)
    assert numbers(clerk) == list(range(1, SAVERS + 2))
    assert (clerk.version, config_of(clerk)) == (latest.number, latest.config)


@pytest.mark.django_db
def test_each_agent_of_an_earlier_installation_gets_its_first_version() -> None:
    columns: dict[str, Any] = {"tools": [], "max_cost_usd": Decimal("0.5"), "extra_settings": {"top_k": 4}}
    Agent.objects.bulk_create([Agent(name=name, model_names=["offline"], **columns) for name in ("Clerk", "Scout")])

    import_module("runs.migrations.0033_first_versions").add_first_versions(apps, None)

    for agent in Agent.objects.filter(name__in=["Clerk", "Scout"]):
        assert (agent.version, [each.config for each in agent.versions.all()]) == (1, [config_of(agent)])
