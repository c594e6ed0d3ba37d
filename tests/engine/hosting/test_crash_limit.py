"""A run that takes its process down again and again."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.hosting.host import RunHost
from tests.engine.conftest import ended, error_of, launch
from tests.engine.gatekeeper import orphan

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_run_that_kills_its_host_four_times_is_ended_as_poison(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)
    await orphan(run, crashes=3, epoch=4)

    host_for(ScriptedModel(answers("Never.")))
    row = await ended(run)

    assert (row.status, error_of(row)["code"], row.severity) == ("failed", "poison", "critical")
