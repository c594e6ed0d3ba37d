"""`GuardedModel` by itself: circuit breaker, cooldown, latency, and the record of its attempts."""

import pytest

from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused
from runs.agent.messages import Delta, ModelRequest
from runs.agent.model_calls.guarded_model import GuardedModel
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.providers.scripted import answers
from runs.agent.thoughts import ThoughtType
from tests.agent.model_calls.contexts import context_of
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, speaks

ASKED = ModelRequest(task="Hello?")


def guarded(model, context=None, **about):
    return GuardedModel(model, context or context_of(), health=HealthRegistry(Clock()).of(model), **about)


async def test_a_reply_is_an_attempt_whose_pieces_are_shown_and_passed_on():
    notebook = Notebook()
    context = context_of(journal=notebook, turn=3, attempt_number=2)
    model = Model(speaks(Delta("Hel"), Delta("lo."), then=answers("Hello.")))
    lane = guarded(model, context, lane=4)
    heard: list[Delta] = []

    reply = await lane.reply(ASKED, on_delta=heard.append)

    assert [each.text for each in heard] == ["Hel", "lo."]
    assert notebook.shown == [("3-2-4", "Hel"), ("3-2-4", "lo.")]
    received = lane.attempt.received()
    assert (received.reply, received.provider, received.attempt, received.lane) == (reply, model, 2, 4)
    assert received.started_at <= received.first_token_at <= received.ended_at


async def test_while_the_provider_asks_to_be_left_alone_nothing_is_sent():
    model = Model(answers("No."))
    lane = guarded(model)
    lane.health.provider.cooldown.note(30)

    with pytest.raises(ModelPaused, match="No request was sent"):
        await lane.reply(ASKED)

    assert (model.requests, lane.attempt) == ([], None)
    assert lane.soonest() == (30, lane)


async def test_a_person_in_a_hurry_is_not_held_up_by_the_providers_wish():
    lane = guarded(Model(answers("Yes.")), context_of(ignores_cooldown=True))
    lane.health.provider.cooldown.note(30)

    assert (await lane.reply(ASKED)).text == "Yes."


async def test_a_failure_is_noted_in_the_health_and_in_the_attempt():
    limited = failure("rate_limited", status=429, retry_after_s=30)
    lane = guarded(Model(limited))

    with pytest.raises(ModelFailure):
        await lane.reply(ASKED)

    assert lane.health.provider.cooldown.left_s() == 30
    assert (lane.attempt.failure, lane.attempt.outcome) == (limited, "failed")


async def test_its_failed_attempt_is_recorded_with_its_card_and_makes_the_run_wait():
    notebook = Notebook()
    context = context_of(journal=notebook)
    lane = guarded(Model(failure()), context)
    with pytest.raises(ModelFailure) as caught:
        await lane.reply(ASKED)

    await lane.record_failure(caught.value, wait_s=2)

    (retry,) = notebook.thoughts(ThoughtType.RETRY)
    assert (retry.metadata["card"], retry.metadata["wait_s"]) == ("1-1-1", 2)
    assert context.state.status.value == "waiting"
