"""Model names: their providers, and the faults of wrong ones."""

import json
from decimal import Decimal

import pytest

from runs.agent.budget.pricing import cost_of
from runs.agent.errors.classification import handle_agent_error
from runs.agent.providers.formats.anthropic import AnthropicFormat
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.formats.openai_responses import ResponsesFormat
from runs.agent.providers.model_catalog.catalog import model_fault, provider_for
from runs.agent.providers.model_catalog.model_names import MAX_NAME_CHARS, name_fault
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.usage import Usage

LOCAL = {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1"]}
NAMES_SERVERS_USE = [
    "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "model@2026-01-01",
    "qwen/qwen3-235b:free",
    "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
    "accounts/fireworks/models/x#accounts/me/deployments/y",
    "ft:gpt-6-luna:org::a=b,c+d",
    "deployment?version=3&region=eu%20west",
    "modèle-français",
    "通义千问-3",
    "<b>bold</b>",
    'it\'s"quoted"',
]


def endpoints(**changed):
    return json.dumps([{**LOCAL, **changed}])


def own(**changed):
    return {"AGENTSITE_ENDPOINTS": endpoints(**changed)}


def test_an_own_server_may_say_what_its_models_cost():
    environ = own(models=["m1", "m2"], prices={"m1": {"input": 0.15, "output": "0.6"}})

    model, other = (provider_for(f"local/{name}", environ=environ) for name in ("m1", "m2"))

    assert cost_of(Usage(1_000_000, 1_000_000), model) == Decimal("0.75")
    assert cost_of(Usage(1_000_000, 1_000_000), other) is None


def test_names_find_their_provider():
    environ = {"OPENAI_API_KEY": "k", **own(models=["m1", "qwen/qwen3:8b"])}

    hosted = provider_for("openai:gpt-6-luna", environ=environ)
    local = provider_for("local/qwen/qwen3:8b", environ=environ)

    assert (hosted.name, hosted.model) == ("openai", "gpt-6-luna")
    assert (local.name, local.model) == ("local", "qwen/qwen3:8b")


@pytest.mark.parametrize("name", NAMES_SERVERS_USE)
def test_a_name_may_hold_whatever_a_server_uses(name):
    environ = {"OPENAI_API_KEY": "k", **own(models=[name])}

    assert name_fault(f"local/{name}") is None
    assert model_fault(f"local/{name}", environ=environ) is None
    assert provider_for(f"local/{name}", environ=environ).model == name
    assert name_fault(f"openai:{name}") is None
    assert provider_for(f"openai:{name}", environ=environ).model == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gpt", "Unknown model"),
        ("", "Unknown model"),
        (None, "Unknown model None"),
        ("local/", "Unknown model"),
        ("openai:", "Unknown model"),
        ("@cf/meta/llama", "Unknown model"),  # the name of its server must come first
        ("cohere:command", "Unknown model"),
        ("local/a model", "contains white space"),
        ("local/model\n", "contains white space"),
        ("local/a\u00a0b", "contains white space"),
        ("openai:gpt\x00", "cannot be printed"),
        ("openai:gpt\u202e", "cannot be printed"),
        ("local/\ud800", "cannot be printed"),
        ("local/" + "x" * MAX_NAME_CHARS, f"longer than {MAX_NAME_CHARS} characters"),
    ],
)
def test_what_no_server_uses_is_no_name(name, told):
    fault = name_fault(name)

    assert fault is not None
    assert told in fault
    assert fault.isprintable()


@pytest.mark.parametrize(
    ("name", "told", "action"),
    [
        (
            "gpt-6-sol",
            "Unknown model 'gpt-6-sol': offline, openai:<name>, anthropic:<name>, google:<name>, or <server>/<model>",
            "Correct the model's name",
        ),
        ("", "Unknown model ''", "Correct the model's name"),
        ("openai:", "Unknown model 'openai:'", "Correct the model's name"),
        ("local/", "Unknown model 'local/'", "Correct the model's name"),
        ("elsewhere/m1", "Unknown model 'elsewhere/m1'", "Put the server 'elsewhere' back into AGENTSITE_ENDPOINTS"),
        ("openai:gpt-6-sol", "set the environment variable OPENAI_API_KEY", "Set OPENAI_API_KEY"),
        ("anthropic:claude", "set the environment variable ANTHROPIC_API_KEY", "Set ANTHROPIC_API_KEY"),
        ("google:gemini", "variable GOOGLE_API_KEY or GEMINI_API_KEY", "Set GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("cohere:command", "Unknown model 'cohere:command'", "Correct the model's name"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_the_reason_and_what_to_do(name, told, action):
    with pytest.raises(ValueError, match="model") as raised:
        provider_for(name, environ=own())

    error = handle_agent_error(raised.value, {})
    assert told in str(raised.value)
    assert error.code == "model_not_set_up"
    assert error.suggested_action.startswith(action)
    assert error.suggested_action.endswith("use another model")


def test_a_missing_key_of_an_own_server_is_named():
    with pytest.raises(ValueError, match="'local/m1' needs a key: set the environment variable LOCAL_KEY"):
        provider_for("local/m1", environ=own(key_env="LOCAL_KEY"))


def test_a_name_the_server_was_not_described_with_is_refused_at_a_launch_and_left_to_the_server_in_a_run():
    assert "the server 'local' has local/m1" in str(model_fault("local/m2", environ=own()))
    assert provider_for("local/m2", environ=own()).model == "m2"


@pytest.mark.parametrize(
    ("kind", "format_"), [("openai", OpenAIFormat), ("responses", ResponsesFormat), ("anthropic", AnthropicFormat)]
)
def test_a_server_is_spoken_to_in_its_format(kind, format_):
    model = provider_for("local/m1", environ=own(kind=kind))

    assert isinstance(model, RemoteModel) and type(model.wire_format) is format_
    assert model.name == "local"


def test_openai_itself_is_asked_over_the_responses_api():
    model = provider_for("openai:gpt-6-astra", environ={"OPENAI_API_KEY": "k"})

    assert isinstance(model, RemoteModel) and type(model.wire_format) is ResponsesFormat


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai:gpt-6-luna", "OPENAI_API_KEY"),
        ("anthropic:claude-sonnet-5-5", "ANTHROPIC_API_KEY"),
        ("google:gemini-3.8-flash", "GOOGLE_API_KEY"),
        ("google:gemini-3.8-flash", "GEMINI_API_KEY"),
    ],
)
def test_a_company_is_asked_with_its_key(name, variable):
    model = provider_for(name, environ={variable: "k"})

    assert isinstance(model, RemoteModel)
    assert f"{model.name}:{model.model}" == name
    assert model.server.key == "k"
    assert "k" not in repr(model.server).split()


def test_what_an_endpoint_declares_is_what_the_model_can_do():
    named = ["m1", {"name": "m2", "context_tokens": 8192, "tools": False, "idle_timeout_s": 300}]
    environ = own(models=named, context_tokens=32_768, max_output_tokens=4096, parallel_tools=False)

    models = [provider_for(f"local/{name}", environ=environ) for name in ("m1", "m2")]
    one, two = (model.capabilities for model in models if isinstance(model, RemoteModel))

    assert (one.context_tokens, one.max_output_tokens, one.parallel_tools, one.tools) == (32_768, 4096, False, None)
    assert (two.context_tokens, two.max_output_tokens, two.parallel_tools, two.tools) == (8192, 4096, False, False)
    assert (one.idle_timeout_s, two.idle_timeout_s) == (None, 300.0)
