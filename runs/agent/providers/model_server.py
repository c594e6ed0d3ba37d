"""The server of a model: a company's API, or a server of AGENTSITE_ENDPOINTS."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Server:
    """A base URL and its key."""

    name: str
    """`openai`, `anthropic`, `google`, or the name of an endpoint."""
    base_url: str
    key: str | None = field(default=None, repr=False)
    """None for a server that needs none."""


def account_of(server: Server) -> str:
    """An identifier of server and key, with a hash in place of the key."""
    key = hashlib.sha256((server.key or "").encode()).hexdigest()[:12]
    return f"{server.name} {server.base_url} {key}"
