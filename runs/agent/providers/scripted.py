"""A model with scripted replies, for tests, demonstrations and benchmarks."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta, ToolRequest
from runs.agent.usage import Usage

ScriptedReply = ModelReply | Exception | Callable[[ModelRequest], ModelReply]


class ScriptedModel:
    """A model that gives its replies in order, one per turn; an exception among them is raised as a failed attempt.

    The next reply follows from the turns in the request, so that a resumed run continues at the right place.
    `requests` keeps all requests.
    """

    name = "scripted"

    def __init__(self, *replies: ScriptedReply, model: str = "scripted", pause: asyncio.Event | None = None) -> None:
        self.model = model
        self.requests: list[ModelRequest] = []
        self._replies: Sequence[ScriptedReply] = replies
        self._failures_told = 0
        self._pause = pause

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply of the script, after `pause` is set. Raises `IndexError` at the end of the script."""
        self.requests.append(request)
        if self._pause is not None:
            await self._pause.wait()
        said = self._replies[request.hidden_turns + len(request.turns) + self._failures_told]
        if isinstance(said, Exception):
            self._failures_told += 1
            raise said
        reply = said if isinstance(said, ModelReply) else said(request)
        if on_delta is not None and reply.text:
            on_delta(Delta(reply.text))
        return reply


def answers(text: str, *, tokens: int | None = None) -> ModelReply:
    """A reply with an answer."""
    return ModelReply(text=text, usage=Usage(output_tokens=tokens))


def calls_tool(tool_name: str, *, reasoning: str = "", **arguments: Any) -> ModelReply:
    """A reply with one tool call."""
    return ModelReply(reasoning=reasoning, calls=(ToolRequest(tool_name, arguments),))


def calls_tools(*requests: tuple[str, JsonObject], reasoning: str = "") -> ModelReply:
    """A reply with several tool calls."""
    return ModelReply(reasoning=reasoning, calls=tuple(ToolRequest(name, arguments) for name, arguments in requests))
