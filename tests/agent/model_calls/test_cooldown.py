"""The Retry-After of a provider holds for every run with the same key."""

import asyncio

import pytest

from runs.agent.errors.model_exceptions import ModelPaused, ModelUnavailable
from runs.agent.model_calls.cooldown import LONGEST_S, Cooldown
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.providers.scripted import answers
from runs.agent.thoughts import ThoughtType
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, reply_of, until


def test_the_longest_wish_holds_but_never_for_more_than_five_minutes():
    clock = Clock()
    cooldown = Cooldown(clock)

    cooldown.note(20)
    cooldown.note(5)
    assert cooldown.left_s() == 20
    clock.now += 21
    assert cooldown.left_s() == 0
    cooldown.note(1e9)
    assert cooldown.left_s() == LONGEST_S
    cooldown.note(float("nan"))
    cooldown.note(None)
    assert cooldown.left_s() == LONGEST_S


def account(*behaviours, key="key"):
    model = Model(*behaviours)
    model.account = f"p {key}"
    return model


async def until_told_to_wait(registry):
    """Let another run receive a Retry-After of 50 s."""
    notebook = Notebook()
    asked = account(failure("rate_limited", status=429, retry_after_s=50))
    task = asyncio.create_task(reply_of([asked], notebook, health=registry))
    await notebook.has(ThoughtType.RETRY)
    task.cancel()
    await asyncio.wait([task])


async def test_another_run_waits_visibly_and_spends_no_attempt_on_it():
    registry, notebook, sleep = HealthRegistry(), Notebook(), InterruptibleSleep()
    await until_told_to_wait(registry)
    well = account(answers("Here."))

    task = asyncio.create_task(reply_of([well], notebook, health=registry, sleep=sleep))
    (waiting,) = await notebook.has(ThoughtType.RETRY)

    assert well.requests == []
    assert "asked to wait" in waiting.content
    assert "No request was sent" in waiting.content
    assert (waiting.metadata["attempt"], waiting.metadata["waits_only"]) == (0, True)
    assert waiting.metadata["code"] == "model_asked_to_wait"
    assert 49 < waiting.metadata["wait_s"] <= 55
    await until(sleep.try_now)
    asked = await task
    assert (asked.reply.text, asked.attempt) == ("Here.", 1)


async def test_another_key_is_not_concerned():
    registry = HealthRegistry()
    await until_told_to_wait(registry)

    asked = await reply_of([account(answers("Here."), key="another")], Notebook(), health=registry)

    assert asked.reply.text == "Here."


async def test_a_wait_longer_than_a_run_waits_is_a_failure_that_says_until_when():
    registry, notebook = HealthRegistry(), Notebook()
    with pytest.raises(ModelUnavailable, match="asked to wait 1e\\+09 s; a run waits at most 60 s"):
        await reply_of([account(failure("rate_limited", status=429, retry_after_s=1e9))], Notebook(), health=registry)
    model = account(answers("Here."))

    with pytest.raises(ModelPaused) as caught:
        await reply_of([model], notebook, health=registry)

    assert model.requests == []
    (told,) = notebook.thoughts(ThoughtType.RETRY)
    assert told.metadata["retry_at"] == caught.value.retry_at


async def test_a_person_can_end_the_wait_for_good():
    registry, notebook, sleep = HealthRegistry(), Notebook(), InterruptibleSleep()
    await until_told_to_wait(registry)

    task = asyncio.create_task(reply_of([account(answers("No."))], notebook, health=registry, sleep=sleep))
    await notebook.has(ThoughtType.RETRY)
    await until(sleep.stop_retrying)

    with pytest.raises(ModelPaused, match="a person ended the wait"):
        await task
