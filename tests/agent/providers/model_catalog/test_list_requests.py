"""Lists of models over HTTP: what a server is asked, and what of its answer is said."""

import json
from typing import Any

import pytest

from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog import list_requests
from runs.agent.providers.model_catalog.list_requests import ListUnavailable, read_list
from runs.agent.providers.model_catalog.model_list import LISTS
from runs.agent.providers.model_server import Server
from tests.agent.providers.model_catalog.list_server import serving

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _nothing_is_known_before():
    LISTS.forget()
    yield
    LISTS.forget()


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
    assert models["b"].capabilities.context_tokens == 4096  # the window of the loaded model


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
        (200, b"<!doctype html><title>Sign in</title>", "did not send JSON"),
        (200, b"\xff\xfe\x00", "did not send JSON"),
        (200, b"[" * 200_000, "did not send JSON"),
        (200, b'{"data": [{"id": "m", "n": ' + b"9" * 5000 + b"}]}", "did not send JSON"),
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
        with pytest.raises(ListUnavailable, match="compressed the list"):
            await read_list(Server("local", f"{server.url}/v1"), "openai")


async def test_a_server_that_stops_in_the_middle_is_left_in_time(monkeypatch):
    monkeypatch.setattr(list_requests, "TIMEOUT_S", 0.3)
    with serving({"/v1/models": (200, ...)}) as server, pytest.raises(ListUnavailable, match=r"within 0\.3 s"):
        await read_list(Server("local", f"{server.url}/v1"), "openai")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "http://no.such.host.invalid/v1"])
async def test_a_server_that_is_not_there_says_so(address):
    with pytest.raises(ListUnavailable, match="no server answers at the address"):
        await read_list(Server("local", address, KEY), "openai")
