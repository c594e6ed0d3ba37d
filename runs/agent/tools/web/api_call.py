"""One request to an API of the allow-list, and its answer for a model."""

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import httpx2

from runs.agent.errors.exceptions import OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import plain_json
from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.web.download import CONNECT_S, DEADLINE_S, parsed_url, read_body, unreachable
from runs.agent.tools.web.guarded_transport import AddressRefused, GuardedTransport, Resolver, system_addresses
from runs.agent.tools.web.host_rules import HostRules
from runs.agent.tools.web.http_hosts import HttpHost, belongs_to_connection, host_of, http_hosts
from runs.agent.tools.web.plain_text import cleaned, decoded

MAX_CHARACTERS: Final = 24_000
"""Of the body in an answer."""
_SHOWN_HEADERS: Final = ("content-type", "location", "retry-after", "etag", "last-modified", "link", "x-request-id")
_REPEATABLE: Final = ("GET", "HEAD")


async def api_answer(
    url: str,
    method: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    resolver: Resolver = system_addresses,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> JsonObject:
    """Status, headers and body of the answer, whatever the status is. Secrets of the API are hidden in it.

    Raises `AddressRefused` for an address that is not on the allow-list, `ToolUnavailable` if nothing was sent or the
    method only reads, and `OutcomeUnknown` if the request may have arrived.
    """
    target = parsed_url(url)
    host = host_of(str(target), http_hosts())
    if host is None or target.userinfo:
        raise AddressRefused(f"{target.host} is not an API that the site allows.")
    sent = _Sent()
    request = _request(target, method, body, headers or {}, host)
    request.extensions["trace"] = sent.trace
    rules = HostRules(frozenset({(host.host, host.port)}))
    try:
        async with asyncio.timeout(deadline_s), GuardedTransport(rules, resolver=resolver, tls=tls) as transport:
            answer = await _answer(transport, request)
    except (httpx2.HTTPError, ssl.SSLError, TimeoutError) as error:
        raise _failure(target, method, error, deadline_s, is_sent=sent.is_sent) from error
    secrets = {os.environ[name].strip() for name in host.secret_names}
    hidden: JsonObject = Redactor(secrets).value(answer)
    return hidden


class _Sent:
    """Whether a request has begun to leave."""

    is_sent = False

    async def trace(self, event: str, _about: object) -> None:
        """Called by the HTTP client for each event of the connection."""
        self.is_sent = self.is_sent or event.endswith("send_request_headers.started")


def _request(url: httpx2.URL, method: str, body: Any, headers: Mapping[str, str], host: HttpHost) -> httpx2.Request:
    own = host.filled_headers(os.environ)
    taken = {name.lower() for name in own}
    wanted = {name: text for name, text in headers.items() if name.lower() not in taken}
    if refused := [name for name in wanted if belongs_to_connection(name) or name.lower() == "cookie"]:
        raise ToolFailed(f"The header {refused[0][:40]!r} cannot be set.")
    content = body.encode(errors="replace") if isinstance(body, str) else None
    try:
        return httpx2.Request(
            method,
            url.copy_with(fragment=None),
            headers={"User-Agent": "Agentsite", "Accept": "*/*"} | wanted | own | {"Accept-Encoding": "gzip, deflate"},
            content=content,
            json=body if isinstance(body, dict | list) else None,
            extensions={"timeout": httpx2.Timeout(DEADLINE_S, connect=CONNECT_S).as_dict()},
        )
    except (ValueError, TypeError) as error:  # signs that a header cannot have
        raise ToolFailed("The headers or the body of this request cannot be sent.") from error


async def _answer(transport: GuardedTransport, request: httpx2.Request) -> JsonObject:
    response = await transport.handle_async_request(request)
    response.request = request
    try:
        body, is_cut = await read_body(response)
    finally:
        await response.aclose()
    text = cleaned(decoded(body, response.charset_encoding or "utf-8") or body.decode(errors="replace"))
    answer: JsonObject = {
        "status": response.status_code,
        "headers": {name: response.headers[name][:500] for name in _SHOWN_HEADERS if name in response.headers},
    }
    if len(text) <= MAX_CHARACTERS and not is_cut:
        return answer | {"body": _json_or_text(text)}
    size = f"more than {len(body):,}" if is_cut else f"{len(body):,}"
    note = f"The body has {size} bytes: these are its first {MAX_CHARACTERS:,} characters."
    return answer | {"note": note, "body": text[:MAX_CHARACTERS]}


def _json_or_text(text: str) -> Any:
    if text[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            # A value that nobody can store would make a request fail that has been carried out.
            return plain_json(json.loads(text, parse_constant=_refuse))
    return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN is not JSON, and could not be stored as such


def _failure(url: httpx2.URL, method: str, error: Exception, deadline_s: float, *, is_sent: bool) -> ToolFailed:
    if isinstance(error, httpx2.LocalProtocolError):
        return ToolFailed(f"The request to {url.host} cannot be sent: {str(error)[:200]}")
    late = ToolUnavailable(f"{url.host} gave no full answer within {deadline_s:g} s.")
    failure = late if isinstance(error, TimeoutError) else unreachable(url, error)
    if is_sent and method not in _REPEATABLE:
        return OutcomeUnknown(f"{failure} The request was sent, and may have been carried out.")
    return failure
