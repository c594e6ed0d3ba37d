"""The HTTP API object: how it parses bodies, and how it reports their errors."""

import json
import logging
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.parser import Parser

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import DuplicateName, unique_object
from runs.api.errors import ApiError, broken_request, error_for, invalid

logger = logging.getLogger(__name__)


class JsonOnly(Parser):
    """Parses bodies whose type is `application/json`."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body. Raises `ApiError`: 415 for another type, 400 for invalid JSON, 422 for a double name."""
        if request.content_type != "application/json":
            raise ApiError(
                415,
                "unsupported_media_type",
                f"The body is {request.content_type or 'of no type'}; send application/json.",
                action="Add the header Content-Type: application/json.",
            )
        try:
            return json.loads(request.body, parse_constant=_refuse, object_pairs_hook=unique_object)
        except DuplicateName as twice:
            raise invalid(f"{twice}.") from twice
        except (ValueError, RecursionError) as error:
            raise broken_request() from error


class Api(NinjaAPI):
    """`NinjaAPI` with our errors; validation errors keep the wrong value and the limit."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """The response to an exception; bugs and database errors are logged."""
        error = error_for(exc)
        if error.status == 500:
            logger.error("%s %s failed.", request.method, request.path, exc_info=exc)
        elif error.status == 503:
            logger.error("The database did not answer %s %s: %s", request.method, request.path, exc)
        return error.response()

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        faults: list[JsonObject] = []
        for context in error_contexts:
            for fault in context.pydantic_validation_error.errors(include_url=False):
                place = context.model.__ninja_flatten_map_reverse__.get(fault["loc"], fault["loc"])
                faults.append({**fault, "loc": (context.model.__ninja_param_source__, *place)})
        return ValidationError(faults)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")


api = Api(
    title="Agentsite API",
    version="1",
    description="Launch agent runs, watch them, and decide about their tool calls.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
    parser=JsonOnly(),
)
