"""Agents that call each other."""

import pytest
from django.contrib.auth.models import User

from runs.models import Agent
from tests.engine.control.tree_fixtures import agents


@pytest.fixture
def family(ada: User) -> dict[str, Agent]:
    """A boss, who may call a worker, who may call a helper, who may call all of them."""
    return agents(Boss=["Worker"], Worker=["Helper"], Helper=["Boss", "Worker", "Helper"])
