"""The tools there are, by name, and the `@tool` decorator that adds one."""

import difflib
import importlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

import pydantic_core

from runs.agent.errors import ToolFailed, UnknownTool
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import Approval, Effect, Tool, effect_of
from runs.agent.tools.validation import validated

if TYPE_CHECKING:
    from runs.agent.retry import RetryPolicy

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
ToolT = TypeVar("ToolT", bound=Tool)
Layer = Literal["own", "builtin"]

BUILTIN_MODULES: tuple[str, ...] = (
    "runs.agent.tools.calculator",
    "runs.agent.tools.convert_units",
    "runs.agent.tools.date_math",
    "runs.agent.tools.text_stats",
    "runs.agent.tools.current_time",
)
"""Imported the first time anybody asks for tools. Each registers its tools with `layer="builtin"`."""

# A layer for the built-in tools and one above it: a script's own `calculator` shadows ours, but of two in the same
# layer one would silently win.
_layers: dict[Layer, dict[str, FunctionTool]] = {"builtin": {}, "own": {}}


class ToolFunction(Protocol[P, R_co]):
    """A function decorated with `@tool`: called as before, and it knows its tool."""

    tool: FunctionTool
    _tool_name: str
    _tool_description: str
    _tool_parameters: dict[str, Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """What the function returns."""
        ...


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, R_co], /) -> ToolFunction[P, R_co]: ...


@overload
def tool(function: Callable[P, R_co], /) -> ToolFunction[P, R_co]: ...


@overload
def tool(
    name: str | None = None,
    description: str | None = None,
    parameters: dict[str, Any] | None = None,
    *,
    effect: Effect = "unsafe",
    timeout_s: float | None = None,
    retry: "RetryPolicy | None" = None,
    approval: Approval | None = None,
    layer: Layer = "own",
) -> _Decorator: ...


def tool(
    name: Any = None,
    description: str | None = None,
    parameters: dict[str, Any] | None = None,
    *,
    effect: Effect = "unsafe",
    timeout_s: float | None = None,
    retry: "RetryPolicy | None" = None,
    approval: Approval | None = None,
    layer: Layer = "own",
) -> Any:
    """Register a function as a tool; the function itself stays as it is. Its tool is reachable as `function.tool`.

    `@tool` on a typed function takes everything from signature and docstring; `@tool(name, description, parameters)`
    gives a JSON Schema instead; both may be mixed. `retry` is how often a call is tried that times out or is not
    connected; only for a tool that may be repeated. `approval` says which calls wait for a person, where the agent says
    nothing about this tool. Built-in tools register with `layer="builtin"`.
    Raises `ValueError` if the layer has another tool of that name.
    """

    def decorate(function: Any) -> Any:
        made = FunctionTool(
            function,
            name=None if name is function else name,
            description=description,
            parameters=parameters,
            effect=effect,
            timeout_s=timeout_s,
            retry=retry,
            approval=approval,
        )
        _register(made, layer)
        vars(function).update(
            tool=made, _tool_name=made.name, _tool_description=made.description, _tool_parameters=made.get_schema()
        )
        return function

    return decorate(name) if callable(name) else decorate


def _register(made: FunctionTool, layer: Layer) -> None:
    there = _layers[layer].get(made.name)
    # The same place is the same tool: a module that was reloaded, or is also `__main__`.
    if there is not None and there.place != made.place:
        raise ValueError(f"Two tools are called {made.name!r}: {there.place} and {made.place}. Rename one.")
    _layers[layer][made.name] = made


def registered_tools() -> dict[str, FunctionTool]:
    """Every tool by its name, built-in ones first."""
    for module in BUILTIN_MODULES:
        importlib.import_module(module)
    return {**_layers["builtin"], **_layers["own"]}


def find_tool(name: str, tools: Mapping[str, ToolT]) -> ToolT:
    """The tool of that name. Raises `UnknownTool`, which names near matches and what there is."""
    if name in tools:
        return tools[name]
    near = difflib.get_close_matches(name, tools, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownTool(f"Unknown tool: {name}.{hint} There are: {', '.join(tools) or 'none'}.")


def get_available_tools() -> list[dict[str, Any]]:
    """Name, description, parameters (JSON Schema) and effect of every tool."""
    return [
        {"name": name, "description": each.description, "parameters": each.get_schema(), "effect": effect_of(each)}
        for name, each in registered_tools().items()
    ]


async def execute_tool_by_name(name: str, /, **kwargs: Any) -> Any:
    """Call a registered tool. Raises `UnknownTool`, a `ValueError`, and what `execute_tool_safely` raises."""
    return await execute_tool_safely(find_tool(name, registered_tools()), kwargs)


async def execute_tool_safely(tool: Tool, args: Mapping[str, Any]) -> Any:
    """Check the arguments, then call the tool. Its output as a JSON value.

    Raises `InvalidArguments` before anything ran, `ToolFailed` if the output cannot be JSON, and what the tool raises.
    """
    return _as_json(await tool.execute(**validated(tool, args)), tool.name)


def _as_json(output: Any, tool_name: str) -> Any:
    if output is None or isinstance(output, bool):
        return output
    try:
        value = pydantic_core.to_jsonable_python(output)
        # Refuses what would fail later, far from its cause: NaN, integers too long to write, half characters.
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError) as error:  # PydanticSerializationError is a ValueError
        raise ToolFailed(f"The output of {tool_name!r} cannot be written as JSON: {error}") from error
    return value
