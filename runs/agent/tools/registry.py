"""The registry of tools by name, and the `@tool` decorator."""

import difflib
import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from runs.agent.errors.exceptions import UnknownTool
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.tools.function_tool import FunctionTool, ToolOptions
from runs.agent.tools.output_json import as_json
from runs.agent.tools.protocol import Tool, effect_of
from runs.agent.tools.protocol import is_offered as tool_is_offered
from runs.agent.tools.stored_artifacts import stored_artifacts
from runs.agent.tools.validation import validated

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
ToolT = TypeVar("ToolT", bound=Tool)
Layer = Literal["own", "builtin", "stored"]

MOST_NEAR: Final = 3
"""Names that the message about an unknown tool has."""
MOST_NAME_CHARS: Final = 128
"""Of a name that a model made up."""
BUILTIN_MODULES: tuple[str, ...] = (
    "runs.agent.tools.builtin.calculator",
    "runs.agent.tools.builtin.convert_units",
    "runs.agent.tools.builtin.date_math",
    "runs.agent.tools.builtin.text_stats",
    "runs.agent.tools.builtin.current_time",
    "runs.agent.tools.code.run_python",
    "runs.agent.tools.web.fetch_page",
    "runs.agent.tools.documents.read_file",
    "runs.agent.tools.documents.search_documents",
    "runs.agent.tools.data.describe_table",
    "runs.agent.tools.data.query_table",
    "runs.agent.tools.data.make_chart",
    "runs.agent.tools.web.http_request",
    "runs.agent.tools.web.web_search",
    "runs.agent.tools.skills.read_skill",
    "runs.agent.tools.people.ask_person",
)
"""Imported at the first access to the registry. Each registers its tools with `layer="builtin"`."""

# A script's own `calculator` shadows the built-in one, but two of one name in the same layer are an error. A stored
# tool, which a server outside has named, shadows nothing.
_layers: dict[Layer, dict[str, FunctionTool]] = {"builtin": {}, "own": {}, "stored": {}}


class ToolFunction(Protocol[P, R_co]):
    """A function decorated with `@tool`: callable as before, with its tool as an attribute."""

    tool: FunctionTool
    _tool_name: str
    _tool_description: str
    _tool_parameters: JsonObject

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        ...


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, R_co], /) -> ToolFunction[P, R_co]: ...


@overload
def tool(function: Callable[P, R_co], /) -> ToolFunction[P, R_co]: ...


@overload
def tool(
    name: str | None = None,
    description: str | None = None,
    parameters: JsonObject | None = None,
    *,
    layer: Layer = "own",
    **options: Unpack[ToolOptions],
) -> _Decorator: ...


def tool(
    name: Any = None,
    description: str | None = None,
    parameters: JsonObject | None = None,
    *,
    layer: Layer = "own",
    **options: Unpack[ToolOptions],
) -> Any:
    """Register a function as a tool. The function itself is unchanged; its tool is `function.tool`.

    `@tool` on a typed function takes everything from signature and docstring; `@tool(name, description, parameters)`
    gives a JSON Schema instead; both may be mixed. Built-in tools register with `layer="builtin"`.

    Raises `ValueError` if the layer has another tool of that name.
    """

    def decorate(function: Any) -> Any:
        chosen = None if name is function else name
        made = FunctionTool(function, name=chosen, description=description, parameters=parameters, **options)
        _register(made, layer)
        vars(function).update(
            tool=made, _tool_name=made.name, _tool_description=made.description, _tool_parameters=made.get_schema()
        )
        return function

    return decorate(name) if callable(name) else decorate


def _register(made: FunctionTool, layer: Layer) -> None:
    there = _layers[layer].get(made.name)
    # The same file and line is the same tool: a module that was reloaded, or is also `__main__`.
    if there is not None and there.place != made.place:
        raise ValueError(f"Two tools are named {made.name!r}: {there.place} and {made.place}. Rename one.")
    _layers[layer][made.name] = made


def declared_tools() -> dict[str, FunctionTool]:
    """The tools that code declares, by name, built-in ones first: an agent that chooses none has all of these."""
    for module in BUILTIN_MODULES:
        importlib.import_module(module)
    return {**_layers["builtin"], **_layers["own"]}


def registered_tools() -> dict[str, FunctionTool]:
    """Every tool by its name: built-in ones first, stored ones last."""
    declared = declared_tools()
    return declared | {name: each for name, each in _layers["stored"].items() if name not in declared}


def stored_tools() -> Mapping[str, FunctionTool]:
    """The tools that `set_stored_tools` gave last, by name; also those whose name a declared tool has."""
    return _layers["stored"]


def set_stored_tools(tools: Iterable[FunctionTool]) -> None:
    """Replace the tools that are kept as rows, such as those of MCP servers, all at once. Runs keep those they have."""
    _layers["stored"] = {each.name: each for each in tools}


def offered_tools() -> dict[str, FunctionTool]:
    """The tools by name that the site is set up for."""
    return {name: each for name, each in registered_tools().items() if tool_is_offered(each)}


def default_tools() -> dict[str, FunctionTool]:
    """The tools of an agent that chooses none: the declared ones that the site is set up for."""
    return {name: each for name, each in declared_tools().items() if tool_is_offered(each)}


def find_tool(name: str, tools: Mapping[str, ToolT]) -> ToolT:
    """The tool of that name. Raises `UnknownTool`, which names near matches, or all of at most `MOST_NEAR` tools."""
    if name in tools:
        return tools[name]
    raise UnknownTool(f"Unknown tool: {name[:MOST_NAME_CHARS]}. {_near_words(name, tools)}")


def near_tools(name: str, tools: Iterable[str]) -> list[str]:
    """Up to `MOST_NEAR` of the names that look like the name, the nearest first."""
    return difflib.get_close_matches(name[:MOST_NAME_CHARS], list(tools), n=MOST_NEAR)


def _near_words(name: str, tools: Collection[str]) -> str:
    if near := near_tools(name, tools):
        return f"Did you mean {' or '.join(near)}?"
    if len(tools) <= MOST_NEAR:
        return f"There are: {', '.join(tools) or 'none'}."
    return f"It is none of the {len(tools)} tools."


def get_available_tools() -> list[JsonObject]:
    """Name, description, parameters (JSON Schema) and effect of every tool that the site is set up for."""
    return [
        {"name": name, "description": each.description, "parameters": each.get_schema(), "effect": effect_of(each)}
        for name, each in offered_tools().items()
    ]


async def execute_tool_by_name(name: str, /, **kwargs: Any) -> Any:
    """Call a registered tool. Raises `UnknownTool`, a `ValueError`, and what `execute_tool_safely` raises."""
    return await execute_tool_safely(find_tool(name, registered_tools()), kwargs)


async def execute_tool_safely(tool: Tool, args: JsonMapping) -> Any:
    """Validate the arguments, and call the tool. Returns its output as a JSON value.

    An output of more than 1 MiB is cut (`BoundedText`), and files in it are stored with the run. Raises
    `InvalidArguments` before the call, `ToolFailed` if the output cannot be JSON or a file not be stored, and what the
    tool raises.
    """
    return await as_json(await stored_artifacts(await tool.execute(**validated(tool, args))), tool.name)
