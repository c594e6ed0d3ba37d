"""Latency of the live view, from a recorded step to a frame at a client, and the server's cost of a delivery.

`python -m tests.benchmarks.live` prints a table. The time of a step runs from its report to the engine to the frame's
last byte at the client; its commit to SQLite (synchronous=FULL) lies in between. A raw Daphne socket and stock
Channels, which store nothing, are measured in the same way beside it.
"""

import asyncio
import base64
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = int(os.environ.get("BENCH_PORT", "8765"))
STAMP = re.compile(rb"\bt=(\d{9,})")
SEQUENCE = re.compile(rb'data-step-seq=\\"(\d+)')
STEPS, PER_SECOND, VIEWERS = 300, 30.0, 100
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """The measurements of one server."""

    name: str
    viewers: int
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU of the server process per delivery; all its work in that time counts, recording too."""
    lost: int


class Viewer(asyncio.Protocol):
    """A minimal WebSocket client, so that the server is measured and not the client."""

    def __init__(self, path: str, cookie: str) -> None:
        self.delays_ms: list[float] = []
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._path, self._cookie = path, cookie
        self._buffer = b""
        self._seen: set[bytes] = set()
        self._last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"127.0.0.1:{PORT}"
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Cookie: sessionid={self._cookie}\r\n\r\n".encode()
        )

    def data_received(self, received: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += received
        if not self.opened.done():
            head, found, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            assert b" 101 " in head, head
            self.opened.set_result(None)
        while (payload := self._take()) is not None:
            # The words of a step come several times: in its line, in its body and on the stage.
            for stamp in set(STAMP.findall(payload)) - self._seen:
                self._seen.add(stamp)
                self.delays_ms.append((now - int(stamp)) / 1e6)
            self._last = max(self._last, *map(int, SEQUENCE.findall(payload)), 0)

    def _take(self) -> bytes | None:
        """The payload of the next complete frame."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        return buffer[start : start + size]

    def acknowledge(self) -> None:
        """Acknowledge the last received step, as live.js does once a second."""
        words = f'{{"ack": {self._last}}}'.encode()
        self._transport.write(bytes([0x81, 0x80 | len(words), 0, 0, 0, 0]) + words)

    def leave(self) -> None:
        """Close the connection."""
        self._transport.abort()


class BenchServer:
    """A server process, with its CPU time."""

    def __init__(self, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.live_server", kind, str(PORT)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._expect("ready")

    def cpu_s(self) -> float:
        """Seconds of CPU used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    async def record(self, run_id: str, count: int, per_second: float) -> None:
        """Make it record steps; returns when the last one was handed over."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{run_id} {count} {per_second}\n")
        self.process.stdin.flush()
        await asyncio.to_thread(self._expect, "done")

    def _expect(self, word: str) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.strip() == word, f"The server said {line!r}."

    def stop(self) -> None:
        """Stop it."""
        self.process.communicate()


async def measure(kind: str, viewers: int, path: str, run_id: str, cookie: str, steps: int = STEPS) -> Figures:
    """Watch `steps` steps arrive, with that many viewers on one server."""
    server = BenchServer(kind)
    loop = asyncio.get_running_loop()
    watching: list[Viewer] = []
    try:
        for _ in range(viewers):
            _, viewer = await loop.create_connection(lambda: Viewer(path, cookie), "127.0.0.1", PORT)
            await viewer.opened
            watching.append(viewer)
        await server.record(run_id, 30, PER_SECOND)  # Warm-up.
        await arrived(watching, 30)
        for viewer in watching:
            viewer.delays_ms.clear()
        acknowledging = asyncio.create_task(acknowledge_for_ever(watching))
        used = server.cpu_s()
        await server.record(run_id, steps, PER_SECOND)
        await arrived(watching, steps)
        used = server.cpu_s() - used
        acknowledging.cancel()
    finally:
        for viewer in watching:
            viewer.leave()
        server.stop()
    delays = sorted(delay for viewer in watching for delay in viewer.delays_ms)
    return Figures(
        kind,
        viewers,
        statistics.median(delays),
        delays[int(len(delays) * 0.99)],
        used / len(delays) * 1e6,
        steps * viewers - len(delays),
    )


async def arrived(watching: list[Viewer], steps: int) -> None:
    """Wait until every viewer has that many steps, or for 5 s."""
    for _ in range(100):
        if all(len(viewer.delays_ms) >= steps for viewer in watching):
            return
        await asyncio.sleep(0.05)


async def acknowledge_for_ever(watching: list[Viewer]) -> None:
    """Acknowledge once a second for each viewer, as live.js does."""
    while True:
        for viewer in watching:
            viewer.acknowledge()
            await asyncio.sleep(1 / len(watching))


def prepare() -> tuple[str, list[str]]:
    """A site with a signed-in user and hosted runs: the session key and the runs' ids."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from runs.management.startup import collect_static_files
    from runs.models import Agent, Run

    collect_static_files()  # Steps name icons by the addresses that these files get.
    user = User.objects.create_user("bench")
    agent = Agent.objects.get(name="Assistant")
    runs = [
        Run.objects.create(
            user=user,
            agent=agent,
            config=agent.snapshot(),
            task="Bench",
            status="thinking",
            owner="bench",
            epoch=1,
            started_at=timezone.now(),
        )
        for _ in range(2)
    ]
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value, [str(run.pk) for run in runs]


async def main(cookie: str, runs: list[str]) -> None:
    """Measure and print."""
    one, many = runs
    rows = [
        await measure("site", 1, f"/ws/runs/{one}/", one, cookie),
        await measure("raw", VIEWERS, "/", many, cookie),
        await measure("channels", VIEWERS, "/", many, cookie),
        await measure("site", VIEWERS, f"/ws/runs/{many}/", many, cookie),
    ]
    print(
        f"{STEPS} steps at {PER_SECOND:g} a second; report to frame, commit included (raw and channels store nothing)\n"
    )
    print("server     viewers   p50 ms   p99 ms   CPU us per delivery   lost")
    for row in rows:
        print(
            f"{row.name:<10} {row.viewers:>7} {row.p50_ms:>8.1f} {row.p99_ms:>8.1f} {row.cpu_us:>21.0f} {row.lost:>6}"
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
    with tempfile.TemporaryDirectory(prefix="agentsite-bench-") as folder:
        os.environ["AGENTSITE_DATA"] = folder
        session, run_ids = prepare()
        asyncio.run(main(session, run_ids))
