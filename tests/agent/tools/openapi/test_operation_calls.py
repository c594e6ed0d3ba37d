"""Calls of operations: what arrives at a real server, and what a model gets of its answer."""

import asyncio
import base64
import json
import logging
import traceback
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

import pytest

from runs.agent.errors.exceptions import InvalidArguments, OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.redaction.redactor import HIDDEN
from runs.agent.tools.call_idempotency import call_context
from runs.agent.tools.openapi.operation_call import call_operation
from tests.agent.tools.openapi.api_documents import parameter, read_operation
from tests.agent.tools.web.web_server import WebServer, redirect, response, slow

KEY, LOGIN = "tulip-garden-77", "ada:lovelace-1815"
QUERY_KEY = {"scheme": "key", "kind": "apiKey", "in": "query", "name": "api_key"}


@pytest.fixture(autouse=True)
def origin(site: WebServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The origin of the API, which the settings allow and let have two secrets."""
    made = f"http://127.0.0.1:{site.port}"
    monkeypatch.setenv("GARDEN_KEY", KEY)
    monkeypatch.setenv("GARDEN_LOGIN", LOGIN)
    monkeypatch.setenv("OTHER_KEY", "never-to-be-sent")
    monkeypatch.setenv("AGENTSITE_HTTP_HOSTS", json.dumps({made: {}}))
    monkeypatch.setenv("AGENTSITE_API_SECRETS", json.dumps({made: ["GARDEN_KEY", "GARDEN_LOGIN"]}))
    return made


async def call(
    site: WebServer,
    operation: JsonObject,
    arguments: JsonObject,
    *,
    base: str = "/v1",
    effect: Any = "read",
    **more: Any,
) -> JsonObject:
    """Call an operation as it was read."""
    server = f"http://127.0.0.1:{site.port}{base}"
    credentials = more.pop("credentials", {})
    request = operation["request"]
    return await call_operation(request, arguments, server=server, credentials=credentials, effect=effect, **more)


async def sent(site: WebServer, operation: JsonObject, arguments: JsonObject, **more: Any) -> tuple[str, str, str]:
    """What arrives: the target, the headers, the body."""
    site.pages = _Everywhere(response("{}"))
    await call(site, operation, arguments, **more)
    head, _, body = site.requests[-1].partition("\r\n\r\n")
    return head.split(" ")[1], head, body


class _Everywhere(dict[str, Any]):
    """One answer for every path."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get(self, _path: str, _otherwise: Any = None) -> Any:
        return self._answer


async def test_arguments_arrive_at_their_places(site: WebServer) -> None:
    operation = await read_operation(
        {
            "parameters": [
                parameter("id", "path"),
                parameter("q"),
                parameter("tags", style="form", explode=False),
                parameter("filter", style="deepObject"),
                parameter("X-Trace", "header"),
                parameter("mood", "cookie"),
                parameter("where", content={"application/json": {"schema": {}}}),
            ],
            "requestBody": {"content": {"application/json": {"schema": {}}}},
        },
        "/pets/{id}/notes",
        "post",
    )
    arguments = {
        "id": "a b/c", "q": "x&y=1", "tags": ["a", "b"], "filter": {"min": 1}, "X-Trace": "7", "mood": "good; x=1",
        "where": {"a": [1]}, "body": {"text": "é"},
    }  # fmt: skip

    target, head, body = await sent(site, operation, arguments, base="/v1/?version=2")

    path, _, query = target.partition("?")
    assert path == "/v1/pets/a%20b%2Fc/notes"
    assert parse_qsl(query) == [
        ("version", "2"), ("q", "x&y=1"), ("tags", "a,b"), ("filter[min]", "1"), ("where", '{"a":[1]}'),
    ]  # fmt: skip
    assert "X-Trace: 7" in head and "Cookie: mood=good%3B%20x%3D1" in head
    assert "Content-Type: application/json" in head and body.encode("latin-1").decode() == '{"text":"é"}'


async def test_forms_arrive_as_a_server_of_them_reads_them(site: WebServer) -> None:
    schema = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    plain = await read_operation(
        {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {}}}}}, method="post"
    )
    parts = await read_operation(
        {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}, method="post"
    )
    value = {
        "name": "Ada & Co",
        "tags": ["a", "b"],
        "more": {"a": 1},
        "file": "a,b\r\n1,2",
        'odd"\r\n': "x",
        "no": None,
    }

    _, head, body = await sent(site, plain, {"body": value})
    assert "Content-Type: application/x-www-form-urlencoded" in head
    assert parse_qsl(body) == [
        ("name", "Ada & Co"), ("tags", "a"), ("tags", "b"), ("more", '{"a":1}'), ("file", "a,b\r\n1,2"),
        ('odd"\r\n', "x"),
    ]  # fmt: skip
    _, head, body = await sent(site, parts, {"body": value})
    kind = next(line for line in head.split("\r\n") if line.startswith("Content-Type"))
    read = BytesParser().parsebytes(f"{kind}\r\n\r\n{body}".encode("latin-1"))
    fields = [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_payload(),
            part.get_content_type(),
        )
        for part in read.get_payload()
    ]
    assert fields == [
        ("name", None, "Ada & Co", "text/plain"),
        ("tags", None, "a", "text/plain"),
        ("tags", None, "b", "text/plain"),
        ("more", None, '{"a":1}', "application/json"),
        ("file", "file", "a,b\r\n1,2", "text/plain"),
        ("odd%22%0D%0A", None, "x", "text/plain"),
    ]
    with pytest.raises(InvalidArguments, match="sent as a form"):
        await call(site, plain, {"body": "text"})


