"""What servers say of their models is read, whatever form it has, and never waited for."""

import json
import logging
import threading
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.agent.providers import list_requests, model_refresh
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.catalog import provider_for, retirement_of, sources
from runs.agent.providers.list_requests import ListUnavailable, read_list
from runs.agent.providers.model_entries import MAX_MODELS, ListedModel, models_in, shown_by_ollama
from runs.agent.providers.model_list import LISTS, ModelList, known_capabilities
from runs.agent.providers.model_refresh import READ_EVERY_S, ModelRefresh
from runs.agent.providers.served import ServedModel, Server
from tests.agent.list_server import serving

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


# Over HTTP


async def test_an_openai_compatible_server_is_asked_with_its_key_and_for_nothing_else():
    with serving({"/v1/models": (200, {"data": [{"id": "m1", "max_model_len": 8192}]})}) as server:
        models = await read_list(Server("local", f"{server.url}/v1", KEY), "openai")

    assert models["m1"].capabilities.context_tokens == 8192
    assert server.paths() == ["/v1/models"]
    assert server.asked[0][2]["authorization"] == f"Bearer {KEY}"


async def test_a_server_that_wants_no_key_is_sent_none():
    with serving({"/v1/models": (200, {"data": [{"id": "m1", "max_model_len": 8192}]})}) as server:
        await read_list(Server("local", f"{server.url}/v1"), "responses")

    assert not {"authorization", "x-api-key"} & server.asked[0][2].keys()


async def test_anthropic_is_asked_page_by_page():
    def page(query, _):
        after = int(query.get("after_id", "m-1").removeprefix("m")) + 1
        data = [{"id": f"m{number}", "max_input_tokens": 1000 + number} for number in range(after, after + 2)]
        return {"data": data, "has_more": after < 4, "last_id": data[-1]["id"]}

    with serving({"/v1/models": page}) as server:
        models = await read_list(Server("anthropic", server.url, KEY), "anthropic")

    assert list(models) == [f"m{number}" for number in range(6)]
    assert [query.get("after_id") for _, query, _ in server.asked] == [None, "m1", "m3"]
    assert server.asked[0][2]["x-api-key"] == KEY
    assert server.asked[0][2]["anthropic-version"]


async def test_google_is_asked_page_by_page_and_its_key_is_in_no_address():
    def page(query, _):
        if query.get("pageToken") == "two/+=":
            return {"models": [{"name": "models/b"}]}
        return {"models": [{"name": "models/a", "inputTokenLimit": 5000}], "nextPageToken": "two/+="}

    with serving({"/v1beta/models": page}) as server:
        models = await read_list(Server("google", server.url, KEY), "google")

    assert list(models) == ["a", "b"]
    assert server.asked[0][2]["x-goog-api-key"] == KEY
    assert KEY not in json.dumps([query for _, query, _ in server.asked])


async def test_pages_that_never_end_are_left():
    with serving({"/v1beta/models": lambda *_: {"models": [{"name": "models/a"}], "nextPageToken": "x"}}) as server:
        models = await read_list(Server("google", server.url, KEY), "google")

    assert list(models) == ["a"]
    assert len(server.asked) == 2


async def test_an_ollama_is_asked_what_each_model_can_do():
    shown = {
        "capabilities": ["completion", "tools"],
        "model_info": {"general.architecture": "llama", "llama.context_length": 131_072},
    }
    routes: dict[str, Any] = {
        "/v1/models": (
            200,
            {"object": "list", "data": [{"id": "llama3.2:latest", "owned_by": "library"}, {"id": "b"}]},
        ),
        "/api/tags": (200, {"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest"}, {"name": "b"}]}),
        "/api/ps": (200, {"models": [{"name": "b", "model": "b", "context_length": 4096}]}),
        "/api/show": lambda _, body: shown | {"license": body["model"]},
    }
    with serving(routes) as server:
        models = await read_list(Server("local", f"{server.url}/v1"), "openai")

    assert models["llama3.2:latest"].capabilities == Capabilities(
        tools=True, vision=False, reasoning=False, context_tokens=131_072
    )
    assert models["b"].capabilities.context_tokens == 4096  # as it is loaded now


async def test_an_ollama_without_models_has_an_empty_list():
    with serving({"/v1/models": (200, {"object": "list", "data": None})}) as server:
        assert await read_list(Server("local", f"{server.url}/v1"), "openai") == {}


