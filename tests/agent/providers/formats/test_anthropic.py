"""Claude on the wire: requests and replies by Anthropic's documentation of its Messages format."""

import json

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.usage import Usage
from tests.wire import Answer, Status
from tests.wire.models import FORMATS, TOOLS, body_after_a_turn, model_at

SCHEMA = {"type": "object", "properties": {"answer": {"type": "number", "minimum": 0}}, "required": ["answer"]}


@pytest.fixture
def model(wire_server):
    return model_at(wire_server, "anthropic")


@pytest.fixture
def claude(wire_server):
    return model_at(wire_server, "anthropic", name="anthropic", model="claude-sonnet-5-5")


async def test_a_request_has_the_form_of_the_documentation(wire_server, model):
    await model.reply(ModelRequest(task="Hi", instructions="Be kind.", tools=TOOLS))

    (request,) = wire_server.requests
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == "the-key"
    assert request.headers["anthropic-version"]
    body = request.body
    assert (body["model"], body["stream"]) == ("m1", True)
    assert body["max_tokens"] > 1000
    assert [part["text"] for part in body["system"]] == ["Be kind."]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert [tool["name"] for tool in body["tools"]] == ["calculator", "current_time"]
    assert body["tools"][0]["input_schema"]["required"] == ["expression"]
    assert "thinking" not in body  # a compatible server gets no special settings
    assert "cache_control" not in json.dumps(body)


async def test_all_kinds_of_pieces_are_told_as_they_come(wire_server, model):
    wire_server.script(
        Answer("Both now.", reasoning="Two things.", signature="c2ln", calls=[("calculator", {"expression": "1+1"})])
    )
    told: list[Delta] = []

    reply = await model.reply(ModelRequest(task="Hi"), on_delta=told.append)

    assert (reply.text, reply.reasoning) == ("Both now.", "Two things.")
    assert reply.calls == (ToolRequest("calculator", {"expression": "1+1"}),)
    assert [each.text for each in told if each.kind == "reasoning" and each.text] == ["Two ", "things."]
    assert [each.text for each in told if each.kind == "text"] == ["Both ", "now."]
    assert json.loads("".join(each.text for each in told if each.kind == "call")) == {"expression": "1+1"}


async def test_input_tokens_are_all_of_them_and_the_cached_ones_are_known(wire_server, model):
    wire_server.script(Answer("Hi.", usage=(100, 50), cache_read=40, cache_written=10))

    reply = await model.reply(ModelRequest(task="Hi"))

    assert reply.usage == Usage(100, 50, cache_read_tokens=40, cache_write_tokens=10)


async def test_thoughts_go_back_with_their_signatures_and_results_with_their_calls(wire_server, model):
    about = {"reasoning": "Sums.", "signature": "c2ln", "call_id": "toolu"}
    body = await body_after_a_turn(wire_server, model, "Let me see.", **about)

    _, assistant, results = body["messages"]
    assert assistant["role"] == "assistant"
    assert assistant["content"] == [
        {"type": "thinking", "thinking": "Sums.", "signature": "c2ln"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu-0", "name": "calculator", "input": {"expression": "1+1"}},
        {"type": "tool_use", "id": "toolu-1", "name": "nope", "input": {}},
    ]
    assert results["role"] == "user"
    assert [(part["type"], part["tool_use_id"]) for part in results["content"]] == [
        ("tool_result", "toolu-0"),
        ("tool_result", "toolu-1"),
    ]
    assert "Unknown tool: nope." in json.dumps(results["content"][1])
    assert results["content"][1]["is_error"] is True


@pytest.mark.parametrize("after", FORMATS)
@pytest.mark.parametrize("before", FORMATS)
async def test_a_turn_of_another_server_is_written_anew_without_its_thoughts(wire_server, before, after):
    calls = [("calculator", {"expression": "1"})]
    wire_server.script(Answer(reasoning="Their secret thoughts.", signature="c2ln", calls=calls, call_id="theirs"))
    first, second = model_at(wire_server, before, name="one"), model_at(wire_server, after, name="two")
    reply = await first.reply(ModelRequest(task="Hi"))

    await second.reply(ModelRequest(task="Hi", turns=[Turn(reply, (ToolResult("1", "calculator", 1),))]))

    sent = json.dumps(wire_server.requests[1].body)
    assert "calculator" in sent
    assert not [foreign for foreign in ("secret thoughts", "c2ln", "theirs") if foreign in sent]


async def test_a_replay_that_cannot_be_read_is_written_anew(wire_server, model):
    replay = {"format": "pydantic-ai/2", "server": "local", "response": {"parts": "broken"}}
    reply = ModelReply("", "", (ToolRequest("calculator", {"expression": "1"}),), replay=replay)

    await model.reply(ModelRequest(task="Hi", turns=[Turn(reply, (ToolResult("1", "calculator", 1),))]))

    assistant = wire_server.requests[0].body["messages"][1]
    assert [part["type"] for part in assistant["content"]] == ["tool_use"]


async def test_claude_itself_is_asked_for_thoughts_that_can_be_read_and_to_remember_the_history(wire_server, claude):
    await claude.reply(ModelRequest(task="Hi", tools=TOOLS))
    await claude.reply(ModelRequest(task="Hi"))

    with_tools, without = (request.body for request in wire_server.requests)
    assert with_tools["thinking"] == without["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "cache_control" in json.dumps(with_tools)
    assert "cache_control" not in json.dumps(without)  # a cache that is written once and never read only costs more


async def test_the_schema_of_an_answer_goes_along_with_the_tools(wire_server, claude):
    wire_server.script(Answer('{"answer": 2}'))

    reply = await claude.reply(ModelRequest(task="Hi", tools=TOOLS, output_schema=SCHEMA))

    body = wire_server.requests[0].body
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert body["output_config"]["format"]["schema"]["required"] == ["answer"]
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert [tool["name"] for tool in body["tools"]] == ["calculator", "current_time"]
    assert reply.text == '{"answer": 2}'


async def test_a_model_without_a_mode_for_schemas_is_told_it_in_words(wire_server, model):
    wire_server.script(Answer('{"answer": 2}'))

    await model.reply(ModelRequest(task="Hi", instructions="Be kind.", output_schema=SCHEMA))

    body = wire_server.requests[0].body
    assert "output_config" not in body
    assert '"minimum": 0' in body["system"][-1]["text"]


async def test_the_providers_words_are_told_without_the_key(wire_server, model):
    wire_server.script(Status(401, message="invalid x-api-key the-key"))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(ModelRequest(task="Hi"))

    assert str(caught.value) == "local answered 401: invalid x-api-key [hidden]"


async def test_a_server_of_ones_own_hears_nothing_of_the_anthropic_account(wire_server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-secret")

    await model_at(wire_server, "anthropic", name="keyless", key=None).reply(ModelRequest(task="Hi"))

    assert "secret" not in str(wire_server.requests[0].headers)
