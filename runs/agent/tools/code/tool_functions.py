"""The tools of a run as functions of a script."""

import keyword
from collections.abc import Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.code.script_values import JsonWriter, NotJson
from runs.agent.tools.nested_calls import CallRequest
from runs.agent.tools.protocol import Tool


class CallRefused(Exception):
    """The script cannot make this call; raised in the script as `exc_type`."""

    def __init__(self, exc_type: str, message: str) -> None:
        super().__init__(message)
        self.exc_type = exc_type


class ToolFunctions:
    """Functions by their names in the script: those of the tools, with `_` for what a name of Python cannot have."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {function_name(tool.name): tool for tool in tools}

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def request(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> CallRequest:
        """The call of a function, with its arguments by name. Raises `CallRefused`."""
        tool = self._tools.get(name)
        if tool is None:
            there = ", ".join(self._tools)
            hint = f" The tools are: {there}." if there else " There are no tools to call here."
            raise CallRefused("NameError", f"name {name!r} is not defined.{hint}")
        values = {**self._positional(name, tool, args, kwargs), **kwargs}
        writer = JsonWriter(as_text=False)
        arguments: JsonObject = {}
        for argument, value in values.items():
            try:
                arguments[argument] = writer.json(value)
            except NotJson as error:
                raise CallRefused("TypeError", f"{name}() cannot take the argument {argument!r}: {error}.") from error
        return CallRequest(tool.name, arguments)

    def _positional(self, name: str, tool: Tool, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        names = list(tool.get_schema().get("properties", {}))
        if len(args) > len(names):
            raise CallRefused("TypeError", f"{name}() takes at most {len(names)} arguments, not {len(args)}.")
        given = dict(zip(names, args, strict=False))
        if twice := [argument for argument in given if argument in kwargs]:
            raise CallRefused("TypeError", f"{name}() got the argument {twice[0]!r} twice.")
        return given


def function_name(tool_name: str) -> str:
    """The name of a tool's function."""
    name = "".join(char if char.isascii() and char.isalnum() else "_" for char in tool_name)
    return f"_{name}" if not name or name[0].isdigit() else f"{name}_" if keyword.iskeyword(name) else name
