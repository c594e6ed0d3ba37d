"""`@tool` and the layers of the registry."""

import sys
from typing import Annotated, Any

import pydantic
import pytest

from runs.agent.errors.exceptions import InvalidArguments, ToolFailed
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.run import run_agent
from runs.agent.tools.protocol import Tool
from runs.agent.tools.registry import (
    execute_tool_by_name,
    execute_tool_safely,
    get_available_tools,
    tool,
)
from runs.agent.tools.toolbox import Toolbox

EXPRESSION_SCHEMA = {
    "type": "object",
    "properties": {"expression": {"type": "string"}},
    "required": ["expression"],
}

pytestmark = pytest.mark.usefixtures("own_registry")


async def test_a_typed_function_becomes_a_tool_and_stays_a_function():
    @tool
    def repeat(text: str, times: int = 2) -> str:
        """Repeat a text.

        Args:
            text: What to repeat.
            times: How often,
                from 1.

        Returns:
            The long text.
        """
        return text * times

    assert repeat("a") == "aa"
    assert await execute_tool_by_name("repeat", text="ab", times=3) == "ababab"
    described = next(each for each in get_available_tools() if each["name"] == "repeat")
    assert described["description"] == "Repeat a text."
    assert described["effect"] == "unsafe"
    assert described["parameters"] == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "What to repeat."},
            "times": {"type": "integer", "description": "How often, from 1.", "default": 2},
        },
        "required": ["text"],
        "additionalProperties": False,
    }


async def test_the_explicit_form_takes_name_description_and_parameters():
    @tool(name="measure", description="Measure it.", parameters=EXPRESSION_SCHEMA)
    async def measure_it(expression: str) -> float:
        return float(len(expression))

    assert await execute_tool_by_name("measure", expression="2+2") == 3.0
    assert (measure_it._tool_name, measure_it._tool_description) == ("measure", "Measure it.")
    assert measure_it._tool_parameters == EXPRESSION_SCHEMA
    assert isinstance(measure_it.tool, Tool)


@pytest.mark.parametrize(
    "docstring",
    [
        "Say.\n\nArgs:\n    text: The words.\n",
        "Say.\n\nParameters\n----------\ntext : str\n    The words.\n",
        "Say.\n\n:param text: The words.\n",
        "Say.\n:param text: The words.\n",
    ],
    ids=["google", "numpy", "sphinx", "sphinx without a blank line"],
)
def test_descriptions_of_arguments_come_from_the_docstring(docstring):
    def say(text: str) -> str:
        return text

    say.__doc__ = docstring
    made = tool(say).tool

    assert made.description == "Say."
    assert made.get_schema()["properties"]["text"]["description"] == "The words."


def test_a_description_in_the_annotation_goes_before_the_docstring():
    @tool
    def say(text: Annotated[str, pydantic.Field(description="From the type.", max_length=3)]) -> str:
        """Say.

        Args:
            text: From the docstring.
        """
        return text

    described = say.tool.get_schema()["properties"]["text"]
    assert described == {"type": "string", "maxLength": 3, "description": "From the type."}


async def test_arguments_may_be_called_like_anything():
    @tool
    def odd(json: str, copy: int, self: str, name: str, tool: str) -> list[Any]:
        """Odd names."""
        return [json, copy, self, name, tool]

    arguments = {"json": "a", "copy": 1, "self": "b", "name": "c", "tool": "d"}
    assert await execute_tool_by_name("odd", **arguments) == ["a", 1, "b", "c", "d"]


async def test_a_default_of_the_function_applies_when_the_argument_is_left_out():
    missing = object()

    @tool
    def pick(value: Any = missing) -> bool:
        """Pick."""
        return value is missing

    assert await execute_tool_by_name("pick") is True


async def test_nested_arguments_arrive_as_the_declared_types():
    class Point(pydantic.BaseModel):
        x: float
        y: float

    @tool
    def far(points: list[Point]) -> float:
        """How far."""
        return sum(point.x + point.y for point in points)

    assert await execute_tool_by_name("far", points=[{"x": 1, "y": 2}, {"x": 3, "y": 4}]) == 10.0
    with pytest.raises(InvalidArguments, match=r"- points\.1\.y: is required"):
        await execute_tool_by_name("far", points=[{"x": 1, "y": 2}, {"x": 3}])


def test_a_function_without_types_is_refused_with_its_name_and_the_argument():
    with pytest.raises(TypeError, match=r"untyped: the argument 'text' needs a type"):

        @tool
        def untyped(text):
            return text


def test_arguments_without_names_are_refused():
    with pytest.raises(TypeError, match="have names"):

        @tool
        def many(*texts: str) -> str:
            return "".join(texts)


@pytest.mark.parametrize("parameters", [{"type": "string"}, {"type": "object", "properties": {"a": {"type": 5}}}])
def test_parameters_that_are_no_schema_of_an_object_are_refused(parameters):
    with pytest.raises(TypeError, match="The parameters of 'broken'"):
        tool("broken", "Broken.", parameters)(lambda: None)


