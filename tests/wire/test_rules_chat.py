"""The wire server's refusals of chat completions, as OpenAI and compatible servers make them."""

import pytest

from tests.wire import WireServer
from tests.wire.client import changed, post
from tests.wire.dialects import (
    CEREBRAS,
    LLAMA_CPP,
    LLAMA_CPP_WITH_MISTRAL,
    LM_STUDIO,
    MISTRAL,
    OLLAMA_WITHOUT_TOOLS,
    Dialect,
)

PATH = "/v1/chat/completions"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def tool(name="look", *, strict=None, **schema):
    function = {"name": name, "parameters": {**SCHEMA, **schema}}
    return {"type": "function", "function": function if strict is None else {**function, "strict": strict}}


def call(call_id="c1", name="look", arguments="{}"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


ASK = {"role": "user", "content": "Hi"}
CALLS = {"role": "assistant", "content": None, "tool_calls": [call()]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": ""}
GOOD = {"model": "m1", "messages": [ASK, CALLS, RESULT], "tools": [tool()], "parallel_tool_calls": False}


@pytest.mark.parametrize("model", ["m1", "gpt-4.1", "gpt-oss-120b", "openai/gpt-6-luna"])
def test_a_request_as_it_should_be_is_answered(wire_server, model):
    assert post(wire_server, PATH, changed(GOOD, model=model)).status == 200
    assert wire_server.refusals == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"messages": None}, "Missing required parameter: 'messages'."),
        ({"messages": []}, "Invalid 'messages': empty array"),
        ({"messages": [{"role": "bot", "content": "Hi"}]}, "Invalid value: 'bot'."),
        ({"messages": [{"role": "user", "content": None}]}, "expected a string, got null"),
        ({"messages": [{"role": "user", "content": []}]}, "Invalid 'messages[0].content': empty array"),
        ({"messages": [ASK, {"role": "assistant", "content": None}]}, "expected a string, got null"),
        ({"messages": [ASK, {**CALLS, "tool_calls": []}]}, "Invalid 'messages[1].tool_calls': empty array"),
        ({"messages": [ASK, CALLS]}, "must be followed by tool messages"),
        ({"messages": [ASK, CALLS, ASK, RESULT]}, "did not have response messages: c1"),
        ({"messages": [ASK, RESULT]}, "must be a response to a preceeding message with 'tool_calls'"),
        ({"messages": [ASK, CALLS, RESULT, RESULT]}, "must be a response to a preceeding message"),
        ({"tools": [tool(), tool()]}, "'look' is there more than once"),
        ({"tools": [tool("files.read")]}, "Invalid 'tools[0].function.name': string does not match pattern"),
        ({"tools": [tool("x" * 65)]}, "Expected a string with maximum length 64"),
        ({"tools": [tool(type="string")]}, "got 'type: \"string\"'"),
        ({"tools": [tool(anyOf=[{"required": ["a"]}])]}, "not have 'oneOf'/'anyOf'"),
        ({"tools": [tool(properties={"a": {"type": "nonsense"}})]}, "not a valid JSON Schema"),
        ({"tools": [tool(properties={"a": {"type": "array"}})]}, "array schema missing items"),
        ({"tools": [tool(strict=True, additionalProperties=True)]}, "'additionalProperties' is required"),
        ({"tools": [tool(strict=True, required=[])]}, "Missing 'a'"),
        ({"tools": None}, "'parallel_tool_calls' is only allowed when 'tools' are specified"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
    ],
)
def test_what_openai_refuses_of_all_is_refused_in_its_words(wire_server, changes, words):
    told = post(wire_server, PATH, changed(GOOD, **changes))

    assert (told.status, words in told.message) == (400, True), told
    assert told.body["error"]["type"] == "invalid_request_error"
    assert [each.message for each in wire_server.refusals] == [told.message]


