"""Parsing of `AGENTSITE_ENDPOINTS`, with an error message for every mistake."""

import json
from typing import Any

import pytest

from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog.endpoints import Endpoint, parse_endpoints
from tests.agent.providers.model_catalog.test_catalog import LOCAL, endpoints


def test_an_own_server_is_described_in_json():
    assert parse_endpoints(endpoints(key_env="LOCAL_KEY")) == [
        Endpoint("local", "openai", "http://127.0.0.1:9999/v1", ("m1",), "LOCAL_KEY")
    ]
    assert parse_endpoints("  ") == []


def test_everything_may_be_said_of_a_server_and_of_one_of_its_models():
    said: dict[str, Any] = {
        "context_tokens": 8192,
        "max_output_tokens": 1024,
        "model_timeout_s": 900,
        "first_token_timeout_s": 300.5,
        "idle_timeout_s": 60,
        "tools": True,
        "strict_tools": False,
        "parallel_tools": False,
        "stream_options": False,
        "output_schema": False,
        "vision": True,
    }

    (of_all,) = parse_endpoints(endpoints(**said))
    (of_one,) = parse_endpoints(endpoints(models=["m1", {"name": "m2", **said}]))

    assert of_all.capabilities_of("m1") == Capabilities(**said)
    assert of_one.capabilities_of("m1") == Capabilities()
    assert of_one.capabilities_of("m2") == Capabilities(**said)
    assert of_one.models == ("m1", "m2")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "AGENTSITE_ENDPOINTS is not JSON"),
        ("[" * 100_000, "AGENTSITE_ENDPOINTS is not JSON"),
        ("{}", r"must be a JSON list, not \{\}"),
        ("[5]", r"AGENTSITE_ENDPOINTS\[0\] must be an object, not 5"),
        (endpoints(kind="cohere"), r"\[0\]\.kind must be one of openai, responses, anthropic, not 'cohere'"),
        (endpoints(name=""), r"\[0\]\.name must be a text, not ''"),
        (endpoints(name="a/b"), r"\[0\]\.name must be letters.*'a/b'"),
        (endpoints(name="offline"), "none of .*: 'offline'"),
        (endpoints(name="openai"), "none of .*: 'openai'"),
        (endpoints(base_url="127.0.0.1:9999"), r"\[0\]\.base_url must be an http or https address, not '127"),
        (endpoints(base_url="file:///etc/passwd"), r"\[0\]\.base_url"),
        (endpoints(base_url="http://host:port/v1"), r"\[0\]\.base_url must be an http or https address"),
        (endpoints(base_url="http://[::1/v1"), r"\[0\]\.base_url must be an http or https address"),
        (endpoints(models="m1"), r"\[0\]\.models must be a list of at least one model's name, not 'm1'"),
        (endpoints(models=[]), r"\[0\]\.models must be a list"),
        (endpoints(models=[5]), r"\[0\]\.models\[0\] must be a model's name, or an object with its name, not 5"),
        (endpoints(models=["m1", ""]), r"\[0\]\.models\[1\] must be a model's name"),
        (endpoints(models=["m1", "m1"]), r"\[0\]\.models names 'm1' more than once"),
        (endpoints(models=["m1", {"name": "m1"}]), r"\[0\]\.models names 'm1' more than once"),
        (endpoints(models=["a model"]), r"\[0\]\.models\[0\] is not a model name: 'a model' contains white space"),
        (endpoints(models=["m\u0007"]), r"\[0\]\.models\[0\] is not a model name: .* cannot be printed"),
        (endpoints(models=[{}]), r"\[0\]\.models\[0\]\.name must be a text, not None"),
        (endpoints(models=[{"name": "m1", "ctx": 1}]), r"\[0\]\.models\[0\] has an unknown key 'ctx'"),
        (endpoints(models=[{"name": "m1", "tools": "no"}]), r"models\[0\]\.tools must be true or false, not 'no'"),
        (endpoints(key_env=5), r"\[0\]\.key_env must be a text, not 5"),
        (endpoints(prices=5), r"\[0\]\.prices must be an object"),
        (endpoints(prices={"m2": {"input": 1, "output": 1}}), "with names of its models"),
        (endpoints(prices={"m1": {"input": 1}}), r"\.prices\.m1 must be such as"),
        (endpoints(prices={"m1": {"input": -1, "output": 1}}), "in USD for a million tokens, not"),
        (endpoints(prices={"m1": {"input": "free", "output": 1}}), r"\.prices\.m1"),
        (endpoints(prices={"m1": [1, 2]}), r"\.prices\.m1"),
        (endpoints(api_key="k"), r"\[0\] has an unknown key 'api_key'"),
        (json.dumps([LOCAL, LOCAL]), "names 'local' more than once"),
        (endpoints(context_tokens="8k"), r"\[0\]\.context_tokens must be a whole number of tokens from 1000 .* '8k'"),
        (endpoints(context_tokens=100), r"\[0\]\.context_tokens must be .* not 100"),
        (endpoints(context_tokens=True), r"\[0\]\.context_tokens must be .* not True"),
        (endpoints(context_tokens=8192.5), r"\[0\]\.context_tokens must be .* not 8192.5"),
        (endpoints(context_tokens=10**10), r"\[0\]\.context_tokens must be .* to 1000000000, not"),
        (endpoints(max_output_tokens=0), r"\[0\]\.max_output_tokens must be .* from 1 .* not 0"),
        (endpoints(max_output_tokens=None), r"\[0\]\.max_output_tokens must be .* not None"),
        (
            endpoints(context_tokens=8192, max_output_tokens=9000),
            r"\[0\]: max_output_tokens of 'm1' is 9000, more than its context_tokens 8192",
        ),
        (
            endpoints(models=["m1", {"name": "m2", "context_tokens": 2048}], max_output_tokens=4096),
            r"\[0\]: max_output_tokens of 'm2' is 4096, more than its context_tokens 2048",
        ),
        (endpoints(model_timeout_s=0), r"\[0\]\.model_timeout_s must be a number of seconds from 0.1 .* not 0"),
        (endpoints(first_token_timeout_s="60"), r"\[0\]\.first_token_timeout_s must be .* not '60'"),
        (endpoints(idle_timeout_s=float("nan")), r"\[0\]\.idle_timeout_s must be .* not nan"),
        (endpoints(idle_timeout_s=float("inf")), r"\[0\]\.idle_timeout_s must be .* not inf"),
        (endpoints(model_timeout_s=True), r"\[0\]\.model_timeout_s must be .* not True"),
        (endpoints(tools="yes"), r"\[0\]\.tools must be true or false, not 'yes'"),
        (endpoints(strict_tools=1), r"\[0\]\.strict_tools must be true or false, not 1"),
        (endpoints(parallel_tools=None), r"\[0\]\.parallel_tools must be true or false, not None"),
        (endpoints(output_schema={}), r"\[0\]\.output_schema must be true or false, not \{\}"),
        (endpoints(vision=[]), r"\[0\]\.vision must be true or false"),
        (endpoints(stream_options=0), r"\[0\]\.stream_options must be true or false, not 0"),
        (endpoints(kind="responses", stream_options=False), r"\[0\]\.stream_options is for kind openai only"),
        (endpoints(kind="anthropic", models=[{"name": "m", "stream_options": True}]), "is for kind openai only"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_what_where_and_which_value(text, told):
    with pytest.raises(ValueError, match=told) as raised:
        parse_endpoints(text)

    assert "\n" not in str(raised.value)