@pytest.mark.parametrize("value", ["..", ".", "../admin", "a/../../admin", "..\\admin", "", [".."]])
async def test_a_value_does_not_lead_out_of_its_path(site: WebServer, value: Any) -> None:
    operation = await read_operation({"parameters": [parameter("id", "path")]}, "/files/{id}")

    with pytest.raises(InvalidArguments):
        await call(site, operation, {"id": value})
    assert site.requests == []


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ("a/b", "a%2Fb"),
        ("?x=1#y", "%3Fx%3D1%23y"),
        ("..a", "..a"),
        ("%2e%2e", "%252e%252e"),
        ("{id}", "%7Bid%7D"),
        (7, "7"),
    ],
)
async def test_a_value_stays_in_its_part_of_the_path(site: WebServer, value: Any, arrives: str) -> None:
    operation = await read_operation({"parameters": [parameter("id", "path")]}, "/files/{id}.txt")

    target, _, _ = await sent(site, operation, {"id": value})

    assert target == f"/v1/files/{arrives}.txt"


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "é", "\0", {"a\r\nX": "1"}])
async def test_a_header_has_no_second_line(site: WebServer, value: Any) -> None:
    operation = await read_operation({"parameters": [parameter("X-A", "header")]})

    with pytest.raises(InvalidArguments, match="visible ASCII"):
        await call(site, operation, {"X-A": value})
    assert site.requests == []


async def test_headers_of_the_connection_and_of_others_are_no_parameters() -> None:
    names = ["Host", "Content-Length", "Transfer-Encoding", "Cookie", "Authorization", "Accept", "Content-Type"]
    operation = await read_operation({"parameters": [parameter(name, "header") for name in [*names, "X-Own"]]})

    assert list(operation["schema"]["properties"]) == ["X-Own"]


