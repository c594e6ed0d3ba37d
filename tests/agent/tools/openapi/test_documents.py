"""OpenAPI documents become operations: names, schemas, parts of requests, and what cannot be read."""

import json
import time
from typing import Any

import jsonschema
import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.openapi.document import read_document
from tests.agent.tools.openapi.api_documents import document, parameter, read, read_operation

YAML = """
openapi: 3.0.3
info: {title: Pets, version: 1.0}
servers:
  - url: https://{region}.example.org/{base}
    variables:
      region: {default: eu, enum: [eu, us]}
      base: {default: v1}
  - url: relative/v2
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, example: 2020-01-01}}
    get:
      summary: Get a pet
      operationId: getPet
      parameters:
        - {name: on, in: query, description: Whether it is on., schema: {type: string, enum: [no, yes]}}
      responses: {200: {description: ok}}
"""


async def test_yaml_is_read_with_the_types_of_yaml_1_2() -> None:
    read_yaml = await read_document(YAML.encode(), url="https://docs.example.org/api/openapi.yaml")

    (operation,) = read_yaml.operations
    assert (read_yaml.title, read_yaml.version, read_yaml.revision) == ("Pets", "1.0", "3.0.3")
    assert read_yaml.servers == [
        "https://eu.example.org/v1",
        "https://us.example.org/v1",
        "https://docs.example.org/api/relative/v2",
    ]
    assert operation["schema"] == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "examples": ["2020-01-01"]},
            "on": {"type": "string", "enum": ["no", "yes"], "description": "Whether it is on."},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    assert operation["description"] == "Get a pet\n\nGET /pets/{id}"


async def test_operations_without_a_name_of_their_own_are_named_by_method_and_path() -> None:
    paths = {
        "/a": {"get": {"operationId": "list"}, "post": {"operationId": "same"}, "put": {"operationId": "same"}},
        "/b": {"get": {}, "delete": {"operationId": "x" * 300}, "patch": {"operationId": "in\u202evisible"}},
        f"/{'c' * 400}": {"get": {}},
    }
    first = [each["remote_name"] for each in (await read(paths)).operations]
    again = [each["remote_name"] for each in (await read(paths)).operations]

    assert first[:6] == ["list", "POST /a", "PUT /a", "GET /b", "PATCH /b", "DELETE /b"]
    assert len(first[6]) <= 200 and first[6].startswith("GET /ccc")
    assert first == again


async def test_arguments_of_one_name_get_their_place_and_names_are_those_that_providers_take() -> None:
    operation = await read_operation(
        {
            "parameters": [parameter("id", "path"), parameter("id"), parameter("filter[x]"), parameter("body")],
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        },
        "/pets/{id}",
        "post",
    )

    placed = {each["argument"]: (each["in"], each["name"]) for each in operation["request"]["parameters"]}
    assert placed == {
        "id": ("path", "id"),
        "id_query": ("query", "id"),
        "filter_x_": ("query", "filter[x]"),
        "body": ("query", "body"),
    }
    assert operation["request"]["body"]["argument"] == "body_request"


async def test_a_parameter_of_the_operation_goes_before_one_of_its_path() -> None:
    item = {"parameters": [parameter(description="of the path")], "get": {"parameters": [parameter(description="own")]}}
    (operation,) = (await read({"/a": item})).operations

    assert operation["schema"]["properties"]["p"]["description"] == "own"


async def test_a_schema_that_refers_to_itself_is_no_endless_one() -> None:
    node = {
        "type": "object",
        "properties": {"child": {"$ref": "#/components/schemas/Node"}, "name": {"type": "string"}},
    }
    operation = await read_operation(
        {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}}},
        method="post",
        components={"schemas": {"Node": node}},
    )

    check = jsonschema.Draft202012Validator(operation["schema"])
    assert check.is_valid({"body": {"child": {"child": {"name": "x"}}}})
    assert not check.is_valid({"body": {"child": {"child": {"name": 1}}}})


