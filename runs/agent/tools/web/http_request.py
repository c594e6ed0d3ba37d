"""The tool that calls the APIs of the allow-list."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.registry import tool
from runs.agent.tools.web.http_hosts import HTTP_HOSTS, host_of, http_hosts


def _is_set_up() -> bool:
    try:
        return bool(http_hosts())
    except ValueError:
        return False


def _reaches() -> str:
    return f"It reaches only: {', '.join(each.origin for each in http_hosts())}." if _is_set_up() else ""


def _allowed(url: str) -> str:
    # Before a person is asked: a call that cannot be made needs no approval.
    hosts = http_hosts()
    if not hosts:
        raise ValueError(f"the site names no API that may be called ({HTTP_HOSTS})")
    if host_of(url, hosts) is None:
        raise ValueError(f"only these may be called: {', '.join(each.origin for each in hosts)}")
    return url


@tool(effect="unsafe", layer="builtin", timeout_s=60, is_offered=_is_set_up, setup_note=_reaches)
async def http_request(
    url: Annotated[str, AfterValidator(_allowed)],
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET",
    body: dict[str, Any] | list[Any] | str | None = None,
    headers: dict[str, str] | None = None,
) -> JsonObject:
    """Call an HTTP API that the site allows. The site adds the credentials; a redirect is not followed.

    Args:
        url: The address, with its query.
        method: The HTTP method.
        body: An object or a list is sent as JSON, a string as it is.
        headers: Further headers, such as Accept. Never credentials.
    """
    # Loaded at the first call: the HTTP client takes a tenth of a second.
    from runs.agent.tools.web.api_call import api_answer

    return await api_answer(url, method, body=body, headers=headers or {})
