"""The search services of this site: which there are, and how each is asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import httpx2

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.sandbox.job import run_job
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.tools.web.download import CONNECT_S, parsed_url, read_body, unreachable
from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.host_rules import HostRules, fetch_rules
from runs.agent.tools.web.search_results import (
    BadAnswer,
    SearchHit,
    from_brave,
    from_ddgs,
    from_searxng,
    from_tavily,
)
from runs.agent.tools.web.search_settings import SearchSettings

BRAVE: Final = "https://api.search.brave.com/res/v1/web/search"
TAVILY: Final = "https://api.tavily.com/search"
JOB: Final = "runs.agent.tools.web.ddgs_job"
ANSWER_S: Final = 12.0
"""For one service: the next one is asked then."""
DDGS_LIMITS: Final = JobLimits(cpu_s=10, wall_s=20.0, memory_bytes=2048 * MIB, has_network=True)


class ServiceDown(Exception):
    """The service gave no results. The message says why, without secrets."""

    def __init__(self, why: str, *, status: int | None = None) -> None:
        """`status` is that of its answer, if it gave one."""
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class SearchService:
    """One service."""

    name: str
    search: Callable[[str, int], Awaitable[list[SearchHit]]]
    """Words and the number of results. Raises `ServiceDown`."""


def services_of(
    settings: SearchSettings, *, brave: str = BRAVE, tavily: str = TAVILY, ddgs_limits: JobLimits = DDGS_LIMITS
) -> list[SearchService]:
    """The services that are set up, in the order in which they are asked."""
    ask: dict[str, Callable[[str, int], Awaitable[list[SearchHit]]]] = {
        "searxng": partial(_searxng, settings.searxng_url),
        "brave": partial(_brave, brave, settings.brave_key),
        "tavily": partial(_tavily, tavily, settings.tavily_key),
        "ddgs": partial(_ddgs, ddgs_limits),
    }
    return [SearchService(name, ask[name]) for name in settings.order]


async def _searxng(base: str, query: str, count: int) -> list[SearchHit]:
    url = parsed_url(f"{base.rstrip('/')}/search").copy_merge_params({"q": query, "format": "json"})
    try:
        return from_searxng(await _json(httpx2.Request("GET", url)))[:count]
    except ServiceDown as down:
        if down.status == HTTPStatus.FORBIDDEN:
            raise ServiceDown("it answered 403: its settings.yml must list json under search.formats") from down
        raise
    except BadAnswer as bad:
        raise ServiceDown(str(bad)) from bad


async def _brave(address: str, key: str, query: str, count: int) -> list[SearchHit]:
    asked: dict[str, str] = {"q": query, "count": str(count), "text_decorations": "false"}
    url = httpx2.URL(address).copy_merge_params(asked)
    return await _found(httpx2.Request("GET", url, headers={"X-Subscription-Token": key}), from_brave, count)


async def _tavily(address: str, key: str, query: str, count: int) -> list[SearchHit]:
    asked = {"query": query, "max_results": count, "search_depth": "basic"}
    request = httpx2.Request("POST", address, headers={"Authorization": f"Bearer {key}"}, json=asked)
    return await _found(request, from_tavily, count)


async def _ddgs(limits: JobLimits, query: str, count: int) -> list[SearchHit]:
    try:
        answer = await run_job(JOB, json.dumps({"query": query, "count": count}).encode(), limits=limits)
        return from_ddgs(json.loads(answer))[:count]
    except (ToolFailed, BadAnswer) as error:
        raise ServiceDown(str(error).rstrip(".")) from error


async def _found(request: httpx2.Request, read: Callable[[Any], list[SearchHit]], count: int) -> list[SearchHit]:
    try:
        return read(await _json(request))[:count]
    except BadAnswer as bad:
        raise ServiceDown(str(bad)) from bad


async def _json(request: httpx2.Request) -> Any:
    """The JSON that the service answers."""
    request.headers.update(
        {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "Agentsite"}
    )
    request.extensions["timeout"] = httpx2.Timeout(ANSWER_S, connect=CONNECT_S).as_dict()
    try:
        async with asyncio.timeout(ANSWER_S), GuardedTransport(_rules(request.url)) as transport:
            response = await transport.handle_async_request(request)
            response.request = request
            try:
                body, is_cut = await read_body(response)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise ServiceDown(f"it gave no answer within {ANSWER_S:g} s") from error
    except httpx2.HTTPError as error:
        # The whole address has the words that were searched for, which the model knows.
        raise ServiceDown(str(unreachable(request.url.copy_with(query=None), error)).rstrip(".")) from error
    except ToolFailed as error:
        raise ServiceDown(str(error).rstrip(".")) from error
    if response.status_code != 200:
        raise ServiceDown(f"it answered {response.status_code}", status=response.status_code)
    try:
        return None if is_cut else json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServiceDown("its answer is not JSON") from error


def _rules(url: httpx2.URL) -> HostRules:
    """The site's rules, and the service itself, which the settings name."""
    port = url.port if url.port is not None else (443 if url.scheme == "https" else 80)
    return HostRules(fetch_rules().named | {(url.host.rstrip("."), port)})
