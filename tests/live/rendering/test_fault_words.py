"""The faults of a call's arguments, and of an answer, are listed in the language of the reader."""

from typing import Annotated, Any, Literal

import pytest
from django.utils import translation
from pydantic import Field

from runs.agent.errors.argument_sentences import FaultSentence
from runs.agent.errors.exceptions import BadOutput, InvalidArguments
from runs.agent.structured_output import OutputSchema
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.validation import MALFORMED, MALFORMED_BECAUSE, MAX_FAULTS_TOLD, schema_validator, validated
from runs.live.rendering.stored_words import error_words, refusal_words, words_of
from runs.models import Step


def book(
    count: Annotated[int, Field(gt=1)],
    price: Annotated[float, Field(le=9)],
    name: Annotated[str, Field(min_length=3)],
    is_late: bool,
    days: list[int],
    room: Literal["small", "large"],
) -> None:
    """Book a room."""


BOOK = FunctionTool(book)


def fault_of_call(arguments: dict[str, Any]) -> str:
    with pytest.raises(InvalidArguments) as caught:
        validated(BOOK, arguments)
    return str(caught.value)


def fault_of_schema(rule: dict[str, Any], value: object) -> str:
    """What is wrong with the one value, as the schema's validation says it."""
    check = schema_validator({"type": "object", "properties": {"value": rule}}, name="look_up")
    with pytest.raises(InvalidArguments) as caught:
        check({"value": value})
    return str(caught.value)


def in_german(text: str) -> list[str]:
    with translation.override("de"):
        return error_words(text).split("\n")


def test_every_fault_of_a_typed_tool_is_said_in_german() -> None:
    told = fault_of_call({"count": 1, "price": "x", "name": "a", "is_late": 3, "days": {}, "room": "big", "when": 1})

    assert in_german(told) == [
        "Die Argumente von 'book' passen nicht:",
        "- count: größer als 1 erwartet, nicht 1",
        "- price: Zahl erwartet; der Text ließ sich nicht als Zahl lesen, nicht 'x'",
        "- name: mindestens 3 Zeichen erwartet, nicht 'a'",
        "- is_late: Wahrheitswert erwartet; die Eingabe ließ sich nicht deuten, nicht 3",
        "- days: Liste erwartet, nicht {}",
        "- room: 'small' or 'large' erwartet, nicht 'big'",
        "- when: ist hier nicht bekannt; bekannt sind: count, price, name, is_late, days, room",
    ]


def test_a_missing_argument_is_said_in_german_and_chinese() -> None:
    told = fault_of_call({"count": 2, "price": 1, "name": "abc", "is_late": True, "days": []})

    assert told == "The arguments of 'book' do not fit:\n- room: is required"
    assert in_german(told)[1] == "- room: ist erforderlich"
    with translation.override("zh-hans"):
        assert error_words(told) == "'book' 的参数不合适：\n- room: 必填"


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "integer"}, "three"),
        ({"type": ["integer", "null"]}, [1, 2]),
        ({"type": "integer"}, {"a b": 1}),
        ({"enum": ["a", "b"]}, "c d"),
        ({"const": 3}, 4),
        ({"minimum": 3}, 2),
        ({"exclusiveMinimum": 3}, 3),
        ({"maximum": 3}, 4),
        ({"exclusiveMaximum": 3}, 3),
        ({"multipleOf": 2}, 3),
        ({"minLength": 1}, ""),
        ({"minLength": 9}, "a"),
        ({"maxLength": 1}, "two words"),
        ({"minItems": 2}, [1]),
        ({"maxItems": 1}, [1, 2]),
        ({"maxItems": 0}, [1]),
        ({"pattern": "^a+$"}, "b"),
        ({"uniqueItems": True}, [1, 1]),
        ({"minProperties": 2}, {"a": 1}),
        ({"maxProperties": 1}, {"a": 1, "b": 2}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 3),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {}),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, {"b": 1}),
    ],
)
def test_every_common_fault_that_a_json_schema_finds_is_said_in_german(rule: dict[str, Any], value: object) -> None:
    told = fault_of_schema(rule, value).split("\n")

    german = in_german("\n".join(told))

    assert german[0] == "Die Argumente von 'look_up' passen nicht:"
    assert all(line != said and line.startswith("- value") for line, said in zip(german[1:], told[1:], strict=True))


@pytest.mark.parametrize(
    ("of", "answer"),
    [
        (int, '"x"'),
        (int, "1.5"),
        (int, "[]"),
        (float, "{}"),
        (str, "1"),
        (bool, "[]"),
        (list[int], "1"),
        (dict[str, int], "1"),
        (Annotated[int, Field(ge=3, multiple_of=2)], "1"),
        (Annotated[int, Field(lt=3)], "4"),
        (Annotated[str, Field(max_length=1)], '"abc"'),
        (Annotated[str, Field(pattern="a")], '"b"'),
        (Literal["a", "b"], '"c"'),
        ({"type": "string"}, "1"),
    ],
)
def test_an_answer_that_does_not_fit_is_explained_in_german(of: Any, answer: str) -> None:
    with pytest.raises(BadOutput) as caught:
        OutputSchema(of).read(answer)

    first, fault = in_german(str(caught.value))

    assert first == "Die Antwort passt nicht zum Ausgabeschema:"
    assert fault.startswith("- die Antwort: ")
    assert FaultSentence.recognized(caught.value.faults[0].partition(": ")[2])


def test_of_many_faults_the_number_of_the_further_ones_is_said_in_german() -> None:
    told = fault_of_call({str(number): 1 for number in range(MAX_FAULTS_TOLD + 1_000)})

    assert in_german(told)[-1] == "- und 1.006 weitere"


def test_arguments_that_are_no_object_are_said_in_german() -> None:
    assert in_german(fault_of_call({MALFORMED: "[1"})) == [
        "Die Argumente von 'book' müssen ein JSON-Objekt sein, nicht '[1'."
    ]
    assert in_german(fault_of_call({MALFORMED: "[1", MALFORMED_BECAUSE: "cut."}))[0].endswith("Der Fehler: cut.")


def test_a_value_that_reads_like_a_list_of_faults_stays_as_it_is() -> None:
    told = fault_of_schema({"type": "integer"}, "x\n- a: is required")

    assert in_german(told)[1] == r"- value: 'x\n- a: is required' ist nicht vom Typ 'integer'"


def test_a_card_says_what_is_wrong_with_the_arguments_and_what_came_of_an_answer() -> None:
    told = fault_of_call({"count": 2, "price": 1, "name": "abc", "is_late": True, "days": []})
    result = Step(kind="tool_result", content=told, metadata={"code": "invalid_arguments"})
    rejected = Step(
        kind="note",
        content="The answer does not fit the output schema:\n- a: is required\nIt is asked for again (1 of 2).",
        metadata={"note": "bad_output", "faults": ["a: is required"], "answer": "{}"},
    )

    with translation.override("de"):
        assert words_of(result) == "Die Argumente von 'book' passen nicht:\n- room: ist erforderlich"
        assert words_of(rejected) == (
            "Die Antwort passt nicht zum Ausgabeschema:\n- a: ist erforderlich\n"
            "Die Antwort wird noch einmal verlangt (1 von 2)."
        )


def test_a_person_who_changes_arguments_reads_their_faults_in_german() -> None:
    with translation.override("de"):
        assert "ist erforderlich" in refusal_words(InvalidArguments(fault_of_call({})))
