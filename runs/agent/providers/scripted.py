"""A model that says what it is told to: for tests, demonstrations and benchmarks."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta, ToolRequest, Usage

Said = ModelReply | Exception | Callable[[ModelRequest], ModelReply]


class ScriptedModel:
    """Gives its replies in order, one a turn; an exception among them is raised instead, as a failed attempt.

    Which reply comes next follows from the turns in the request, so that a resumed run goes on in the right place.
    `requests` keeps what it was asked.
    """

    name = "scripted"

    def __init__(self, *replies: Said, model: str = "scripted", pause: asyncio.Event | None = None) -> None:
        self.model = model
        self.requests: list[ModelRequest] = []
        self._replies: Sequence[Said] = replies
        self._failures_told = 0
        self._pause = pause

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply of the script, after `pause` if it has one. Raises `IndexError` when the script is over."""
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
    """A reply that is the answer."""
    return ModelReply(text=text, usage=Usage(output_tokens=tokens))


def calls_tool(tool_name: str, *, reasoning: str = "", **arguments: Any) -> ModelReply:
    """A reply that asks for one tool call."""
    return ModelReply(reasoning=reasoning, calls=(ToolRequest(tool_name, arguments),))


def calls_tools(*requests: tuple[str, dict[str, Any]], reasoning: str = "") -> ModelReply:
    """A reply that asks for several tool calls at once."""
    return ModelReply(reasoning=reasoning, calls=tuple(ToolRequest(name, arguments) for name, arguments in requests))
