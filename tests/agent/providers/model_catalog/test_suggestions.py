"""The models offered for choice."""

import json
from datetime import date

import pytest

from runs.agent.budget.pricing import cost_of
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog import retirements
from runs.agent.providers.model_catalog.catalog import provider_for, sources
from runs.agent.providers.model_catalog.endpoints import parse_endpoints
from runs.agent.providers.model_catalog.model_entries import ListedModel
from runs.agent.providers.model_catalog.model_list import LISTS
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.usage import Usage
from tests.agent.providers.model_catalog.test_catalog import LOCAL

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google": "GEMINI_API_KEY"}


@pytest.fixture(autouse=True)
def _nothing_is_known_before():
    LISTS.forget()
    yield
    LISTS.forget()


def heard(environ, *models, **said):
    """Store a model list for the only server of this environment."""
    (source,) = sources(environ=environ)
    LISTS.note(source.account, {name: ListedModel(name=name, **said) for name in models})


def local(**changed):
    return {"AGENTSITE_ENDPOINTS": json.dumps([{**LOCAL, **changed}])}


def test_only_models_that_can_be_used_are_offered():
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


@pytest.mark.parametrize("company", KEYS)
def test_without_a_list_a_companys_newest_models_are_offered_each_with_a_price_and_a_future(company):
    environ = {KEYS[company]: "k"}

    offered = available_models(environ=environ)

    assert offered[0] == "offline"
    assert 1 < len(offered) - 1 <= 6
    for name in offered[1:]:
        model = provider_for(name, environ=environ)
        assert model.name == company
        assert cost_of(Usage(1000, 10), model)
        assert not retirements.is_near(retirements.announced(company, model.model))


def test_models_for_accounts_with_a_permission_are_offered_only_where_the_account_has_them():
    environ = {"ANTHROPIC_API_KEY": "k"}
    before = available_models(environ=environ)

    heard(environ, "claude-mythos-5-2", "claude-sonnet-5-5", "claude-sonnet-5")

    assert not any("mythos" in name for name in before)
    assert available_models(environ=environ) == [
        "offline",
        "anthropic:claude-sonnet-5-5",
        "anthropic:claude-mythos-5-2",
    ]


def test_of_a_companys_list_nothing_is_offered_that_an_agent_cannot_use():
    environ = {"OPENAI_API_KEY": "k"}

    heard(
        environ,
        "gpt-6.1-sol",
        "gpt-6-sol",
        "gpt-5",
        "gpt-image-2",
        "gpt-6-codex",
        "whisper-1",
        "gpt-6.1-sol-2026-10-01",
    )

    assert available_models(environ=environ) == ["offline", "openai:gpt-6.1-sol"]


def test_a_proxy_with_names_of_its_own_has_its_own_names_offered():
    environ = {"OPENAI_API_KEY": "k"}

    heard(environ, "team/fast", "team/smart")

    assert available_models(environ=environ) == ["offline", "openai:team/fast", "openai:team/smart"]


def test_an_own_server_has_what_it_was_described_with_offered_and_what_it_lists():
    environ = local(models=["m1", "llama3.2"])

    heard(environ, "llama3.2:latest", "@cf/qwen", "m1")

    assert available_models(environ=environ) == ["offline", "local/m1", "local/llama3.2", "local/@cf/qwen"]


def test_a_model_that_takes_no_tools_is_not_offered_whoever_says_so():
    environ = local(models=["m1", {"name": "m2", "tools": False}, "m3"])

    heard(environ, "m3", "m4", capabilities=Capabilities(tools=False))

    assert available_models(environ=environ) == ["offline", "local/m1"]


def test_an_endpoint_may_say_that_a_model_takes_tools_after_all():
    environ = local(models=[{"name": "m1", "tools": True}])

    heard(environ, "m1", capabilities=Capabilities(tools=False))

    assert available_models(environ=environ) == ["offline", "local/m1"]


def test_a_model_that_embeds_is_not_offered():
    environ = local()

    heard(environ, "embedder", is_for_agents=False)

    assert available_models(environ=environ) == ["offline", "local/m1"]


@pytest.mark.parametrize("ends", [date.min, date(2020, 1, 1), retirements.today()])
def test_a_model_that_is_about_to_end_is_not_offered(ends):
    environ = local(models=["m1", "m2"])

    heard(environ, "m1", retires_on=ends)

    assert available_models(environ=environ) == ["offline", "local/m2"]


def test_the_older_model_of_a_family_is_offered_where_the_newer_one_is_about_to_end():
    environ = {"OPENAI_API_KEY": "k"}
    (source,) = sources(environ=environ)
    newer = ListedModel(name="gpt-6.1-sol", retires_on=retirements.today())
    LISTS.note(source.account, {"gpt-6.1-sol": newer, "gpt-6-sol": ListedModel(name="gpt-6-sol")})

    assert available_models(environ=environ) == ["offline", "openai:gpt-6-sol"]
