"""The model lists, read by the SDKs of their providers, which a test imports itself: that takes seconds."""

from datetime import UTC, date, datetime

import pytest

from tests.wire import WireServer
from tests.wire.client import get, post
from tests.wire.model_lists import Listed

BIG = Listed(
    "big", context_tokens=1_000_000, max_output_tokens=64_000, tools=True, vision=True, thinking=True, effort=("low",)
)
OLD = Listed("@cf/old=1,5+x", context_tokens=4096, retires_on=date(2026, 12, 11))


@pytest.fixture
def server():
    with WireServer(models=[BIG, OLD]) as made:
        yield made


def test_openais_list_has_what_openai_and_vllm_tell(server):
    import openai

    big, old = openai.OpenAI(base_url=server.base_url, api_key="k").models.list().data

    assert [(each.id, each.model_extra["max_model_len"]) for each in (big, old)] == [
        ("big", 1_000_000),
        ("@cf/old=1,5+x", 4096),
    ]
    assert (big.shutdown_date, old.shutdown_date) == (None, "2026-12-11")


def test_anthropics_list_has_sizes_capabilities_and_the_end(server):
    import anthropic

    big, old = anthropic.Anthropic(base_url=server.url, api_key="k").models.list().data

    assert (big.id, big.max_input_tokens, big.max_tokens, big.lifecycle) == ("big", 1_000_000, 64_000, "active")
    assert big.capabilities.image_input.supported
    assert big.capabilities.effort.low.supported
    assert not big.capabilities.effort.max.supported
    assert (old.lifecycle, old.retires_at) == ("deprecated", datetime(2026, 12, 11, tzinfo=UTC))


def test_googles_list_has_sizes(server):
    from google import genai
    from google.genai.types import HttpOptions

    client = genai.Client(api_key="k", http_options=HttpOptions(base_url=server.url))
    big, old = client.models.list()

    assert (big.name, big.input_token_limit, big.output_token_limit) == ("models/big", 1_000_000, 64_000)
    assert (old.name, old.thinking) == ("models/@cf/old=1,5+x", None)


def test_ollama_shows_what_a_model_can_do(server):
    assert [each["name"] for each in get(server, "/api/tags").body["models"]] == ["big", "@cf/old=1,5+x"]
    shown = post(server, "/api/show", {"model": "big"}).body
    assert shown["capabilities"] == ["completion", "tools", "vision", "thinking"]
    assert shown["model_info"]["wire.context_length"] == 1_000_000
    assert post(server, "/api/show", {"model": "none"}).status == 404


def test_one_model_is_told_by_its_name(server):
    assert get(server, "/v1/models/@cf/old=1,5+x").body["id"] == "@cf/old=1,5+x"
    assert get(server, "/v1/models/none").status == 404


def test_lookups_are_recorded_apart(server):
    get(server, "/v1/models")
    get(server, "/nowhere")

    assert [each.path for each in server.lookups] == ["/v1/models", "/nowhere"]
    assert server.requests == []


def test_the_list_may_change(server):
    server.models[:] = [Listed("new")]

    assert [each["id"] for each in get(server, "/v1/models").body["data"]] == ["new"]
