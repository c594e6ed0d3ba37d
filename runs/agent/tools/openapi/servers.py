"""The addresses that a document names for its API."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any, Final
from urllib.parse import urljoin

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.references import as_object

MOST_SERVERS: Final = 20
MAX_URL_CHARS: Final = 500
_CHARS_OF_VALUE: Final = 200


def server_urls(servers: Any, document_url: str = "") -> list[str]:
    """The addresses, with each value that a variable may have, at most `MOST_SERVERS`. A relative one is relative to
    the document; without an address of that it stays as it is."""
    listed = servers if isinstance(servers, list) and servers else [{"url": "/"}]
    found = (url for each in listed[:MOST_SERVERS] if isinstance(each, dict) for url in _expanded(each))
    joined = (_joined(document_url, url) for url in found)
    return list(islice(dict.fromkeys(url for url in joined if 0 < len(url) <= MAX_URL_CHARS), MOST_SERVERS))


def _joined(document_url: str, url: str) -> str:
    """Empty for an address that is none."""
    try:
        return urljoin(document_url, url) if document_url else url
    except ValueError:
        return ""


def _expanded(server: JsonObject) -> Iterator[str]:
    """The address with every combination of its variables, those with their default values first."""
    url = server.get("url")
    variables = as_object(server.get("variables"))
    if not isinstance(url, str) or len(url) > MAX_URL_CHARS:
        return
    names = [name for name in variables if f"{{{name}}}" in url][:8]
    for values in islice(product(*(_values(variables[name]) for name in names)), MOST_SERVERS):
        filled = url
        for name, value in zip(names, values, strict=True):
            filled = filled.replace(f"{{{name}}}", value)
        yield filled


def _values(variable: Any) -> list[str]:
    if not isinstance(variable, dict):
        return [""]
    enum = variable.get("enum")
    values = [variable.get("default", ""), *(enum[:MOST_SERVERS] if isinstance(enum, list) else [])]
    return list(dict.fromkeys(str(each)[:_CHARS_OF_VALUE] for each in values if isinstance(each, str | int)))
