"""The Responses format as OpenAI's own SDK reads it."""

from itertools import groupby

import openai
import pytest
from openai.types import responses

from tests.wire import Answer, StreamError

ASKED = {"model": "gpt-6-luna", "input": "Hi", "store": False, "include": ["reasoning.encrypted_content"]}
FULL = Answer(
    "Both now.",
    reasoning="Two things.",
    signature="gAAAA",
    calls=[("look", {"a": 1}), ("look", "")],
    usage=(100, 50),
    cache_read=40,
    reasoning_tokens=20,
)


@pytest.fixture
def client(wire_server):
    return openai.OpenAI(base_url=wire_server.base_url, api_key="k", max_retries=0)


def events_of(client, **more):
    return list(client.responses.create(**ASKED, stream=True, **more))


def test_every_item_is_added_grows_and_is_done(wire_server, client):
    wire_server.script(FULL)

    events = events_of(client)

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [kind.removeprefix("response.") for kind, _ in groupby(event.type for event in events)] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    for event in events:  # the SDK builds events without validation
        type(event).model_validate(event.model_dump(by_alias=True), strict=True)


def test_the_whole_is_what_the_stream_ends_with(wire_server, client):
    wire_server.script(FULL, FULL)

    *_, last = events_of(client)
    whole = client.responses.create(**ASKED)

    responses.Response.model_validate(whole.model_dump(), strict=True)
    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call", "function_call"]
    assert [item.type for item in last.response.output] == [item.type for item in whole.output]
    assert whole.output[0].encrypted_content == "gAAAA"
    assert whole.output[1].phase == "commentary"
    assert whole.usage == last.response.usage
    assert whole.usage.input_tokens_details.cached_tokens == 40
    assert whole.usage.output_tokens_details.reasoning_tokens == 20
    assert whole.id != last.response.id


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("auto", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "completed", None),
        ("failed", "failed", None),
    ],
)
def test_a_reply_ends_in_the_words_of_the_format(wire_server, client, reason, status, why):
    wire_server.script(Answer("I cannot.", finish_reason=reason))

    *_, last = events_of(client)

    assert last.type == f"response.{status}"
    assert last.response.status == status
    assert (last.response.incomplete_details and last.response.incomplete_details.reason) == why
    assert (last.response.error is not None) == (status == "failed")


def test_a_refusal_is_a_part_of_its_own(wire_server, client):
    wire_server.script(Answer("I cannot.", finish_reason="refusal"))

    events = events_of(client)

    assert "".join(event.delta for event in events if event.type == "response.refusal.delta") == "I cannot."
    (message,) = events[-1].response.output
    assert [part.type for part in message.content] == ["refusal"]


def test_the_last_message_is_the_answer(wire_server, client):
    wire_server.script(Answer("Done."))

    assert client.responses.create(**ASKED).output[0].phase == "final_answer"
    assert client.responses.create(**{**ASKED, "model": "m1"}).output[0].phase is None


def test_an_error_is_told_in_the_stream(wire_server, client):
    wire_server.script(StreamError(429, after_chunks=2))

    *_, last = events_of(client)

    assert (last.type, last.code, last.sequence_number) == ("error", "rate_limit_exceeded", 2)
