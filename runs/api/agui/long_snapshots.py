"""Encoding of events; the messages of long runs are read at the client's speed."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from runs.api.agui.events import Event, encoded
from runs.api.agui.transcript import RecordedMessages, Transcript, WireMessage
from runs.api.step_pages import read_page
from runs.live.sockets.hub import read_slowly
from runs.models import Run
from runs.models.as_json import StepJson

ALL_TURNS = float("inf")


async def in_pieces(event: Event) -> AsyncIterator[bytes]:
    """The event as server-sent events: one piece, or many if its messages contain `RecordedMessages`.

    Raises `RunDeleted` if their steps are deleted meanwhile, and `DatabaseError`.
    """
    messages = event.get("messages", ())
    if not any(isinstance(each, RecordedMessages) for each in messages):
        yield encoded(event)
        return
    rest = {name: value for name, value in event.items() if name != "messages"}
    yield f'data: {json.dumps(rest)[:-1]}, "messages": ['.encode()
    between = ""
    for each in messages:
        async for part in _parts(each):
            yield f"{between}{part}".encode()
            between = ", "
    yield b"]}\n\n"


async def _parts(message: WireMessage | RecordedMessages) -> AsyncIterator[str]:
    if not isinstance(message, RecordedMessages):
        yield json.dumps(message)
        return
    async for part in read_slowly(iter(_Pages(message))):
        yield part


class _Pages:
    """The messages of a run's steps, rebuilt page by page: the same rows make the same messages."""

    def __init__(self, recorded: RecordedMessages) -> None:
        self._run = Run(pk=UUID(recorded.run_id))
        self._up_to = recorded.up_to
        self._transcript = Transcript(recorded.run_id, ALL_TURNS)
        self._last = 0
        self._turn = 0

    def __iter__(self) -> Iterator[str]:
        """The messages that each page of steps completes, as the inside of a JSON list; nothing for a page without."""
        while self._last < self._up_to:
            if part := self._next():
                yield part

    def _next(self) -> str:
        for step in self._page():
            self._transcript.add(step)
            self._turn = max(self._turn, step["turn"] or 0)
        is_last = self._last >= self._up_to
        final = self._transcript.take_final(before_turn=ALL_TURNS if is_last else self._turn)
        # The rest at the end was never finished, and keeps its place.
        left: list[Any] = self._transcript.messages() if is_last else []
        return ", ".join(json.dumps(each) for each in [*final, *left])

    def _page(self) -> list[StepJson]:
        page = read_page(self._run, self._last, self._up_to)
        self._last = page[-1]["sequence"]
        return page
