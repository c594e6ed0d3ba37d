"""Origin check: only pages of this site may open its sockets.

A browser sends its cookies with a socket opened by any page of any site, and asks no permission first. It cannot be
made to forge the `Origin` header.
"""

from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from runs.asgi_types import Receive, Scope, Send


class ExactOrigin:
    """Refuses (HTTP 403) a handshake whose Origin is not exactly scheme, host and port of the address it came to."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_own_origin(scope):
            await self.application(scope, receive, send)
            return
        await receive()
        # Closed before accept: the server answers the handshake with 403.
        await send({"type": "websocket.close"})


def is_own_origin(scope: Scope) -> bool:
    """True if there is one Origin, and it is the page's own: `https://` or `http://`, then the Host header as it is."""
    origins, hosts = _headers(scope, b"origin"), _headers(scope, b"host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    return origins[0] == f"{_scheme(scope)}://{hosts[0]}" and _is_allowed(hosts[0])


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin1") for key, value in scope.get("headers", []) if key.lower() == name]


def _scheme(scope: Scope) -> str:
    """The scheme the browser used: from the trusted proxy's header, or else as the server saw it."""
    proxy_header: tuple[str, str] | None = settings.SECURE_PROXY_SSL_HEADER
    if proxy_header:
        header, secure_value = proxy_header
        name = header.removeprefix("HTTP_").replace("_", "-").lower().encode("ascii")
        return "https" if _headers(scope, name) == [secure_value] else "http"
    return "https" if scope.get("scheme") in ("wss", "https") else "http"


def _is_allowed(host: str) -> bool:
    # `split_domain_port` lowers the case and drops a final dot. A host that differs from the result is not sent by a
    # browser, and "example.com." is another origin.
    domain, port = split_domain_port(host)
    return host == (f"{domain}:{port}" if port else domain) and validate_host(domain, settings.ALLOWED_HOSTS)
