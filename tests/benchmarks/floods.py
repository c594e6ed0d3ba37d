"""Latency of pages while models of three wire formats send events of one character at the maximum rate.

A flood server in a process of its own, a real site, a run for each format (and more on request), and a user
who requests /healthz, the history and the page of a flooded run all the while. Bound: 250 ms (p99).

    python -m tests.benchmarks.floods
"""

import argparse
import json
import multiprocessing
import os
import shutil
import socketserver
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.benchmarks.web import p, timed
from tests.live_site import LiveSite, prepare_data
from tests.visitor import Visitor

GOAL_MS = 250.0
KINDS = {"openai": "/v1", "responses": "/v1", "anthropic": ""}
LAUNCH = """
from django.contrib.auth.models import User
from runs.engine import control
ada = User.objects.get(username="ada")
for name in {names!r} * {times}:
    print(control.launch(user=ada, task="flood", overrides={{"models": [name + "/m1"], "max_duration_s": 3600}}).pk)
"""
_BEGINNINGS: dict[str, list[dict[str, Any]]] = {
    "openai": [],
    "responses": [
        {"type": "response.created", "response": {"id": "r", "object": "response", "created_at": 1, "model": "m1", "output": [], "status": "in_progress", "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}, "sequence_number": 0},  # noqa: E501 - as it is sent
        {"type": "response.output_item.added", "output_index": 0, "item": {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}, "sequence_number": 1},  # noqa: E501
        {"type": "response.content_part.added", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}, "sequence_number": 2},  # noqa: E501
    ],
    "anthropic": [
        {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m1", "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}},  # noqa: E501
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ],
}  # fmt: skip
_PIECES: dict[str, dict[str, Any]] = {
    "openai": {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m1", "choices": [{"index": 0, "delta": {"content": "x "}, "finish_reason": None}]},  # noqa: E501
    "responses": {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "x ", "logprobs": [], "sequence_number": 3},  # noqa: E501
    "anthropic": {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x "}},
}  # fmt: skip


class Flood(socketserver.StreamRequestHandler):
    """Answers every request with an endless stream of events of one letter."""

    def handle(self) -> None:
        """Read the request, then write until the client closes."""
        first = self.rfile.readline().decode()
        length = 0
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        self.rfile.read(length)
        path = first.split(" ")[1]
        kind = "responses" if "/responses" in path else "anthropic" if "/messages" in path else "openai"
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        beginning = b"".join(_event(each) for each in _BEGINNINGS[kind])
        block = _event(_PIECES[kind]) * 500
        with suppress(OSError):
            self.wfile.write(beginning)
            while True:
                self.wfile.write(block)


def _event(content: dict[str, Any]) -> bytes:
    name = f"event: {content['type']}\n" if "type" in content else ""
    return f"{name}data: {json.dumps(content)}\n\n".encode()


def serve(ports: "multiprocessing.Queue[int]") -> None:
    """Serve without end, on a port that is put into `ports`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flood) as server:
        server.daemon_threads = True
        ports.put(server.server_address[1])
        server.serve_forever()


@contextmanager
def flooded(folder: Path, times: int) -> Iterator[tuple[LiveSite, list[str]]]:
    """A site with that many floods of each kind, and the ids of their runs."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ports.get()}"
    endpoints = [
        {
            "name": f"flood-{kind}",
            "kind": kind,
            "base_url": url if kind == "anthropic" else f"{url}/v1",
            "models": ["m1"],
        }
        for kind in KINDS
    ]
    data = folder / "data"
    prepare_data(data)
    site = LiveSite(data, {"AGENTSITE_ENDPOINTS": json.dumps(endpoints), "AGENTSITE_LOG_LEVEL": "ERROR"})
    site.create_user("ada")
    try:
        site.start()
        yield (
            site,
            site.ask(LAUNCH.format(names=[f"flood-{kind}" for kind in KINDS], times=times)).split() if times else [],
        )
    finally:
        site.close()
        server.terminate()
        server.join()


def measure(site: LiveSite, runs: list[str], seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each page, requested in turn."""
    with Visitor(site.url, session=site.session_of("ada")) as ada:
        looks: dict[str, Callable[[], object]] = {
            "/healthz": lambda: ada.get("/healthz"),
            "history": lambda: ada.get("/runs/"),
        }
        if runs:
            looks["a flooded run"] = lambda: ada.get(f"/runs/{runs[0]}/")
        for look in looks.values():
            look()
        times: dict[str, list[float]] = {name: [] for name in looks}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, look in looks.items():
                times[name].append(timed(look))
    return times


def main() -> None:
    """Print a line for each number of floods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--floods", type=int, nargs="*", default=[0, 1, 3], help="of each of three formats")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; ms")
    for times in options.floods:
        folder = Path(tempfile.mkdtemp(prefix="agentsite-bench-"))
        try:
            with flooded(folder, times) as (site, runs):
                found = measure(site, runs, options.seconds)
        finally:
            shutil.rmtree(folder)
        told = "; ".join(
            f"{name}: p50 {p(50, each):.0f}, p99 {p(99, each):.0f}, worst {max(each):.0f} ({len(each)})"
            for name, each in found.items()
        )
        said = "ok" if all(p(99, each) < GOAL_MS for each in found.values()) else "MISSED"
        print(f"{3 * times} floods: {told}: {said}", flush=True)


if __name__ == "__main__":
    main()