async def test_lm_studio_is_asked_for_the_windows_it_does_not_tell_in_openais_form():
    own = {"id": "qwen", "type": "llm", "max_context_length": 32_768, "loaded_context_length": 4096}
    routes = {
        "/v1/models": (200, {"data": [{"id": "qwen"}, {"id": "embedder"}]}),
        "/api/v0/models": (200, {"data": [own, {"id": "embedder", "type": "embeddings"}]}),
    }
    with serving(routes) as server:
        models = await read_list(Server("local", f"{server.url}/v1"), "openai")

    assert models["qwen"].capabilities.context_tokens == 4096
    assert not models["embedder"].is_for_agents


async def test_a_llama_cpp_tells_the_window_it_was_started_with():
    routes = {
        "/v1/models": (200, {"data": [{"id": "m"}]}),
        "/props": (200, {"default_generation_settings": {"n_ctx": 4096}}),
    }
    with serving(routes) as server:
        models = await read_list(Server("local", f"{server.url}/v1"), "openai")

    assert models["m"].capabilities.context_tokens == 4096


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"error": f"wrong key {KEY}"}, "the server answered 401"),
        (404, b"<html>no</html>", "the server answered 404"),
        (302, b"", "the server answered 302"),
        (200, b"<!doctype html><title>Sign in</title>", "is no JSON"),
        (200, b"\xff\xfe\x00", "is no JSON"),
        (200, b"[" * 200_000, "is no JSON"),
        (200, b'{"data": [{"id": "m", "n": ' + b"9" * 5000 + b"}]}", "is no JSON"),
        (200, b"[" + b"1," * (5 * 1024 * 1024) + b"1]", "longer than 8388608 bytes"),
    ],
)
async def test_a_list_that_cannot_be_read_says_why_and_nothing_the_server_sent(status, body, told):
    with serving({"/v1/models": (status, body)}) as server:
        server.extra_headers = {"Location": "/elsewhere"} if status == 302 else {}
        with pytest.raises(ListUnavailable, match=told) as raised:
            await read_list(Server("local", f"{server.url}/v1", KEY), "openai")

    assert KEY not in str(raised.value)
    assert server.paths() == ["/v1/models"]


async def test_a_packed_list_is_not_unpacked():
    with serving({"/v1/models": (200, b"\x1f\x8b\x08")}) as server:
        server.extra_headers = {"Content-Encoding": "gzip"}
        with pytest.raises(ListUnavailable, match="packed its list"):
            await read_list(Server("local", f"{server.url}/v1"), "openai")


async def test_a_server_that_stops_in_the_middle_is_left_in_time(monkeypatch):
    monkeypatch.setattr(list_requests, "TIMEOUT_S", 0.3)
    with serving({"/v1/models": (200, ...)}) as server, pytest.raises(ListUnavailable, match=r"within 0\.3 s"):
        await read_list(Server("local", f"{server.url}/v1"), "openai")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "http://no.such.host.invalid/v1"])
async def test_a_server_that_is_not_there_says_so(address):
    with pytest.raises(ListUnavailable, match="nobody answers at the server's address"):
        await read_list(Server("local", address, KEY), "openai")


# Kept, and used


def served(name, environ) -> ServedModel:
    model = provider_for(name, environ=environ)
    assert isinstance(model, ServedModel)
    return model


def environ_of(server, **changed):
    endpoint = {"name": "local", "base_url": f"{server.url}/v1", "models": ["m1"]} | changed
    return {"AGENTSITE_ENDPOINTS": json.dumps([endpoint])}


def refresh_of(environ):
    return ModelRefresh(lambda: sources(environ=environ))


def test_what_the_list_says_is_known_of_a_model_unless_its_endpoint_says_otherwise():
    entry = {"context_length": 32_768, "max_output_tokens": 4096, "supported_parameters": ["tools"]}
    with serving({"/v1/models": (200, [{"id": "m1", **entry}, {"id": "m2", **entry}])}) as server:
        environ = environ_of(server, models=["m1", {"name": "m2", "context_tokens": 8192}])
        refresh_of(environ).read_due()

    one, two, three = (served(f"local/{name}", environ) for name in ("m1", "m2", "m3"))
    assert (one.capabilities.context_tokens, one.capabilities.tools) == (32_768, True)
    assert (two.capabilities.context_tokens, two.capabilities.max_output_tokens) == (8192, 4096)
    assert three.capabilities == Capabilities()
    assert known_capabilities(one.account, "m1").context_tokens == 32_768
    assert known_capabilities("somebody else", "m1") == Capabilities()


