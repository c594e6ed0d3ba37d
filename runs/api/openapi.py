"""The API's own description: what ninja knows of the endpoints, and what holds for all of them."""

import copy
from functools import cache
from typing import Any, Final

from django.conf import settings
from ninja import NinjaAPI

from runs.api.auth import Needs
from runs.api.launching import LONGEST_KEY, REPLAYED
from runs.api.schemas import CALL_ID, RUN_ID, ErrorOut

PREFIX: Final = "/api/v1"

_ERRORS: Final[dict[int, tuple[str, str, str]]] = {
    400: ("BadRequest", "bad_json", "The body is not JSON."),
    401: ("Unauthenticated", "unauthenticated", "There is no good token and no session."),
    403: ("Forbidden", "missing_scope", "The token lacks a scope, or a session's CSRF token is missing."),
    404: ("NotFound", "not_found", "It does not exist, or is not yours."),
    405: ("MethodNotAllowed", "method_not_allowed", "Another method is."),
    409: ("Conflict", "already_decided", "Something else has happened; the message says what."),
    413: ("TooLarge", "too_large", "The task is over 256 KiB, or the body over 1 MiB."),
    415: ("UnsupportedMediaType", "unsupported_media_type", "The body is not application/json."),
    422: ("Invalid", "invalid", "A field, its value and the limit are named."),
    429: ("TooMany", "too_many_requests", "A limit is reached; `Retry-After` says for how many seconds."),
    500: ("Unexpected", "unexpected", "A bug. The log says more."),
    503: ("Unavailable", "unavailable", "The database does not answer."),
}
_EVERYWHERE: Final = (401, 403, 429, 500, 503)
_WITH_ID: Final = (404,)
_WITH_BODY: Final = (400, 413, 415)
_WITH_INPUT: Final = (422,)

_KEY_HEADER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Chosen by you. The same key with the same body gives the same run again; with another body 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    "example": "nightly-report-2026-11-22",
}
_TAKE_A_KEY: Final = ("launch_run", "run_again", "continue_run")


@cache
def _described(api: NinjaAPI) -> dict[str, Any]:
    schema: dict[str, Any] = copy.deepcopy(dict(api.get_openapi_schema(path_prefix=f"{PREFIX.strip('/')}/")))
    schema["components"]["schemas"]["ErrorOut"] = _flat(ErrorOut, schema)
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token from API tokens in the account menu."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A signed-in browser. Changes also need the header X-CSRFToken.",
        },
    }
    schema["components"]["responses"] = {name: _error(*words) for name, *words in _ERRORS.values()}
    schema["components"]["responses"]["TooMany"]["headers"] = _retry_after()
    schema["components"]["responses"]["Unavailable"]["headers"] = _retry_after()
    schema["security"] = [{"token": []}, {"session": []}]
    scopes = _scopes(api)
    for path in schema["paths"].values():
        for operation in path.values():
            _complete(operation, scopes[operation["operationId"]])
    return schema


def describe(api: NinjaAPI, origin: str) -> dict[str, Any]:
    """The OpenAPI 3.1 description, for a site that is reached at `origin`."""
    return _described(api) | {"servers": [{"url": origin}]}


def _complete(operation: dict[str, Any], scope: str) -> None:
    """Add what holds for every endpoint of its kind."""
    operation["x-scope"] = scope
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scope}`.".strip()
    operation["summary"] = operation["description"].split(". ")[0].split("\n")[0].rstrip(".")
    parameters = operation["parameters"]
    statuses = {*_EVERYWHERE}
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["example"] = CALL_ID if parameter["name"] == "call_id" else RUN_ID
            statuses |= {*_WITH_ID}
        else:
            statuses |= {*_WITH_INPUT}
    if operation["operationId"] in _TAKE_A_KEY:
        parameters.append(_KEY_HEADER)
        replayed = {REPLAYED: {"description": "The run was launched before.", "schema": {"const": "true"}}}
        operation["responses"][200] |= {"headers": replayed}
        statuses |= {409, 422}
    if "requestBody" in operation:
        statuses |= {*_WITH_BODY, *_WITH_INPUT}
    statuses |= set(operation.pop("x-errors", ()))
    if "200" in operation["responses"]:
        # It says itself what it answers; what ninja thinks of it is not so.
        operation["responses"].pop(200, None)
    known = {str(status): response for status, response in operation["responses"].items()}
    for status in sorted(statuses):
        known.setdefault(str(status), {"$ref": f"#/components/responses/{_ERRORS[status][0]}"})
    operation["responses"] = dict(sorted(known.items()))


def _scopes(api: NinjaAPI) -> dict[str, str]:
    """By operation id: the scope it needs."""
    scopes = {}
    for _prefix, router in api._routers:  # noqa: SLF001  ninja tells it nowhere else
        for view in router.path_operations.values():
            for operation in view.operations:
                scopes[str(operation.operation_id)] = next(
                    need.scope.value for need in operation.auth_callbacks if isinstance(need, Needs)
                )
    return scopes


def _error(code: str, description: str) -> dict[str, Any]:
    example = {
        "error": {
            "code": code,
            "message": description,
            "severity": "warning",
            "recoverable": False,
            "suggested_action": None,
        }
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}, "example": example}}
    return {"description": description, "content": content}


def _retry_after() -> dict[str, Any]:
    return {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}


def _flat(model: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """The model's schema; the models it needs are put beside it."""
    own: dict[str, Any] = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schema["components"]["schemas"] |= own.pop("$defs", {})
    return own
