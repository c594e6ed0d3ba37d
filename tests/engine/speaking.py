"""A model that sends pieces, and then continues as scripted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta


@dataclass(frozen=True, slots=True)
class Said:
    """One scripted reply."""

    pieces: Sequence[Delta | str] = ()
    then: ModelReply | Exception | None = None
    """The end of the reply; None: it never ends."""


class Speaker:
    """Plays one scripted reply for each request; `spoke` is set when all pieces of one are sent."""

    name = "scripted"

    def __init__(self, *script: Said, model: str = "speaker", starts: asyncio.Event | None = None) -> None:
        """`starts`: awaited before the first piece."""
        self.model = model
        self.requests: list[ModelRequest] = []
        self.spoke = asyncio.Event()
        self._script = list(script)
        self._starts = starts

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """Send the pieces through `on_delta`, then `then`. Raises `IndexError` when the script is over."""
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
