"""The wire server's refusals of Responses, as OpenAI makes them."""

import pytest

from tests.wire import Answer
from tests.wire.client import changed, post

PATH = "/v1/responses"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": True}
ASK = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": ""}
GOOD = {"model": "gpt-6-luna", "input": [ASK, CALL, RESULT], "tools": [TOOL], "store": False}
ENCRYPTED = ["reasoning.encrypted_content"]


@pytest.mark.parametrize("model", ["m1", "gpt-4.1", "gpt-6-luna", "gpt-6.1-sol"])
def test_a_request_as_it_should_be_is_answered(wire_server, model):
    assert post(wire_server, PATH, changed(GOOD, model=model)).status == 200
    assert wire_server.refusals == wire_server.stored == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": None}, 'One of "input" or "previous_response_id"'),
        ({"input": []}, 'One of "input" or "previous_response_id"'),
        ({"think": True}, "Unknown parameter: 'think'."),
        ({"max_tokens": 100}, "this parameter has moved to 'max_output_tokens'"),
        ({"reasoning_effort": "low"}, "this parameter has moved to 'reasoning.effort'"),
        ({"max_output_tokens": 15}, "Expected a value >= 16, but got 15 instead."),
        ({"previous_response_id": "resp_1"}, "Previous response with id 'resp_1' not found."),
        ({"input": [ASK, CALL]}, "No tool output found for function call c1."),
        ({"input": [ASK, RESULT]}, "No tool call found for function call output with call_id c1."),
        ({"input": [ASK, {**CALL, "id": "call_1"}, RESULT]}, "Expected an ID that begins with 'fc'."),
        ({"input": [ASK, CALL, {**CALL, "call_id": "c2"}, RESULT]}, "Duplicate item found with id fc_1."),
        ({"input": [ASK, {**CALL, "index": 0}, RESULT]}, "Unknown parameter: 'input[1].index'."),
        ({"input": [ASK, {**CALL, "name": "a.b"}, RESULT]}, "Invalid 'input[1].name': string does not match"),
        ({"input": [ASK, CALL, {**RESULT, "output": None}]}, "Missing required parameter: 'input[2].output'."),
        ({"input": [{"type": "thought"}]}, "Invalid value: 'thought'."),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, "Invalid value: 'text'."),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "'output_text'"),
        ({"tools": [TOOL, TOOL]}, "'look' is there more than once"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "Invalid 'tools[0].name'"),
        ({"tools": [{**TOOL, "parameters": {**SCHEMA, "required": []}}]}, "Missing 'a'"),
        ({"tools": None, "tool_choice": "required"}, "only allowed when 'tools' are specified"),
        ({"reasoning": {"effort": "minimal"}}, "'minimal' is not supported with the 'gpt-6-luna' model"),
        ({"model": "gpt-6.1-sol", "reasoning": {"effort": "none"}}, "'none' is not supported"),
        ({"model": "gpt-4.1", "reasoning": {"effort": "low"}}, "'reasoning.effort' is not supported"),
        ({"model": "gpt-4.1", "include": ENCRYPTED}, "Encrypted content is not supported with this model."),
        ({"temperature": 0.5}, "'temperature' is not supported with this model"),
        (
            {"text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": {"type": "object"}}}},
            "object schema missing properties",
        ),
    ],
)
def test_what_openai_refuses_is_refused_in_its_words(wire_server, changes, words):
    told = post(wire_server, PATH, changed(GOOD, **changes))

    assert (told.status, words in told.message) == (400, True), told
    assert told.body["error"]["type"] == "invalid_request_error"


def test_sampling_is_taken_where_the_model_is_told_not_to_think(wire_server):
    assert post(wire_server, PATH, changed(GOOD, temperature=0.5, reasoning={"effort": "none"})).status == 200


def thought(server, **changes):
    """The output of a reply that thinks and calls."""
    server.script(Answer(reasoning="Hm.", calls=[("look", {})], call_id="c"))
    asked = changed(GOOD, input=[ASK], include=ENCRYPTED, **changes)
    return post(server, PATH, asked).body["output"]


def told_back(server, items, **changes):
    result = {"type": "function_call_output", "call_id": "c-0", "output": "1"}
    return post(server, PATH, changed(GOOD, input=[ASK, *items, result], **changes))


def test_what_was_thought_goes_back_whole_with_what_it_led_to(wire_server):
    reasoning, call = thought(wire_server)

    assert told_back(wire_server, [reasoning, call]).status == 200
    for items, words in (
        ([call], f"without its required 'reasoning' item: '{reasoning['id']}'"),
        ([{**reasoning, "encrypted_content": "gAAAA"}, call], "could not be verified"),
        ([call, reasoning], "without its required following item"),
    ):
        assert words in told_back(wire_server, items).message
    without = {name: value for name, value in reasoning.items() if name != "encrypted_content"}
    told = told_back(wire_server, [without, call])
    assert (told.status, "not found. Items are not persisted" in told.message) == (404, True)


def test_reasoning_is_encrypted_only_if_it_is_asked_for(wire_server):
    wire_server.script(Answer("Hi.", reasoning="Hm."), Answer("Hi.", reasoning="Hm."))

    with_it, without = (post(wire_server, PATH, changed(GOOD, include=each)) for each in (ENCRYPTED, None))

    assert with_it.body["output"][0]["encrypted_content"]
    assert "encrypted_content" not in without.body["output"][0]


def test_what_is_stored_can_be_gone_on_from_and_is_noted(wire_server):
    first = post(wire_server, PATH, changed(GOOD, input="Hi", store=None))

    again = post(wire_server, PATH, changed(GOOD, input="And?", previous_response_id=first.body["id"]))

    assert again.status == 200
    assert len(wire_server.stored) == 1
