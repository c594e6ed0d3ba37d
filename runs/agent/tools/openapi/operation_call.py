"""A call of an operation, and its answer for a model."""

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.call_idempotency import idempotency_key
from runs.agent.tools.openapi.api_secrets import api_secrets, secret_names_for
from runs.agent.tools.openapi.operation_request import operation_request
from runs.agent.tools.protocol import Effect
from runs.agent.tools.web.http_hosts import HTTP_HOSTS, host_of, http_hosts

MOST_ERROR_CHARS: Final = 4_000
DEADLINE_S: Final = 30.0
"""For everything: the name, the connection, the request and the body of its answer."""
KEY_HEADER: Final = "Idempotency-Key"
_LATER: Final = (408, 425, 429, 500, 502, 503, 504)
_GATEWAY: Final = (408, 502, 504)
"""Somebody between answers that the API has not: it may work on the request all the same."""


async def call_operation(
    plan: JsonObject,
    arguments: JsonObject,
    *,
    server: str,
    credentials: Mapping[str, str],
    effect: Effect,
    deadline_s: float = DEADLINE_S,
) -> JsonObject:
    """Status, headers and body of a successful answer. `credentials` are names of variables by security scheme.

    Raises `InvalidArguments`, `ToolFailed` with the API's words for an error status (`ToolUnavailable` if a read may
    succeed later), `ToolUnavailable` if nothing was sent or another try does no harm, and else `OutcomeUnknown`.
    """
    # Loaded at the first call: the HTTP client takes a tenth of a second.
    from runs.agent.tools.web.api_call import exchange, made_request, shown_url

    url = plan.get("server", server)
    host = host_of(url, http_hosts())
    if host is None:
        raise ToolFailed(f"The address of this API is not chosen, or not one that the site allows ({HTTP_HOSTS}).")
    request = operation_request(plan, arguments, server=url, credentials=_values(url, credentials))
    headers = request.headers
    if effect == "idempotent" and KEY_HEADER.lower() not in map(str.lower, headers):
        headers = headers | {KEY_HEADER: idempotency_key()}
    sent = made_request(request.url, request.method, headers, host, content=request.content)
    answer = await exchange(
        sent,
        host,
        is_repeatable=effect != "unsafe",
        shown=shown_url(request.url),
        secrets=request.secrets,
        deadline_s=deadline_s,
    )
    if answer["status"] >= 400:
        raise _refused(host.origin, request.method, answer, effect)
    return answer


def _values(url: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """The values by security scheme, of those variables that the settings let the origin of the URL have."""
    allowed = secret_names_for(url, api_secrets())
    return {scheme: os.environ[name].strip() for scheme, name in credentials.items() if name in allowed}


def _refused(origin: str, method: str, answer: JsonObject, effect: Effect) -> ToolFailed:
    status = answer["status"]
    try:
        words = f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        words = str(status)
    told = f"{origin} answered {method} with {words}"
    body = _body_text(answer.get("body"))
    told = f"{told}: {body}" if body else f"{told}."
    if status in _LATER and effect != "unsafe":
        return ToolUnavailable(told)
    if status in _GATEWAY and effect == "unsafe":
        return ToolFailed(f"{told}\nThe request may have been carried out all the same.")
    return ToolFailed(told)


def _body_text(body: Any) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False) if body is not None else ""
    return text.strip()[:MOST_ERROR_CHARS]
