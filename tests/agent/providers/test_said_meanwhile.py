"""What people say to a run, as each format tells it to the model."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic_ai import messages as wire

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.files.file_info import Image
from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.message_mapping import CUT_OFF, GO_ON, conversation
from runs.agent.providers.model_server import Server
from tests.wire import WireServer
from tests.wire.dialects import LLAMA_CPP_WITH_MISTRAL, MISTRAL, Dialect
from tests.wire.models import FORMATS, TOOLS, body_after_a_turn, model_at
from tests.wire.server import ANSWER

CALLED = Turn(
    ModelReply(calls=(ToolRequest("calculator", {"expression": "1+1"}),)), (ToolResult("1", "calculator", 2),)
)
BEGUN = Turn(ModelReply(text="The tide"), is_unfinished=True)


def messages_of(**request: Any) -> list[Any]:
    """The messages of the conversation."""
    wire_format = OpenAIFormat("m1", Server("local", "http://127.0.0.1:1/v1", None))
    return conversation(ModelRequest(task="Hi", **request), wire_format)


def told(**request: Any) -> list[list[str]]:
    """The texts of each message of the conversation."""
    return [[str(getattr(part, "content", "")) for part in message.parts] for message in messages_of(**request)]


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


def test_what_a_person_says_stays_as_it_is_also_in_the_words_of_the_system():
    assert told(earlier=[Exchange(GO_ON, ending="It failed.")])[-1] == [f"{GO_ON}\n\n[It failed.]\n\nHi"]


def test_an_answer_that_did_not_end_the_run_is_followed_by_the_message():
    assert told(turns=[Turn(ModelReply(text="It is 4."))], messages=["In Roman numerals."]) == [
        ["Hi"],
        ["It is 4."],
        ["In Roman numerals."],
    ]


@pytest.mark.parametrize("dialect", [MISTRAL, LLAMA_CPP_WITH_MISTRAL], ids=["mistral", "llama.cpp"])
async def test_a_server_that_wants_a_reply_after_results_gets_one_once_it_has_said_so(dialect: Dialect):
    with WireServer(dialect=dialect) as server:
        model = model_at(server, "openai")
        request = ModelRequest(task="Hi", tools=TOOLS, turns=[CALLED], messages=["Use feet."])

        with pytest.raises(ModelFailure) as refused:
            await model.reply(request)
        reply = await model.reply(request)
        await model.reply(replace(request, messages=[]))

    assert "between the results and the message" in refused.value.again
    assert reply.text == ANSWER.text
    roles = [[each["role"] for each in sent.body["messages"]] for sent in server.requests]
    assert roles == [
        ["user", "assistant", "tool", "user"],
        ["user", "assistant", "tool", "assistant", "user"],
        ["user", "assistant", "tool"],
    ]
    assert server.requests[1].body["messages"][-1]["content"] == "Use feet."


@pytest.mark.parametrize("dialect", [MISTRAL, LLAMA_CPP_WITH_MISTRAL], ids=["mistral", "llama.cpp"])
async def test_a_run_without_an_answer_is_followed_up_at_a_server_that_wants_a_reply_after_results(dialect: Dialect):
    failed = Exchange("Sum?", (CALLED,), messages=("In words.",), ending="The run failed.")
    with WireServer(dialect=dialect) as server:
        model = model_at(server, "openai")
        request = ModelRequest(task="Go on.", tools=TOOLS, earlier=[failed, Exchange("And?"), failed])

        with pytest.raises(ModelFailure):
            await model.reply(request)

        assert (await model.reply(request)).text == ANSWER.text


def test_a_run_without_an_answer_and_the_task_after_it_are_one_message():
    image = Image("a.png", "image/png", b"png")
    failed = Exchange("Sum?", (CALLED,), messages=("In words.",), ending="It failed.", images=(image,))

    found = told(earlier=[failed])
    cut = told(earlier=[Exchange("Sum?", (BEGUN,))])

    assert found[-1] == ["2", "In words.\n\n[It failed.]\n\nHi"]
    assert cut[-1] == [f"{CUT_OFF}\n\n[That task ended without an answer.]\n\nHi"]


def test_an_image_stays_behind_its_task():
    image = Image("a.png", "image/png", b"png")

    (asked,) = messages_of(earlier=[Exchange("What is this?", images=(image,))])

    (prompt,) = asked.parts
    assert prompt.content == [
        "What is this?",
        wire.BinaryContent(b"png", media_type="image/png"),
        "[That task ended without an answer.]\n\nHi",
    ]


def test_an_earlier_run_is_told_with_its_messages():
    earlier = Exchange("Sum?", (CALLED,), ModelReply(text="Two."), messages=("In words.",))

    assert told(earlier=[earlier])[2:4] == [["2", "In words."], ["Two."]]
