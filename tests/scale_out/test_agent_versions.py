"""Versions of agents that are saved at the same time, on Postgres."""

import json
from pathlib import Path

from tests.live_site import manage
from tests.services import own_services

SAVE = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from runs.models import Agent

def save(turns):
    agent = Agent.objects.get(is_default=True)
    agent.max_turns = turns
    agent.save()
    connection.close()

with ThreadPoolExecutor(8) as together:
    list(together.map(save, range(100, 140)))
agent = Agent.objects.get(is_default=True)
numbers = list(agent.versions.order_by("number").values_list("number", flat=True))
turns = agent.versions.get(number=agent.version).config["max_turns"]
print(json.dumps([numbers, agent.version, agent.max_turns, turns]))
"""


CHANGE = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from runs.agent_configs.agent_editor import ChangedMeanwhile
from runs.agent_configs.agent_saves import change_agent
from runs.models import Agent

def change(turns):
    agent = Agent.objects.get(is_default=True)
    try:
        change_agent(agent.pk, {"max_turns": turns}, by=None, based_on=agent.version)
        return turns
    except ChangedMeanwhile:
        return None
    finally:
        connection.close()

Agent.objects.get(is_default=True).save()
with ThreadPoolExecutor(8) as together:
    saved = [turns for turns in together.map(change, range(100, 140)) if turns]
agent = Agent.objects.get(is_default=True)
kept = [version.config["max_turns"] for version in agent.versions.filter(number__gt=1)]
print(json.dumps([saved, kept, agent.version]))
"""


def test_of_two_changes_of_one_version_one_is_saved_and_the_other_is_told(
    prepared_database: str, tmp_path: Path
) -> None:
    with own_services(prepared_database) as services:
        done = manage("shell", "--no-imports", "-c", CHANGE, data=tmp_path, environment=services.environment)

    assert (done.returncode, done.stderr) == (0, "")
    saved, kept, current = json.loads(done.stdout)
    assert 0 < len(saved) <= 40
    assert (sorted(saved), current) == (sorted(kept), 1 + len(saved))


def test_people_who_save_an_agent_at_the_same_time_make_numbers_without_a_gap(
    prepared_database: str, tmp_path: Path
) -> None:
    with own_services(prepared_database) as services:
        done = manage("shell", "--no-imports", "-c", SAVE, data=tmp_path, environment=services.environment)

    assert (done.returncode, done.stderr) == (0, "")
    numbers, current, turns, turns_of_version = json.loads(done.stdout)
    assert (numbers, current) == (list(range(1, 42)), 41)
    assert turns == turns_of_version
