"""The HTTP API asked from inside this process, so that MCP has exactly its permissions, limits and errors."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.urls import resolve

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import FROM_MCP, Caller

_THREADS: Final = ThreadPoolExecutor(2, thread_name_prefix="agentsite-mcp")
"""Of this process. The thread of a request ends when its response begins, and a call may go on after that."""


@dataclass(frozen=True, slots=True)
class LocalReply:
    """What the API said: the JSON of its response, and who asked; `caller` is None if the token was refused."""

    status: int
    body: JsonObject
    caller: Caller | None

    @property
    def is_error(self) -> bool:
        """True for a refusal; the body is then `{"error": …}`."""
        return self.status >= 400


class LocalApi:
    """The API for the holder of one token. The token is checked anew at each request, as over HTTP."""

    def __init__(self, token: str, address: str = "127.0.0.1") -> None:
        """`address` is the client's, which wrong tokens are counted for."""
        self._token = token
        self._address = address

    async def get(self, path: str, **query: Any) -> LocalReply:
        """The response to GET; parameters that are None or empty are not sent."""
        sent = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return await self._in_thread("GET", path, sent, b"", {})

    async def post(self, path: str, body: JsonObject | None = None, **headers: str) -> LocalReply:
        """The response to POST."""
        sent = b"" if body is None else json.dumps(body).encode()
        return await self._in_thread("POST", path, "", sent, headers)

    async def _in_thread(self, *request: Any) -> LocalReply:
        ask = partial(copy_context().run, self._asked, *request)
        return await asyncio.get_running_loop().run_in_executor(_THREADS, ask)

    def _asked(self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]) -> LocalReply:
        path = f"/api/v1{path}"
        request: Any = WSGIRequest(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": "application/json" if body else "",
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_ADDR": self._address,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "HTTP_AUTHORIZATION": f"Bearer {self._token}",
                FROM_MCP: True,
                **{f"HTTP_{name.upper()}": text for name, text in headers.items()},
                "wsgi.input": BytesIO(body),
            }
        )
        try:
            found = resolve(path)
            response = found.func(request, *found.args, **found.kwargs)
            caller = getattr(request, "auth", None)
            return LocalReply(response.status_code, json.loads(response.content), caller)
        finally:
            connection.close()
