"""Documents with anything in place of what belongs there: each is read, or refused in words."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.openapi import document_job
from runs.agent.tools.openapi.operation_request import operation_request
from tests.agent.tools.openapi.api_documents import document, parameter

FORM = {"type": "object", "properties": {"f": {"type": "string", "format": "binary"}}}
RICH = document(
    {
        "/a/{id}": {
            "parameters": [parameter("id", "path")],
            "servers": [{"url": "/x"}],
            "post": {
                "operationId": "q",
                "summary": "s",
                "description": "d",
                "deprecated": True,
                "security": [{"b": [], "k": []}, {}],
                "parameters": [
                    {"$ref": "#/components/parameters/p"},
                    parameter("h", "header", content={"application/json": {"schema": {}}}),
                    parameter("deep", style="deepObject"),
                    parameter("c", "cookie", style="form", explode=False),
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {"schema": FORM, "encoding": {"f": {"contentType": "a/b"}}},
                        "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/N"}},
                    },
                },
            },
        }
    },
    revision="3.0.3",
    servers=[{"url": "https://{a}.test/", "variables": {"a": {"default": "b", "enum": ["c"]}}}],
    security=[{"k": []}],
    components={
        "securitySchemes": {
            "k": {"type": "apiKey", "in": "query", "name": "k"},
            "b": {"type": "http", "scheme": "basic"},
        },
        "schemas": {"N": {"type": "object", "properties": {"c": {"$ref": "#/components/schemas/N"}}}},
        "parameters": {"p": parameter("p", schema={"type": "array", "items": {"type": "string"}})},
    },
)
WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1.5, "", "x", "#/", "#", [], {}, [None], [[]], {"a": 1}, {"$ref": 5}, {"": {}}),
    *({"$ref": "#/paths"}, {"$ref": "#"}, {"$ref": "http://x"}, {"$ref": "#/components/schemas/N"}, "http://["),
    *("\ud800", "\u202e\0", {"\0": {}}, ["string", 5], {"type": "object"}, "a" * 5000, "..", "a\r\nb"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value is, of all values below."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def changed(random: Random) -> Any:
    """The document with one to three wrong parts."""
    made: Any = copy.deepcopy(RICH)
    for _ in range(random.randint(1, 3)):
        *path, last = random.choice(list(places(made)))
        inside: Any = made
        for key in path:
            inside = inside[key]
        if random.random() < 0.2:
            del inside[last]
        elif isinstance(inside, dict) and random.random() < 0.2:
            inside[random.choice(["$ref", "", "type", "items", "\ud800", "x" * 300])] = inside.pop(last)
        else:
            inside[last] = copy.deepcopy(random.choice(WRONG))
        if not made:
            break
    return made


@given(st.integers(0, 2**32), st.sampled_from(["", "https://docs.test/openapi.json"]))
def test_a_document_with_wrong_parts_is_read_or_refused_and_its_requests_are_made_or_refused(
    seed: int, url: str
) -> None:
    random = Random(seed)
    request = json.dumps({"url": url, "prefix": ""}).encode() + b"\n" + json.dumps(changed(random)).encode()

    with suppress(JobRefused):
        for operation in json.loads(document_job.run(request))["operations"]:
            if not operation["fault"]:
                arguments = {name: random.choice(WRONG) for name in operation["schema"].get("properties", {})}
                with suppress(ToolFailed):
                    made = operation_request(
                        operation["request"],
                        arguments,
                        server="https://api.test/v1",
                        credentials={"k": "1", "b": "2:3"},
                    )
                    assert made.url.startswith("https://api.test/v1/a/")
                    assert "\n" not in made.url + "".join(made.headers) + "".join(made.headers.values())
