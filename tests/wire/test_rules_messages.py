"""The wire server's refusals of Messages, as Anthropic makes them."""

import pytest

from tests.wire import Answer
from tests.wire.client import changed, post
from tests.wire.rules.thoughts import BETA

PATH = "/v1/messages"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"name": "look", "input_schema": SCHEMA}
ASK = {"role": "user", "content": "Hi"}
CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
CALLS = {"role": "assistant", "content": [{"type": "text", "text": "So."}, CALL]}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": ""}
RESULTS = {"role": "user", "content": [RESULT]}
GOOD = {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": [ASK, CALLS, RESULTS], "tools": [TOOL]}
DROP = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}


def text(said):
    return {"type": "text", "text": said}


def said(*blocks, role="user"):
    return {"role": role, "content": list(blocks)}


@pytest.mark.parametrize("model", ["m1", "claude-haiku-4-5", "claude-opus-5-5"])
def test_a_request_as_it_should_be_is_answered(wire_server, model):
    two_of_one_role = [ASK, ASK, CALLS, RESULTS, said(text("And?"))]

    assert post(wire_server, PATH, changed(GOOD, model=model)).status == 200
    assert post(wire_server, PATH, changed(GOOD, model=model, messages=two_of_one_role)).status == 200
    assert wire_server.refusals == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1"),
        ({"max_tokens": 128_001}, "128001 > 128000, which is the maximum allowed number of output tokens"),
        ({"response_format": {}}, "response_format: Extra inputs are not permitted"),
        ({"messages": []}, "at least one message is required"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be"),
        ({"messages": [said(text(""))]}, "messages: text content blocks must be non-empty"),
        ({"messages": [said(text("\n\n"))]}, "messages: text content blocks must contain non-whitespace text"),
        ({"messages": [{"role": "user", "content": " "}]}, "must contain non-whitespace text"),
        ({"messages": [ASK, CALLS, said({**RESULT, "content": [text("")]})]}, "must be non-empty"),
        ({"messages": [ASK, CALLS, said({**RESULT, "content": [text("\n")]})]}, "must contain non-whitespace"),
        ({"system": [text(" ")]}, "system: text content blocks must contain non-whitespace text"),
        ({"messages": [ASK, said(role="assistant"), ASK]}, "all messages must have non-empty content"),
        ({"messages": [{**ASK, "reasoning_details": []}]}, "messages.0.reasoning_details: Extra inputs"),
        ({"messages": [said({**text("Hi"), "index": 0})]}, "messages.0.content.0.text.index: Extra inputs"),
        ({"messages": [ASK, CALLS]}, "`tool_use` ids were found without `tool_result` blocks"),
        ({"messages": [ASK, CALLS, ASK]}, "ids were found without `tool_result` blocks immediately after: t1"),
        ({"messages": [ASK, CALLS, said(text("First."), RESULT)]}, "without `tool_result` blocks immediately"),
        ({"messages": [ASK, RESULTS]}, "unexpected `tool_use_id` found in `tool_result` blocks: t1"),
        ({"messages": [ASK, CALLS, said(RESULT, RESULT)]}, "Found multiple `tool_result` blocks with id: t1"),
        ({"messages": [ASK, said(CALL, CALL, role="assistant"), RESULTS]}, "`tool_use` ids must be unique"),
        ({"messages": [ASK, CALLS, RESULTS, CALLS, RESULTS]}, "`tool_use` ids must be unique"),
        ({"messages": [ASK, said({**CALL, "id": "a|b"}, role="assistant"), ASK]}, "match pattern '^[a-zA-Z0-9_-]+$'"),
        ({"messages": [ASK, said({**CALL, "input": "{}"}, role="assistant"), RESULTS]}, "valid dictionary"),
        ({"messages": [ASK, said(text("So"), role="assistant")]}, "does not support assistant message prefill"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tools": [{**TOOL, "name": "a.b"}]}, "tools.0.custom.name: String should match pattern"),
        ({"tools": [{**TOOL, "parameters": {}}]}, "tools.0.custom.parameters: Extra inputs"),
        ({"tools": [{**TOOL, "input_schema": {}}]}, "input_schema.type: Field required"),
        ({"tools": [{**TOOL, "input_schema": {**SCHEMA, "anyOf": []}}]}, "does not support oneOf, allOf, or anyOf"),
        ({"tools": [{**TOOL, "input_schema": {**SCHEMA, "properties": {"a b": {}}}}]}, "Property keys should match"),
        ({"tools": [{**TOOL, "input_schema": {**SCHEMA, "required": "a"}}]}, "JSON schema is invalid"),
        ({"tool_choice": {"type": "any"}}, "type 'any' is not supported for this model"),
        ({"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ({"top_p": 0.99}, "`top_p` is deprecated for this model."),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, '"thinking.type.enabled" is not supported'),
        ({"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        ({"thinking": DROP}, f"requires the beta header anthropic-beta: {BETA}"),
        ({"output_config": {"effort": "minimal"}}, "output_config.effort: Input should be"),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "'additionalProperties' must be"),
        ({"system": [{**text("x"), "cache_control": {"type": "ephemeral"}}] * 5}, "A maximum of 4 blocks"),
    ],
)
def test_what_anthropic_refuses_is_refused_in_its_words(wire_server, changes, words):
    told = post(wire_server, PATH, changed(GOOD, **changes))

    assert (told.status, words in told.message) == (400, True), told
    assert told.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this model"),
        ({"thinking": {"type": "enabled", "budget_tokens": 500}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "`max_tokens` must be greater than"),
        ({"temperature": 0.5, "top_p": 0.9}, "`temperature` and `top_p` cannot both be specified"),
        ({"output_config": {"effort": "low"}}, "does not support the effort parameter"),
        ({"messages": [ASK, said(text("So "), role="assistant")]}, "cannot end with trailing whitespace"),
    ],
)
def test_an_older_model_is_set_in_its_own_way(wire_server, changes, words):
    asked = changed(GOOD, model="claude-haiku-4-5")

    assert words in post(wire_server, PATH, changed(asked, **changes)).message
    assert post(wire_server, PATH, changed(asked, temperature=0.5)).status == 200


def test_an_older_model_that_thinks_takes_no_temperature(wire_server):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked = changed(GOOD, model="claude-haiku-4-5", thinking=thinking, max_tokens=2000)

    assert "may only be set to 1" in post(wire_server, PATH, changed(asked, temperature=0.5)).message
    assert post(wire_server, PATH, changed(asked, temperature=1)).status == 200


def thought(server, **changes):
    """The message to send back after a reply that thinks and calls."""
    server.script(Answer(reasoning="Hm.", calls=[("look", {})], call_id="t"))
    asked = changed(GOOD, messages=[ASK], **changes)
    content = post(server, PATH, asked).body["content"]
    result = {**RESULT, "tool_use_id": "t-0", "content": "1"}
    return {**asked, "messages": [ASK, said(*content, role="assistant"), said(result)]}


def with_thought(asked, **changes):
    _, assistant, results = asked["messages"]
    first, *rest = assistant["content"]
    altered = {name: value for name, value in {**first, **changes}.items() if value is not None}
    return {**asked, "messages": [ASK, said(altered, *rest, role="assistant"), results]}


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-4-6"])
def test_a_thought_goes_back_unchanged_and_signed(wire_server, model):
    asked = thought(wire_server, model=model)

    assert post(wire_server, PATH, asked).status == 200
    for changes, words in (
        ({"signature": None}, "thinking.signature: Field required"),
        ({"signature": ""}, "thinking.signature: Field required"),
        ({"signature": "bm9ib2R5"}, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        ({"thinking": "Hm!"}, "cannot be modified"),
        ({"thinking": ""}, "cannot be modified"),
    ):
        assert words in post(wire_server, PATH, with_thought(asked, **changes)).message


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "Be kind."},
        {"tools": [{**TOOL, "description": "Looks."}]},
        {"tools": [TOOL, {**TOOL, "name": "more"}]},
        {"messages": [said(text("Hi!"))]},
        {"messages": [ASK, ASK]},
    ],
    ids=["instructions", "a description", "a tool more", "the task", "a message more"],
)
def test_a_thought_is_bound_to_what_stood_before_it(wire_server, changes):
    asked = thought(wire_server)
    moved = {**asked, **changes}
    if "messages" in changes:
        moved["messages"] = [*changes["messages"], *asked["messages"][1:]]

    refused = post(wire_server, PATH, moved)
    dropped = post(wire_server, PATH, {**moved, "thinking": DROP}, anthropic_beta=BETA)

    assert "The block is bound to a different conversation." in refused.message
    assert dropped.status == 200
    (left_out,) = dropped.body["input_transformations"]
    assert (left_out["type"], left_out["reason"]) == ("thinking_dropped", "prefix_binding_mismatch")
    assert left_out["path"] == f"messages.{len(moved['messages']) - 2}.content.0"


def test_what_does_not_count_as_a_change_is_taken(wire_server):
    asked = thought(wire_server)
    marked = [said({**text("Hi"), "cache_control": {"type": "ephemeral"}}), *asked["messages"][1:]]
    without = with_thought(asked)
    without["messages"][1]["content"].pop(0)

    assert post(wire_server, PATH, {**asked, "messages": marked}).status == 200
    assert post(wire_server, PATH, without).status == 200
    assert post(wire_server, PATH, {**asked, "system": "Be kind.", "model": "claude-opus-5"}).status == 200


def test_what_another_model_thought_is_left_out_without_an_error(wire_server):
    told = post(wire_server, PATH, {**thought(wire_server), "model": "claude-haiku-5-5"})

    assert told.status == 200
    assert told.body["input_transformations"][0]["reason"] == "model_binding_mismatch"
