"""Cutting a retry wait short, and several models in one run."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run
from tests.engine.conftest import ended, error_of, launch, reached, steps_of

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


def busy_for(seconds: float) -> ModelFailure:
    """A provider's failure with Retry-After."""
    return ModelFailure(
        "Too many requests.", kind="rate_limited", provider="p", model="m", status=429, retry_after_s=seconds
    )


async def until_it_waits(run: Run) -> Run:
    return await reached(run, lambda row: row.waiting_for == "retry")


async def notes_of(run: Run) -> list[str]:
    return [step.metadata["note"] for step in await steps_of(run) if step.kind == "note"]


async def test_a_person_can_have_the_next_attempt_made_now(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(busy_for(50), answers("There I am.")))
    run = await until_it_waits(await launch(ada))

    assert await sync_to_async(control.try_now, thread_sensitive=False)(run.pk, by=ada) == "asked"
    row = await ended(run)

    assert (row.status, row.answer) == ("completed", "There I am.")
    steps = await steps_of(run)
    assert [step.kind for step in steps] == ["retry", "note", "answer"]
    assert steps[1].content == "ada asked to try again now."


async def test_a_person_can_stop_the_retries(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(busy_for(50), answers("Never."))
    host_for(model)
    run = await until_it_waits(await launch(ada))

    assert await sync_to_async(control.stop_retrying, thread_sensitive=False)(run.pk, by=ada) == "asked"
    row = await ended(run)

    assert row.status == "failed"
    assert error_of(row)["code"] == "model_rate_limited"
    assert "A person stopped the retries." in error_of(row)["message"]
    assert await notes_of(run) == ["stop_retrying"]
    assert len(model.requests) == 1


async def test_a_run_that_does_not_wait_for_an_attempt_is_not_changed(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("At once.")))
    run = await launch(ada)
    await ended(run)

    for asked in (control.try_now, control.stop_retrying):
        assert await sync_to_async(asked, thread_sensitive=False)(run.pk, by=ada) == "not_waiting"
    assert await notes_of(run) == []


async def test_a_run_of_a_racing_agent_shows_its_lanes(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("First.")))
    await Agent.objects.aupdate(launch_may_raise=["models"])
    run = await launch(ada, models=["a", "b"], strategy="race")

    row = await ended(run)

    assert row.answer == "First."
    start, race = (await steps_of(run))[:2]
    assert (start.kind, [lane["lane"] for lane in start.metadata["asked"]]) == ("race", [1, 2])
    assert (race.kind, race.metadata["multiple"]) == ("race", 2)
    assert [lane["lane"] for lane in race.metadata["lanes"]] == [1, 2]
    assert race.metadata["lanes"][0]["outcome"] == "won"


async def test_a_run_that_took_too_long_can_be_run_again_with_more_time(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("There."))
    host_for(model)
    run = await ended(await launch(ada, model_timeout_s=50))

    again = await sync_to_async(control.run_again, thread_sensitive=False)(
        run.pk, by=ada, overrides={"model_timeout_s": 100}
    )
    await ended(again)

    assert [round(request.timeout_s) for request in model.requests] == [50, 100]


async def test_a_second_run_waits_visibly_for_a_provider_that_asked_the_first_one_to(
    ada: User, host_for: StartHost
) -> None:
    model = ScriptedModel(busy_for(50), answers("There."))
    host_for(model)
    await until_it_waits(await launch(ada))

    second = await until_it_waits(await launch(ada))

    (wait,) = await steps_of(second)
    assert (wait.kind, wait.attempt, wait.metadata["waits_only"]) == ("retry", 0, True)
    assert wait.metadata["code"] == "model_asked_to_wait"
    assert len(model.requests) == 1
    await sync_to_async(control.try_now, thread_sensitive=False)(second.pk, by=ada)
    assert (await ended(second)).answer == "There."