@pytest.mark.parametrize(
    ("scheme", "variable", "arrives"),
    [
        ({"type": "apiKey", "in": "query", "name": "api_key"}, "GARDEN_KEY", f"?api_key={KEY} "),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "GARDEN_KEY", f"X-Key: {KEY}\r\n"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "GARDEN_KEY", f"Cookie: sid={KEY}\r\n"),
        ({"type": "http", "scheme": "bearer"}, "GARDEN_KEY", f"Authorization: Bearer {KEY}\r\n"),
        ({"type": "oauth2", "flows": {}}, "GARDEN_KEY", f"Authorization: Bearer {KEY}\r\n"),
        (
            {"type": "http", "scheme": "basic"},
            "GARDEN_LOGIN",
            f"Authorization: Basic {base64.b64encode(LOGIN.encode()).decode()}\r\n",
        ),
    ],
)
async def test_a_secret_arrives_and_is_hidden_in_what_the_api_repeats(
    site: WebServer, scheme: JsonObject, variable: str, arrives: str
) -> None:
    operation = await read_operation({"security": [{"s": []}]}, components={"securitySchemes": {"s": scheme}})
    value = {"GARDEN_KEY": KEY, "GARDEN_LOGIN": LOGIN}[variable]
    repeated = [value, value.partition(":")[2] or value, base64.b64encode(value.encode()).decode()]

    _, head, _ = await sent(site, operation, {}, credentials={"s": variable})
    assert arrives in f"{head}\r\n"
    site.pages = _Everywhere(response(json.dumps(repeated), status="401 Unauthorized"))
    with pytest.raises(ToolFailed) as refused:
        await call(site, operation, {}, credentials={"s": variable})
    assert not any(each in str(refused.value) for each in repeated)
    assert HIDDEN in str(refused.value)


async def test_a_secret_goes_before_an_argument_of_its_name(site: WebServer) -> None:
    operation = await read_operation(
        {"parameters": [parameter("api_key")], "security": [{"s": []}]},
        components={"securitySchemes": {"s": {"type": "apiKey", "in": "query", "name": "api_key"}}},
    )

    target, _, _ = await sent(site, operation, {"api_key": "mine"}, credentials={"s": "GARDEN_KEY"})

    assert target.partition("?")[2] == f"api_key={KEY}"


async def test_a_variable_that_the_settings_do_not_name_for_the_address_is_not_sent(site: WebServer) -> None:
    schemes = {"a": {"type": "http", "scheme": "bearer"}, "b": {"type": "apiKey", "in": "header", "name": "X-B"}}
    operation = await read_operation({"security": [{"a": []}, {"b": []}]}, components={"securitySchemes": schemes})

    _, head, _ = await sent(site, operation, {}, credentials={"a": "OTHER_KEY", "b": "GARDEN_KEY"})

    assert "never-to-be-sent" not in head and f"X-B: {KEY}" in head


async def test_an_address_that_the_settings_do_not_allow_is_not_called(site: WebServer) -> None:
    operation = await read_operation({})
    elsewhere = await read_operation({"servers": [{"url": "http://169.254.169.254/"}]})

    with pytest.raises(ToolFailed, match="not one that the site allows"):
        await call_operation(operation["request"], {}, server="", credentials={}, effect="read")
    with pytest.raises(ToolFailed, match="not one that the site allows"):
        await call(site, elsewhere, {})
    assert site.requests == []


async def test_the_answer_is_status_and_json_or_a_text_that_is_cut(site: WebServer) -> None:
    operation = await read_operation({})
    site.pages["/v1/pets"] = response('{"high": [1, 2]}', content_type="application/json", etag='"7"')
    assert await call(site, operation, {}) == {
        "status": 200,
        "headers": {"content-type": "application/json", "etag": '"7"'},
        "body": {"high": [1, 2]},
    }
    site.pages["/v1/pets"] = response("x" * 50_000, content_type="text/plain")
    answer = await call(site, operation, {})
    assert answer["body"] == "x" * 24_000 and "50,000 bytes" in answer["note"]
    site.pages["/v1/pets"] = response(b"\x89PNG\0\xff", content_type="image/png")
    assert (await call(site, operation, {}))["note"] == "The body is image/png of 6 bytes, which is not text."
    site.pages["/v1/pets"] = redirect("http://127.0.0.1:1/")
    assert (await call(site, operation, {}))["headers"]["location"] == "http://127.0.0.1:1/"
    assert len(site.requests) == 4


