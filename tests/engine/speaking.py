"""A model that speaks in pieces, and then goes on as it is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta


@dataclass(frozen=True, slots=True)
class Said:
    """What it does when it is asked."""

    pieces: Sequence[Delta | str] = ()
    then: ModelReply | Exception | None = None
    """How that ends; None: it says nothing more."""


class Speaker:
    """Does one thing after the other, one a request; `spoke` is set when all pieces of one are out."""

    name = "scripted"

    def __init__(self, *script: Said, model: str = "speaker", starts: asyncio.Event | None = None) -> None:
        """`starts`: it waits for that before its first piece."""
        self.model = model
        self.requests: list[ModelRequest] = []
        self.spoke = asyncio.Event()
        self._script = list(script)
        self._starts = starts

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The pieces through `on_delta`, then what comes after them. Raises `IndexError` when the script is over."""
        self.requests.append(request)
        said = self._script[len(self.requests) - 1]
        if self._starts is not None:
            await self._starts.wait()
        for piece in said.pieces:
            if on_delta is not None:
                on_delta(Delta(piece) if isinstance(piece, str) else piece)
        self.spoke.set()
        if said.then is None:
            await asyncio.Event().wait()
        if isinstance(said.then, Exception):
            raise said.then
        assert said.then is not None
        return said.then
