"""Runs the planner against real tools, turn by turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import FileInfo
from runs.agent.messages import ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.offline import OfflinePlanner
from runs.agent.tools.protocol import Tool
from runs.agent.tools.registry import execute_tool_safely, registered_tools

MAX_TURNS = 20


class StoppedClock:
    """A `current_time` that always returns 2026-11-22, 10:30 in UTC."""

    name = "current_time"
    description = "Tell the time."
    effect = "read"

    def get_schema(self) -> dict[str, object]:
        return {"type": "object", "properties": {"timezone": {"type": "string"}}}

    async def execute(self, timezone: str = "UTC") -> dict[str, str]:
        if timezone != "UTC":
            output: dict[str, str] = await registered_tools()["current_time"].execute(timezone=timezone)
            return {**output, "date": "2026-11-22", "time": "10:30:00", "weekday": "Sunday"}
        return {"date": "2026-11-22", "time": "10:30:00", "weekday": "Sunday", "timezone": "UTC"}


@dataclass
class Conversation:
    """The turns until the answer."""

    turns: list[Turn] = field(default_factory=list)
    answer: str = ""

    @property
    def calls(self) -> list[list[ToolRequest]]:
        """The calls, turn by turn."""
        return [list(turn.reply.calls) for turn in self.turns if turn.reply.calls]


def all_tools() -> list[Tool]:
    """The built-in tools, with the clock stopped."""
    return [StoppedClock() if name == "current_time" else tool for name, tool in registered_tools().items()]


async def converse(task: str, tools: Sequence[Tool] | None = None, *, files: Sequence[FileInfo] = ()) -> Conversation:
    """Ask the planner until it answers."""
    tools = all_tools() if tools is None else tools
    planner, conversation = OfflinePlanner(), Conversation()
    for _ in range(MAX_TURNS):
        reply = await planner.reply(ModelRequest(task=task, turns=tuple(conversation.turns), tools=tools, files=files))
        results = [await _result(call, tools, f"{len(conversation.turns)}-{i}") for i, call in enumerate(reply.calls)]
        conversation.turns.append(Turn(reply, tuple(results)))
        if not reply.calls:
            conversation.answer = reply.text
            return conversation
    raise AssertionError(f"No answer to {task!r} after {MAX_TURNS} turns.")


async def _result(request: ToolRequest, tools: Sequence[Tool], call_id: str) -> ToolResult:
    tool = next(tool for tool in tools if tool.name == request.tool_name)
    try:
        return ToolResult(call_id, tool.name, await execute_tool_safely(tool, request.arguments))
    except ToolFailed as failure:
        error = AgentError(str(failure), ErrorSeverity.WARNING, {}, recoverable=True)
        return ToolResult(call_id, tool.name, None, error)
