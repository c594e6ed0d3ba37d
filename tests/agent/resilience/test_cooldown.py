"""A provider that asks to be left alone is left alone by every run with that key."""

import asyncio

import pytest

from runs.agent.errors import ModelPaused, ModelUnavailable
from runs.agent.providers.scripted import answers
from runs.agent.resilience.cooldown import LONGEST_S, Cooldown
from runs.agent.resilience.shared import Shared
from runs.agent.resilience.waits import Waits
from runs.agent.thoughts import ThoughtType
from tests.agent.resilience.models import Clock, Model, Notebook, failure, reply_of, until


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


async def until_told_to_wait(shared):
    """Let some run be told to wait for 50 s."""
    notebook = Notebook()
    asked = account(failure("rate_limited", status=429, retry_after_s=50))
    task = asyncio.create_task(reply_of([asked], notebook, shared=shared))
    await notebook.has(ThoughtType.RETRY)
    task.cancel()
    await asyncio.wait([task])


async def test_another_run_waits_visibly_and_spends_no_attempt_on_it():
    shared, notebook, waits = Shared(), Notebook(), Waits()
    await until_told_to_wait(shared)
    well = account(answers("Here."))

    task = asyncio.create_task(reply_of([well], notebook, shared=shared, waits=waits))
    (waiting,) = await notebook.has(ThoughtType.RETRY)

    assert well.requests == []
    assert "asked to be left alone" in waiting.content
    assert "Nothing was sent" in waiting.content
    assert (waiting.metadata["attempt"], waiting.metadata["waits_only"]) == (0, True)
    assert waiting.metadata["code"] == "model_asked_to_wait"
    assert 49 < waiting.metadata["wait_s"] <= 55
    await until(waits.try_now)
    asked = await task
    assert (asked.reply.text, asked.attempt) == ("Here.", 1)


async def test_another_key_is_not_concerned():
    shared = Shared()
    await until_told_to_wait(shared)

    asked = await reply_of([account(answers("Here."), key="another")], Notebook(), shared=shared)

    assert asked.reply.text == "Here."


async def test_a_wait_longer_than_a_run_waits_is_a_failure_that_says_until_when():
    shared, notebook = Shared(), Notebook()
    with pytest.raises(ModelUnavailable, match="asked to be left alone for 1e\\+09 s; a run waits at most 60 s"):
        await reply_of([account(failure("rate_limited", status=429, retry_after_s=1e9))], Notebook(), shared=shared)
    model = account(answers("Here."))

    with pytest.raises(ModelPaused) as caught:
        await reply_of([model], notebook, shared=shared)

    assert model.requests == []
    (told,) = notebook.thoughts(ThoughtType.RETRY)
    assert told.metadata["retry_at"] == caught.value.retry_at


async def test_a_person_can_end_the_wait_for_good():
    shared, notebook, waits = Shared(), Notebook(), Waits()
    await until_told_to_wait(shared)

    task = asyncio.create_task(reply_of([account(answers("No."))], notebook, shared=shared, waits=waits))
    await notebook.has(ThoughtType.RETRY)
    await until(waits.stop_retrying)

    with pytest.raises(ModelPaused, match="a person ended the wait"):
        await task
