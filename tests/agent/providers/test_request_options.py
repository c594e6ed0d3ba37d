"""Model settings in each provider's terms, and their refusal with a reason where a model does not support them."""

import pytest

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelRequest
from runs.agent.model_settings import ModelSettings
from tests.wire import Answer
from tests.wire.models import model_at

OPENAI = ("responses", "openai", "gpt-6.1-terra")
CLAUDE = ("anthropic", "anthropic", "claude-sonnet-5-5")
GEMINI = ("google", "google", "gemini-3.8-flash")
OWN_CHAT = ("openai", "local", "m1")
OWN_RESPONSES = ("responses", "local", "m1")


async def body_of(server, where, **settings):
    wire_format, name, model = where
    server.script(Answer("Done."))
    request = ModelRequest(task="Hi", settings=ModelSettings(**settings))
    await model_at(server, wire_format, name=name, model=model).reply(request)
    return server.requests[-1].body


def at(body, path):
    for name in path.split("."):
        body = body[name]
    return body


@pytest.mark.parametrize(
    ("where", "path", "value"),
    [
        (OPENAI, "reasoning.effort", "high"),
        (CLAUDE, "output_config.effort", "high"),
        (GEMINI, "generationConfig.thinkingConfig.thinking_level", "HIGH"),
        (OWN_CHAT, "reasoning_effort", "high"),
        (OWN_RESPONSES, "reasoning.effort", "high"),
    ],
)
async def test_how_much_to_think_is_said_in_each_providers_own_words(wire_server, where, path, value):
    assert at(await body_of(wire_server, where, reasoning_effort="high"), path) == value


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (OPENAI, "max_output_tokens"),
        (CLAUDE, "max_tokens"),
        (GEMINI, "generationConfig.maxOutputTokens"),
        (OWN_CHAT, "max_tokens"),
        (OWN_RESPONSES, "max_output_tokens"),
    ],
)
async def test_the_longest_reply_is_said_in_each_providers_own_words(wire_server, where, path):
    assert at(await body_of(wire_server, where, max_output_tokens=777), path) == 777


@pytest.mark.parametrize("where", [OWN_CHAT, OWN_RESPONSES, ("anthropic", "local", "m1")])
async def test_own_servers_get_temperature_and_top_p(wire_server, where):
    body = await body_of(wire_server, where, temperature=0.2, top_p=0.9)

    assert (body["temperature"], body["top_p"]) == (0.2, 0.9)


@pytest.mark.parametrize("where", [OPENAI, CLAUDE, GEMINI, OWN_CHAT, OWN_RESPONSES])
async def test_what_a_server_wants_beyond_is_added_to_the_body(wire_server, where):
    extra = {"metadata": {"team": "a"}} if where is not GEMINI else {"labels": {"team": "a"}}
    body = await body_of(wire_server, where, extra=extra)

    assert next(iter(extra.items())) in body.items()


async def test_what_is_added_does_not_take_away_what_is_beside_it(wire_server):
    body = await body_of(wire_server, OPENAI, extra={"reasoning": {"mode": "pro"}}, reasoning_effort="low")

    assert {"mode": "pro", "effort": "low", "summary": "auto"}.items() <= body["reasoning"].items()


@pytest.mark.parametrize(
    ("where", "settings", "words"),
    [
        (OPENAI, {"temperature": 0.5}, "takes no temperature while it reasons"),
        (("responses", "openai", "gpt-6-astra"), {"reasoning_effort": "none"}, "reasoning_effort is one of"),
        (CLAUDE, {"top_p": 0.5}, "takes no top_p"),
        (("google", "google", "gemini-3-pro"), {"reasoning_effort": "none"}, "always thinks"),
        (("responses", "openai", "gpt-4.1"), {"reasoning_effort": "high"}, "does not reason"),
    ],
)
async def test_what_a_model_does_not_take_is_refused_with_a_reason_before_it_is_asked(
    wire_server, where, settings, words
):
    with pytest.raises(ModelFailure, match=words) as caught:
        await body_of(wire_server, where, **settings)

    assert caught.value.kind == "refused"
    assert wire_server.requests == []
