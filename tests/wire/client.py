"""A client without logic: sends any JSON to the wire server and returns the response."""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2

from tests.wire.server import WireServer


class Told(NamedTuple):
    """A response: status, body, headers."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """The message of an error; empty for a reply."""
        error = self.body.get("error") or self.body  # Mistral's is the body itself
        return str(error if isinstance(error, str) else error.get("message", ""))


def post(server: WireServer, path: str, body: Mapping[str, Any], **headers: str) -> Told:
    """The response to a POST of the body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.post(f"{server.url}{path}", json=dict(body), headers=named, timeout=30)
    return Told(response.status_code, response.json())


def get(server: WireServer, path: str, **headers: str) -> Told:
    """The response to a GET of the path."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.get(f"{server.url}{path}", headers=named, timeout=30)
    return Told(response.status_code, response.json())


def changed(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of the body with some fields changed; None removes a field."""
    made = {**copy.deepcopy(dict(body)), **changes}
    return {name: value for name, value in made.items() if value is not None}
