"""The OpenAPI description: ninja's schema of the endpoints, completed with what holds for all of them."""

import copy
from functools import cache
from typing import Any, Final

from django.conf import settings
from ninja import NinjaAPI

from runs.agent.json_data.json_types import JsonObject
from runs.api.alert_schemas import RULE_ID
from runs.api.auth import RequireScope
from runs.api.launches import LONGEST_KEY, REPLAYED
from runs.api.message_schemas import MESSAGE_ID
from runs.api.notification_schemas import CHANNEL_ID, NOTICE_ID, NOTIFICATION_RULE_ID
from runs.api.push_devices import DEVICE_ID
from runs.api.response_schemas import CALL_ID, FILE_ID, QUESTION_ID, RUN_ID, ErrorOut
from runs.api.schedule_schemas import SCHEDULE_ID
from runs.api.slack_schemas import SLACK_CHANNEL_ID
from runs.api.trigger_schemas import DELIVERY_ID, TRIGGER_ID
from runs.api.webhook_schemas import EVENT_ID, WEBHOOK_ID

PREFIX: Final = "/api/v1"

_ERRORS: Final[dict[int, tuple[str, str, str]]] = {
    400: ("BadRequest", "bad_json", "The body is not JSON."),
    401: ("Unauthenticated", "unauthenticated", "There is no good token and no session."),
    403: ("Forbidden", "missing_scope", "The token lacks a scope, or a session's CSRF token is missing."),
    404: ("NotFound", "not_found", "It does not exist, or is not yours."),
    405: ("MethodNotAllowed", "method_not_allowed", "The method is not allowed; `Allow` names those that are."),
    409: ("Conflict", "already_decided", "The state does not allow it; the message says why."),
    413: ("TooLarge", "too_large", "The task is over 256 KiB, or the body over 1 MiB."),
    415: ("UnsupportedMediaType", "unsupported_media_type", "The body is not application/json."),
    422: ("Invalid", "invalid", "A field, its value and the limit are named, or a query parameter that is none."),
    429: ("TooMany", "too_many_requests", "A limit is reached; `Retry-After` says for how many seconds."),
    500: ("Unexpected", "unexpected", "A bug. The log says more."),
    503: ("Unavailable", "unavailable", "The database does not answer."),
}
_EVERYWHERE: Final = (401, 403, 422, 429, 500, 503)
_WITH_ID: Final = (404,)
_WITH_BODY: Final = (400, 413, 415)

_EXAMPLES: Final = {
    "run_id": RUN_ID,
    "thread_id": RUN_ID,
    "call_id": CALL_ID,
    "agent_id": 1,
    "number": 1,
    "name": "production",
    "template_id": 7,
    "file_id": FILE_ID,
    "question_id": QUESTION_ID,
    "message_id": MESSAGE_ID,
    "webhook_id": WEBHOOK_ID,
    "event_id": EVENT_ID,
    "channel_id": CHANNEL_ID,
    "notification_rule_id": NOTIFICATION_RULE_ID,
    "notice_id": NOTICE_ID,
    "slack_channel_id": SLACK_CHANNEL_ID,
    "account_id": 1,
    "device_id": DEVICE_ID,
    "schedule_id": SCHEDULE_ID,
    "rule_id": RULE_ID,
    "trigger_id": TRIGGER_ID,
    "delivery_id": DELIVERY_ID,
}
"""Examples of the parameters in paths."""

_KEY_HEADER: Final[JsonObject] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Chosen by you. The same key with the same body gives the same run again; with another body 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    "example": "nightly-report-2026-11-22",
}
_TAKE_A_KEY: Final = ("launch_run", "run_again", "continue_run", "send_message", "write_in_thread")


@cache
def _described(api: NinjaAPI) -> JsonObject:
    schema: JsonObject = copy.deepcopy(dict(api.get_openapi_schema(path_prefix=f"{PREFIX.strip('/')}/")))
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


def describe(api: NinjaAPI, origin: str) -> JsonObject:
    """The OpenAPI 3.1 description, for a site at `origin`."""
    return _described(api) | {"servers": [{"url": origin}]}


def _complete(operation: JsonObject, scope: str) -> None:
    """Add scope, errors and examples to an endpoint's description."""
    operation["x-scope"] = scope
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scope}`.".strip()
    operation["summary"] = operation["description"].split(". ")[0].split("\n")[0].rstrip(".")
    parameters = operation["parameters"]
    statuses = {*_EVERYWHERE}
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["example"] = _EXAMPLES[parameter["name"]]
            statuses |= {*_WITH_ID}
    if operation["operationId"] in _TAKE_A_KEY:
        parameters.append(_KEY_HEADER)
        replayed = {REPLAYED: {"description": "It was launched, or sent, before.", "schema": {"const": "true"}}}
        operation["responses"][200] |= {"headers": replayed}
        statuses |= {409}
    if "requestBody" in operation:
        statuses |= {*_WITH_BODY}
    statuses |= set(operation.pop("x-errors", ()))
    if "200" in operation["responses"]:
        # The endpoint describes its own response in `openapi_extra`; ninja's guess is wrong.
        operation["responses"].pop(200, None)
    known = {str(status): response for status, response in operation["responses"].items()}
    for status in sorted(statuses):
        known.setdefault(str(status), {"$ref": f"#/components/responses/{_ERRORS[status][0]}"})
    operation["responses"] = dict(sorted(known.items()))


def _scopes(api: NinjaAPI) -> dict[str, str]:
    """The required scope by operation id."""
    scopes = {}
    for _prefix, router in api._routers:  # noqa: SLF001  ninja tells it nowhere else
        for view in router.path_operations.values():
            for operation in view.operations:
                scopes[str(operation.operation_id)] = next(
                    need.scope.value for need in operation.auth_callbacks if isinstance(need, RequireScope)
                )
    return scopes


def _error(code: str, description: str) -> JsonObject:
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


def _retry_after() -> JsonObject:
    return {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}


def _flat(model: Any, schema: JsonObject) -> JsonObject:
    """The model's schema; models it refers to are added to the components."""
    own: JsonObject = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schema["components"]["schemas"] |= own.pop("$defs", {})
    return own
