"""A turn with a tool, in every format, with the rules of its provider."""

import pytest

from tests.wire.models import FORMATS, model_at, tool_turn

HOSTED = [
    ("openai", "openai", "gpt-5"),
    ("openai", "openai", "gpt-4.1"),
    ("responses", "openai", "gpt-6-luna"),
    ("responses", "openai", "gpt-6.1-sol"),
    ("responses", "openai", "gpt-4.1"),
    ("anthropic", "anthropic", "claude-opus-5-5"),
    ("anthropic", "anthropic", "claude-haiku-4-5"),
    ("google", "google", "gemini-3.8-flash"),
    ("google", "google", "gemini-2.5-pro"),
]


@pytest.mark.parametrize(("wire_format", "name", "model"), [*((each, "local", "m1") for each in FORMATS), *HOSTED])
async def test_a_turn_with_a_tool_is_completed_and_breaks_no_rule(wire_server, wire_format, name, model):
    result = await tool_turn(wire_server, model_at(wire_server, wire_format, name=name, model=model))

    assert (result.output, result.success) == ("391", True)
    assert wire_server.refusals == []
    assert len(wire_server.requests) == 2


async def test_a_model_that_thinks_completes_none_over_chat_completions(wire_server):
    result = await tool_turn(wire_server, model_at(wire_server, "openai", name="openai", model="gpt-6-luna"))

    assert not result.success
    assert "To use function tools, use /v1/responses" in wire_server.refusals[0].message
