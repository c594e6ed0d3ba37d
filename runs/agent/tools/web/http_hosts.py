"""The APIs that `http_request` may call: the allow-list `AGENTSITE_HTTP_HOSTS`, with headers from named secrets.

`{"https://api.example.org": {"Authorization": "Bearer $EXAMPLE_TOKEN"}}`: each origin with the headers that every
request to it gets. `$NAME` stands for the variable of that name; `$$` for a dollar sign.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any, Final
from urllib.parse import urlsplit

from runs.agent.redaction.redactor import MIN_SECRET_CHARS

HTTP_HOSTS: Final = "AGENTSITE_HTTP_HOSTS"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OF_THE_CONNECTION: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect")
)
"""Headers that belong to the connection, not to the request."""


@dataclass(frozen=True, slots=True)
class HttpHost:
    """One API of the allow-list."""

    scheme: str
    host: str
    port: int
    headers: tuple[tuple[str, str], ...] = ()
    """Name and template of each header."""

    @property
    def origin(self) -> str:
        """Scheme, host and port as people write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")

    @property
    def secret_names(self) -> list[str]:
        """The variables that its headers name."""
        return [name for _, text in self.headers for name in Template(text).get_identifiers()]

    def filled_headers(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The headers with their secrets. Raises `KeyError` with the name of a variable that is not set."""
        return {name: Template(text).substitute(environ) for name, text in self.headers}


def http_hosts() -> list[HttpHost]:
    """The allow-list of this process. Raises `ValueError`."""
    return parse_http_hosts(os.environ.get(HTTP_HOSTS, ""), os.environ)


def host_of(url: str, hosts: list[HttpHost]) -> HttpHost | None:
    """The entry for this URL; None if it is not allowed."""
    try:
        parts = urlsplit(url.strip())
        wanted = (parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return None
    return next((each for each in hosts if (each.scheme, each.host, each.port) == wanted), None)


def belongs_to_connection(name: str) -> bool:
    """True for a header that belongs to the connection, which nobody may set."""
    return name.lower() in _OF_THE_CONNECTION or name.lower().startswith("proxy-")


def parse_http_hosts(text: str, environ: Mapping[str, str], setting: str = HTTP_HOSTS) -> list[HttpHost]:
    """The allow-list in the JSON of `AGENTSITE_HTTP_HOSTS`, or of another `setting`; empty for an empty text.

    Raises `ValueError` with the fault and its place, and no values: they may be secrets.
    """
    if not text.strip():
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{setting} is not JSON.") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{setting} must be a JSON object of origins.")  # noqa: TRY004 - a wrong setting
    return [_http_host(origin, headers, environ, setting) for origin, headers in entries.items()]


def _http_host(origin: str, headers: Any, environ: Mapping[str, str], setting: str) -> HttpHost:
    where = f"{setting}[{origin!r}]" if "@" not in origin else setting
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in _DEFAULT_PORTS or parts.path.strip("/") or "@" in origin or port == 0:
        raise ValueError(f"{where} must be an origin without a path, such as https://api.example.org.")
    if parts.query or parts.fragment or not host.isascii():
        raise ValueError(f"{where} must be an origin without a path, such as https://api.example.org.")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise ValueError(f"{where} must be an object of headers, or {{}}.")
    made = HttpHost(
        parts.scheme, host.rstrip("."), port or _DEFAULT_PORTS[parts.scheme], tuple((n, t) for n, t in headers.items())
    )
    for name, text in headers.items():
        _check_header(name, text, f"{where}.{name}", environ)
    return made


def _check_header(name: str, text: str, where: str, environ: Mapping[str, str]) -> None:
    if not name or not all(sign.isalnum() or sign in "-_" for sign in name) or not name.isascii():
        raise ValueError(f"{where} is not the name of a header.")
    if belongs_to_connection(name):
        raise ValueError(f"{where} belongs to the connection and cannot be set.")
    template = Template(text)
    if not template.is_valid():
        raise ValueError(f"{where} has a $ that is not followed by a name; write $$ for a dollar sign.")
    for variable in template.get_identifiers():
        value = environ.get(variable, "").strip()
        if not value:
            raise ValueError(f"{where} names {variable}, which is not set.")
        if len(value) < MIN_SECRET_CHARS:
            least = f"{MIN_SECRET_CHARS} characters"
            raise ValueError(f"{where} names {variable}, which has less than {least} and so cannot be hidden.")
    filled = template.substitute(environ)
    if not filled.isascii() or not filled.isprintable():
        raise ValueError(f"{where} has signs that a header cannot have.")
