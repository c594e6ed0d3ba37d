"""Requests for the model list of a server: OpenAI's, Anthropic's and Google's lists, and details from local servers.

Needs an HTTP client, which is slow to import: `model_refresh.py` loads this module when it reads the first list.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from runs.agent.providers.model_catalog.model_entries import (
    MAX_MODELS,
    ListedModel,
    models_in,
    shown_by_ollama,
    tokens_from,
)
from runs.agent.providers.model_server import Server
from runs.agent.tls import tls_context

TIMEOUT_S: Final = 20.0
"""Time limit of a whole list, with all its pages."""
MAX_BYTES: Final = 8 * 1024 * 1024
"""Size limit of one response. OpenRouter's list has one megabyte."""
MAX_PAGES: Final = 20
MAX_SHOWN: Final = 50
"""Limit of the models of an Ollama server that are queried one by one."""

logger = logging.getLogger(__name__)


class ListUnavailable(Exception):
    """The list could not be read. The message has the reason, and nothing that the server sent."""


async def read_list(server: Server, kind: str) -> dict[str, ListedModel]:
    """The models of a server by name, in its order. `kind` is that of an endpoint, or `google`.

    Raises `ListUnavailable`, after `TIMEOUT_S` at the latest. Redirects are not followed: the key is for this server
    only.
    """
    try:
        http = httpx2.AsyncClient(headers=_headers(server, kind), verify=tls_context())
        async with asyncio.timeout(TIMEOUT_S), http:
            asking = _ListRequest(http, server, kind)
            match kind:
                case "google":
                    return await asking.pages("/v1beta/models", {"pageSize": "1000"}, "pageToken", "nextPageToken")
                case "anthropic":
                    return await asking.pages("/v1/models", {"limit": "1000"}, "after_id", "last_id")
                case _:
                    return await asking.openai()
    except TimeoutError as error:
        raise ListUnavailable(f"the list was not complete within {TIMEOUT_S:g} s") from error


def _headers(server: Server, kind: str) -> dict[str, str]:
    # No compression: a compressed body may expand a thousandfold.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    key = server.key
    match kind:
        case "anthropic":
            headers["anthropic-version"] = "2023-06-01"
            headers |= {"X-Api-Key": key} if key else {}
            # Compatible servers may expect it here.
            headers |= {"Authorization": f"Bearer {key}"} if key and server.name != "anthropic" else {}
        case "google":
            headers |= {"X-Goog-Api-Key": key} if key else {}  # not in the address, which is logged
        case _:
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
    return headers


@dataclass(frozen=True, slots=True)
class _ListRequest:
    """Requests to one server."""

    http: httpx2.AsyncClient
    server: Server
    kind: str

    async def pages(self, path: str, query: dict[str, str], asks: str, tells: str) -> dict[str, ListedModel]:
        """A paged list: `asks` is the query parameter for the next page, `tells` the member with its value."""
        # The SDK of the format adds the version, so the configured address may have it or not.
        base = self.server.base_url.rstrip("/").removesuffix(path.rpartition("/")[0])
        found: dict[str, ListedModel] = {}
        for _ in range(MAX_PAGES):
            body = await self.json(f"{base}{path}", query)
            before = len(found)
            found |= models_in(body)
            following = body.get(tells) if isinstance(body, dict) and body.get("has_more", True) is True else None
            if not isinstance(following, str) or not following or not before < len(found) < MAX_MODELS:
                break
            query = {**query, asks: following}
        return found

    async def openai(self) -> dict[str, ListedModel]:
        """The list of `/models`; without context windows in it, completed from the native APIs of local servers."""
        found = models_in(await self.json(f"{self.server.base_url.rstrip('/')}/models", {}))
        if self.server.name == "openai" or all(each.capabilities.context_tokens for each in found.values()):
            return found
        for told in (self._by_ollama, self._by_lm_studio, self._by_llama_cpp):
            try:
                if more := await told(found):
                    return {name: _completed(each, more.get(name)) for name, each in found.items()}
            except ListUnavailable as reason:
                logger.debug("%r has no %s: %s.", self.server.name, told.__name__, reason)
        return found

    async def _by_ollama(self, found: Iterable[str]) -> dict[str, ListedModel]:
        tags = models_in(await self.json(self._root("/api/tags"), {}))
        loaded = await self.json(self._root("/api/ps"), {}) if tags else {}
        running = {name: each.capabilities.context_tokens for name, each in models_in(loaded).items()}
        names = [name for name in found if name in tags][:MAX_SHOWN]
        asking = [self.json(self._root("/api/show"), {}, post={"model": name}) for name in names]
        shown = await asyncio.gather(*asking, return_exceptions=True)
        bodies = zip(names, shown, strict=True)
        models = {name: shown_by_ollama(name, body) for name, body in bodies if not isinstance(body, BaseException)}
        return {name: _with_window(each, running.get(name)) for name, each in models.items()}

    async def _by_lm_studio(self, _: Iterable[str]) -> dict[str, ListedModel]:
        return models_in(await self.json(self._root("/api/v0/models"), {}))

    async def _by_llama_cpp(self, found: Iterable[str]) -> dict[str, ListedModel]:
        body = await self.json(self._root("/props"), {})
        settings = body.get("default_generation_settings") if isinstance(body, dict) else None
        window = tokens_from(settings.get("n_ctx")) if isinstance(settings, dict) else None
        return {name: _with_window(ListedModel(name=name), window) for name in found} if window else {}

    def _root(self, path: str) -> str:
        parts = urlsplit(self.server.base_url)
        return f"{parts.scheme}://{parts.netloc}{path}"

    async def json(self, address: str, query: dict[str, str], *, post: Any = None) -> Any:
        """The JSON at an address. Raises `ListUnavailable`."""
        method = "GET" if post is None else "POST"
        try:
            async with self.http.stream(method, address, params=query or None, json=post, timeout=TIMEOUT_S) as answer:
                if answer.status_code != 200:
                    raise ListUnavailable(f"the server answered {answer.status_code}")
                return json.loads(await _body(answer))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            raise ListUnavailable(_why_unheard(error)) from error
        except (ValueError, RecursionError) as error:
            raise ListUnavailable("the server did not send JSON") from error


def _why_unheard(error: Exception) -> str:
    match error:
        case httpx2.ConnectError() | httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return "no server answers at the address"
        case httpx2.TimeoutException():
            return "the server did not answer in time"
        case _:
            return f"the connection to the server broke ({type(error).__name__})"


async def _body(answer: httpx2.Response) -> bytes:
    if answer.headers.get("Content-Encoding", "identity") not in ("", "identity"):
        raise ListUnavailable("the server compressed the list although it was asked not to")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ListUnavailable(f"the list is longer than {MAX_BYTES} bytes")
    return bytes(body)


def _completed(model: ListedModel, other: ListedModel | None) -> ListedModel:
    if other is None:
        return model
    capabilities = other.capabilities.completed_by(model.capabilities)  # the native API is more exact
    is_for_agents = model.is_for_agents and other.is_for_agents
    return replace(model, capabilities=capabilities, is_for_agents=is_for_agents)


def _with_window(model: ListedModel, window: int | None) -> ListedModel:
    return replace(model, capabilities=replace(model.capabilities, context_tokens=window)) if window else model
