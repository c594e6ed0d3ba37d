"""Model settings: accepted and refused values, and how they reach a request."""

import re
from typing import Any

import pytest

from runs.agent import ModelSettings, run_agent
from runs.agent.extra_settings import MAX_EXTRA_BYTES, MAX_EXTRA_DEPTH, extra_fault
from runs.agent.providers.scripted import ScriptedModel, answers

INFINITE, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"temperature": 2.1}, "temperature must be a number from 0 to 2, not 2.1."),
        ({"temperature": 3.0}, "temperature must be a number from 0 to 2, not 3."),
        ({"temperature": -0.1}, "temperature must be a number from 0 to 2, not -0.1."),
        ({"temperature": NAN}, "temperature must be a number from 0 to 2, not nan."),
        ({"temperature": INFINITE}, "temperature must be a number from 0 to 2, not inf."),
        ({"temperature": 10**400}, "temperature must be a number from 0 to 2, not 1000"),
        ({"temperature": True}, "temperature must be a number from 0 to 2, not True."),
        ({"temperature": "0.5"}, "temperature must be a number from 0 to 2, not '0.5'."),
        ({"top_p": 0}, "top_p must be a number above 0 and at most 1, not 0."),
        ({"top_p": 1.01}, "top_p must be a number above 0 and at most 1, not 1.01."),
        ({"top_p": NAN}, "top_p must be a number above 0 and at most 1, not nan."),
        ({"max_output_tokens": 0}, "max_output_tokens must be a whole number from 1 to 1,000,000,000, not 0."),
        ({"max_output_tokens": 1.5}, "max_output_tokens must be a whole number from 1 to 1,000,000,000, not 1.5."),
        ({"max_output_tokens": 10**9 + 1}, "must be a whole number from 1 to 1,000,000,000, not 1000000001."),
        ({"max_output_tokens": True}, "must be a whole number from 1 to 1,000,000,000, not True."),
        (
            {"reasoning_effort": "huge"},
            "reasoning_effort must be one of none, minimal, low, medium, high, xhigh, max, not 'huge'.",
        ),
        ({"reasoning_effort": ""}, "reasoning_effort must be one of none,"),
        ({"reasoning_effort": ["low"]}, "reasoning_effort must be one of none,"),
        ({"extra": {"stream": False}}, "extra must not have 'stream': replies are always streamed, with their usage."),
    ],
)
def test_a_setting_no_model_takes_is_refused_by_name_value_and_bound(settings: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        ModelSettings(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0},
        {"temperature": 2},
        {"top_p": 1},
        {"top_p": 1e-9},
        {"max_output_tokens": 1},
        {"reasoning_effort": "none"},
        {"reasoning_effort": "max", "temperature": 0.5, "top_p": 0.5, "max_output_tokens": 10**9},
    ],
)
def test_the_bounds_themselves_are_taken(settings: Any) -> None:
    made = ModelSettings(**settings)

    assert {name: getattr(made, name) for name in settings} == settings


@pytest.mark.parametrize(
    "extra",
    [
        {"top_k": 40, "seed": 7, "stop": ["END"], "service_tier": "flex", "user": "ada"},
        {"chat_template_kwargs": {"enable_thinking": False, "tools": "of the template"}},
        {"provider": {"order": ["a", "b"]}, "reasoning": {"max_tokens": 2000}},
        {"options": {"num_ctx": 8192}, "keep_alive": "10m", "think": False},
        {"thinking": {"type": "disabled"}},
        {"text": {"verbosity": "low"}, "metadata": {"model": "mine"}},
        {"generationConfig": {"topK": 40, "thinkingConfig": {"thinkingBudget": 100}}, "safetySettings": []},
        {"logit_bias": {"50256": -100}, "none": None, "deep": [[[[[[1]]]]]]},
    ],
)
def test_what_a_server_wants_beyond_is_taken_as_it_is(extra: dict[str, Any]) -> None:
    assert ModelSettings(extra=extra).extra == extra


REFUSED_NAMES = {
    "chat completions": "model models messages tools tool_choice functions function_call stream stream_options n store "
    "max_tokens max_completion_tokens temperature top_p reasoning_effort response_format modalities usage "
    "web_search_options plugins transforms fallbacks api_base api_key guided_json structured_outputs",
    "responses": "model input instructions tools tool_choice stream store include previous_response_id conversation "
    "truncation background max_output_tokens temperature top_p",
    "anthropic": "model messages system tools tool_choice stream max_tokens mcp_servers container context_management "
    "temperature top_p output_format",
    "google": "contents systemInstruction system_instruction tools toolConfig cachedContent",
}


