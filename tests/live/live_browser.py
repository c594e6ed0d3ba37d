"""The browser's end of a socket, driven frame by frame against the site's ASGI application."""

import json
from typing import Any

from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agentsite.asgi import application
from runs import doorbell
from runs.models import Run, Step

ORIGIN = "http://testserver"


def session_of(user: User) -> str:
    """The key of a new session of this user."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


class Socket:
    """One socket to the site."""

    def __init__(self, path: str, session: str | None = None) -> None:
        headers = [(b"host", b"testserver"), (b"origin", ORIGIN.encode())]
        if session is not None:
            headers.append((b"cookie", f"sessionid={session}".encode()))
        self._wire = WebsocketCommunicator(application, path, headers)

    async def open(self) -> "Socket":
        """Shake hands; the site accepts every socket of its own origin."""
        accepted, _ = await self._wire.connect()
        assert accepted
        return self

    async def message(self) -> dict[str, Any]:
        """The next ASGI message of the site."""
        message: dict[str, Any] = await self._wire.receive_output(5)
        return message

    async def frame(self, timeout_s: float = 5) -> dict[str, Any]:
        """The next frame."""
        message = await self._wire.receive_output(timeout_s)
        assert message["type"] == "websocket.send", message
        frame: dict[str, Any] = json.loads(message["text"])
        return frame

    async def closing_code(self, timeout_s: float = 5) -> int:
        """The close code; no frame comes before."""
        message = await self._wire.receive_output(timeout_s)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def to_the_end(self) -> tuple[list[dict[str, Any]], int]:
        """Every frame until the close, acknowledged, and the code."""
        frames: list[dict[str, Any]] = []
        while True:
            message = await self._wire.receive_output(5)
            if message["type"] == "websocket.close":
                return frames, int(message["code"])
            frames.append(json.loads(message["text"]))
            if "steps" in frames[-1]:
                await self.say({"ack": frames[-1]["steps"][-1][0]})

    async def steps_up_to(self, sequence: int, *, acknowledge: bool = True) -> list[int]:
        """The sequences in order of arrival, up to `sequence`."""
        seen: list[int] = []
        while not seen or seen[-1] < sequence:
            frame = await self.frame()
            seen += [step[0] for step in frame.get("steps", [])]
            if acknowledge and seen:
                await self.say({"ack": seen[-1]})
        return seen

    async def state(self) -> dict[str, Any]:
        """The next frame with a state; earlier frames are skipped."""
        while "state" not in (frame := await self.frame()):
            pass
        return frame

    async def hears_nothing(self) -> bool:
        """True if no frame is on its way."""
        return bool(await self._wire.receive_nothing(0.15, 0.01))

    async def say(self, words: Any) -> None:
        """Send a frame: text as it is, bytes as a binary frame, anything else as JSON."""
        if isinstance(words, bytes):
            await self._wire.send_to(bytes_data=words)
        else:
            await self._wire.send_to(text_data=words if isinstance(words, str) else json.dumps(words))

    async def leave(self) -> None:
        """Close it from this side."""
        if not self._wire.future.done():
            await self._wire.disconnect()


def add_steps(run: Run, count: int, **fields: Any) -> int:
    """Record more steps as the engine does: rows and the run's next sequence. Returns the last sequence."""
    run.refresh_from_db()
    first = run.next_sequence
    Step.objects.bulk_create(
        Step(run=run, sequence=number, epoch=1, **{"kind": "reasoning", "content": f"Thought {number}.", **fields})
        for number in range(first, first + count)
    )
    run.next_sequence = first + count
    run.save(update_fields=["next_sequence"])
    return run.last_sequence


def end(run: Run, status: str = "completed") -> None:
    """End the run, as the engine does."""
    Run.objects.filter(pk=run.pk).update(status=status, owner=None, ended_at=timezone.now())


async def ring(run: Run) -> None:
    """Ring for the run and the dashboards."""
    await doorbell.ring(run.pk, run.last_sequence)
    await doorbell.ring_dashboard(run.pk)
