"""Requests to authorization servers: guarded addresses, bounded answers, no redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.output_text import readable
from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.http_hosts import HttpHost
from runs.engine.mcp.named_hosts import named_host, rules_for

MAX_ANSWER_BYTES: Final = 256 * 1024
ANSWER_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class OAuthAnswer:
    """What a server answered."""

    status: int
    headers: httpx2.Headers
    body: bytes


def is_allowed_address(url: str, hosts: frozenset[HttpHost]) -> bool:
    """True for an address that secrets may be sent to: https, or one of `hosts`."""
    return url.startswith("https://") or named_host(url) in hosts


async def fetch(
    method: str,
    url: str,
    *,
    hosts: frozenset[HttpHost],
    form: Mapping[str, str] | None = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
) -> OAuthAnswer:
    """The answer, whatever its status; `hosts` are those that need not be public. Raises `ToolUnavailable` if there is
    none, or the address may not be used; what it says has nothing of the request."""
    host = _host(url)
    if not is_allowed_address(url, hosts):
        raise ToolUnavailable(f"The address of {host} does not begin with https.")
    try:
        async with asyncio.timeout(ANSWER_S), _client(url, hosts) as client:
            asked = {"Accept": "application/json, text/event-stream", "Accept-Encoding": "identity", **(headers or {})}
            async with client.stream(method, url, data=form, json=json, headers=asked) as response:
                return OAuthAnswer(response.status_code, response.headers, await _body(response))
    except TimeoutError:
        raise ToolUnavailable(f"{host} gave no answer within {ANSWER_S:g} s.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise ToolUnavailable(f"{host} could not be reached ({type(error).__name__}).") from error


def _host(url: str) -> str:
    """The host of the URL, for people."""
    try:
        return readable(httpx2.URL(url).host)[:200]
    except (httpx2.InvalidURL, ValueError):  # ValueError: what the standard library says of a port or of brackets
        raise ToolUnavailable(f"{readable(url[:200])} is not the address of a server.") from None


def _client(url: str, hosts: frozenset[HttpHost]) -> httpx2.AsyncClient:
    transport = GuardedTransport(rules_for(url, hosts))
    return httpx2.AsyncClient(transport=transport, headers={"User-Agent": "Agentsite"}, timeout=10, trust_env=False)


async def _body(response: httpx2.Response) -> bytes:
    """The body; of an endless one the beginning."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            break
    return bytes(body[:MAX_ANSWER_BYTES])
