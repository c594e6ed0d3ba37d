"""The server of the live view's benchmark: a real Daphne that sends a step to every socket on command.

`python -m tests.benchmarks.live_server site|tokens|raw|channels PORT`. It prints `ready`, then reads lines from
standard input: `RUN_ID COUNT PER_SECOND` records that many steps, and it answers `done`.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")

import django
from daphne.server import Server, twisted_loop

WORDS = " ".join(["reasoning"] * 20)


class Source(Protocol):
    """A source of a benchmark's steps."""

    @property
    def application(self) -> Any:
        """The served ASGI application."""

    async def step(self, run_id: str, text: str) -> None:
        """Make one step."""


class Site:
    """The product: a step is recorded by the engine's writer and shown by the live view."""

    def __init__(self) -> None:
        from agentsite.asgi import application
        from runs.engine.writing.commit_notifier import CommitNotifier
        from runs.engine.writing.writer import Writer

        self.application = application
        self._notifier = CommitNotifier()
        self._writer = Writer(self._committed)
        self._recorders: dict[str, Any] = {}
        self._ringing: asyncio.Task[None] | None = None

    def _committed(self, writes: Any) -> None:
        for write in writes:
            self._notifier.note(write.run_id, write.outcome.sequence)

    async def step(self, run_id: str, text: str) -> None:
        from runs.agent.journal import Entry
        from runs.agent.thoughts import AgentThought, ThoughtType
        from runs.engine.recording.recorder import Recorder

        if self._ringing is None:
            loop = asyncio.get_running_loop()
            self._writer.start(loop)
            self._ringing = loop.create_task(self._notifier.ring_for_ever())
        if run_id not in self._recorders:
            self._recorders[run_id] = Recorder(self._writer, UUID(run_id), 1)
        await self._recorders[run_id].record(Entry(thoughts=[AgentThought(ThoughtType.REASONING, text)]))


class Tokens(Site):
    """The product again: chunks of a reply in the making, which are shown and not recorded."""

    def __init__(self) -> None:
        from runs.engine.recording.reply_stream import ReplyStreams

        super().__init__()
        self._deltas = ReplyStreams()
        self._streams: dict[str, Any] = {}
        self._sending: asyncio.Task[None] | None = None

    async def step(self, run_id: str, text: str) -> None:
        from runs.agent.messages import Delta

        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._deltas.send_for_ever())
        if run_id not in self._streams:
            self._streams[run_id] = self._deltas.open(UUID(run_id))
        stamp, _ = text.split(" ", 1)
        self._streams[run_id].show("1-1-1-1", Delta(f"{stamp} "))


class Raw:
    """The cost of Daphne itself: the same bytes to every socket, with nothing in between."""

    def __init__(self) -> None:
        self._senders: list[Callable[[Any], Any]] = []

    async def application(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Accept, and register the socket until its end."""
        await receive()
        await send({"type": "websocket.accept"})
        self._senders.append(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self._senders.remove(send)

    async def step(self, run_id: str, text: str) -> None:
        for send in list(self._senders):
            await send({"type": "websocket.send", "text": frame_like_ours(text)})


class Stock:
    """Channels as its tutorial shows it: a consumer in a group per socket."""

    def __init__(self) -> None:
        from channels.generic.websocket import AsyncWebsocketConsumer

        class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]
            groups = ["bench"]

            async def step(self, event: dict[str, str]) -> None:
                await self.send(text_data=event["text"])

        self.application = Consumer.as_asgi()

    async def step(self, run_id: str, text: str) -> None:
        from channels.layers import get_channel_layer

        await get_channel_layer().group_send("bench", {"type": "step", "text": frame_like_ours(text)})


def frame_like_ours(text: str) -> str:
    """A frame of the same size as the site's frame for such a step."""
    return f'{{"steps":[[1,"{text}{"x" * 560}"]]}}'


async def record(source: Source, run_id: str, count: int, per_second: float) -> None:
    """Record steps at a steady rate; each carries its time in nanoseconds."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0, start + number / per_second - loop.time()))
        await source.step(run_id, f"t={time.monotonic_ns()} {WORDS}")
    print("done", flush=True)


def main() -> None:
    """Serve until standard input ends."""
    kind, port = sys.argv[1], sys.argv[2]
    django.setup()
    sources: dict[str, Callable[[], Source]] = {"site": Site, "tokens": Tokens, "raw": Raw, "channels": Stock}
    source = sources[kind]()
    tasks: set[Any] = set()

    def obey() -> None:
        for line in sys.stdin:
            run_id, count, per_second = line.split()
            tasks.add(
                asyncio.run_coroutine_threadsafe(record(source, run_id, int(count), float(per_second)), twisted_loop)
            )
        os._exit(0)

    def ready() -> None:
        print("ready", flush=True)
        threading.Thread(target=obey, daemon=True).start()

    Server(source.application, endpoints=[f"tcp:port={port}:interface=127.0.0.1"], ready_callable=ready).run()


if __name__ == "__main__":
    main()
