"""Schema validation in bounded time."""

import json
import re
import time
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.linear_regex import linear_pattern
from runs.agent.json_data.schema_keywords import TooMuchToCheck
from runs.agent.json_data.schema_validation import MAX_SCHEMA_CHARS, SchemaCheck
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.run import run_agent
from runs.agent.structured_output import OutputSchema, schema_fault
from runs.agent.tools.validation import schema_validator

DOUBLED = {f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(20)}
NESTED = {"properties": {"x": {"allOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}]}}}


def faults(schema: dict[str, Any], document: Any) -> list[str]:
    return [error.message for error in SchemaCheck(schema).faults(document)]


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"pattern": r"^(a+)+$"}, "a" * 100_000 + "!"),
        ({"patternProperties": {r"^(a|a)*$": False}}, {"a" * 100_000 + "!": 1}),
        ({"patternProperties": {r"^(a|a)*$": {}}, "additionalProperties": False}, {"a" * 100_000 + "!": 1}),
        ({"propertyNames": {"pattern": r"(.*)*x$"}}, {"a" * 100_000: 1}),
        ({"uniqueItems": True}, [{"a": number} for number in range(50_000)] + [{"a": 1.0}]),
    ],
    ids=["pattern", "patternProperties", "additionalProperties", "propertyNames", "uniqueItems"],
)
def test_what_takes_others_for_ever_is_checked_in_time(schema, document):
    began = time.process_time()

    found = faults(schema, document)

    assert time.process_time() - began < 2
    assert len(found) == (0 if schema.get("patternProperties") == {r"^(a|a)*$": False} else 1)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"$ref": "#/$defs/d0", "$defs": DOUBLED | {"d20": {}}}, "more than 1,000 checks of one value"),
        ({"$ref": "#"}, "refers back to itself"),
        ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"allOf": [{"$ref": "#"}]}}}, "refers back to itself"),
        ({"pattern": "(?=a)b"}, "without lookahead or lookbehind"),
        ({"patternProperties": {r"(a)\1": {}}}, "without backreferences"),
        ({"items": {"prefixItems": [{"pattern": "x" * 3_000}]}}, "at most 2,000 characters"),
        ({"pattern": "((a{90}){9}){9}{9}"}, "cannot be used"),
        ({"description": "x" * MAX_SCHEMA_CHARS}, "at most 65,536 characters"),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, "in bounded time"),
    ],
)
def test_a_schema_that_cannot_be_checked_in_a_bounded_time_is_refused_in_words(schema, fault):
    assert fault in (schema_fault(schema) or "")
    with pytest.raises(ValueError, match=re.escape(fault)):
        OutputSchema[Any](schema)
    with pytest.raises(TypeError, match="are not a JSON Schema"):
        schema_validator({"type": "object"} | schema, name="tool")


def test_a_pattern_of_another_schema_position_is_no_pattern():
    assert schema_fault({"properties": {"pattern": {"const": {"pattern": "(?=a)"}}}}) is None


@pytest.mark.parametrize(
    ("pattern", "text", "is_in"),
    [
        (r"^\d{4}-\d\d$", "2026-11", True),
        (r"\u00e9", "café", True),
        (r"[\u4e00-\u9fff]+", "中", True),
        (r"\\u0041", "A", False),
        (r"a\Z", "ba", True),
        (r"\p{Lu}", "é", False),
        ("\ud800", "x", None),
    ],
)
def test_patterns_mean_what_json_schema_says(pattern, text, is_in):
    if is_in is None:
        with pytest.raises(ValueError, match="cannot be used"):
            linear_pattern(pattern)
    else:
        assert linear_pattern(pattern).is_in(text) is is_in


def test_a_check_that_multiplies_with_the_depth_of_the_document_is_given_up():
    schema = {"$ref": "#/$defs/n", "$defs": {"n": NESTED}}
    document = json.loads('{"x":' * 60 + "1" + "}" * 60)

    with pytest.raises(TooMuchToCheck, match="alternatives multiply"):
        list(SchemaCheck(schema).faults(document))
    with pytest.raises(InvalidArguments, match="alternatives multiply"):
        schema_validator(schema | {"type": "object"}, name="tool")(document)


async def test_an_answer_that_takes_too_long_to_check_is_told_to_its_model_and_ends_the_run():
    schema = {"$ref": "#/$defs/n", "$defs": {"n": NESTED}}
    deep = '{"x":' * 60 + "1" + "}" * 60
    model = ScriptedModel(answers(deep), answers(deep), answers(deep))

    result = await run_agent("Deep?", model=model, output=schema)

    assert result.error is not None and result.error.code == "bad_output"
    assert "alternatives multiply" in model.requests[1].output_faults[0]


async def test_a_long_answer_is_checked_as_a_short_one():
    items = list(range(5_000))
    model = ScriptedModel(answers(json.dumps([*items, "x"])), answers(json.dumps(items)))

    result = await run_agent("Numbers?", model=model, output={"type": "array", "items": {"type": "integer"}})

    assert result.output == items
    assert model.requests[1].output_faults == ("5000: 'x' is not of type 'integer'",)


@pytest.mark.parametrize(
    ("number", "divisor", "is_one"),
    [
        (10**400 - 1, 0.01, True),
        (0.3, 0.1, True),
        (0.075, 0.01, False),
        (10**400, 3, False),
        (1e308, 0.01, True),
        (7, 7.0, True),
    ],
)
def test_a_number_of_any_size_is_a_multiple_or_not(number, divisor, is_one):
    assert (faults({"multipleOf": divisor}, number) == []) is is_one
