"""The values of a template's inputs."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from runs.agent.task_templates.inputs import InputType, TemplateInput, read_inputs, stored_inputs
from runs.agent.task_templates.values import InputsRefused, checked_values, default_misfit

TODAY = date(2026, 11, 22)


def value_of(of: TemplateInput, given: Any) -> str:
    return checked_values([of], {of.name: given}, today=TODAY)[of.name]


def error_of(of: TemplateInput, given: Any) -> str:
    with pytest.raises(InputsRefused) as refused:
        value_of(of, given)
    return str(refused.value.errors[of.name])


NUMBER = TemplateInput(name="n", type=InputType.NUMBER)
TEXT = TemplateInput(name="t")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("1.50", "1.50"),
        (0.1, "0.1"),
        (12345678901234567890123, "12345678901234567890123"),
        ("0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"),
        ("-0.0", "0.0"),
        ("1e3", "1000"),
        (" 7 ", "7"),
        (Decimal("2.30"), "2.30"),
    ],
)
def test_numbers_are_exact(given: Any, text: str):
    assert value_of(NUMBER, given) == text


@pytest.mark.parametrize(
    "given",
    [
        *("NaN", "Infinity", "1e400", "1e-400", "1e999999999999", "1_000", "\u0661", "1,5", "0x10", "--1", "." * 10),
        *("9" * 41, 10**40, pytest.param(10**5000, id="huge"), float("nan"), float("inf"), True, [1]),
    ],
)
def test_what_is_no_number_of_at_most_forty_digits_is_refused(given: Any):
    assert error_of(NUMBER, given).startswith("A number is needed here")


def test_limits_of_numbers_are_compared_exactly():
    tenth = TemplateInput(name="n", type=InputType.NUMBER, minimum=Decimal("0.1"), maximum=Decimal("0.3"))

    assert value_of(tenth, "0.1") == "0.1"
    assert value_of(tenth, 0.3) == "0.3"
    assert error_of(tenth, "0.09999999999999999999999") == "At least 0.1."
    assert error_of(tenth, "0.30000000000000000000001") == "At most 0.3."


def test_a_whole_number_has_no_fraction():
    whole = TemplateInput(name="n", type=InputType.NUMBER, integer=True)

    assert value_of(whole, "3.00") == "3"
    assert error_of(whole, 3.5) == "A whole number is needed here."


@pytest.mark.parametrize("given", ["20261122", "2026-W47-7", "2026-13-01", "2026-11-22T00:00", "22.11.2026", 20261122])
def test_a_date_is_written_in_one_way(given: Any):
    day = TemplateInput(name="d", type=InputType.DATE)

    assert value_of(day, "2026-11-22") == "2026-11-22"
    assert error_of(day, given) == "A date is needed here, such as 2026-11-22."


def test_a_default_counts_where_nothing_is_given_and_an_empty_value_is_empty():
    inputs = [
        TemplateInput(name="tone", default="calm", required=False),
        TemplateInput(name="day", type=InputType.DATE, default="today"),
    ]

    assert checked_values(inputs, {}, today=TODAY) == {"tone": "calm", "day": "2026-11-22"}
    assert checked_values(inputs, {"tone": "", "day": "2026-01-02"}, today=TODAY) == {"tone": "", "day": "2026-01-02"}


def test_each_value_that_does_not_fit_has_an_error_of_its_own():
    inputs = [TEXT, NUMBER, TemplateInput(name="c", type=InputType.CHOICE, choices=("red", "blue"))]

    with pytest.raises(InputsRefused) as refused:
        checked_values(inputs, {"t": "  ", "c": "Red", "colour": "red"}, today=TODAY)

    assert {name: str(words) for name, words in refused.value.errors.items()} == {
        "t": "A value is needed here.",
        "n": "A value is needed here.",
        "c": "One of these values is needed: red, blue.",
        "colour": "The template has no such input.",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("two\nlines", "It is a text of one line."),
        ("x" * 201, "At most 200 characters."),
        ("a\x00b", "It has a character that cannot be stored."),
        ("\ud800", "It has a character that cannot be stored."),
        (7, "A text is needed here."),
    ],
)
def test_a_text_that_does_not_fit_is_refused(given: Any, words: str):
    assert error_of(TEXT, given) == words


def test_a_long_text_keeps_its_lines_with_plain_ends():
    assert value_of(TemplateInput(name="t", type=InputType.LONG_TEXT), "a\r\nb\n") == "a\nb\n"


def test_inputs_come_back_from_their_json_as_they_were():
    given = [
        {"name": "topic", "type": "text", "required": True, "label": "Topic", "max_length": 40, "default": "tides"},
        {"name": "n", "type": "number", "required": False, "minimum": "0.10", "maximum": "5", "integer": True},
        {"name": "c", "type": "choice", "required": True, "choices": ["a", "b"], "help": "One of them."},
        {"name": "d", "type": "date", "required": True, "default": "today"},
        {"name": "f", "type": "file", "required": True},
    ]

    read = read_inputs(given)

    assert not read.faults
    assert [each.as_json() for each in read.inputs] == given
    assert stored_inputs(given) == read.inputs


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"name": "a b"}, "inputs.a b.name: A name has at most 40 letters, digits and _"),
        ({"name": "c", "type": "choice"}, "inputs.c.choices: A choice needs at least one value"),
        ({"name": "c", "type": "choice", "choices": ["a", "a "]}, "inputs.c.choices: Two of the values are the same."),
        ({"name": "n", "type": "number", "minimum": "2", "maximum": "1"}, "inputs.n.maximum: The maximum is below"),
        ({"name": "n", "type": "number", "minimum": "1e999"}, "inputs.n.minimum: A number, such as 2.5."),
        ({"name": "t", "max_length": 0}, "inputs.t.max_length: A whole number from 1 to 100,000."),
        ({"name": "t", "label": "x" * 81}, "inputs.t.label: At most 80 characters."),
    ],
)
def test_an_input_that_makes_no_sense_is_refused(given: dict[str, Any], fault: str):
    (found,) = read_inputs([given]).faults

    assert str(found).startswith(fault)


def test_two_inputs_of_one_name_and_too_many_are_refused():
    assert [str(each) for each in read_inputs([{"name": "a"}, {"name": "a"}]).faults] == [
        "inputs.a.name: Another input has this name."
    ]
    assert read_inputs([{"name": f"a{n}"} for n in range(31)]).faults[0].words == "A template has at most 30 inputs."


def test_a_default_that_no_launch_could_have_is_found():
    assert default_misfit(TemplateInput(name="n", type=InputType.NUMBER, default="ten")) is not None
    assert default_misfit(TemplateInput(name="d", type=InputType.DATE, default="today")) is None
