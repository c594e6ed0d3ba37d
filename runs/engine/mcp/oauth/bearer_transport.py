"""The transport that signs the requests of a connection in."""

import httpx2

from runs.engine.mcp.oauth.access_tokens import AccessTokens


class BearerTransport(httpx2.AsyncBaseTransport):
    """Sends requests with the access token of a sign-in, once more with another one if the server refuses the first: it
    has not begun a request that it answers with 401. Without a sign-in the request goes as it is."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, tokens: AccessTokens) -> None:
        self._inner, self._tokens = inner, tokens

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        token = await self._tokens.token()
        response = await self._send(request, token)
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
