"""Lists of models are kept, read again in time, and used."""

import json
import logging
import threading
from datetime import date

import pytest

from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog import model_refresh
from runs.agent.providers.model_catalog.catalog import provider_for, retirement_of, sources
from runs.agent.providers.model_catalog.model_entries import ListedModel
from runs.agent.providers.model_catalog.model_list import LISTS, ModelList, known_capabilities
from runs.agent.providers.model_catalog.model_refresh import READ_EVERY_S, ModelRefresh
from runs.agent.providers.remote_model import RemoteModel
from tests.agent.providers.model_catalog.list_server import serving

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _nothing_is_known_before():
    LISTS.forget()
    yield
    LISTS.forget()


def served(name, environ) -> RemoteModel:
    model = provider_for(name, environ=environ)
    assert isinstance(model, RemoteModel)
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
    assert "no server answers" in source.models.fault


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
        assert refresh.wait_s() == 1.0  # it is due again

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