def test_two_tools_of_one_name_in_a_layer_are_refused_and_both_places_named():
    @tool("twice", "First.", EXPRESSION_SCHEMA)
    def first(expression: str) -> str:
        return expression

    with pytest.raises(ValueError, match=rf"'twice': .*{__name__.split('.')[-1]}\.py:\d+ and .*\.py:\d+"):

        @tool("twice", "Second.", EXPRESSION_SCHEMA)
        def second(expression: str) -> str:
            return expression


def test_a_module_that_is_loaded_again_may_register_its_tools_again():
    def register():
        @tool("reloaded", "Again.", EXPRESSION_SCHEMA)
        def again(expression: str) -> str:
            return expression

        return again.tool

    register()
    newest = register()

    assert Toolbox().get("reloaded") is newest


async def test_a_scripts_own_tool_shadows_the_built_in_one_of_the_same_name():
    @tool
    def calculator(expression: str) -> str:
        """Mine."""
        return f"mine: {expression}"

    assert await execute_tool_by_name("calculator", expression="1+1") == "mine: 1+1"
    assert [each["name"] for each in get_available_tools()].count("calculator") == 1


async def test_built_in_tools_are_there_without_importing_them():
    assert await execute_tool_by_name("calculator", expression="17 * 23") == 391
    assert {"calculator", "convert_units", "date_math", "text_stats", "current_time"} <= set(Toolbox().names)


async def test_an_unknown_tool_is_a_value_error_that_helps():
    with pytest.raises(ValueError, match=r"^Unknown tool: calculater\. Did you mean calculator\?$"):
        await execute_tool_by_name("calculater", expression="1")
    with pytest.raises(ValueError, match=r"^Unknown tool: zzz\. It is none of the \d+ tools\.$"):
        await execute_tool_by_name("zzz")
    with pytest.raises(ValueError, match=r"^Unknown tool: zzz\. There are: calculator\.$"):
        Toolbox(["calculator"]).get("zzz")


async def test_any_object_with_the_members_of_a_tool_is_one():
    class CalculatorTool:
        name = "mine"
        description = "Adds."

        async def execute(self, expression: str) -> float:
            return float(expression)

        def get_schema(self) -> dict[str, Any]:
            return EXPRESSION_SCHEMA

    mine = CalculatorTool()

    assert await execute_tool_safely(mine, {"expression": "4"}) == 4.0
    with pytest.raises(InvalidArguments, match="- expression: is required"):
        await execute_tool_safely(mine, {})


async def test_a_sync_tool_sees_the_context_of_its_caller_and_does_not_block_the_loop():
    import asyncio
    import contextvars
    import threading

    who = contextvars.ContextVar("who", default="nobody")
    released = threading.Event()

    @tool
    def wait_for_release() -> str:
        """Wait."""
        assert released.wait(10)
        return who.get()

    who.set("me")
    waiting = asyncio.create_task(execute_tool_by_name("wait_for_release"))
    await asyncio.sleep(0)
    released.set()  # reached only if the event loop is not blocked

    assert await waiting == "me"


async def test_a_sync_wrapper_around_an_async_function_is_awaited():
    async def inner(text: str) -> str:
        return text.upper()

    @tool
    def outer(text: str) -> Any:
        """Pass it on."""
        return inner(text)

    assert await execute_tool_by_name("outer", text="a") == "A"


def test_effect_and_timeout_are_declared_and_nonsense_is_refused():
    @tool(effect="pure", timeout_s=5)
    def calm(text: str) -> str:
        """Calm."""
        return text

    assert (calm.tool.effect, calm.tool.timeout_s) == ("pure", 5)
    with pytest.raises(ValueError, match="pure, read, idempotent, unsafe, not 'harmless'"):
        tool(effect="harmless")(calm)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="timeout_s"):
        tool(timeout_s=0)(calm)


def test_docstrings_are_parsed_only_when_there_is_something_to_parse():
    import subprocess

    script = (
        "import sys, runs.agent.tools.registry as r\n@r.tool\ndef f(a: int) -> int:\n    'One line.'\n    return a\n"
    )
    check = "assert not {'griffe', 'jsonschema'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script + check], check=True)


async def test_a_tool_that_is_not_set_up_is_not_offered_and_tells_why_if_it_is_called_all_the_same() -> None:
    is_set_up = False

    @tool(effect="read", is_offered=lambda: is_set_up)
    async def radio() -> str:
        """Listen."""
        if not is_set_up:
            raise ToolFailed("There is no radio.")
        return "music"

    model = ScriptedModel(calls_tool("radio"), answers("Silence."))
    assert "radio" not in {each["name"] for each in get_available_tools()}

    result = await run_agent("Listen.", model=model)

    assert "radio" not in {each.name for each in model.requests[0].tools}
    assert result.success
    is_set_up = True
    assert "radio" in {each["name"] for each in get_available_tools()}
    assert await execute_tool_by_name("radio") == "music"
