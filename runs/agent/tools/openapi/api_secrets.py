"""The secrets that calls of operations may carry, by the origin that may get them: `AGENTSITE_API_SECRETS`.

`{"https://api.example.org": ["EXAMPLE_KEY"]}`: names of variables. People choose on a page which of them an API gets;
no page can send another variable anywhere, nor these to another origin.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from runs.agent.redaction.redactor import MIN_SECRET_CHARS
from runs.agent.tools.web.http_hosts import host_of, parse_http_hosts

API_SECRETS: Final = "AGENTSITE_API_SECRETS"
ApiSecrets = dict[str, tuple[str, ...]]
"""Names of variables by origin."""


def api_secrets() -> ApiSecrets:
    """The secrets of this process. Raises `ValueError`."""
    return parse_api_secrets(os.environ.get(API_SECRETS, ""), os.environ)


def secret_names_for(url: str, secrets: ApiSecrets) -> tuple[str, ...]:
    """The names of the variables whose values the origin of the URL may get."""
    hosts = parse_http_hosts(json.dumps({each: {} for each in secrets}), {}, API_SECRETS)
    host = host_of(url, hosts)
    return secrets[list(secrets)[hosts.index(host)]] if host is not None else ()


def parse_api_secrets(text: str, environ: Mapping[str, str]) -> ApiSecrets:
    """The setting's JSON; empty for an empty text. Raises `ValueError` with the fault and its place, and no value."""
    if not text.strip():
        return {}
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{API_SECRETS} is not JSON.") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{API_SECRETS} must be a JSON object of origins.")  # noqa: TRY004 - a wrong setting
    parse_http_hosts(json.dumps({each: {} for each in entries}), {}, API_SECRETS)
    return {origin: _names(names, f"{API_SECRETS}[{origin!r}]", environ) for origin, names in entries.items()}


def _names(names: Any, where: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise ValueError(f"{where} must be a list of the names of variables.")
    for name in names:
        value = environ.get(name, "").strip()
        if not value:
            raise ValueError(f"{where} names {name}, which is not set.")
        if len(value) < MIN_SECRET_CHARS:
            raise ValueError(
                f"{where} names {name}, which has less than {MIN_SECRET_CHARS} characters and so cannot be hidden."
            )
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"{where} names {name}, which has signs that a header cannot have.")
    return tuple(names)