def test_a_server_that_goes_away_keeps_the_list_it_had_and_the_reason_is_told():
    with serving({"/v1/models": (200, [{"id": "m1"}])}) as server:
        environ = environ_of(server)
        refresh = refresh_of(environ)
        refresh.read_due()
    (source,) = sources(environ=environ)
    read_at = source.models.read_at

    refresh_of(environ).read_due()

    assert list(source.models.models) == ["m1"]
    assert source.models.read_at == read_at
    assert "nobody answers" in source.models.fault


def test_a_list_is_not_read_again_before_its_time():
    with serving({"/v1/models": (200, [{"id": "m1", "max_model_len": 4096}])}) as server:
        refresh = refresh_of(environ_of(server))
        refresh.read_due()
        refresh.read_due()

    assert server.paths() == ["/v1/models"]


def test_two_keys_at_one_server_have_a_list_each():
    with serving({"/v1/models": (200, [{"id": "m1", "max_model_len": 4096}])}) as server:
        for key in ("one", "two"):
            refresh_of({**environ_of(server, key_env="LOCAL_KEY"), "LOCAL_KEY": key}).read_due()
        accounts = {
            served("local/m1", {**environ_of(server, key_env="LOCAL_KEY"), "LOCAL_KEY": key}).account
            for key in ("one", "two")
        }

    assert len(accounts) == 2
    assert [LISTS.of(account).find("m1").name for account in accounts] == ["m1", "m1"]


def test_the_refresh_works_beside_everything_else_and_survives_what_nobody_foresaw(caplog):
    asked = threading.Event()

    def find():
        if not asked.is_set():
            asked.set()
            raise OSError("the sky fell")
        return []

    refresh = ModelRefresh(find)
    with caplog.at_level(logging.ERROR):
        thread = refresh.start()
        assert asked.wait(10)
        refresh.stop()
        thread.join(10)

    assert not thread.is_alive()
    assert "could not be read" in caplog.text


def test_the_turn_of_a_server_that_is_gone_wakes_nobody_and_it_is_asked_at_once_when_it_is_back(monkeypatch):
    with serving({"/v1/models": (200, [{"id": "m1", "max_model_len": 4096}])}) as server:
        found = [sources(environ=environ_of(server)), [], sources(environ=environ_of(server))]
        refresh = ModelRefresh(lambda: found.pop(0))
        with monkeypatch.context() as patched:
            patched.setattr(model_refresh, "READ_EVERY_S", 0.0)
            refresh.read_due()
        assert refresh.wait_s() == 1.0  # its turn is there again

        refresh.read_due()

        assert refresh.wait_s() > 0.9 * READ_EVERY_S
        refresh.read_due()
        assert server.paths() == ["/v1/models"] * 2


def test_no_secret_is_logged_when_a_list_cannot_be_read(caplog):
    with serving({"/v1/models": (401, {"error": KEY})}) as server, caplog.at_level(logging.DEBUG):
        environ = {**environ_of(server, key_env="LOCAL_KEY"), "LOCAL_KEY": KEY}
        refresh_of(environ).read_due()

    assert "answered 401" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("llama3", "llama3:latest"),
        ("claude-x", "claude-x-20260201"),
        ("gpt-x", "gpt-x-2026-02-01"),
        ("org/model:nitro", "org/model"),
        ("org/model", "org/model"),
        ("claude", None),
        ("gpt-x-2026-02-0", None),
    ],
)
def test_a_name_that_stands_for_a_listed_model_finds_it(asked, found):
    names = ["llama3:latest", "claude-x-20250101", "claude-x-20260201", "gpt-x-2026-02-01", "org/model"]
    known = ModelList({name: ListedModel(name=name) for name in names}, 0.0)

    model = known.find(asked)

    assert (model and model.name) == found


def test_the_day_a_server_names_counts_before_what_was_announced():
    listed = [{"id": "gpt-5", "shutdown_date": "2027-06-30"}, {"id": "gpt-5-mini", "shutdown_date": None}]
    with serving({"/v1/models": (200, {"data": listed})}) as server:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{server.url}/v1"}
        refresh_of(environ).read_due()

    assert retirement_of("openai:gpt-5", environ=environ) == date(2027, 6, 30)
    assert retirement_of("openai:gpt-5-mini", environ=environ) == date(2026, 12, 11)