async def test_two_definitions_never_share_a_name_whatever_theirs_are() -> None:
    places = {"a": "schemas/x_2", "b": "schemas/x", "c": "examples/x"}
    definitions = {"schemas": {"x_2": {"const": "a"}, "x": {"const": "b"}}, "examples": {"x": {"const": "c"}}}
    properties = {name: {"$ref": f"#/components/{place}"} for name, place in places.items()}
    operation = await read_operation(
        {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": properties}}}}},
        method="post",
        components=definitions,
    )

    check = jsonschema.Draft202012Validator(operation["schema"])
    assert check.is_valid({"body": {"a": "a", "b": "b", "c": "c"}})
    assert not any(check.is_valid({"body": {name: "other"}}) for name in properties)


@pytest.mark.parametrize(
    ("revision", "schema", "good", "bad"),
    [
        ("3.0.3", {"type": "string", "nullable": True}, [None, "x"], [1]),
        ("3.0.3", {"type": "string", "enum": ["a"], "nullable": True}, [None, "a"], ["b"]),
        ("3.0.3", {"allOf": [{"type": "object"}], "nullable": True}, [None, {}], [1]),
        ("3.0.3", {"type": "integer", "minimum": 0, "exclusiveMinimum": True}, [1], [0]),
        ("3.0.3", {"type": "integer", "maximum": 5, "exclusiveMaximum": False}, [5], [6]),
        ("3.1.0", {"type": ["string", "null"]}, [None, "x"], [1]),
        ("3.1.0", {"type": "integer", "exclusiveMinimum": 0}, [1], [0]),
        ("3.1.0", {"const": 5}, [5], [6]),
        ("3.1.0", {"type": "array", "prefixItems": [{"type": "string"}]}, [["x", 1]], [[1]]),
        ("3.1.0", {"type": "string", "pattern": "^(?=a)a$"}, ["b"], [1]),
        ("3.1.0", {"type": "any", "required": True, "x-more": 1, "xml": {}}, [1, "x"], []),
        ("3.1.0", True, [1, "x"], []),
    ],
)
async def test_schemas_mean_the_same_as_json_schema(
    revision: str, schema: Any, good: list[Any], bad: list[Any]
) -> None:
    operation = await read_operation({"parameters": [{**parameter(), "schema": schema}]}, revision=revision)

    check = jsonschema.Draft202012Validator(operation["schema"])
    assert operation["fault"] == ""
    assert all(check.is_valid({"p": each}) for each in good)
    assert not any(check.is_valid({"p": each}) for each in bad)


async def test_what_only_answers_have_is_not_asked_for() -> None:
    pet = {"type": "object", "properties": {"id": {"readOnly": True}, "name": {}}, "required": ["id", "name"]}
    body = {"content": {"application/json": {"schema": pet}}}
    operation = await read_operation({"requestBody": body}, method="post")

    assert operation["schema"]["properties"]["body"] == {
        "type": "object", "properties": {"name": {}}, "required": ["name"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "path", "told"),
    [
        ({"parameters": [{"$ref": "other.yaml#/p"}]}, "/a", "refers to another document, 'other.yaml#/p'"),
        ({"parameters": [{"$ref": "https://evil.test/p"}]}, "/a", "refers to another document"),
        ({"parameters": [{"$ref": "#/components/nothing"}]}, "/a", "which the document does not have"),
        ({"parameters": [{"$ref": "#/paths/~1a/get/parameters/0"}]}, "/a", "lead to others more than 20 times"),
        ({"parameters": [parameter(schema={"$ref": "x.json"})]}, "/a", "refers to another document"),
        ({"parameters": [parameter(schema={"$dynamicRef": "#x"})]}, "/a", "$dynamicRef, which is not supported"),
        ({"parameters": [{"in": "query"}]}, "/a", "a parameter without a name"),
        ({"parameters": ["x"]}, "/a", "a part that is not an object"),
        ({"parameters": [parameter("x", "matrix")]}, "/a", "at a place that OpenAPI does not have"),
        ({}, "/a/{id}", "has {id}, which is none of its parameters"),
        ({"parameters": [parameter("id", "path")]}, "/a", "'id' is not in its path"),
        ({}, "/a?b=1", "Its path is not one that an address can have"),
        (
            {"requestBody": {"required": True, "content": {"image/png": {}}}},
            "/a",
            "Its body is image/png, which is not supported",
        ),
        (
            {"parameters": [parameter(schema={"enum": ["x" * 100] * 600})]},
            "/a",
            "more than 48,000",
        ),
    ],
)
async def test_an_operation_that_cannot_be_used_says_why(operation: Any, path: str, told: str) -> None:
    read_one = await read_operation(operation, path)

    assert told in read_one["fault"]
    assert read_one["schema"] == {"type": "object"}


BOMB = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "This is not an OpenAPI document"),
        ("[]", "This is not an OpenAPI document"),
        ("swagger: '2.0'", "a document of Swagger 2.0"),
        ("openapi: 4.0.0", "The document is of OpenAPI 4.0.0"),
        ("openapi: 3.1.0", "The document has no operations"),
        ('{"openapi": ', "The document is not JSON"),
        ("a: [", "neither JSON nor YAML"),
        ("!!python/object/apply:os.system ['id']", "neither JSON nor YAML"),
        ("? [a]\n: b", "neither JSON nor YAML"),
        ("a: &a\n  b: *a", "neither JSON nor YAML"),
        ("\0", "neither JSON nor YAML"),
        (BOMB, "stands for more than 1,000,000 values"),
        (MERGES, "merges more than 100,000 members"),
        ("[" * 200_000, "nested more than 200 levels deep"),
        ("- " * 50_000, "nested more than 200 levels deep"),
        ("x: " + "[" * 200_000, "nested more than 200 levels deep"),
        ("x: [" + "1," * 1_100_000 + "]", "stands for more than 1,000,000 values"),
        ("x" * (5 * 2**20 + 1), "larger than 5 MiB"),
    ],
    ids=range(18),
)
async def test_a_document_that_cannot_be_read_says_why_in_a_bounded_time(text: str, told: str) -> None:
    began = time.monotonic()

    with pytest.raises(ToolFailed, match=told):
        await read_document(text.encode())
    assert time.monotonic() - began < 35


