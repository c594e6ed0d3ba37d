"""`http_request` calls the APIs that the site allows, with secrets that nobody sees."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments, OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.redaction.redactor import HIDDEN, Redactor, secrets_in
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.registry import execute_tool_by_name, get_available_tools, registered_tools
from runs.agent.tools.web.api_call import api_answer
from runs.agent.tools.web.guarded_transport import AddressRefused
from runs.agent.tools.web.http_hosts import parse_http_hosts
from tests.agent.tools.web.web_server import WebServer, endless, redirect, response, slow

SECRET = "tulip-garden-77"


@pytest.fixture(autouse=True)
def allowed(site: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = {f"http://127.0.0.1:{site.port}": {"Authorization": "Bearer $HARBOUR", "X-Price": "$$5"}}
    monkeypatch.setenv("HARBOUR", SECRET)
    monkeypatch.setenv("AGENTSITE_HTTP_HOSTS", json.dumps(hosts | {"https://api.example.org": {}}))


async def call(site: WebServer, path: str = "/", method: str = "GET", **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await execute_tool_by_name(
        "http_request", url=site.url(path, host="127.0.0.1"), method=method, **arguments
    )
    return answer


async def test_the_api_gets_the_headers_of_the_site_and_the_model_gets_the_answer(site: WebServer) -> None:
    site.pages["/tides"] = response('{"high": [1, 2]}', content_type="application/json", etag='"7"', x_other="no")

    answer = await call(site, "/tides?day=1")

    assert answer == {
        "status": 200,
        "headers": {"content-type": "application/json", "etag": '"7"'},
        "body": {"high": [1, 2]},
    }
    head = site.requests[0]
    assert head.startswith("GET /tides?day=1 HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}" in head and "X-Price: $5" in head
    assert f"host: 127.0.0.1:{site.port}" in head.lower()


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"place": "Saint-Malo"}, '{"place":"Saint-Malo"}', "application/json"),
        ([1, 2], "[1,2]", "application/json"),
        ("a=1", "a=1", None),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_body_is_sent_as_json_or_as_it_is(
    site: WebServer, method: str, body: Any, sent: str, content_type: str | None
) -> None:
    site.pages["/"] = response(status="201 Created")

    answer = await call(site, method=method, body=body, headers={"X-Trace": "7"})

    assert answer["status"] == 201
    head, _, received = site.requests[0].partition("\r\n\r\n")
    assert head.startswith(method) and received == sent and "X-Trace: 7" in head
    assert (f"Content-Type: {content_type}" in head) == bool(content_type)


async def test_an_answer_that_is_no_text_is_told_with_its_type_and_size(site: WebServer) -> None:
    site.pages["/"] = response(b"\x89PNG\0\xff", content_type="image/png")

    answer = await call(site)

    assert answer["note"] == "The body is image/png of 6 bytes, which is not text." and "body" not in answer


async def test_a_secret_that_the_api_repeats_is_hidden(site: WebServer) -> None:
    encoded = base64.b64encode(f"key: {SECRET}".encode()).decode()
    site.pages["/"] = response(json.dumps({"you sent": f"Bearer {SECRET}", "also": encoded}), location=f"/{SECRET}")

    answer = await call(site)

    assert SECRET not in json.dumps(answer) and encoded not in json.dumps(answer)
    assert answer["body"]["you sent"] == f"Bearer {HIDDEN}" and answer["headers"]["location"] == f"/{HIDDEN}"


def test_the_named_secrets_are_known_to_what_hides_secrets_in_steps() -> None:
    assert SECRET in secrets_in()
    assert Redactor(secrets_in()).text(f"It said {SECRET}.") == f"It said {HIDDEN}."


async def test_the_model_cannot_replace_the_headers_of_the_site(site: WebServer) -> None:
    site.pages["/"] = response()

    await call(site, headers={"authorization": "Bearer mine", "AUTHORIZATION": "x", "Accept": "text/csv"})

    assert site.requests[0].lower().count("authorization:") == 1 and SECRET in site.requests[0]
    assert "Accept: text/csv" in site.requests[0]


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Cookie", "Proxy-Authorization"]
)
async def test_headers_of_the_connection_cannot_be_set(site: WebServer, name: str) -> None:
    with pytest.raises(ToolFailed, match="cannot be set"):
        await call(site, headers={name: "1"})
    assert site.requests == []


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nHost: evil"}, {"X\r\nY": "1"}, {"X": "é\u2028"}, {"": "1"}, {"X Y": "1"}]
)
async def test_a_header_that_is_none_is_refused(site: WebServer, headers: dict[str, str]) -> None:
    with pytest.raises(ToolFailed):
        await call(site, headers=headers)
    assert site.requests == []


async def test_only_origins_on_the_list_are_called_and_a_person_is_not_asked_for_others(site: WebServer) -> None:
    port, tool = site.port, registered_tools()["http_request"]

    for url in (
        f"https://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port + 1}/",
        f"http://localhost:{port}/",
        f"http://127.0.0.1:{port}@evil.test/",
        f"http://evil.test#@127.0.0.1:{port}/",
        f"http://127.0.0.1.evil.test:{port}/",
        "http://api.example.org/",
        "https://api.example.org.evil.test/",
        "file:///etc/passwd",
        "",
    ):
        # Invalid arguments never lead to an approval.
        with pytest.raises(InvalidArguments, match=r"only these may be called: http://127\.0\.0\.1"):
            await execute_tool_by_name("http_request", url=url)
        with pytest.raises(AddressRefused):
            await api_answer(url, "GET")
    with pytest.raises(AddressRefused):
        await api_answer(f"http://ada:pw@127.0.0.1:{port}/", "GET")
    assert site.requests == []
    assert tool.effect == "unsafe"


async def test_a_redirect_is_an_answer_and_is_not_followed(site: WebServer) -> None:
    site.pages |= {"/": redirect("/next", 307), "/next": response("secret")}

    answer = await call(site)

    assert (answer["status"], answer["headers"]["location"], len(site.requests)) == (307, "/next", 1)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "500 Internal Server Error"])
async def test_an_error_of_the_api_is_an_answer_with_its_words(site: WebServer, status: str) -> None:
    site.pages["/"] = response('{"error": "no such tide"}', status=status)

    answer = await call(site, method="POST")

    assert (answer["status"], answer["body"]) == (int(status[:3]), {"error": "no such tide"})


@pytest.mark.parametrize(
    "body",
    [
        *("{not json", "[" * 20_000, '{"a": NaN}', '{"n": ' + "9" * 5_000 + "}", "plain"),
        *('{"n": 1e999}', "[" * 300 + "]" * 300, '{"a":' * 700 + "1" + "}" * 700),
    ],
    ids=["no end", "deep", "NaN", "long number", "plain", "infinite", "nested", "nested more"],
)
async def test_what_is_no_json_comes_as_text(site: WebServer, body: str) -> None:
    site.pages["/"] = response(body, content_type="application/json")

    assert (await call(site))["body"] == body


@pytest.mark.parametrize("charset", ["punycode", "idna", "nonsense"])
async def test_a_charset_of_names_does_not_hold_everything_up(site: WebServer, charset: str) -> None:
    site.pages["/"] = response("a" * 200_000 + "-" + "b" * 200_000, content_type=f"text/plain; charset={charset}")
    began = time.perf_counter()

    answer = await call(site)

    assert answer["body"] == "a" * 24_000
    assert time.perf_counter() - began < 2


async def test_a_long_answer_is_cut_and_says_so(site: WebServer) -> None:
    site.pages |= {"/long": response(json.dumps(["x"] * 20_000)), "/endless": endless(b"HTTP/1.1 200 OK\r\n\r\n")}

    long, endlessly = await call(site, "/long"), await call(site, "/endless")

    assert len(long["body"]) == len(endlessly["body"]) == 24_000
    assert "100,000 bytes" in long["note"] and "more than 5,242,880 bytes" in endlessly["note"]


@pytest.mark.parametrize("page", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_a_connection_lost_after_sending_leaves_the_outcome_unknown_unless_the_call_only_reads(
    site: WebServer, page: bytes
) -> None:
    site.pages["/"] = page
    tool = registered_tools()["http_request"]

    _, error, _ = await call_tool(tool, {"url": site.url(host="127.0.0.1"), "method": "POST"}, timeout_s=10)

    assert error is not None and error.code == "outcome_unknown" and not error.recoverable
    with pytest.raises(ToolUnavailable) as failed:
        await call(site)
    assert not isinstance(failed.value, OutcomeUnknown)


async def test_a_late_answer_leaves_the_outcome_unknown_unless_the_call_only_reads(site: WebServer) -> None:
    site.pages["/"] = slow(b"HTTP/1.1 200 OK\r\n\r\n")

    with pytest.raises(OutcomeUnknown, match=r"within 0\.3 s\. The request was sent, and may have been carried out"):
        await api_answer(site.url(host="127.0.0.1"), "POST", deadline_s=0.3)
    with pytest.raises(ToolUnavailable, match=r"within 0\.3 s\.$"):
        await api_answer(site.url(host="127.0.0.1"), "GET", deadline_s=0.3)


async def test_a_call_that_was_not_sent_has_failed(site: WebServer) -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.9"]

    async def hanging(host: str, port: int) -> Sequence[str]:
        return await asyncio.Future()

    for resolver, url in ((nobody, "https://api.example.org/"), (hanging, "https://api.example.org/")):
        with pytest.raises(ToolUnavailable) as failed:
            await api_answer(url, "POST", resolver=resolver, deadline_s=0.3)
        assert not isinstance(failed.value, OutcomeUnknown)


async def test_without_a_list_the_tool_is_not_offered_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {each["name"]: each["description"] for each in get_available_tools()}
    assert "It reaches only: http://127.0.0.1:" in listed["http_request"]
    assert ", https://api.example.org." in listed["http_request"] and SECRET not in listed["http_request"]

    monkeypatch.delenv("AGENTSITE_HTTP_HOSTS")

    assert "http_request" not in {each["name"] for each in get_available_tools()}
    with pytest.raises(InvalidArguments, match="names no API that may be called"):
        await execute_tool_by_name("http_request", url="https://api.example.org/")


@pytest.mark.parametrize(
    ("hosts", "says"),
    [
        ("[]", "must be a JSON object"),
        ("{", "is not JSON"),
        ('{"https://a.test/path": {}}', "origin without a path"),
        ('{"ftp://a.test": {}}', "origin without a path"),
        ('{"https://ada:pw@a.test": {}}', "^AGENTSITE_HTTP_HOSTS must be an origin"),
        ('{"https://a.test:port": {}}', "origin without a path"),
        ('{"https://a.test?q": {}}', "origin without a path"),
        ('{"https://a.test": []}', "an object of headers"),
        ('{"https://a.test": {"X": 1}}', "an object of headers"),
        ('{"https://a.test": {"Host": "b"}}', "belongs to the connection"),
        ('{"https://a.test": {"X Y": "b"}}', "not the name of a header"),
        ('{"https://a.test": {"X": "$"}}', r"write \$\$"),
        ('{"https://a.test": {"X": "$NOT_SET"}}', "NOT_SET, which is not set"),
        ('{"https://a.test": {"X": "$SHORT"}}', "SHORT, which has less than 8 characters"),
        ('{"https://a.test": {"X": "$LINES"}}', "signs that a header cannot have"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_without_its_values(hosts: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        parse_http_hosts(hosts, {"SHORT": "abc", "LINES": "first-line\nsecond"})
    assert "pw@" not in str(refused.value) and "first" not in str(refused.value)
