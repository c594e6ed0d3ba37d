"""Fixtures of the core's tests."""

import pytest

from runs.agent.tools import registry


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools made in a test are gone after it."""
    registry.registered_tools()  # the built-in ones register once in a process
    monkeypatch.setattr(registry, "_layers", {layer: dict(tools) for layer, tools in registry._layers.items()})
