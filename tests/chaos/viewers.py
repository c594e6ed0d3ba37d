"""Viewers of runs that reconnect after every disconnect."""

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterable
from typing import Self
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from tests.chaos.evidence import Viewing

ENDED = 1000
ACKNOWLEDGE_EVERY = 20


class Viewer:
    """One viewer of one run, from its first step to its last."""

    def __init__(self, address: Callable[[], str], session: str, run: str) -> None:
        self.run = run
        self.steps: list[tuple[int, str]] = []
        self.codes: list[int | None] = []
        """The close code of each connection."""
        self.connected = threading.Event()
        self._address = address
        self._session = session

    @property
    def last(self) -> int:
        """The last received step."""
        return self.steps[-1][0] if self.steps else 0

    async def watch(self) -> None:
        """Watch until the site reports the end of the run."""
        while ENDED not in self.codes:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with await self._open() as socket:
                    self.connected.set()
                    with contextlib.suppress(WebSocketException):
                        await self._read(socket)
                    self.codes.append(socket.close_code)
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _open(self) -> ClientConnection:
        site = self._address()
        address = f"{site.replace('http', 'ws')}/ws/runs/{UUID(self.run)}/?after={self.last}&format=json"
        headers = {"Cookie": f"sessionid={self._session}"}
        return await connect(address, additional_headers=headers, origin=Origin(site), open_timeout=10)

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            self.steps += [(sequence, step["content"]) for sequence, step in frame.get("steps", ())]
            if "steps" in frame and self.last % ACKNOWLEDGE_EVERY < len(frame["steps"]):
                await socket.send(json.dumps({"ack": self.last}))


class Viewers:
    """Viewers on a loop and a thread of their own, inside a `with` block."""

    def __init__(self, address: Callable[[], str], session: str) -> None:
        """`address` returns the current address of the site."""
        self.all: list[Viewer] = []
        self._address = address
        self._session = session
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="viewers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def watch(self, runs: Iterable[str], *, limit_s: float = 30) -> None:
        """Watch each of the runs; returns when every new viewer was connected once."""
        new = [Viewer(self._address, self._session, run) for run in runs]
        self.all += new
        asyncio.run_coroutine_threadsafe(self._begin(new), self._loop).result(limit_s)
        for viewer in new:
            assert viewer.connected.wait(limit_s), "A viewer was not let in."

    def are_done(self) -> bool:
        """True if every viewer has received the end of its run."""
        return all(task.done() for task in self._tasks)

    def viewings(self) -> list[Viewing]:
        """The received steps of all viewers."""
        return [Viewing(viewer.run, 0, tuple(viewer.steps)) for viewer in self.all]

    async def _begin(self, viewers: list[Viewer]) -> None:
        self._tasks += [asyncio.create_task(viewer.watch()) for viewer in viewers]

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