@pytest.mark.parametrize(
    ("wire_format", "name"), [(each, name) for each, names in REFUSED_NAMES.items() for name in names.split()]
)
def test_what_a_run_decides_itself_is_refused_in_every_format_and_spelling(wire_format: str, name: str) -> None:
    for spelled in {name, name.upper(), name.replace("_", ""), name.replace("_", "-")}:
        fault = extra_fault({"top_k": 40, spelled: None})

        assert fault is not None and fault.startswith(f"must not have '{spelled}': "), (wire_format, spelled)
        assert len(fault.partition(": ")[2]) > 15, "without a reason"


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        ({"generationConfig": {"maxOutputTokens": 9}}, "generationConfig.maxOutputTokens"),
        ({"generation_config": {"candidate_count": 2}}, "generation_config.candidate_count"),
        ({"generationConfig": {"responseSchema": {}}}, "generationConfig.responseSchema"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}},
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        ({"options": {"num_predict": 9}}, "options.num_predict"),
        ({"options": {"temperature": 1}}, "options.temperature"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"output_config": {"effort": "low"}}, "output_config.effort"),
        ({"output_config": {"format": {}}}, "output_config.format"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"thinking": {"type": "adaptive", "block_binding": "strict"}}, "thinking.block_binding"),
        ({"extra_body": {"n": 2}}, "extra_body"),
    ],
)
def test_what_a_run_decides_itself_is_refused_inside_of_other_members_too(extra: dict[str, Any], path: str) -> None:
    assert str(extra_fault(extra)).startswith(f"must not have '{path}': ")


def nested(depth: int) -> Any:
    """An object with nested lists, `depth` levels in all."""
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"deep": value}


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ([], "must be a JSON object"),
        ("top_k", "must be a JSON object"),
        ({"top_k": NAN}, "must contain finite numbers only (in 'top_k')"),
        ({"a": {"b": [1e999]}}, "must contain finite numbers only (in 'b')"),
        ({"seed": 2**63}, "must contain no whole number of more than 64 bits (in 'seed')"),
        ({"seed": 10**4000}, "must contain no whole number of more than 64 bits (in 'seed')"),
        ({"stop": "\0"}, "must contain no NUL character and no lone surrogate (in 'stop')"),
        ({"stop": ["\ud83d"]}, "must contain no NUL character and no lone surrogate (in 'stop')"),
        ({"\0": 1}, "must contain no NUL"),
        ({"when": object()}, "must be plain JSON, not object (in 'when')"),
        ({"a": {1: 2}}, "must have strings as names (in 'a')"),
        ({"a": "x" * MAX_EXTRA_BYTES}, "must be at most 16 KiB of JSON, not 16.0 KiB"),
        ({"a": "é" * (MAX_EXTRA_BYTES // 2)}, "must be at most 16 KiB of JSON"),
        (nested(MAX_EXTRA_DEPTH + 1), "must not be nested more than 8 levels deep"),
        (nested(500), "must not be nested more than 8 levels deep"),
    ],
)
def test_what_is_no_plain_json_of_a_bounded_size_is_refused(extra: Any, fault: str) -> None:
    assert str(extra_fault(extra)).startswith(fault)


def test_the_largest_and_deepest_that_are_allowed_are_taken() -> None:
    assert extra_fault(nested(MAX_EXTRA_DEPTH)) is None
    assert extra_fault({"a": "x" * (MAX_EXTRA_BYTES - len('{"a": ""}'))}) is None
    assert extra_fault({"seed": 2**63 - 1}) is None


async def test_the_settings_of_a_script_reach_every_request() -> None:
    model, settings = ScriptedModel(answers("Done.")), ModelSettings(reasoning_effort="low", extra={"top_k": 4})

    await run_agent("Do it.", model=model, settings=settings)
    await run_agent("Do it.", model=(plain := ScriptedModel(answers("Done."))))

    assert model.requests[0].settings == settings
    assert plain.requests[0].settings == ModelSettings()


async def test_a_script_can_give_no_tools_or_all() -> None:
    without, everything = ScriptedModel(answers("Done.")), ScriptedModel(answers("Done."))

    await run_agent("Do it.", model=without, tools=[])
    await run_agent("Do it.", model=everything)

    assert list(without.requests[0].tools) == []
    assert "calculator" in [tool.name for tool in everything.requests[0].tools]