async def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ToolFailed, match="not text in UTF-8"):
        await read_document(b"\xff\xfe\x00")


async def test_of_many_operations_five_hundred_are_kept_and_a_prefix_chooses_others() -> None:
    text = json.dumps(document({f"/a/{n}": {"get": {}} for n in range(600)} | {"/b": {"get": {}}})).encode()

    all_of_them, chosen = await read_document(text), await read_document(text, prefix="/b")

    assert (len(all_of_them.operations), all_of_them.left_out) == (500, 101)
    assert [each["remote_name"] for each in chosen.operations] == ["GET /b"]
    with pytest.raises(ToolFailed, match="no operations whose paths begin so"):
        await read_document(text, prefix="/c")


async def test_security_schemes_are_those_that_can_be_sent() -> None:
    schemes = {
        "key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "host": {"type": "apiKey", "in": "header", "name": "Host"},
        "login": {"type": "http", "scheme": "Basic"},
        "digest": {"type": "http", "scheme": "digest"},
        "oauth": {"type": "oauth2", "flows": {}},
    }
    paths = {
        "/a": {"get": {}},
        "/b": {"get": {"security": []}},
        "/c": {"get": {"security": [{"digest": []}, {"login": [], "key": []}, {}]}},
    }
    found = await read(paths, components={"securitySchemes": schemes}, security=[{"oauth": []}])

    assert [each["scheme"] for each in found.schemes] == ["key", "login", "oauth"]
    assert [each["request"].get("security") for each in found.operations] == [
        [[{"scheme": "oauth", "kind": "bearer"}]],
        None,
        [
            [
                {"scheme": "login", "kind": "basic"},
                {"scheme": "key", "kind": "apiKey", "in": "query", "name": "api_key"},
            ],
            [],
        ],
    ]
