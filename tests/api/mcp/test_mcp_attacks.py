"""Requests to `/mcp` that mean no good: each is refused in words, and none costs the site much."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest

from tests.api.mcp.mcp_clients import SET_UP
from tests.live_site import LiveSite
from tests.wire import Hang, WireServer

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {"MCP-Protocol-Version": "2026-07-28"}
IDLE = 100
"""Clients that wait and say nothing."""


@pytest.fixture
def logged(site: LiveSite) -> Callable[[], str]:
    """What the site has logged since the test began."""
    before = len(site.log.read_text())
    return lambda: site.log.read_text()[before:]


def send(site: LiveSite, token: str, body: bytes, **headers: str) -> httpx2.Response:
    """Send a body as it is."""
    sent = {"Authorization": f"Bearer {token}", **ACCEPT} | {
        name.replace("_", "-"): each for name, each in headers.items()
    }
    return httpx2.post(f"{site.url}/mcp", content=body, headers=sent, timeout=30)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"{}",
        b"null",
        b"\xff\xfe",
        b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
        b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_run", "arguments": []}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {}}',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\\ud800", "arguments": {}}}',
        b"[" * 100_000,
        json.dumps([{"jsonrpc": "2.0", "id": n, "method": "tools/list"} for n in range(1000)]).encode(),
        b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 100_000 + b', "method": "ping"}',
    ],
    ids=range(21),
)
@pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])
def test_a_body_that_is_no_message_is_refused_or_dropped_without_a_traceback(
    site: LiveSite, tokens: dict[str, str], logged: Callable[[], str], body: bytes, era: dict[str, str]
) -> None:
    began = time.monotonic()

    response = send(site, tokens["ada"], body, **era)

    assert response.status_code < 500, response.text
    text = response.text.partition("data: ")[2] or response.text
    answer = json.loads(text) if text.strip() else {}
    # A message with an id that is none is a notification, which has no answer.
    is_dropped = response.status_code == 202 and not text
    assert is_dropped or response.status_code >= 400 or "error" in answer or answer["result"]["isError"], response.text
    assert time.monotonic() - began < 5
    assert "Traceback" not in logged()


@pytest.mark.parametrize("chunked", [True, False])
def test_a_huge_body_is_refused_before_it_is_read(site: LiveSite, tokens: dict[str, str], chunked: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 100_000

    body: Any = pieces() if chunked else b" " * 4_000_000
    headers = {"Authorization": f"Bearer {tokens['ada']}", **ACCEPT}
    assert httpx2.post(f"{site.url}/mcp", content=body, headers=headers, timeout=30).status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("with_token", [True, False])
def test_only_post_is_served(site: LiveSite, tokens: dict[str, str], method: str, with_token: bool) -> None:
    headers = {"Authorization": f"Bearer {tokens['ada']}"} if with_token else {}

    assert httpx2.request(method, f"{site.url}/mcp", headers={**ACCEPT, **headers}).status_code == 405


def test_a_session_cookie_is_no_credential(site: LiveSite, tokens: dict[str, str]) -> None:
    cookie = {"Cookie": f"sessionid={site.session_of('ada')}"}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}

    assert httpx2.post(f"{site.url}/mcp", json=ping, headers={**ACCEPT, **cookie}).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [({"Accept": "text/html"}, 406), ({"Content-Type": "text/plain"}, 400), ({"MCP-Protocol-Version": "1066"}, 400)],
)
def test_a_request_of_another_kind_is_refused(
    site: LiveSite, tokens: dict[str, str], change: dict[str, str], status: int
) -> None:
    headers = {"Authorization": f"Bearer {tokens['ada']}", **ACCEPT, **change}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()

    assert httpx2.post(f"{site.url}/mcp", content=body, headers=headers).status_code == status


@pytest.mark.experiment
def test_a_hundred_clients_that_wait_cost_little(start_site: Callable[..., LiveSite], slow_model: WireServer) -> None:
    endpoint = {"name": "local", "kind": "openai", "base_url": slow_model.base_url, "models": ["m1"]}
    site = start_site(
        AGENTSITE_ENDPOINTS=json.dumps([endpoint]),
        AGENTSITE_MAX_STREAMS_PER_USER="200",
        AGENTSITE_MAX_SOCKETS_PER_USER="200",
    )
    token = site.ask(SET_UP).split()[0]
    slow_model.script(Hang())
    launch = {"name": "launch_run", "arguments": {"task": "Wait.", "agent": "Slow"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": launch}
    launched = send(site, token, json.dumps(message).encode()).text
    run_id = json.loads(launched.partition("data: ")[2] or launched)["result"]["structuredContent"]["id"]
    slow_model.wait_for_requests(1)
    process = psutil.Process(site.process.pid)
    before = process.memory_info().rss
    follow = {"name": "follow_run", "arguments": {"run_id": run_id, "wait_s": 300}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": follow}
    headers = {"Authorization": f"Bearer {token}", **ACCEPT}

    with ExitStack() as opened, httpx2.Client(limits=httpx2.Limits(max_connections=IDLE), timeout=60) as client:
        for _ in range(IDLE):
            response = opened.enter_context(client.stream("POST", f"{site.url}/mcp", json=message, headers=headers))
            assert response.status_code == 200, response.read()
            next(response.iter_raw())
        grown = process.memory_info().rss - before
        used, began = sum(process.cpu_times()[:2]), time.monotonic()
        times = []
        for _ in range(20):
            asked = time.monotonic()
            assert httpx2.get(f"{site.url}/healthz").status_code == 200
            times.append(time.monotonic() - asked)
        cpu_s, wall_s = sum(process.cpu_times()[:2]) - used, time.monotonic() - began

    print(f"\n{IDLE} idle: {grown / 2**20:.1f} MiB, {cpu_s:.2f} s CPU in {wall_s:.2f} s, slowest {max(times):.3f} s")
    assert grown < 64 * 2**20
    assert max(times) < 1
    slow_model.release()
