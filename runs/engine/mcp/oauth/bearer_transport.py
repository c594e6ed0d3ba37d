"""The transport that signs the requests of a connection in."""

from typing import Final

import httpx2
from mcp.client.auth.utils import extract_field_from_www_auth

from runs.engine.mcp.oauth.access_tokens import AccessTokens

MAX_SCOPE_CHARS: Final = 1000
MAX_CHALLENGE_CHARS: Final = 4000


def lacks_scope(response: httpx2.Response) -> bool:
    """True for the refusal of a request whose token does not go far enough (RFC 6750, 3.1)."""
    if response.status_code != 403 or len(response.headers.get("www-authenticate", "")) > MAX_CHALLENGE_CHARS:
        return False
    return extract_field_from_www_auth(response, "error") == "insufficient_scope"


def _wanted_scope(response: httpx2.Response) -> str:
    """What the server wants for a request that it refused; empty if it does not say."""
    scope = extract_field_from_www_auth(response, "scope") if lacks_scope(response) else None
    return scope[:MAX_SCOPE_CHARS] if scope is not None and scope.isascii() and scope.isprintable() else ""


class BearerTransport(httpx2.AsyncBaseTransport):
    """Sends requests with the access token of a sign-in, once more with another one if the server refuses the first: it
    has not begun a request that it answers with 401. Without a sign-in the request goes as it is."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, tokens: AccessTokens) -> None:
        self._inner, self._tokens = inner, tokens

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        token = await self._tokens.token()
        response = await self._send(request, token)
        if token and (scope := _wanted_scope(response)):
            await self._tokens.note_wanted(token, scope)
        if response.status_code != 401 or not token:
            return response
        another = await self._tokens.after_refusal(token)
        if not another:
            return response
        await response.aclose()
        return await self._send(request, another)

    async def _send(self, request: httpx2.Request, token: str) -> httpx2.Response:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
