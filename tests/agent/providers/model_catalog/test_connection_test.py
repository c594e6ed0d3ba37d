"""The connection test runs one turn with a tool, and fails where a run would."""

import asyncio
from decimal import Decimal

import pytest

from runs.agent.budget.pricing import Price
from runs.agent.messages import ModelReply, ModelRequest, OnDelta, ToolRequest
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.model_catalog import connection_test as probes
from runs.agent.providers.model_catalog.connection_test import probe
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.usage import Usage
from tests.wire import Answer, Hang, Status
from tests.wire.models import FORMATS, model_at

CALLS = [("calculator", {"expression": "17 * 23"})]


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_that_calls_the_tool_gets_the_result_and_answers(wire_server, wire_format):
    wire_server.script(Answer(calls=CALLS, usage=(100, 20)), Answer("391", usage=(150, 5)))

    seen = await probe(model_at(wire_server, wire_format))

    assert seen.error is None
    assert seen.tool_use == "called"
    assert (seen.usage.input_tokens, seen.usage.output_tokens) == (250, 25)
    assert 0 < (seen.first_token_s or 0) <= seen.total_s
    assert "391" in str(wire_server.requests[1].body)


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_that_answers_at_once_works_too(wire_server, wire_format):
    wire_server.script(Answer("391"))

    seen = await probe(model_at(wire_server, wire_format))

    assert (seen.error, seen.tool_use, seen.usage.total_tokens) == (None, "not called", 18)
    assert "calculator" in str(wire_server.requests[0].body["tools"])


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_server_that_refuses_tools_fails_the_test(wire_server, wire_format):
    wire_server.otherwise = lambda request: (
        Status(400, message="m1 does not support tools") if "tools" in request.body else Answer("391")
    )

    seen = await probe(model_at(wire_server, wire_format))

    assert seen.error is not None
    assert "does not support tools" in seen.error.message
    assert seen.first_token_s is None


async def test_a_model_that_is_said_to_take_no_tools_is_offered_none(wire_server):
    server = Server("local", wire_server.base_url)
    wire_server.otherwise = lambda request: (
        Status(400, message="no tools") if "tools" in request.body else Answer("391")
    )

    seen = await probe(RemoteModel(OpenAIFormat("m1", server, capabilities=Capabilities(tools=False))))

    assert (seen.error, seen.tool_use) == (None, "not offered")


async def test_a_server_that_refuses_the_result_fails_the_test_and_tells_how_far_it_came(wire_server):
    wire_server.script(Answer(calls=CALLS), Status(400, message="unknown role: tool"))

    seen = await probe(model_at(wire_server, "openai"))

    assert seen.error is not None
    assert "unknown role" in seen.error.message
    assert (seen.tool_use, seen.usage.total_tokens) == ("called", 18)


@pytest.mark.parametrize(
    "call", [("calculatr", {"expression": "1"}), ("calculator", {}), ("calculator", {"expression": "1/0"})]
)
async def test_a_wrong_call_is_told_to_the_model_as_a_run_would(wire_server, call):
    wire_server.script(Answer(calls=[call, *CALLS]), Answer("391"))

    seen = await probe(model_at(wire_server, "openai"))

    assert (seen.error, seen.tool_use) == (None, "called")
    assert len([each for each in wire_server.requests[1].body["messages"] if each["role"] == "tool"]) == 2


async def test_both_replies_are_paid(wire_server):
    wire_server.script(Answer(calls=CALLS, usage=(1_000_000, 0)), Answer("391", usage=(2_000_000, 1_000_000)))
    price = Price(input=Decimal("0.1"), output=Decimal(2))

    seen = await probe(RemoteModel(OpenAIFormat("m1", Server("local", wire_server.base_url)), price=price))

    assert seen.cost_usd == Decimal("2.3")


async def test_what_one_reply_does_not_tell_is_unknown_of_both(wire_server):
    wire_server.script(Answer(calls=CALLS, usage=None), Answer("391"))

    seen = await probe(model_at(wire_server, "openai"))

    assert seen.usage == Usage()
    assert seen.cost_usd is None


async def test_nothing_is_tried_twice(wire_server):
    wire_server.otherwise = Status(503)

    seen = await probe(model_at(wire_server, "openai"))

    assert seen.error is not None
    assert seen.error.code == "model_server" or seen.error.code == "model_overloaded"
    assert len(wire_server.requests) == 1


async def test_a_model_that_takes_too_long_is_left_and_the_reader_is_told_that_a_run_waits_longer(
    wire_server, monkeypatch
):
    monkeypatch.setattr(probes, "TIMEOUT_S", 0.3)
    wire_server.script(Hang(after_chunks=1))

    seen = await probe(model_at(wire_server, "openai"))

    assert seen.error is not None
    assert "the time limit of a test" in seen.error.message
    assert "Test it again" in (seen.error.suggested_action or "")
    wire_server.wait_for_client_to_leave()


async def test_a_probe_that_is_cancelled_lets_go_of_the_model():
    class Endless:
        name, model = "own", "endless"

        def __init__(self) -> None:
            self.was_cancelled = False
            self.asked = asyncio.Event()

        async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
            self.asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.was_cancelled = True
            return ModelReply(calls=(ToolRequest("calculator", {}),))

    model = Endless()
    probing = asyncio.create_task(probe(model))
    await model.asked.wait()
    probing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await probing
    assert model.was_cancelled
