"""Expressions: what they make of payloads, their faults, and their limits."""

from typing import Any

import pytest

from runs.agent.task_templates.inputs import InputType, TemplateInput
from runs.engine.triggers.mapping import FILTER, expression_faults, mapped
from runs.engine.triggers.mapping_limits import MAX_CHARS

ROOT = {
    "headers": {"x-github-event": "push"},
    "body": {
        "ref": "refs/heads/main",
        "commits": [{"id": "a1", "message": "First"}, {"id": "b2", "message": "Second"}],
        "count": 2,
        "forced": False,
        "numbers": list(range(1000)),
    },
}
BOMB = "body.numbers[*].[@,@,@,@,@,@,@,@,@][].[@,@,@,@,@,@,@,@,@][].[@,@,@,@,@,@,@,@,@][].[@,@,@,@,@,@,@,@,@][]"


async def made(text: str, kind: InputType = InputType.LONG_TEXT) -> Any:
    found = await mapped("", {"it": text}, [TemplateInput(name="it", type=kind)], ROOT)
    return found.values.get("it") if not found.faults else found.faults["it"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("body.ref", "refs/heads/main"),
        ("body.commits[].message | join('; ', @)", "First; Second"),
        ('headers."x-github-event"', "push"),
        ("body.count", "2"),
        ("body.forced", "false"),
        ("body.commits[0]", '{\n  "id": "a1",\n  "message": "First"\n}'),
        ("body.missing", None),
        ("'plain text'", "plain text"),
    ],
)
async def test_an_expression_makes_the_text_of_an_input(text: str, value: Any):
    assert await made(text) == value


async def test_a_number_stays_one_for_an_input_of_numbers():
    assert await made("body.count", InputType.NUMBER) == 2


async def test_an_empty_expression_leaves_its_input_out():
    assert (await mapped("", {"it": "  "}, [], ROOT)).values == {}


@pytest.mark.parametrize(
    ("text", "is_wanted"),
    [
        ("", True),
        ("headers.\"x-github-event\" == 'push' && body.ref == 'refs/heads/main'", True),
        ("body.ref == 'refs/heads/other'", False),
        ("body.missing", False),
        ("body.forced", False),
        ("`0`", True),
        ("`{}`", False),
        ("body.commits[?id == 'zz']", False),
    ],
)
async def test_a_filter_wants_what_it_is_true_of(text: str, is_wanted: bool):
    found = await mapped(text, {"it": "body.ref"}, [], ROOT)

    assert found.is_wanted is is_wanted
    assert bool(found.values) is is_wanted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("body.[", "It ends too early."),
        ("body..ref", "Character 6 is not expected here."),
        ("body.ref)", "Character 9 is not expected here."),
        ("'open", "Character 1 is not expected here."),
        ("nope(body)", "There is no function nope."),
        ("length()", "The function length takes another number of arguments."),
        ("length(body.count)", "The function length takes string, array, object here, not number."),
        ("body.numbers[::0]", "It cannot be evaluated: ValueError."),
        ("&body", "What it makes is no value."),
        ("(" * 900 + "a" + ")" * 900, "It is nested too deeply, or too long."),
        ("a" + ".a" * 900, "It is nested too deeply, or too long."),
        ("!" * 1500 + "a", "It is nested too deeply, or too long."),
        ("x" * (MAX_CHARS + 1), "An expression has at most 2,000 characters."),
        (BOMB, "It takes too long with this payload."),
    ],
    ids=lambda each: each[:12],
)
async def test_a_fault_says_where_and_why(text: str, fault: str):
    assert await made(text) == fault


async def test_each_fault_is_told_at_its_input_and_the_others_keep_their_values():
    found = await mapped("", {"good": "body.ref", "bad": "length(body.count)", "slow": BOMB}, [], ROOT)

    assert found.values == {"good": "refs/heads/main"}
    assert set(found.faults) == {"bad", "slow"}


async def test_a_fault_of_the_filter_evaluates_nothing_else():
    found = await mapped("length(body.count)", {"it": "body.ref"}, [], ROOT)

    assert not found.is_wanted
    assert set(found.faults) == {FILTER}


async def test_a_value_that_is_too_large_is_a_fault():
    doubled = await mapped("", {"it": "[@, @]"}, [], {"body": "x" * 200_000})

    assert doubled.faults["it"] == "What it makes is larger than 256 KiB."


async def test_expressions_are_checked_without_a_payload():
    faults = await expression_faults({"a": "length(body)", "b": "nope(body)", "c": "body.["})

    assert faults == {"b": "There is no function nope.", "c": "It ends too early."}


async def test_a_list_leaves_the_job_as_a_text_which_counts_for_its_size():
    nested = "[" * 50 + "body.numbers" + "]" * 50

    found = await mapped("", {"it": nested, "small": "body.commits[].id"}, [], ROOT)

    assert found.faults == {}
    assert found.values["small"] == '[\n  "a1",\n  "b2"\n]'
    many = {"body": {"numbers": [1] * 20_000}}
    assert (await mapped("", {"it": nested}, [], many)).faults["it"] == "What it makes is larger than 256 KiB."


async def test_a_list_is_no_number():
    assert await made("body.numbers", InputType.NUMBER) == await made("body.numbers")