@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-5.6-terra", "gpt-6-luna", "gpt-6-astra", "gpt-6.1-sol"])
def test_models_that_think_take_no_tools_unless_they_do_not(wire_server, model):
    told = post(wire_server, PATH, changed(GOOD, model=model))

    assert told.body["error"] == {
        "message": f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
        "type": "invalid_request_error",
        "param": "reasoning_effort",
        "code": None,
    }
    can_rest = model not in ("gpt-6-astra", "gpt-6.1-sol")
    assert post(wire_server, PATH, changed(GOOD, model=model, reasoning_effort="none")).status == (
        200 if can_rest else 400
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 0.5}, "'temperature' does not support 0.5 with this model"),
        ({"top_p": 0.9}, "'top_p' is not supported with this model"),
        ({"max_tokens": 100}, "Use 'max_completion_tokens' instead."),
        ({"reasoning_effort": "minimal"}, "'minimal' is not supported with the 'gpt-5.6-sol' model"),
        ({"reasoning_effort": "max"}, "Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'."),
        ({"think": True}, "Unknown parameter: 'think'."),
    ],
)
def test_a_model_that_thinks_is_set_in_its_own_way(wire_server, changes, words):
    asked = {"model": "gpt-5.6-sol", "messages": [ASK], **changes}

    assert words in post(wire_server, PATH, asked).message
    assert post(wire_server, PATH, {"model": "gpt-5.6-sol", "messages": [ASK], "temperature": 1}).status == 200


@pytest.mark.parametrize("wrong", [call("c" * 41), call(name="files.read")], ids=["id", "name"])
def test_calls_that_go_back_have_the_form_of_openais_own(wire_server, wrong):
    asked = [ASK, {**CALLS, "tool_calls": [wrong]}, {**RESULT, "tool_call_id": wrong["id"]}]

    assert (
        "Invalid 'messages[1].tool_calls[0]."
        in post(wire_server, PATH, {"model": "gpt-4.1", "messages": asked}).message
    )
    assert post(wire_server, PATH, {"model": "m1", "messages": asked}).status == 200


@pytest.mark.parametrize(
    ("dialect", "changes", "words"),
    [
        (Dialect(stream_options=False), {"stream": True, "stream_options": {}}, "stream_options: Extra inputs"),
        (CEREBRAS, {"tools": [tool("a", strict=True), tool("b")]}, "Tools with mixed values for 'strict'"),
        (LM_STUDIO, {"response_format": {"type": "json_object"}}, "must be 'json_schema' or 'text'"),
        (OLLAMA_WITHOUT_TOOLS, {}, "registry.ollama.ai/library/m1 does not support tools"),
        (Dialect(parallel_tool_calls=False), {}, "'parallel_tool_calls' is not supported"),
        (LLAMA_CPP, {"messages": [ASK, {**CALLS, "tool_calls": [call(arguments='{"a')]}, RESULT]}, "Failed to parse"),
        (MISTRAL, {"messages": [ASK, CALLS, RESULT, ASK]}, "Unexpected role 'user' after role 'tool'"),
        (LLAMA_CPP_WITH_MISTRAL, {"messages": [ASK, CALLS, RESULT, ASK]}, "conversation roles must alternate"),
        (LLAMA_CPP_WITH_MISTRAL, {"messages": [ASK, ASK]}, "conversation roles must alternate"),
        (Dialect(unknown_fields=False), {"think": True}, "Unknown parameter: 'think'."),
    ],
)
def test_a_server_of_ones_own_refuses_what_it_does_not_know(dialect, changes, words):
    with WireServer(dialect=dialect) as particular, WireServer() as open_to_all:
        assert words in post(particular, PATH, changed(GOOD, **changes)).message
        if "stream" not in changes and "response_format" not in changes:
            assert post(open_to_all, PATH, changed(GOOD, **changes)).status == 200


def test_a_strict_server_refuses_unknown_fields():
    with WireServer(strict=True) as server:
        assert post(server, PATH, changed(GOOD, think=True)).message == "Unknown parameter: 'think'."
        assert post(server, PATH, GOOD).status == 200


def test_a_refused_request_uses_up_nothing_that_is_scripted(wire_server):
    from tests.wire import Answer

    wire_server.script(Answer("Only once."))

    assert post(wire_server, PATH, changed(GOOD, messages=[])).status == 400
    assert post(wire_server, PATH, GOOD).body["choices"][0]["message"]["content"] == "Only once."
    assert len(wire_server.requests) == 2
