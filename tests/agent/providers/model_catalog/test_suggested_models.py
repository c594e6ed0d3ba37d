"""Suggested models work, and the connection test fails exactly when a run would."""

from typing import Any

import pytest

from runs.agent import RetryPolicy, run_agent
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.agent.providers.model_catalog.connection_test import probe
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.thoughts import AgentThought
from tests.wire import Answer, Status, WireServer
from tests.wire.__main__ import reply_to
from tests.wire.dialects import CEREBRAS, LM_STUDIO, OLLAMA_WITHOUT_TOOLS, Dialect
from tests.wire.models import FORMATS, environ_at, model_at, tool_turn

ONCE = RetryPolicy(max_attempts=1)


async def test_every_suggested_model_completes_a_turn_with_a_tool(wire_server):
    environ = environ_at(wire_server)
    suggested = [name for name in available_models(endpoints=[], environ=environ) if name != "offline"]

    results = {name: await tool_turn(wire_server, provider_for(name, environ=environ)) for name in suggested}

    assert len(results) >= 9
    assert {name: result.error for name, result in results.items() if result.output != "391"} == {}
    assert wire_server.rules.stored == []  # no copy of a conversation is stored at a provider


async def test_every_suggested_model_passes_its_test(wire_server):
    environ = environ_at(wire_server)
    wire_server.otherwise = reply_to

    for name in available_models(endpoints=[], environ=environ)[1:]:
        seen = await probe(provider_for(name, environ=environ))
        assert (name, seen.error, seen.tool_use) == (name, None, "called")


SERVERS: dict[str, dict[str, Any]] = {
    "takes everything": {},
    "refuses stream_options": {"dialect": Dialect(stream_options=False)},
    "refuses some strict tools": {"dialect": CEREBRAS},
    "refuses json_object": {"dialect": LM_STUDIO},
    "takes no tools": {"dialect": OLLAMA_WITHOUT_TOOLS},
    "knows the format's own fields only": {"strict": True},
    "wants no parallel_tool_calls": {"dialect": Dialect(parallel_tool_calls=False)},
    "is overloaded": {"otherwise": Status(503)},
    "does not know the key": {"otherwise": Status(401)},
    "has no such model": {"otherwise": Status(404, message="model not found")},
    "says nothing": {"otherwise": Answer("")},
}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "capabilities", [Capabilities(), Capabilities(tools=False), Capabilities(parallel_tools=False)]
)
async def test_the_test_of_a_model_fails_exactly_when_a_run_would(server, capabilities):
    options: dict[str, Any] = {"otherwise": reply_to, **SERVERS[server]}
    outcomes = []
    for use in ("probe", "run"):
        with WireServer(**options) as wire:
            # A separate model each, because adaptations are remembered.
            model = model_at(wire, "openai", model=f"{use} {server}"[:60].replace(" ", "-"))
            model.wire_format.capabilities = capabilities
            if use == "probe":
                outcomes.append((await probe(model)).error)
            else:
                outcomes.append((await run_agent("What is 17 * 23?", model=model, retry=ONCE)).error)

    probed, run = outcomes
    assert (probed and probed.code) == (run and run.code)


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_that_takes_no_tools_is_offered_none(wire_server, wire_format):
    model = model_at(wire_server, wire_format)
    model.wire_format.capabilities = Capabilities(tools=False)
    wire_server.script(Answer("Without."))
    thoughts: list[AgentThought] = []

    result = await run_agent("Hi", model=model, retry=ONCE, report=thoughts.append)

    assert result.output == "Without."
    assert "tools" not in wire_server.requests[0].body
    assert thoughts[0].content == "'m1' does not support tools, so it was offered none of the agent's tools."
