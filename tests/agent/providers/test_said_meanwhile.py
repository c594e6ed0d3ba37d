"""What people say to a run, as each format tells it to the model."""

import json
from typing import Any

import pytest

from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.message_mapping import CUT_OFF, GO_ON, conversation
from runs.agent.providers.model_server import Server
from tests.wire import WireServer
from tests.wire.models import FORMATS, body_after_a_turn, model_at

CALLED = Turn(
    ModelReply(calls=(ToolRequest("calculator", {"expression": "1+1"}),)), (ToolResult("1", "calculator", 2),)
)
BEGUN = Turn(ModelReply(text="The tide"), is_unfinished=True)


def told(**request: Any) -> list[list[str]]:
    """The texts of each message of the conversation."""
    wire_format = OpenAIFormat("m1", Server("local", "http://127.0.0.1:1/v1", None))
    messages = conversation(ModelRequest(task="Hi", **request), wire_format)
    return [[str(getattr(part, "content", "")) for part in message.parts] for message in messages]


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_message_stands_behind_the_results_of_the_turn_before(wire_server: WireServer, wire_format: str):
    model = model_at(wire_server, wire_format)

    body = await body_after_a_turn(wire_server, model, "Let me see.", messages=["Use feet.", "Be short."])

    text = json.dumps(body)
    assert text.index("Use feet.") > text.rindex("Unknown tool: nope.")
    assert text.index("Be short.") > text.index("Use feet.")


def test_messages_before_the_first_turn_belong_to_the_task():
    assert told(messages=["Use feet.", "Be short."]) == [["Hi\n\nUse feet.\n\nBe short."]]


def test_each_turn_has_the_messages_that_were_read_before_it():
    assert told(turns=[Turn(CALLED.reply, CALLED.results, messages=("First.",))], messages=["Second."]) == [
        ["Hi\n\nFirst."],
        [""],
        ["2", "Second."],
    ]


def test_a_reply_that_was_cut_off_is_not_continued_after_a_message():
    assert told(turns=[BEGUN])[-1] == [GO_ON]
    assert told(turns=[BEGUN], messages=["Shorter."])[-1] == [f"{CUT_OFF}\n\nShorter."]


def test_an_answer_that_did_not_end_the_run_is_followed_by_the_message():
    assert told(turns=[Turn(ModelReply(text="It is 4."))], messages=["In Roman numerals."]) == [
        ["Hi"],
        ["It is 4."],
        ["In Roman numerals."],
    ]


def test_an_earlier_run_is_told_with_its_messages():
    earlier = Exchange("Sum?", (CALLED,), ModelReply(text="Two."), messages=("In words.",))

    assert told(earlier=[earlier])[2:4] == [["2", "In words."], ["Two."]]
