"""The wire server's refusals of generateContent, as the Gemini API makes them."""

import base64

import pytest

from tests.wire import Answer
from tests.wire.client import changed, post

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def declared(name="look", **more):
    return [{"functionDeclarations": [{"name": name, "parametersJsonSchema": SCHEMA, **more}]}]


def said(role, *parts):
    return {"role": role, "parts": list(parts)}


def call(name="look", call_id="g1", **more):
    return {"functionCall": {"id": call_id, "name": name, "args": {}}, **more}


def response(name="look", call_id="g1"):
    return {"functionResponse": {"id": call_id, "name": name, "response": {"output": ""}}}


ASK = said("user", {"text": "Hi"})
CALLS, RESPONSES = said("model", call()), said("user", response())
GOOD = {"contents": [ASK, CALLS, RESPONSES], "tools": declared()}


def ask(server, body, model="gemini-2.5-flash"):
    return post(server, f"/v1beta/models/{model}:generateContent", body)


def test_a_request_as_it_should_be_is_answered_whichever_way_its_names_are_written(wire_server):
    snake = {"generation_config": {"thinking_config": {"include_thoughts": True}}, "system_instruction": ASK}

    assert ask(wire_server, GOOD).status == 200
    assert ask(wire_server, {**GOOD, **snake}).status == 200
    assert ask(wire_server, {**GOOD, "contents": [ASK, ASK, CALLS, RESPONSES]}).status == 200
    assert wire_server.refusals == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contents": None}, "contents is not specified"),
        ({"contents": [said("user")]}, "GenerateContentRequest.contents[0].parts: contents.parts must not be empty"),
        ({"contents": [said("user", {})]}, "contents[0].parts[0].data: required oneof field 'data'"),
        ({"contents": [said("assistant", {"text": "Hi"})]}, "Please use a valid role: user, model."),
        ({"contents": [ASK, CALLS]}, "number of function response parts is equal to the number of function call"),
        ({"contents": [ASK, CALLS, said("user", response(), response())]}, "number of function response parts"),
        ({"contents": [ASK, CALLS, said("user", response("other"))]}, "names of function responses"),
        ({"contents": [ASK, CALLS, said("user", response(call_id="g2"))]}, "ids of function responses"),
        ({"contents": [ASK, RESPONSES]}, "function response turn comes immediately after a function call turn"),
        ({"contents": [CALLS, RESPONSES]}, "function call turn comes immediately after a user turn"),
        ({"seed": 1}, 'Unknown name "seed": Cannot find field.'),
        ({"generationConfig": {"max_tokens": 5}}, "Unknown name \"max_tokens\" at 'generation_config'"),
        ({"contents": [said("user", {"text": "Hi", "index": 0})]}, "Unknown name \"index\" at 'contents[0].parts[0]'"),
        ({"tools": declared(strict=True)}, "Unknown name \"strict\" at 'tools[0].function_declarations[0]'"),
        ({"tools": declared(parametersJsonSchema=None, parameters={"const": 1})}, 'Unknown name "const"'),
        ({"tools": declared("2fast")}, "Invalid function name."),
        ({"tools": [*declared(), *declared()]}, "Duplicate function declaration found: look"),
        ({"tools": declared(parameters=SCHEMA)}, "must not both be set"),
        ({"tools": declared(parametersJsonSchema={"type": "nonsense"})}, "must be a valid JSON Schema"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}}},
            "You can only set only one of thinking budget and thinking level.",
        ),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, "thinking_level is not supported"),
        ({"generationConfig": {"responseJsonSchema": SCHEMA}}, "only supported with response mime type"),
        (
            {"generationConfig": {"responseJsonSchema": SCHEMA, "responseMimeType": "application/json"}},
            "Function calling with a response mime type: 'application/json' is unsupported",
        ),
    ],
)
def test_what_google_refuses_is_refused_in_its_words(wire_server, changes, words):
    told = ask(wire_server, changed(GOOD, **changes))

    assert (told.status, words in told.message) == (400, True), told
    assert told.body["error"]["status"] == "INVALID_ARGUMENT"


def test_gemini_3_takes_a_schema_beside_functions_and_a_level(wire_server):
    config = {"responseJsonSchema": SCHEMA, "responseMimeType": "application/json"}
    asked = {"contents": [ASK], "tools": declared(), "generationConfig": config}

    assert ask(wire_server, asked, "gemini-3.8-flash").status == 200
    config["thinkingConfig"] = {"thinkingLevel": "low"}
    assert ask(wire_server, asked, "gemini-3.8-flash").status == 200


def test_gemini_3_wants_the_signature_of_the_first_call_of_the_turn_that_is_not_over(wire_server):
    wire_server.script(Answer(calls=[("look", {}), ("look", {})], call_id="g"))
    asked = {"contents": [ASK], "tools": declared()}
    given = ask(wire_server, asked, "gemini-3.8-flash").body["candidates"][0]["content"]
    results = said("user", response(call_id="g-0"), response(call_id="g-1"))
    first, second = given["parts"]
    bare = said("model", {"functionCall": first["functionCall"]}, second)

    def after(content, *more):
        return ask(wire_server, {**asked, "contents": [ASK, content, results, *more]}, "gemini-3.8-flash")

    assert first["thoughtSignature"]
    assert "thoughtSignature" not in second
    assert after(given).status == 200
    assert "missing a thought_signature in functionCall parts" in after(bare).message
    assert "`default_api:look` , position 2." in after(bare).message
    assert after(bare, said("model", {"text": "Done."}), ASK).status == 200  # the turn is over
    assert (
        after(said("model", {**first, "thoughtSignature": "bm9ib2R5"}, second)).message
        == "Corrupted thought signature."
    )
    for stand_in in (b"skip_thought_signature_validator", base64.b64encode(b"skip_thought_signature_validator")):
        assert after(said("model", {**first, "thoughtSignature": stand_in.decode()}, second)).status == 200
    assert ask(wire_server, {**asked, "contents": [ASK, bare, results]}, "gemini-2.5-flash").status == 200
