"""Fixtures for the wire server's own tests, which break the rules on purpose."""

from collections.abc import Iterator

import pytest

from tests.wire import WireServer


@pytest.fixture
def wire_server() -> Iterator[WireServer]:
    """A model server whose refusals do not fail the test."""
    with WireServer() as server:
        yield server
