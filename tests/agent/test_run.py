"""`stream_agent_execution`: the thoughts of a run, one by one."""

import asyncio
from contextlib import aclosing

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.run import stream_agent_execution
from runs.agent.thoughts import ThoughtType


class Says:
    """A model with these replies in turn; an exception is raised, and `None` means that the reply never arrives."""

    name = "scripted"
    model = "scripted"

    def __init__(self, *replies):
        self.replies = list(replies)
        self.ended = False
        self.is_waiting = asyncio.Event()
        """Set during the wait for a reply that never arrives."""

    async def reply(self, request, *, on_delta=None):
        outcome = self.replies.pop(0)
        try:
            if outcome is None:
                self.is_waiting.set()
                await asyncio.Event().wait()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        finally:
            self.ended = True


CALLS = ModelReply("I will compute.", calls=(ToolRequest("calculator", {"expression": "17 * 23"}),))
ANSWERS = ModelReply("It is 391.")


async def test_thoughts_come_in_the_order_they_are_thought():
    thoughts = [each async for each in stream_agent_execution("What is 17 * 23?", model=Says(CALLS, ANSWERS))]

    assert [each.type for each in thoughts] == [
        ThoughtType.REASONING,
        ThoughtType.TOOL_CALL,
        ThoughtType.TOOL_RESULT,
        ThoughtType.ANSWER,
    ]
    assert thoughts[1].content == "calculator(expression='17 * 23')"
    assert thoughts[-1].content == "It is 391."


async def test_a_thought_arrives_while_the_run_still_works():
    model = Says(CALLS, None)

    async with aclosing(stream_agent_execution("x", model=model)) as thoughts:
        first = await anext(thoughts)

        assert first.content == "I will compute."


async def test_an_error_of_the_run_is_a_thought():
    refused = ModelFailure("No.", kind="auth", provider="scripted", model="scripted", status=401)

    thoughts = [each async for each in stream_agent_execution("x", model=Says(refused))]

    assert thoughts[-1].type is ThoughtType.ERROR
    assert thoughts[-1].metadata["code"] == "model_auth"


async def test_leaving_early_cancels_the_run_and_waits_for_it():
    model = Says(CALLS, None)

    async with aclosing(stream_agent_execution("x", model=model)) as thoughts:
        async for thought in thoughts:
            if thought.type is ThoughtType.TOOL_RESULT:
                model.ended = False
                break
        await model.is_waiting.wait()

    assert model.ended


async def test_an_abandoned_iterator_ends_its_run():
    model = Says(None)
    others = asyncio.all_tasks()
    thoughts = stream_agent_execution("x", model=model)
    waiting = asyncio.ensure_future(anext(thoughts))
    await model.is_waiting.wait()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert model.ended
    assert asyncio.all_tasks() == others


async def test_an_exception_of_the_caller_ends_the_run_and_passes():
    model = Says(CALLS, None)

    async def stumble_over_the_first() -> None:
        async with aclosing(stream_agent_execution("x", model=model)) as thoughts:
            async for _ in thoughts:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble_over_the_first()
    assert len(asyncio.all_tasks()) == 1


async def test_a_model_nobody_serves_is_refused_before_anything_is_thought():
    with pytest.raises(ValueError, match="Unknown model 'nope'"):
        await anext(stream_agent_execution("x", model="nope"))
