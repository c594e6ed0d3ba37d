"""The request of an operation's call: its arguments and credentials, each at its place."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.parameter_styles import (
    Pairs,
    header_text,
    path_text,
    query_pairs,
    quoted,
    text_of,
)
from runs.agent.tools.openapi.request_body import body_content


@dataclass(slots=True)
class OperationRequest:
    """A request as it is sent. Its address and headers may have secrets."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    secrets: set[str] = field(default_factory=set)
    """The values in it that nobody may see."""


def operation_request(
    plan: JsonObject, arguments: JsonObject, *, server: str, credentials: Mapping[str, str]
) -> OperationRequest:
    """The request by the stored `plan` of the operation. `credentials` are the values by their security schemes.

    Raises `InvalidArguments` for a value that cannot be at its place.
    """
    places = _Places(plan["path"])
    for parameter in plan["parameters"]:
        if parameter["argument"] in arguments:
            places.put(parameter, arguments[parameter["argument"]])
    _check_segments(places.path)
    request = OperationRequest(plan["method"], "", places.headers)
    _add_body(request, plan, arguments)
    _add_credentials(request, plan, credentials, places)
    if places.cookies:
        request.headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in places.cookies)
    request.url = _url(server, places.path, places.query)
    return request


@dataclass(slots=True)
class _Places:
    """Where arguments go."""

    path: str
    query: Pairs = field(default_factory=list)
    cookies: Pairs = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def put(self, parameter: JsonObject, value: Any) -> None:
        """Write the value at the place of its parameter. Raises `InvalidArguments`."""
        name, style, explode = parameter["name"], parameter["style"], parameter.get("explode", False)
        if style == "json":
            self.put({**parameter, "style": _PLAIN[parameter["in"]]}, text_of(value))
        elif parameter["in"] == "path":
            text = path_text(name, value, style, explode=explode)
            self.path = self.path.replace(f"{{{name}}}", _checked(parameter, text))
        elif parameter["in"] == "query":
            reserved = parameter.get("allow_reserved", False)
            self.query += query_pairs(name, value, style, explode=explode, allow_reserved=reserved)
        elif parameter["in"] == "header":
            self.headers[name] = _header(parameter, header_text(value, explode=explode))
        else:
            self.cookies += query_pairs(name, value, "form", explode=explode)


_PLAIN: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


def _checked(parameter: JsonObject, text: str) -> str:
    """The text for a path. An empty one would make it another path."""
    if text in ("", "."):
        raise InvalidArguments(f"{parameter['argument']} is a part of the path and cannot be empty.")
    return text


def _check_segments(path: str) -> None:
    """Raise `InvalidArguments` for a path that leads elsewhere once a server decodes it: many do so before they look
    for `..`, so to encode the signs is not enough."""
    if any(segment in (".", "..") for segment in unquote(path).replace("\\", "/").split("/")):
        raise InvalidArguments("A value in the path has . or .. as a part between slashes, which is not sent.")


def _header(parameter: JsonObject, text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise InvalidArguments(f"{parameter['argument']} is sent in a header, which has visible ASCII characters only.")
    return text


def _add_body(request: OperationRequest, plan: JsonObject, arguments: JsonObject) -> None:
    body = plan.get("body")
    if body is not None and body["argument"] in arguments:
        request.content, request.headers["Content-Type"] = body_content(arguments[body["argument"]], body)


def _add_credentials(
    request: OperationRequest, plan: JsonObject, credentials: Mapping[str, str], places: _Places
) -> None:
    """Add those of the first alternative of which all are there. Each takes the place of an argument of its name."""
    alternatives: list[list[JsonObject]] = plan.get("security", [])
    chosen: list[JsonObject] = next(
        (each for each in alternatives if all(one["scheme"] in credentials for one in each)), []
    )
    for scheme in chosen:
        value = credentials[scheme["scheme"]]
        request.secrets |= {value, value.partition(":")[2]} - {""}
        match scheme:
            case {"kind": "apiKey", "in": "query", "name": str(name)}:
                _replace(places.query, quoted(name), quoted(value))
            case {"kind": "apiKey", "in": "cookie", "name": str(name)}:
                _replace(places.cookies, quoted(name), quoted(value))
            case {"kind": "apiKey", "name": str(name)}:
                _set_header(request.headers, name, value)
            case {"kind": "basic"}:
                _set_header(request.headers, "Authorization", f"Basic {base64.b64encode(value.encode()).decode()}")
            case _:
                _set_header(request.headers, "Authorization", f"Bearer {value}")


def _replace(pairs: Pairs, name: str, text: str) -> None:
    pairs[:] = [each for each in pairs if each[0] != name] + [(name, text)]


def _set_header(headers: dict[str, str], name: str, text: str) -> None:
    for there in [each for each in headers if each.lower() == name.lower()]:
        del headers[there]
    headers[name] = text


def _url(server: str, path: str, query: Iterable[tuple[str, Any]]) -> str:
    parts = urlsplit(server)
    texts = [parts.query, *(f"{name}={text}" for name, text in query)]
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, "&".join(filter(None, texts)), ""))
