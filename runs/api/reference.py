"""The API description: as OpenAPI for programs, and as a page for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from runs.agent.json_data.json_types import JsonObject
from runs.api.api import api
from runs.api.errors import ApiError
from runs.api.openapi import describe
from runs.api.query_parameters import check_query


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation of the OpenAPI description, as the page shows it."""

    name: str
    method: str
    path: str
    scope: str
    text: str
    parameters: list[JsonObject]
    fields: list[tuple[str, str, str]]
    """Name, type and description of each body field."""
    answers: list[tuple[str, str]]
    curl: str


def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI description. Public: it contains no data of runs."""
    try:
        check_query(request)
    except ApiError as refused:
        return refused.response()
    return JsonResponse(describe(api, request.build_absolute_uri("/").rstrip("/")))


def reference(request: HttpRequest) -> HttpResponse:
    """The description as a page."""
    origin = request.build_absolute_uri("/").rstrip("/")
    description = describe(api, origin)
    groups: dict[str, list[ApiOperation]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            group = groups.setdefault(operation["tags"][0], [])
            group.append(_operation(description, origin, path, method.upper(), operation))
    return render(request, "runs/api_reference.html", {"groups": groups, "origin": origin})


def _operation(description: JsonObject, origin: str, path: str, method: str, operation: JsonObject) -> ApiOperation:
    return ApiOperation(
        name=operation["operationId"],
        method=method,
        path=path,
        scope=operation["x-scope"],
        # Backticks are for programs that render Markdown.
        text=operation["description"].split("\n\nNeeds the scope")[0].replace("`", ""),
        parameters=[
            {**parameter, "kind": _kind(description, parameter["schema"])} for parameter in operation["parameters"]
        ],
        fields=_fields(description, operation),
        answers=[(status, _answer(description, answer)) for status, answer in operation["responses"].items()],
        curl=_curl(origin, path, method, operation),
    )


def _fields(description: JsonObject, operation: JsonObject) -> list[tuple[str, str, str]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return list(_named(description, _resolved(description, content), ""))


def _named(description: JsonObject, body: JsonObject, before: str) -> Iterator[tuple[str, str, str]]:
    """The fields of an object and of its nested objects, by dotted name."""
    required = body.get("required", [])
    for name, field in body.get("properties", {}).items():
        inner = _resolved(description, field)
        kind = _kind(description, field) + (", required" if name in required else "")
        text = field.get("description") or inner.get("description", "")
        yield before + name, kind, text.replace("`", "")
        yield from _named(description, inner, f"{before}{name}.")


def _resolved(description: JsonObject, schema: JsonObject) -> JsonObject:
    """The schema behind a reference, and without a null alternative."""
    choices = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    if len(choices) == 1:
        schema = choices[0]
    if "$ref" in schema:
        found: JsonObject = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def _kind(description: JsonObject, schema: JsonObject) -> str:
    schema = _resolved(description, schema)
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value)
    if "anyOf" in schema:
        kinds = (_kind(description, each) for each in schema["anyOf"])
        return " | ".join(dict.fromkeys(kind for kind in kinds if kind))
    if "const" in schema:
        return str(schema["const"])
    limits = ", ".join(
        f"{words} {schema[name]}"
        for name, words in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if name in schema
    )
    kind = schema.get("format") or schema.get("type", "any")
    return f"{kind} ({limits})" if limits else str(kind)


def _answer(description: JsonObject, answer: JsonObject) -> str:
    if "$ref" in answer:
        answer = description["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    contents: list[JsonObject] = list(answer.get("content", {}).values())
    content = contents[0].get("schema", {}) if contents else {}
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    return name.removesuffix("Out") if name and name != "ErrorOut" else str(answer["description"]).replace("`", "")


def _curl(origin: str, path: str, method: str, operation: JsonObject) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    lines = [f'curl -H "Authorization: Bearer $AGENTSITE_TOKEN" {origin}{path}']
    if method != "GET":
        lines[0] = lines[0].replace("curl ", f"curl -X {method} ")
    if example := operation.get("x-example"):
        lines += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    return " \\\n  ".join(lines)
