"""The arguments of a call against the schema of its tool."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.registry import execute_tool_safely, tool
from runs.agent.tools.validation import validated

pytestmark = pytest.mark.usefixtures("own_registry")

EXPRESSION_SCHEMA = {
    "type": "object",
    "properties": {"expression": {"type": "string"}},
    "required": ["expression"],
}


async def test_every_fault_of_the_arguments_is_listed_before_anything_runs():
    calls = []

    @tool
    def note(text: str, importance: int) -> None:
        """Note."""
        calls.append(text)

    with pytest.raises(InvalidArguments) as caught:
        await execute_tool_safely(note.tool, {"text": 5, "importence": 1})

    assert str(caught.value).splitlines() == [
        "The arguments of 'note' do not fit:",
        "- text: Input should be a valid string, not 5",
        "- importance: is required",
        "- importence: is not known here; known are: text, importance",
    ]
    assert calls == []


async def test_an_explicit_schema_is_checked_too():
    @tool("measure", "Measure.", EXPRESSION_SCHEMA)
    async def measure(expression: str) -> int:
        return len(expression)

    with pytest.raises(InvalidArguments) as caught:
        await execute_tool_safely(measure.tool, {"expression": 5, "unit": "m"})

    assert sorted(str(caught.value).splitlines()[1:]) == [
        "- expression: 5 is not of type 'string'",
        "- unit: is not known here; known are: expression",
    ]


async def test_a_very_wrong_argument_does_not_make_a_very_long_message():
    @tool
    def total(numbers: list[int]) -> int:
        """Add."""
        return sum(numbers)

    with pytest.raises(InvalidArguments, match=r"- and 9,980 more") as caught:
        await execute_tool_safely(total.tool, {"numbers": ["x" * 10_000] * 10_000})

    assert len(str(caught.value)) < 5_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=5,
)


def typed(text: str, count: int = 1, inner: dict[str, list[float]] | None = None) -> str:
    return f"{text}{count}{inner}"


EXPLICIT = {"type": "object", "properties": {"text": {"type": "string"}, "count": {"minimum": 0}}}


FUZZED = [FunctionTool(typed), FunctionTool(typed, parameters=EXPLICIT)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["text", "count", "inner", "other", ""]) | st.text(), JSON))
def test_whatever_a_model_sends_either_fits_or_is_refused_readably(arguments):
    for made in FUZZED:
        refused = ""
        try:
            assert validated(made, arguments).keys() == arguments.keys()
        except InvalidArguments as error:
            refused = str(error)
        assert refused.startswith("The arguments of 'typed' ") or not refused


@pytest.mark.parametrize(
    ("arguments", "place"),
    [({"id": 10**4300}, "id"), ({"id": -(10**4300)}, "id"), ({"ids": [1, {"of": 10**5000}]}, "ids.1.of")],
)
async def test_an_integer_that_cannot_be_written_as_text_is_refused_before_the_call(arguments: Any, place: str) -> None:
    calls: list[Any] = []
    of_plant = FunctionTool(
        lambda **given: calls.append(given),
        name="plant",
        parameters={"type": "object", "properties": {"id": {"type": "integer", "maximum": 10}, "ids": {}}},
    )

    with pytest.raises(InvalidArguments, match=f"- {place}: is a whole number of more than 4,300 digits"):
        await execute_tool_safely(of_plant, arguments)

    assert calls == []


async def test_the_longest_integer_that_can_be_written_as_text_is_passed_on() -> None:
    of_plant = FunctionTool(
        lambda **given: given["id"], name="plant", parameters={"type": "object", "properties": {"id": {}}}
    )

    assert await execute_tool_safely(of_plant, {"id": 10**4300 - 1}) == 10**4300 - 1
