"""Model lists of servers are read in every known form, and pages never wait for them."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog.model_entries import MAX_MODELS, ListedModel, models_in, shown_by_ollama
from runs.agent.providers.model_catalog.model_list import LISTS

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _nothing_is_known_before():
    LISTS.forget()
    yield
    LISTS.forget()


def only(entry):
    (model,) = models_in({"data": [entry]}).values()
    return model


ENTRIES: dict[str, tuple[dict[str, Any], dict[str, Any], date | None]] = {
    "openai": ({"id": "gpt-6-astra", "object": "model", "owned_by": "openai", "shutdown_date": None}, {}, None),
    "openai, ends": ({"id": "gpt-5", "object": "model", "shutdown_date": "2026-12-11"}, {}, date(2026, 12, 11)),
    "vllm": ({"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 8192}, {"context_tokens": 8192}, None),
    "openrouter": (
        {
            "id": "google/gemini-3.8-flash",
            "context_length": 1_048_576,
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
            "top_provider": {"context_length": 524_288, "max_completion_tokens": 65_536},
            "supported_parameters": ["max_tokens", "reasoning", "structured_outputs", "tools", "tool_choice"],
            "expiration_date": "2027-02-01",
        },
        {
            "context_tokens": 524_288,
            "max_output_tokens": 65_536,
            "tools": True,
            "vision": True,
            "reasoning": True,
            "output_schema": True,
        },
        date(2027, 2, 1),
    ),
    "openrouter, no tools": (
        {"id": "x/writer", "context_length": 4096, "supported_parameters": ["max_tokens"], "expiration_date": None},
        {"context_tokens": 4096, "tools": False, "reasoning": False, "output_schema": False},
        None,
    ),
    "groq": (
        {"id": "openai/gpt-oss-20b", "active": True, "context_window": 131_072, "max_completion_tokens": 65_536},
        {"context_tokens": 131_072, "max_output_tokens": 65_536},
        None,
    ),
    "mistral": (
        {
            "id": "mistral-small-2506",
            "max_context_length": 131_072,
            "capabilities": {"completion_chat": True, "function_calling": True, "vision": False, "reasoning": False},
            "deprecation": "2026-12-31T12:00:00Z",
        },
        {"context_tokens": 131_072, "tools": True, "vision": False, "reasoning": False},
        date(2026, 12, 31),
    ),
    "azure": ({"id": "gpt-35", "deprecation": {"fine_tune": 1, "inference": 1797206400}}, {}, date(2026, 12, 14)),
    "llama.cpp": (
        {"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 262_144, "n_params": 8_953_803_264}},
        {"context_tokens": 262_144},
        None,
    ),
    "llama.cpp, started smaller": (
        {"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_ctx": 4096, "n_ctx_train": 262_144}},
        {"context_tokens": 4096},
        None,
    ),
    "lm studio": (
        {
            "id": "qwen2-vl-7b",
            "type": "vlm",
            "max_context_length": 32_768,
            "loaded_context_length": 4096,
            "capabilities": ["tool_use"],
        },
        {"context_tokens": 4096, "vision": True, "tools": True},
        None,
    ),
    "lm studio, own form": (
        {
            "key": "google/gemma-3-4b",
            "type": "llm",
            "max_context_length": 131_072,
            "loaded_instances": [{"id": "google/gemma-3-4b", "config": {"context_length": 8192}}],
            "capabilities": {"vision": True, "trained_for_tool_use": False},
        },
        {"context_tokens": 8192, "vision": True},
        None,
    ),
    "anthropic": (
        {
            "id": "claude-sonnet-5-5",
            "type": "model",
            "lifecycle": "active",
            "max_input_tokens": 1_000_000,
            "max_tokens": 128_000,
            "retires_at": None,
            "capabilities": {
                "image_input": {"supported": True},
                "structured_outputs": {"supported": True},
                "thinking": {"supported": True, "types": {"adaptive": {"supported": True}}},
            },
        },
        {
            "context_tokens": 1_000_000,
            "max_output_tokens": 128_000,
            "vision": True,
            "reasoning": True,
            "output_schema": True,
        },
        None,
    ),
    "anthropic, ends": (
        {"id": "claude-sonnet-4-5-20250929", "lifecycle": "deprecated", "retires_at": "2026-11-30T00:00:00Z"},
        {},
        date(2026, 11, 30),
    ),
    "anthropic, gone": ({"id": "claude-2.1", "lifecycle": "retired", "retires_at": None}, {}, date.min),
    "google": (
        {
            "name": "models/gemini-3.8-flash",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "thinking": True,
        },
        {"context_tokens": 1_048_576, "max_output_tokens": 65_536, "reasoning": True},
        None,
    ),
}


@pytest.mark.parametrize(("entry", "capabilities", "retires_on"), ENTRIES.values(), ids=ENTRIES)
def test_what_a_server_says_of_a_model_is_understood(entry, capabilities, retires_on):
    model = only(entry)

    assert model.capabilities == Capabilities(**capabilities)
    assert model.retires_on == retires_on
    assert model.is_for_agents


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "text-embedding-nomic", "type": "embeddings"},
        {"id": "flux", "type": "image"},
        {"id": "tts", "architecture": {"output_modalities": ["audio"]}},
        {"name": "models/gemini-embedding-2", "supportedGenerationMethods": ["embedContent"]},
        {"id": "mistral-ocr", "capabilities": {"completion_chat": False}},
    ],
)
def test_a_model_that_writes_no_text_is_not_for_agents(entry):
    assert not only(entry).is_for_agents


def test_ollama_tells_the_window_and_all_that_a_model_can_do():
    shown = {
        "capabilities": ["completion", "thinking"],
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960},
        "parameters": 'repeat_penalty 1\nnum_ctx                        8192\nstop "<x>"',
    }

    model = shown_by_ollama("qwen3:8b", shown)
    unset = shown_by_ollama("qwen3:8b", shown | {"parameters": ""})
    old = shown_by_ollama("qwen3:8b", {"model_info": shown["model_info"]})

    assert model.capabilities == Capabilities(tools=False, vision=False, reasoning=True, context_tokens=8192)
    assert unset.capabilities.context_tokens == 40_960
    assert old.capabilities == Capabilities(context_tokens=40_960)
    assert not shown_by_ollama("nomic", {"capabilities": ["embedding"]}).is_for_agents


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("2026-99-99"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
SAID = st.sampled_from(
    sorted({key for entry, _, _ in ENTRIES.values() for key in entry} | {"thinking", "input_modalities", "general"})
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(SAID, ODD, max_size=8) | ODD, max_size=4), ODD)
def test_nothing_that_a_server_sends_breaks_the_reading(entries, other):
    for body in (entries, {"data": entries}, {"models": entries, "data": other}, other):
        for name, model in models_in(body).items():
            assert name == model.name
            assert name.isprintable()
            tokens = (model.capabilities.context_tokens, model.capabilities.max_output_tokens)
            assert all(count is None or 0 < count <= 10**9 for count in tokens)
    assert isinstance(shown_by_ollama("m", other), ListedModel)


@pytest.mark.parametrize("told", [0, -1, 10**30, 1.5, "many", "９", True, None, [8192], {"n": 8192}, "9" * 5000])
def test_a_window_that_cannot_be_is_unknown(told):
    assert only({"id": "m", "context_length": told}).capabilities.context_tokens is None


def test_a_window_may_be_written_as_a_text_or_with_a_point():
    assert only({"id": "m", "context_length": "8192"}).capabilities.context_tokens == 8192
    assert only({"id": "m", "context_length": 8192.0}).capabilities.context_tokens == 8192


def test_a_list_has_no_more_models_than_anybody_could_choose_from():
    assert len(models_in([{"id": f"m{number}"} for number in range(MAX_MODELS + 5)])) == MAX_MODELS
