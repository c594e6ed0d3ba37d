"""Gemini on the wire: requests and replies by Google's documentation of generateContent."""

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelRequest, ToolRequest
from runs.agent.usage import Usage
from tests.wire import Answer, Raw, Status
from tests.wire.models import TOOLS, body_after_a_turn, model_at

SCHEMA = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}


@pytest.fixture
def model(wire_server):
    return model_at(wire_server, "google", name="google", model="gemini-3.8-flash")


async def test_a_request_has_the_form_of_the_documentation(wire_server, model):
    await model.reply(ModelRequest(task="Hi", instructions="Be kind.", tools=TOOLS))

    (request,) = wire_server.requests
    assert request.path == "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert request.headers["x-goog-api-key"] == "the-key"
    body = request.body
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert body["systemInstruction"]["parts"] == [{"text": "Be kind."}]
    declared = [each for tool in body["tools"] for each in tool["functionDeclarations"]]
    assert [each["name"] for each in declared] == ["calculator", "current_time"]
    assert body["generationConfig"]["thinkingConfig"] == {"include_thoughts": True}


async def test_all_kinds_of_pieces_are_told_as_they_come(wire_server, model):
    calls = [("calculator", {"expression": "1+1"}), ("current_time", {})]
    wire_server.script(Answer("Both now.", reasoning="Two things.", signature="c2ln", calls=calls))
    told: list[Delta] = []

    reply = await model.reply(ModelRequest(task="Hi"), on_delta=told.append)

    assert (reply.text, reply.reasoning) == ("Both now.", "Two things.")
    assert reply.calls == (ToolRequest("calculator", {"expression": "1+1"}), ToolRequest("current_time", {}))
    assert [each.text for each in told if each.kind == "reasoning"] == ["Two ", "things."]
    assert [each.text for each in told if each.kind == "text"] == ["Both ", "now."]
    assert [each.kind for each in told].count("call") == 2


async def test_output_tokens_are_all_of_them_and_thoughts_are_known(wire_server, model):
    wire_server.script(Answer("Hi.", usage=(100, 50), cache_read=40, reasoning_tokens=20))

    reply = await model.reply(ModelRequest(task="Hi"))

    assert reply.usage == Usage(100, 50, cache_read_tokens=40, reasoning_tokens=20)


async def test_signatures_go_back_with_their_calls_and_results_with_their_names(wire_server, model):
    about = {"reasoning": "Sums.", "signature": "c2ln", "call_id": "g"}
    body = await body_after_a_turn(wire_server, model, "See.", **about)

    _, said, results = body["contents"]
    assert said["role"] == "model"
    first, second = [part for part in said["parts"] if "functionCall" in part]
    assert first["functionCall"] == {"id": "g-0", "name": "calculator", "args": {"expression": "1+1"}}
    assert first["thoughtSignature"] == "c2ln"
    assert "thoughtSignature" not in second
    assert results["role"] == "user"
    one, two = [part["functionResponse"] for part in results["parts"]]
    assert (one["id"], one["name"], list(one["response"].values())) == ("g-0", "calculator", ["2"])
    assert (two["id"], two["response"]) == ("g-1", {"error": "Unknown tool: nope."})


async def test_the_schema_of_an_answer_goes_along_with_the_tools_where_the_model_takes_both(wire_server):
    wire_server.otherwise = Answer('{"answer": 2}')
    newer = model_at(wire_server, "google", model="gemini-3.8-flash")
    older = model_at(wire_server, "google", model="gemini-2.5-flash")

    for model in (newer, older):
        await model.reply(ModelRequest(task="Hi", tools=TOOLS, output_schema=SCHEMA))
    await older.reply(ModelRequest(task="Hi", output_schema=SCHEMA))

    both, in_words, alone = (request.body for request in wire_server.requests)
    for body in (both, alone):
        assert body["generationConfig"]["responseMimeType"] == "application/json"
        assert body["generationConfig"]["responseJsonSchema"]["required"] == ["answer"]
    assert "responseJsonSchema" not in in_words["generationConfig"]
    assert '"answer"' in in_words["systemInstruction"]["parts"][-1]["text"]
    assert both["tools"]
    assert in_words["tools"]


async def test_the_wait_google_asks_for_in_its_own_way_is_understood(wire_server, model):
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "14s"}
    error = {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
    wire_server.script(Raw.events({"error": error}))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(ModelRequest(task="Hi"))

    assert (caught.value.kind, caught.value.retry_after_s) == ("rate_limited", 14)


async def test_the_providers_words_are_told_without_the_key(wire_server, model):
    wire_server.script(Status(400, message="API key not valid: the-key.", error_type="INVALID_ARGUMENT"))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(ModelRequest(task="Hi"))

    assert str(caught.value) == "google answered 400: API key not valid: [hidden]."


async def test_a_prompt_that_is_blocked_is_not_tried_again(wire_server, model):
    wire_server.script(Raw.events({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m1"}))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(ModelRequest(task="Hi"))

    assert caught.value.kind == "blocked"
