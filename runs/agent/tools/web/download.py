"""One page or file over HTTP, with a limit on everything a server could send too much of."""

import asyncio
import ssl
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import httpx2

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.tools.web.guarded_transport import AddressRefused, GuardedTransport, Resolver, system_addresses
from runs.agent.tools.web.host_rules import HostRules

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
"""Of the body after decompression. The rest is not read."""
DEADLINE_S: Final = 30.0
"""For everything: names, redirects and the body."""
CONNECT_S: Final = 5.0
MAX_REDIRECTS: Final = 5
MAX_URL_CHARACTERS: Final = 4096
SLICE_S: Final = 0.004
"""The event loop gets its turn after this time: the data of a fast server is always there already."""
ENCODINGS: Final = ("", "identity", "gzip", "deflate")
"""What the body may be compressed with, once: a second layer could grow a thousandfold inside the first."""
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HEADERS: Final = {
    "User-Agent": "Mozilla/5.0 (compatible; Agentsite)",
    "Accept": "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class Download:
    """What a server sent."""

    url: str
    """The final address, after redirects."""
    status: int
    headers: httpx2.Headers
    body: bytes
    is_cut: bool
    """True if the body is longer than `body`."""


async def download(
    url: str,
    rules: HostRules,
    *,
    resolver: Resolver = system_addresses,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> Download:
    """The page or file at `url`, which may redirect `MAX_REDIRECTS` times. Carries no cookies and no credentials.

    Raises `AddressRefused`, and `ToolUnavailable` if the server does not answer in full within `deadline_s`.
    """
    try:
        async with asyncio.timeout(deadline_s):
            address = parsed_url(url)
            for _ in range(MAX_REDIRECTS + 1):
                answer = await _one_answer(address, rules, resolver, tls)
                if isinstance(answer, Download):
                    return answer
                address = answer
    except TimeoutError:
        raise ToolUnavailable(f"{_short(url)} gave no full answer within {deadline_s:g} s.") from None
    raise ToolFailed(f"{_short(url)} redirects more than {MAX_REDIRECTS} times.")


def parsed_url(url: str) -> httpx2.URL:
    """The URL. Raises `AddressRefused` for a text that is none."""
    text = url.strip()
    if len(text) > MAX_URL_CHARACTERS:
        raise AddressRefused(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{_short(text)} is not a valid address.") from error


async def _one_answer(
    url: httpx2.URL, rules: HostRules, resolver: Resolver, tls: ssl.SSLContext | None
) -> Download | httpx2.URL:
    """What the server sent, or the address it redirects to."""
    transport = GuardedTransport(rules, resolver=resolver, tls=tls)
    # A client for each request: nothing that one server sets is sent to the next.
    async with httpx2.AsyncClient(
        transport=transport,
        trust_env=False,
        headers=_HEADERS,
        timeout=httpx2.Timeout(DEADLINE_S, connect=CONNECT_S),
    ) as client:
        try:
            async with client.stream("GET", url) as response:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return _target(url, response.headers["location"])
                body, is_cut = await read_body(response)
        except (httpx2.HTTPError, ssl.SSLError) as error:
            raise unreachable(url, error) from error
    return Download(str(url), response.status_code, response.headers, body, is_cut)


def _target(url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        target = url.join(location).copy_with(fragment=None)
    except (httpx2.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{_short(url)} redirects to {_short(location)}, which is not a valid address.") from error
    if url.scheme == "https" and target.scheme == "http":
        raise AddressRefused(f"{_short(url)} redirects to {_short(target)}, which is not encrypted.")
    return target


async def read_body(response: httpx2.Response, most: int = MAX_BODY_BYTES) -> tuple[bytes, bool]:
    """The decompressed body up to `most` bytes, and whether there is more. Raises `ToolFailed` for an encoding other
    than `ENCODINGS`, and httpx2's exceptions."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise ToolFailed(
            f"{_short(response.url)} sent a body in the encoding {encoding[:40]!r}, which was not asked for."
        )
    body, began = bytearray(), time.perf_counter()
    async with aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            room = most - len(body)
            body += piece[:room]
            if len(piece) > room:
                return bytes(body), True
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()
    return bytes(body), False


def unreachable(url: httpx2.URL, error: Exception) -> ToolFailed:
    """The failure for the model: which address, and why."""
    match error:
        case httpx2.TimeoutException():
            return ToolUnavailable(f"{_short(url)} did not answer in time.")
        case httpx2.ConnectError():
            return ToolUnavailable(f"No connection to {_short(url)}: {_short(str(error) or 'refused')}")
        case httpx2.DecodingError():
            return ToolFailed(f"{_short(url)} sent a body that cannot be decompressed.")
        case _:
            return ToolUnavailable(f"{_short(url)} broke off or did not speak HTTP: {_short(str(error) or 'closed')}")


def _short(text: object) -> str:
    return str(text)[:300]
