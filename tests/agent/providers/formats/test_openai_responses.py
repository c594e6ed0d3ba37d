"""OpenAI's Responses on the wire: requests and replies by its documentation."""

import json
from typing import Any

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.usage import Usage
from tests.wire import Answer, Status
from tests.wire.models import TOOLS, body_after_a_turn, model_at

SCHEMA = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}


@pytest.fixture
def model(wire_server):
    return model_at(wire_server, "responses")


@pytest.fixture
def gpt(wire_server):
    return model_at(wire_server, "responses", name="openai", model="gpt-6-luna")


async def test_a_request_has_the_form_of_the_documentation_and_nothing_is_stored(wire_server, gpt):
    await gpt.reply(ModelRequest(task="Hi", instructions="Be kind.", tools=TOOLS))

    (request,) = wire_server.requests
    assert request.path == "/v1/responses"
    assert request.headers["authorization"] == "Bearer the-key"
    body = request.body
    assert (body["model"], body["stream"], body["store"]) == ("gpt-6-luna", True, False)
    assert body["instructions"] == "Be kind."
    assert body["input"] == [{"role": "user", "content": "Hi"}]
    assert [tool["name"] for tool in body["tools"]] == ["calculator", "current_time"]
    assert body["tools"][0]["parameters"]["required"] == ["expression"]
    assert wire_server.stored == []


async def test_a_model_that_thinks_is_asked_for_a_summary_and_for_what_it_wants_back(wire_server, gpt, model):
    await gpt.reply(ModelRequest(task="Hi"))
    await model.reply(ModelRequest(task="Hi"))

    thinks, unknown = (request.body for request in wire_server.requests)
    assert thinks["reasoning"]["summary"] == "auto"
    assert thinks["include"] == ["reasoning.encrypted_content"]
    assert "reasoning" not in unknown  # a compatible server gets no special settings


async def test_all_kinds_of_pieces_are_told_as_they_come(wire_server, gpt):
    calls = [("calculator", {"expression": "1+1"}), ("current_time", {"place": "Oslo"})]
    wire_server.script(Answer("Both now.", reasoning="Two things.", calls=calls))
    told: list[Delta] = []

    reply = await gpt.reply(ModelRequest(task="Hi", tools=TOOLS), on_delta=told.append)

    assert (reply.text, reply.reasoning) == ("Both now.", "Two things.")
    assert reply.calls == (
        ToolRequest("calculator", {"expression": "1+1"}),
        ToolRequest("current_time", {"place": "Oslo"}),
    )
    assert "".join(each.text for each in told if each.kind == "reasoning") == "Two things."
    assert [each.text for each in told if each.kind == "text" and each.text] == ["Both ", "now."]
    assert "".join(each.text for each in told if each.kind == "call") == "".join(json.dumps(each[1]) for each in calls)


async def test_all_tokens_are_counted_and_the_cached_and_the_thought_ones_are_known(wire_server, gpt):
    wire_server.script(Answer("Hi.", usage=(100, 50), cache_read=40, reasoning_tokens=20))

    reply = await gpt.reply(ModelRequest(task="Hi"))

    assert reply.usage == Usage(100, 50, cache_read_tokens=40, reasoning_tokens=20)


async def test_what_was_thought_goes_back_encrypted_with_the_calls_and_their_results(wire_server, gpt):
    body = await body_after_a_turn(wire_server, gpt, "Let me see.", reasoning="Sums.", signature="gAAAA", call_id="c")

    _, reasoning, message, first, second, two, failed = body["input"]
    assert (reasoning["type"], reasoning["encrypted_content"]) == ("reasoning", "gAAAA")
    assert [part["text"] for part in reasoning["summary"]] == ["Sums."]
    assert (message["role"], message["content"][0]["text"]) == ("assistant", "Let me see.")
    assert [(each["call_id"], each["name"]) for each in (first, second)] == [("c-0", "calculator"), ("c-1", "nope")]
    assert json.loads(first["arguments"]) == {"expression": "1+1"}
    assert (two["type"], two["call_id"], two["output"]) == ("function_call_output", "c-0", "2")
    assert failed["call_id"] == "c-1"
    assert "Unknown tool: nope." in json.dumps(failed["output"])
    assert body["store"] is False
    assert wire_server.refusals == []


async def test_the_phase_of_a_message_goes_back_with_it(wire_server, gpt):
    body = await body_after_a_turn(wire_server, gpt, "Let me see.")

    assert [item["phase"] for item in body["input"] if item.get("role") == "assistant"] == ["commentary"]


async def test_a_thought_without_words_goes_back_too(wire_server, gpt):
    body = await body_after_a_turn(wire_server, gpt, "", signature="gAAAA")

    assert [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"] == ["gAAAA"]


@pytest.mark.parametrize("replay", [None, {"format": "somebody else's"}, "text", {"format": "pydantic-ai/2"}])
async def test_a_turn_of_another_provider_is_written_anew(wire_server, gpt, replay: Any):
    call = ToolRequest("calculator", {"expression": "1+1"})
    turn = Turn(ModelReply("", "", (call,), replay=replay), (ToolResult("c1", "calculator", {"value": 2}),))

    await gpt.reply(ModelRequest(task="Hi", turns=[turn]))

    _, called, result = wire_server.requests[0].body["input"]
    assert json.loads(called["arguments"]) == {"expression": "1+1"}
    assert result["call_id"] == called["call_id"]
    assert json.loads(result["output"]) == {"value": 2}


async def test_the_schema_of_an_answer_goes_along_with_the_tools(wire_server, gpt):
    wire_server.script(Answer('{"answer": 2}'))

    reply = await gpt.reply(ModelRequest(task="Hi", tools=TOOLS, output_schema=SCHEMA))

    wanted = wire_server.requests[0].body["text"]["format"]
    assert (wanted["type"], wanted["name"]) == ("json_schema", "answer")
    assert wanted["schema"]["required"] == ["answer"]
    assert reply.text == '{"answer": 2}'


async def test_a_refusal_is_no_answer(wire_server, gpt):
    wire_server.script(Answer("I cannot help with that.", finish_reason="refusal"))

    with pytest.raises(ModelFailure) as caught:
        await gpt.reply(ModelRequest(task="Hi"))

    assert caught.value.kind == "blocked"


async def test_the_providers_words_are_told_without_the_key(wire_server, gpt):
    wire_server.script(Status(401, message="Incorrect API key provided: the-key."))

    with pytest.raises(ModelFailure) as caught:
        await gpt.reply(ModelRequest(task="Hi"))

    assert str(caught.value) == "openai answered 401: Incorrect API key provided: [hidden]."


async def test_a_server_of_ones_own_hears_nothing_of_the_openai_account(wire_server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    await model_at(wire_server, "responses", name="keyless", key=None).reply(ModelRequest(task="Hi"))

    assert "secret" not in str(wire_server.requests[0].headers)
