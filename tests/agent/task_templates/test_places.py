"""The places in the task of a template."""

import pytest

from runs.agent.task_templates.inputs import missing_inputs
from runs.agent.task_templates.places import escaped, read_task


def test_a_task_is_filled_in_the_order_of_its_text():
    text = read_task("Write about {{ topic }} in {{words}} words: {{ topic }}!")

    assert list(text.places) == ["topic", "words"]
    assert text.filled({"topic": "tides", "words": "40"}) == "Write about tides in 40 words: tides!"


def test_braces_in_a_value_are_not_read_again():
    text = read_task("{{ a }} and {{ b }}")

    assert text.filled({"a": "{{ b }} {{{{", "b": "2"}) == "{{ b }} {{{{ and 2"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{{{{ topic }}", "{{ topic }}"),
        ('{"a": {"b": {{ x }}}}', '{"a": {"b": X}}'),
        ("{{{ x }}}", "{X}"),
        ("{{{{{{ x }}", "{{X"),
        ("{{{{{{{{", "{{{{"),
        ("{ x } }} {", "{ x } }} {"),
        ("{{\tx\n}}", "X"),
    ],
)
def test_literal_braces_are_told_from_places(written: str, read: str):
    text = read_task(written)

    assert not text.faults
    assert text.filled({"x": "X"}) == read


@pytest.mark.parametrize("task", ["{", "{{", "{{{", "{{{{", "{{{{{ x }}", "a {{ b }} c", "f'{{x}}' {y}"])
def test_an_escaped_task_says_what_it_said(task: str):
    text = read_task(escaped(task))

    assert not text.faults
    assert not text.places
    assert text.filled({}) == task


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("one\ntwo {{ x", "Line 2: {{ has no }} after it. Write {{{{ for two braces."),
        ("{{ }}", "Line 1: The place {{ }} names no input."),
        ("\n\n{{ 2nd }}", "Line 3: “2nd” is no name of an input"),
        ("{{ a b }}", "Line 1: “a b” is no name of an input"),
        ("{{ " + "x" * 41 + " }}", "is no name of an input"),
        ("{{ x." + "y" * 500 + " }}", "Line 1: {{ has no }} after it."),
    ],
)
def test_what_is_no_place_is_told_with_its_line(task: str, words: str):
    (fault,) = read_task(task).faults

    assert words in fault.words


def test_all_faults_and_their_lines_are_found_past_places_of_several_lines():
    text = read_task("{{ a\n}}\n{{ 1 }}\n{{ b }}\n{{ 2 }}")

    assert [fault.line for fault in text.faults] == [3, 5]
    assert {name: place.line for name, place in text.places.items()} == {"a": 1, "b": 4}


def test_a_name_in_any_alphabet_is_the_same_however_it_was_typed():
    text = read_task("{{ Stra\u00dfe }} {{ cafe\u0301 }} {{ \u4e3b\u9898 }}")

    assert list(text.places) == ["Stra\u00dfe", "caf\u00e9", "\u4e3b\u9898"]


def test_of_a_task_full_of_faults_the_first_ones_are_told():
    text = read_task("{{ " * 80_000)

    assert [fault.line for fault in text.faults] == [1] * 20


def test_of_a_task_with_thousands_of_places_it_is_told_that_there_are_too_many():
    told = list(map(str, missing_inputs(read_task(" ".join(f"{{{{ p{n} }}}}" for n in range(20_000))), [])))

    assert told[0] == "A template has at most 30 inputs."
    assert (len(told), told[-1]) == (21, "Line 1: The place “p19” has no input.")


def test_how_long_a_filled_task_would_be_is_found_without_making_it():
    text = read_task("é{{ a }}{{{{{{ b }}" + "{{ a }}" * 50_000)
    values = {"a": "ü" * 100, "b": ""}

    assert text.filled_bytes(values) == len(text.filled(values).encode()) == 10_000_204
    assert text.filled_bytes({"a": "ü" * 1_000_000, "b": ""}) == 100_002_000_004
