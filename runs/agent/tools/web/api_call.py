"""One request to an API of the allow-list, and its answer for a model."""

import asyncio
import json
import os
import ssl
from collections.abc import Collection, Mapping
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
from runs.agent.tools.web.page import is_text
from runs.agent.tools.web.plain_text import cleaned, decoded

MAX_CHARACTERS: Final = 24_000
"""Of the body in an answer."""
_SHOWN_HEADERS: Final = ("content-type", "location", "retry-after", "etag", "last-modified", "link", "x-request-id")
_REPEATABLE: Final = ("GET", "HEAD")
_USUAL_HEADERS: Final = {"User-Agent": "Agentsite", "Accept": "*/*"}


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
    request = _model_request(target, method, body, headers or {}, host)
    is_repeatable = method in _REPEATABLE
    return await exchange(request, host, is_repeatable=is_repeatable, resolver=resolver, tls=tls, deadline_s=deadline_s)


async def exchange(
    request: httpx2.Request,
    host: HttpHost,
    *,
    is_repeatable: bool,
    shown: httpx2.URL | None = None,
    secrets: Collection[str] = (),
    resolver: Resolver = system_addresses,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> JsonObject:
    """Status, headers and body of the answer to a request to `host`, whatever the status is.

    The host's secrets and `secrets` are hidden in it. `shown` is the address for people, in place of one with a secret.
    `is_repeatable` tells whether another try does no harm. Raises `ToolUnavailable` if nothing was sent, or if it does
    none, and else `OutcomeUnknown`.
    """
    sent = _Sent()
    request.extensions["trace"] = sent.trace
    rules = HostRules(frozenset({(host.host, host.port)}))
    hidden = Redactor({os.environ[name].strip() for name in host.secret_names} | set(secrets))
    try:
        async with asyncio.timeout(deadline_s), GuardedTransport(rules, resolver=resolver, tls=tls) as transport:
            answer = await _answer(transport, request)
    except (httpx2.HTTPError, ssl.SSLError, TimeoutError) as error:
        failure = _failure(shown or request.url, error, deadline_s, is_lost=sent.is_sent and not is_repeatable)
        raise type(failure)(hidden.text(str(failure))) from error
    shown_answer: JsonObject = hidden.value(answer)
    return shown_answer


def shown_url(url: str) -> httpx2.URL:
    """The address without its query, which may have a secret. Raises `AddressRefused` for a text that is none."""
    return parsed_url(url).copy_with(query=None)


class _Sent:
    """Whether a request has begun to leave."""

    is_sent = False

    async def trace(self, event: str, _about: object) -> None:
        """Called by the HTTP client for each event of the connection."""
        self.is_sent = self.is_sent or event.endswith("send_request_headers.started")


def _model_request(
    url: httpx2.URL, method: str, body: Any, headers: Mapping[str, str], host: HttpHost
) -> httpx2.Request:
    own = {name.lower() for name, _ in host.headers}
    for name in headers:
        if name.lower() not in own and (belongs_to_connection(name) or name.lower() == "cookie"):
            raise ToolFailed(f"The header {name[:40]!r} cannot be set.")
    content = body.encode(errors="replace") if isinstance(body, str) else None
    return made_request(
        url, method, headers, host, content=content, json=body if isinstance(body, dict | list) else None
    )


def made_request(
    url: httpx2.URL | str,
    method: str,
    headers: Mapping[str, str],
    host: HttpHost,
    *,
    content: bytes | None = None,
    json: Any = None,
) -> httpx2.Request:
    """A request to `host` with these headers and its own, which go first. Raises `ToolFailed`."""
    own = host.filled_headers(os.environ) | {"Accept-Encoding": "gzip, deflate"}
    sent = _without(headers, own) | own
    try:
        return httpx2.Request(
            method,
            parsed_url(str(url)).copy_with(fragment=None),
            headers=_without(_USUAL_HEADERS, sent) | sent,
            content=content,
            json=json,
            extensions={"timeout": httpx2.Timeout(DEADLINE_S, connect=CONNECT_S).as_dict()},
        )
    except (ValueError, TypeError) as error:  # signs that a header cannot have
        raise ToolFailed("The headers or the body of this request cannot be sent.") from error


def _without(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """The headers without those that are in `others`, however they are written."""
    there = {name.lower() for name in others}
    return {name: text for name, text in headers.items() if name.lower() not in there}


async def _answer(transport: GuardedTransport, request: httpx2.Request) -> JsonObject:
    response = await transport.handle_async_request(request)
    response.request = request
    try:
        body, is_cut = await read_body(response)
    finally:
        await response.aclose()
    answer: JsonObject = {
        "status": response.status_code,
        "headers": {name: response.headers[name][:500] for name in _SHOWN_HEADERS if name in response.headers},
    }
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and not is_text(media_type or "application/octet-stream", body):
        size = f"more than {len(body):,}" if is_cut else f"{len(body):,}"
        return answer | {"note": f"The body is {media_type[:100] or 'a file'} of {size} bytes, which is not text."}
    text = cleaned(decoded(body, response.charset_encoding or "utf-8") or body.decode(errors="replace"))
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


def _failure(url: httpx2.URL, error: Exception, deadline_s: float, *, is_lost: bool) -> ToolFailed:
    if isinstance(error, httpx2.LocalProtocolError):
        return ToolFailed(f"The request to {url.host} cannot be sent: {str(error)[:200]}")
    late = ToolUnavailable(f"{url.host} gave no full answer within {deadline_s:g} s.")
    failure = late if isinstance(error, TimeoutError) else unreachable(url, error)
    if is_lost:
        return OutcomeUnknown(f"{failure} The request was sent, and may have been carried out.")
    return failure
