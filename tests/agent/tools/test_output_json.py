"""The outputs of tools as JSON values: what is no text is told as text, what cannot be JSON fails the call."""

from typing import Any

import pydantic
import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.registry import execute_tool_by_name, tool

pytestmark = pytest.mark.usefixtures("own_registry")


class Unwritable:
    pass


@pytest.mark.parametrize(
    "output", [float("nan"), Unwritable(), 10**5000, {"deep": [float("inf")]}], ids=lambda v: type(v).__name__
)
async def test_an_output_that_cannot_be_json_is_a_failure_of_the_tool(output):
    @tool
    def give() -> Any:
        """Give."""
        return output

    with pytest.raises(ToolFailed, match="The output of 'give' cannot be written as JSON"):
        await execute_tool_by_name("give")


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("a\ud800b", "a?b"),
        ({"\udfff": ["\ud83d", 1]}, {"?": ["?", 1]}),
        (b"text", "text"),
        (bytearray(b"text"), "text"),
        ([b"\xff"], ["[binary: 1 bytes; SHA-256: a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89]"]),
    ],
)
async def test_what_is_no_text_is_told_as_text(output, value):
    @tool
    def give() -> Any:
        """Give."""
        return output

    assert await execute_tool_by_name("give") == value


async def test_outputs_become_json_values():
    class Place(pydantic.BaseModel):
        name: str
        at: tuple[int, int]

    @tool
    def find() -> Any:
        """Find."""
        return {"places": [Place(name="a", at=(1, 2))], "kinds": {"b"}}

    assert await execute_tool_by_name("find") == {"places": [{"name": "a", "at": [1, 2]}], "kinds": ["b"]}