@pytest.mark.parametrize(
    ("status", "effect", "kind"),
    [
        ("404 Not Found", "read", ToolFailed),
        ("422 Unprocessable", "unsafe", ToolFailed),
        ("503 Unavailable", "read", ToolUnavailable),
        ("429 Slow", "idempotent", ToolUnavailable),
        ("503 Unavailable", "unsafe", ToolFailed),
        ("504 Timeout", "unsafe", ToolFailed),
    ],
)
async def test_an_error_status_is_a_failed_call_with_the_words_of_the_api(
    site: WebServer, status: str, effect: str, kind: type[Exception]
) -> None:
    operation = await read_operation({}, method="post")
    site.pages["/v1/pets"] = response('{"detail": "No such pet."}', status=status, content_type="application/json")

    with pytest.raises(ToolFailed, match="No such pet") as failed:
        await call(site, operation, {}, effect=effect)
    assert type(failed.value) is kind
    assert status[:3] in str(failed.value)
    assert ("carried out all the same" in str(failed.value)) == (status[:3] == "504")


async def _breaks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_broken_connection_leaves_the_outcome_of_an_unsafe_call_unknown(site: WebServer, method: str) -> None:
    operation = await read_operation({"security": [{"s": []}]}, method=method, components=_KEY_IN_QUERY)
    site.pages["/v1/pets"] = _breaks

    with pytest.raises(OutcomeUnknown, match="may have been carried out") as lost:
        await call(site, operation, {}, effect="unsafe", credentials={"s": "GARDEN_KEY"})
    with pytest.raises(ToolUnavailable) as unavailable:
        await call(site, operation, {}, effect="read", credentials={"s": "GARDEN_KEY"})
    assert KEY in site.requests[0]
    for error in (lost.value, unavailable.value):
        assert KEY not in "".join(traceback.format_exception(error))


_KEY_IN_QUERY = {"securitySchemes": {"s": {"type": "apiKey", "in": "query", "name": "api_key"}}}


async def test_a_call_that_nobody_answers_ends_and_one_that_was_not_sent_is_no_unknown_one(
    site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await read_operation({}, method="post")
    site.pages["/v1/pets"] = slow(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(OutcomeUnknown, match=r"no full answer within 0\.2 s"):
        await call(site, operation, {}, effect="unsafe", deadline_s=0.2)

    monkeypatch.setenv("AGENTSITE_HTTP_HOSTS", '{"http://127.0.0.1:1": {}}')
    with pytest.raises(ToolUnavailable, match="No connection"):
        await call_operation(operation["request"], {}, server="http://127.0.0.1:1", credentials={}, effect="unsafe")


async def test_an_idempotent_call_carries_the_key_of_its_call(site: WebServer) -> None:
    operation = await read_operation({}, method="put")
    with call_context("call-7"):
        _, first, _ = await sent(site, operation, {}, effect="idempotent")
        _, second, _ = await sent(site, operation, {}, effect="unsafe")

    assert "Idempotency-Key: call-7" in first
    assert "Idempotency-Key" not in second


async def test_no_secret_is_logged(site: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    operation = await read_operation({"security": [{"s": []}]}, components=_KEY_IN_QUERY)
    caplog.set_level(logging.DEBUG)

    await sent(site, operation, {}, credentials={"s": "GARDEN_KEY"})

    assert KEY in site.requests[0]
    assert KEY not in caplog.text


async def test_the_headers_of_the_settings_go_before_those_of_the_document(
    site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await read_operation(
        {"parameters": [parameter("x-price", "header"), parameter("user-agent", "header")]}
    )
    hosts = {f"http://127.0.0.1:{site.port}": {"X-Price": "$$5"}}
    monkeypatch.setenv("AGENTSITE_HTTP_HOSTS", json.dumps(hosts))

    _, head, _ = await sent(site, operation, {"x-price": "0", "user-agent": "mine"})

    assert "X-Price: $5" in head and "x-price: 0" not in head
    assert "user-agent: mine" in head and head.lower().count("user-agent") == 1
