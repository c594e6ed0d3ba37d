"""The tools one run may use."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import Tool
from runs.agent.tools.registry import declared_tools, find_tool, registered_tools

ToolLike = Tool | Callable[..., Any] | str
"""A tool, a function (decorated with `@tool` or only typed), or the name of a registered tool."""


class Toolbox:
    """Tools by name, in order. Iterating gives the tools."""

    def __init__(self, tools: "Toolbox | Mapping[str, ToolLike] | Iterable[ToolLike] | None" = None) -> None:
        """None: every tool that code declares. Raises `UnknownTool` for a name that is not registered, `ValueError` for
        a duplicate name."""
        self._tools: dict[str, Tool] = {}
        if tools is None:
            self._tools.update(declared_tools())
        elif isinstance(tools, Mapping):
            self._tools.update({name: as_tool(each, name=name) for name, each in tools.items()})
        else:
            for each in map(as_tool, tools):
                self._add(each)

    @classmethod
    def of_registered(cls, names: Iterable[str] | None) -> Self:
        """The registered tools among these names; None as in the constructor. Raises `ValueError` for a duplicate
        name."""
        return cls(None if names is None else [name for name in names if name in registered_tools()])

    def _add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ValueError(f"Two tools of one run are named {tool.name!r}.")
        self._tools[tool.name] = tool

    def including(self, name: str | None) -> "Toolbox":
        """These tools and the registered one of that name; None: these alone."""
        return self if name is None or name in self else Toolbox([*self, name])

    def get(self, name: str) -> Tool:
        """The tool of that name. Raises `UnknownTool`, which names near matches."""
        tool = self._tools.get(name)
        return find_tool(name, self._tools) if tool is None else tool

    __getitem__ = get

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"Toolbox({', '.join(self._tools)})"


def as_tool(like: ToolLike, *, name: str | None = None) -> Tool:
    """The tool for a name, a function or a tool. `name` is used only for an undecorated function."""
    if isinstance(like, str):
        return find_tool(like, registered_tools())
    made = getattr(like, "tool", None)
    if isinstance(made, FunctionTool):
        return made
    if isinstance(like, Tool) and not isinstance(like, type):
        return like
    if inspect.isroutine(like):
        return FunctionTool(like, name=name)
    raise TypeError(f"{like!r} is not a tool: it needs name, description, execute and get_schema. A class needs `()`.")
