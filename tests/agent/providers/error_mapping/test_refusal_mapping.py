"""A refusal of a model server, whatever its shape, is told in the server's own words."""

import asyncio
import json

import pytest

from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from tests.agent.providers.error_mapping.failures import failure_of
from tests.wire import Raw

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one event loop, and therefore one client for each format


def refusal(status: int, body: object, **headers: str) -> Raw:
    """An error response with exactly this body."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Raw(sent, content_type="application/json", status=status, headers=named)


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (refusal(422, {"detail": "no such field"}), "refused", "local answered 422: no such field"),
        (
            refusal(422, {"detail": [{"loc": ["body", "tools"], "msg": "too many"}]}),
            "refused",
            "local answered 422: body.tools: too many",
        ),
        (
            refusal(400, [{"error": {"code": 400, "message": "Wrong.", "status": "INVALID_ARGUMENT"}}]),
            "refused",
            "local answered 400: Wrong.",
        ),
        (refusal(400, {"error": "odd", "message": "very"}), "refused", "local answered 400: odd. very"),
        (
            refusal(400, {"error": {"message": "Provider returned error", "metadata": {"raw": "too hot"}}}),
            "refused",
            "local answered 400: Provider returned error. too hot",
        ),
        (refusal(400, b"plain words"), "refused", "local answered 400: plain words"),
        (refusal(502, b""), "server", "local answered 502: no explanation (Bad Gateway)"),
        (
            refusal(502, b"<html><title>502 Bad Gateway</title></html>"),
            "server",
            "local answered 502: a web page, “502 Bad Gateway”",
        ),
        (
            refusal(402, {"error": {"message": "Insufficient Balance"}}),
            "out_of_money",
            "local answered 402: Insufficient Balance",
        ),
        (
            refusal(403, {"error": {"code": "unsupported_country_region_territory", "message": "Not there"}}),
            "forbidden",
            "local answered 403: Not there (unsupported_country_region_territory)",
        ),
        (
            refusal(400, {"error": {"message": "m1 does not support tools"}}),
            "no_tools",
            "local answered 400: m1 does not support tools",
        ),
        (refusal(404, b"404 page not found"), "wrong_address", "local answered 404: 404 page not found"),
        (
            refusal(308, b"", Location="https://models.example.org/v1"),
            "wrong_address",
            "local answered 308: it redirects to https://models.example.org/v1. That is the address to configure.",
        ),
        (
            refusal(301, b"<html><title>Moved</title></html>", Location="/v1/"),
            "wrong_address",
            "local answered 301: it redirects to /v1/. That is the address to configure.",
        ),
    ],
    ids=lambda each: str(each)[:60],
)
async def test_a_refusal_is_told_in_the_servers_words_whatever_shape_they_have(
    wire_server, model, outcome, kind, words
):
    wire_server.script(outcome)

    failure = await failure_of(model)

    assert (failure.kind, str(failure), failure.status) == (kind, words, outcome.status)
    assert len(wire_server.requests) == 1


async def test_a_request_larger_than_the_window_is_told_with_the_window(wire_server, model):
    said = "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"
    wire_server.script(refusal(400, {"error": {"code": 400, "message": said, "type": "exceed_context_size_error"}}))

    failure = await failure_of(model)

    assert (failure.kind, failure.context_tokens) == ("context_overflow", 4096)


@pytest.mark.parametrize(
    ("outcome", "wait_s"),
    [
        (refusal(429, {"error": {"message": "Slow down."}}, retry_after="2.5"), 2.5),
        (refusal(429, {"error": {"message": "Slow down."}}, retry_after_ms="1500", retry_after="9"), 1.5),
        (refusal(429, {"error": {"message": "Slow down. Please try again in 1.25s."}}), 1.25),
        (refusal(503, {"error": {"message": "Later.", "details": [{"retryDelay": "12.5s"}]}}), 12.5),
    ],
    ids=str,
)
async def test_a_wait_with_a_fraction_is_understood(wire_server, model, outcome, wait_s):
    wire_server.script(outcome)

    assert (await failure_of(model)).retry_after_s == wait_s


async def test_an_address_that_wants_http_and_not_https_is_a_wrong_one():
    async def answers_in_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answers_in_clear, "127.0.0.1", 0) as clear:
        port = clear.sockets[0].getsockname()[1]
        failure = await failure_of(
            RemoteModel(OpenAIFormat("m1", Server("local", f"https://127.0.0.1:{port}/v1", "the-key")))
        )

    assert failure.kind == "wrong_address"
    assert "does not speak TLS" in str(failure)
