"""Fixtures of APIs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.openapi.api_site import Api, api_site

SECRET = "tulip-garden-77"


@pytest.fixture
def api(own_registry: None, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API that the settings allow, and let have one secret."""
    monkeypatch.setattr("runs.engine.stored_tools.catalog.FRESH_S", -1.0)
    monkeypatch.setattr("runs.engine.stored_tools.catalog._loaded.version", None)
    with api_site() as made:
        allow(monkeypatch, made)
        yield made
    monkeypatch.setattr("runs.engine.stored_tools.catalog._loaded.version", None)


def allow(monkeypatch: Any, api: Api) -> None:
    """Let the site call the API."""
    monkeypatch.setenv("GARDEN_KEY", SECRET)
    monkeypatch.setenv("AGENTSITE_HTTP_HOSTS", json.dumps({api.origin: {}}))
    monkeypatch.setenv("AGENTSITE_API_SECRETS", json.dumps({api.origin: ["GARDEN_KEY"]}))
