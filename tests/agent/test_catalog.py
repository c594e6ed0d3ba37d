"""Model names, own servers, and what is said when something is wrong with them."""

import json
from decimal import Decimal

import pytest

from runs.agent.messages import Usage
from runs.agent.money import cost_of
from runs.agent.providers.anthropic import AnthropicModel
from runs.agent.providers.catalog import Endpoint, available_models, parse_endpoints, provider_for
from runs.agent.providers.served import ServedModel

LOCAL = {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1"]}


def endpoints(**changed):
    return json.dumps([{**LOCAL, **changed}])


def test_an_own_server_is_described_in_json():
    assert parse_endpoints(endpoints(key_env="LOCAL_KEY")) == [
        Endpoint("local", "openai", "http://127.0.0.1:9999/v1", ("m1",), "LOCAL_KEY")
    ]
    assert parse_endpoints("  ") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "AGENTSITE_ENDPOINTS is no JSON"),
        ("{}", r"must be a JSON list, not \{\}"),
        ("[5]", r"AGENTSITE_ENDPOINTS\[0\] must be an object, not 5"),
        (endpoints(kind="cohere"), r"\[0\]\.kind must be one of openai, anthropic, not 'cohere'"),
        (endpoints(name=""), r"\[0\]\.name must be a text, not ''"),
        (endpoints(name="a/b"), r"\[0\]\.name must be letters.*'a/b'"),
        (endpoints(name="offline"), "none of .*: 'offline'"),
        (endpoints(name="openai"), "none of .*: 'openai'"),
        (endpoints(base_url="127.0.0.1:9999"), r"\[0\]\.base_url must be an http or https address, not '127"),
        (endpoints(base_url="file:///etc/passwd"), r"\[0\]\.base_url"),
        (endpoints(models="m1"), r"\[0\]\.models must be a list of at least one model's name, not 'm1'"),
        (endpoints(models=[]), r"\[0\]\.models"),
        (endpoints(models=[5]), r"\[0\]\.models"),
        (endpoints(key_env=5), r"\[0\]\.key_env must be a text, not 5"),
        (endpoints(prices=5), r"\[0\]\.prices must be an object"),
        (endpoints(prices={"m2": {"input": 1, "output": 1}}), "with names of its models"),
        (endpoints(prices={"m1": {"input": 1}}), r"\.prices\.m1 must be such as"),
        (endpoints(prices={"m1": {"input": -1, "output": 1}}), "in USD for a million tokens, not"),
        (endpoints(prices={"m1": {"input": "free", "output": 1}}), r"\.prices\.m1"),
        (endpoints(prices={"m1": [1, 2]}), r"\.prices\.m1"),
        (endpoints(api_key="k"), r"\[0\] has an unknown key 'api_key'"),
        (json.dumps([LOCAL, LOCAL]), "names 'local' more than once"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_what_where_and_which_value(text, told):
    with pytest.raises(ValueError, match=told):
        parse_endpoints(text)


def test_an_own_server_may_say_what_its_models_cost():
    priced = endpoints(models=["m1", "m2"], prices={"m1": {"input": 0.15, "output": "0.6"}})

    model, other = (provider_for(f"local/{name}", environ={"AGENTSITE_ENDPOINTS": priced}) for name in ("m1", "m2"))

    assert cost_of(Usage(1_000_000, 1_000_000), model) == Decimal("0.75")
    assert cost_of(Usage(1_000_000, 1_000_000), other) is None


def test_names_find_their_provider():
    environ = {"OPENAI_API_KEY": "k", "AGENTSITE_ENDPOINTS": endpoints(models=["m1", "qwen/qwen3:8b"])}

    hosted = provider_for("openai:gpt-5-mini", environ=environ)
    own = provider_for("local/qwen/qwen3:8b", environ=environ)

    assert (hosted.name, hosted.model) == ("openai", "gpt-5-mini")
    assert (own.name, own.model) == ("local", "qwen/qwen3:8b")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "gpt-5",
            "Unknown model 'gpt-5': offline, openai:<name>, anthropic:<name>, google:<name>, or <server>/<model>",
        ),
        ("", "Unknown model ''"),
        ("openai:", "Unknown model 'openai:'"),
        ("elsewhere/m1", "Unknown model 'elsewhere/m1'"),
        ("local/m2", "the server 'local' has local/m1"),
        ("openai:gpt-5", "needs a key: set the environment variable OPENAI_API_KEY"),
        ("anthropic:claude", "needs a key: set the environment variable ANTHROPIC_API_KEY"),
        ("google:gemini", "needs a key: set the environment variable GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("cohere:command", "Unknown model 'cohere:command'"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_the_reason(name, told):
    with pytest.raises(ValueError, match=told):
        provider_for(name, environ={"AGENTSITE_ENDPOINTS": endpoints()})


def test_a_missing_key_of_an_own_server_is_named():
    with pytest.raises(ValueError, match="'local/m1' needs a key: set the environment variable LOCAL_KEY"):
        provider_for("local/m1", environ={"AGENTSITE_ENDPOINTS": endpoints(key_env="LOCAL_KEY")})


def test_a_server_of_the_messages_format_is_spoken_to_in_it():
    assert isinstance(
        provider_for("local/m1", environ={"AGENTSITE_ENDPOINTS": endpoints(kind="anthropic")}), AnthropicModel
    )


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai:gpt-5-mini", "OPENAI_API_KEY"),
        ("anthropic:claude-sonnet-5-5", "ANTHROPIC_API_KEY"),
        ("google:gemini-3.8-flash", "GOOGLE_API_KEY"),
        ("google:gemini-3.8-flash", "GEMINI_API_KEY"),
    ],
)
def test_a_company_is_asked_with_its_key(name, variable):
    model = provider_for(name, environ={variable: "k"})

    assert isinstance(model, ServedModel)
    assert f"{model.name}:{model.model}" == name
    assert model.server.key == "k"
    assert "k" not in repr(model.server).split()


def test_only_models_that_can_be_used_are_listed():
    listed = parse_endpoints(
        json.dumps(
            [
                {**LOCAL, "models": ["m1", "m2"]},
                {**LOCAL, "name": "keyed", "key_env": "MISSING"},
                {**LOCAL, "name": "other", "kind": "anthropic", "models": ["c1"]},
            ]
        )
    )

    assert available_models(endpoints=listed, environ={}) == ["offline", "local/m1", "local/m2", "other/c1"]
    assert "keyed/m1" in available_models(endpoints=listed, environ={"MISSING": "k"})


def test_a_company_whose_key_is_set_has_its_newest_models_listed():
    listed = available_models(endpoints=[], environ={"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": " "})

    assert listed[0] == "offline"
    assert len(listed) > 3
    assert all(name.startswith("anthropic:claude-") for name in listed[1:])
