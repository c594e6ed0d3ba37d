"""Follow-ups without AI: "it" refers to the result of the task before."""

from typing import Any

import pytest

from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolResult, Turn
from runs.agent.providers.offline import OfflinePlanner
from tests.agent.providers.offline.driver import all_tools, converse


async def told(task: str, *earlier: Exchange) -> tuple[str, Exchange]:
    """The planner's answer to a follow-up task, and the resulting exchange."""
    planner, tools, turns = OfflinePlanner(), all_tools(), list[Turn]()
    for _ in range(5):
        reply = await planner.reply(ModelRequest(task=task, earlier=earlier, turns=turns, tools=tools))
        if not reply.calls:
            return reply.text, Exchange(task, tuple(turns), ModelReply(text=reply.text))
        turns.append(await _done(reply, tools))
    raise AssertionError("The planner asks for ever.")


async def _done(reply: ModelReply, tools: Any) -> Turn:
    named = {tool.name: tool for tool in tools}
    results = [
        ToolResult(str(index), call.tool_name, await named[call.tool_name].execute(**call.arguments))
        for index, call in enumerate(reply.calls)
    ]
    return Turn(reply, tuple(results))


@pytest.mark.parametrize(
    ("first", "then", "answer"),
    [
        ("What is 17 * 23?", "add 10 to it", "`391 + 10` = **401**"),
        ("What is 17 * 23?", "that + 5", "`391 + 5` = **396**"),
        ("What is 17 * 23?", "Divide the result by 17.", "`391 / 17` = **23**"),
        ("What is 17 * 23 and what is 2**10?", "add both results", "1415"),
        ("What is 17 * 23 and what is 2**10?", "double the first result", "782"),
        ("What is 15% of 240, then add 10 to the result", "halve it", "23"),
        ("Count the words in 'the quick brown fox'", "multiply that by 3", "12"),
    ],
)
async def test_a_follow_up_goes_on_with_the_result_before_it(first: str, then: str, answer: str) -> None:
    _, exchange = await told(first)

    said, _ = await told(then, exchange)

    assert answer in said


async def test_a_chain_of_follow_ups_goes_on_with_the_last_of_them() -> None:
    _, one = await told("What is 2 + 3?")
    _, two = await told("double it", one)

    said, _ = await told("add 1 to it", one, two)

    assert said == "`10 + 1` = **11**"


async def test_the_earlier_calls_are_not_made_again() -> None:
    _, exchange = await told("What is 17 * 23?")

    _, further = await told("add 10 to it", exchange)

    assert [call.arguments for turn in further.turns for call in turn.reply.calls] == [{"expression": "391 + 10"}]


async def test_a_task_that_can_be_read_by_itself_does_not_point_back() -> None:
    _, exchange = await told("What is 17 * 23?")

    said, _ = await told("What is 2 + 2?", exchange)

    assert said == "`2 + 2` = **4**"


async def test_the_one_number_another_model_answered_with_can_be_pointed_at() -> None:
    earlier = Exchange("How tall is the tower?", answer=ModelReply(text="The tower is **330** metres tall."))

    said, _ = await told("double it", earlier)

    assert "660" in said


@pytest.mark.parametrize("answer", ["Between 300 and 330 metres.", "Nobody knows.", "In version 1.2.3 it is."])
async def test_where_nothing_certain_was_said_nothing_is_guessed(answer: str) -> None:
    earlier = Exchange("How tall is the tower?", answer=ModelReply(text=answer))

    said, _ = await told("double it", earlier)

    assert said.startswith("I could not do “double it”")


async def test_what_failed_or_never_ended_cannot_be_pointed_at() -> None:
    said, _ = await told("double it", Exchange("What is 17 * 23?", ending="That task was stopped."))

    assert said.startswith("I could not do “double it”")


async def test_without_anything_earlier_a_task_is_read_as_ever() -> None:
    assert (await converse("What is 17 * 23?")).calls[0][0].arguments == {"expression": "17 * 23"}
