"""`RacingModel` by itself: one round, and the models of the next."""

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelRequest
from runs.agent.model_calls.guarded_model import GuardedModel
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.model_calls.racing_model import RacingModel
from runs.agent.providers.scripted import answers
from runs.agent.thoughts import ThoughtType
from tests.agent.model_calls.contexts import context_of
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, hangs, speaks

ASKED = ModelRequest(task="Hello?")


def racing(*models, context=None, strategy="race"):
    context, registry = context or context_of(has_lanes=True), HealthRegistry(Clock())
    lanes = [
        GuardedModel(each, context, health=registry.of(each), lane=number) for number, each in enumerate(models, 1)
    ]
    return RacingModel(lanes, context, strategy=strategy, hedges=registry.hedges)


async def test_the_first_reply_wins_and_the_race_is_recorded():
    notebook = Notebook()
    slow, fast = Model(hangs), Model(answers("Me."))
    race = racing(slow, fast, context=context_of(has_lanes=True, journal=notebook))

    reply = await race.reply(ASKED)

    assert (reply.text, race.attempt.provider, slow.left) == ("Me.", fast, 1)
    _start, step = notebook.thoughts(ThoughtType.RACE)
    assert [lane["outcome"] for lane in step.metadata["lanes"]] == ["cancelled", "won"]


async def test_the_pieces_of_every_lane_are_passed_on():
    heard: list[Delta] = []

    await racing(Model(speaks(Delta("Me."), then=answers("Me.")))).reply(ASKED, on_delta=heard.append)

    assert [each.text for each in heard] == ["Me."]


async def test_a_lane_that_would_only_fail_again_is_not_in_the_next_round():
    wrong_key, shaky = Model(failure("auth"), name="a"), Model(failure(), answers("Me."), name="b")
    race = racing(wrong_key, shaky)

    with pytest.raises(ModelFailure):
        await race.reply(ASKED)
    await race.reply(ASKED)

    assert (len(wrong_key.requests), len(shaky.requests), race.name) == (1, 2, "b")


async def test_a_lane_whose_provider_had_too_many_retries_is_left_out_while_another_may_go_on():
    first, second = Model(answers("1")), Model(answers("2"))
    race = racing(first, second)
    while race._models[0].take_retry():
        pass

    assert race.take_retry()
    assert (await race.reply(ASKED)).text == "2"
    assert first.requests == []


async def test_the_wait_for_a_race_is_that_of_the_provider_that_is_ready_first():
    race = racing(Model(), Model())
    slow, soon = race._models
    slow.health.provider.cooldown.note(30)
    soon.health.provider.cooldown.note(10)

    assert race.soonest() == (10, soon)
