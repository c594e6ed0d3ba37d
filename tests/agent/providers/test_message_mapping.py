"""Every turn, whatever the model wrote and the tools returned, is sent back in a form that the provider accepts."""

import pytest

from runs.agent import RetryPolicy, run_agent, tool
from runs.agent.messages import ModelReply, ModelRequest, ToolResult, Turn
from tests.wire import Answer, WireServer
from tests.wire.dialects import CEREBRAS, LLAMA_CPP, Dialect
from tests.wire.models import FORMATS, TOOLS, model_at

CALLS = [("calculator", {"expression": "1 + 1"})]
ONCE = RetryPolicy(max_attempts=1)
HOSTED = [
    ("responses", "openai", "gpt-6-luna"),
    ("anthropic", "anthropic", "claude-opus-5-5"),
    ("google", "google", "gemini-3.8-flash"),
]
EVERYBODY = [*((each, "local", "m1") for each in FORMATS), ("openai", "openai", "gpt-4.1"), *HOSTED]


@pytest.fixture(params=EVERYBODY, ids=str)
def model(request, wire_server):
    wire_format, name, model = request.param
    return model_at(wire_server, wire_format, name=name, model=model)


@tool
def silent() -> str:
    """Says nothing."""
    return ""


@tool
def newline() -> str:
    """Says next to nothing."""
    return "\n"


@pytest.mark.parametrize("said", ["", " ", "\n\n", "\t", "\u00a0"], ids=repr)
async def test_a_blank_text_beside_calls(wire_server, model, said):
    wire_server.script(Answer(said, reasoning="Hm.", calls=CALLS), Answer("2"))

    assert (await run_agent("What is 1 + 1?", model=model, retry=ONCE)).output == "2"


@pytest.mark.parametrize(("name", "quiet"), [("silent", silent), ("newline", newline)], ids=["empty", "newline"])
async def test_a_result_with_nothing_in_it(wire_server, model, name, quiet):
    wire_server.script(Answer(calls=[(name, {})]), Answer("Done."))

    assert (await run_agent("Be quiet.", model=model, tools=[quiet], retry=ONCE)).output == "Done."


@pytest.mark.parametrize("name", ["functions.calculator", "calculator ", "", "x" * 300, "¿qué?"])
async def test_a_name_the_model_made_up(wire_server, model, name):
    wire_server.script(Answer(calls=[(name, {})]), Answer("Then not."))

    assert (await run_agent("What is 1 + 1?", model=model, retry=ONCE)).output == "Then not."


@pytest.mark.parametrize("call_id", ["functions.calculator:0", "a.b", "c" * 80])
@pytest.mark.parametrize("wire_format", FORMATS)
async def test_an_id_as_some_servers_make_them(wire_server, wire_format, call_id):
    model = model_at(wire_server, wire_format)
    wire_server.script(Answer(calls=CALLS, call_id=call_id), Answer("2"))

    assert (await run_agent("What is 1 + 1?", model=model, retry=ONCE)).output == "2"


async def test_a_thought_that_nobody_signed_is_left_out(wire_server, model):
    wire_server.script(Answer("So.", reasoning="Secretly.", signature="", calls=CALLS), Answer("2"))

    assert (await run_agent("What is 1 + 1?", model=model, retry=ONCE)).output == "2"
    sent = str(wire_server.requests[1].body)
    assert "assistant_thinking" not in sent


@pytest.mark.parametrize(
    "dialect",
    [CEREBRAS, LLAMA_CPP, Dialect(stream_options=False), Dialect(parallel_tool_calls=False)],
    ids=["cerebras", "llama.cpp", "no stream_options", "no parallel_tool_calls"],
)
async def test_a_server_of_ones_own_that_takes_less(dialect):
    with WireServer(dialect=dialect) as server:
        server.script(Answer(calls=CALLS), Answer("2"))

        assert (await run_agent("What is 1 + 1?", model=model_at(server, "openai"), retry=ONCE)).output == "2"


async def test_a_changed_past_costs_claude_no_second_request(wire_server):
    claude = model_at(wire_server, "anthropic", name="anthropic", model="claude-opus-5-5")
    wire_server.script(Answer("So.", reasoning="Hm.", calls=CALLS), Answer("2"))
    reply: ModelReply = await claude.reply(ModelRequest(task="A long task.", tools=TOOLS))
    turn = Turn(reply, (ToolResult("1", "calculator", 2),))

    told = await claude.reply(ModelRequest(task="A task.", tools=TOOLS, turns=[turn], past_is_changed=True))

    assert told.text == "2"
    assert len(wire_server.requests) == 2
