"""The wire server by itself: its tests break the rules on purpose."""

from collections.abc import Iterator

import pytest

from tests.wire import WireServer


@pytest.fixture
def wire_server() -> Iterator[WireServer]:
    """A model server whose refusals nobody minds."""
    with WireServer() as server:
        yield server
