"""Fixtures for tests of the live view; `conftest.py` imports them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User

from runs.live.live_timings import LiveTimings
from runs.live.sockets.hub import Hub, start_hub
from runs.models import Run
from tests.live.live_browser import Socket, session_of


@pytest.fixture
def live_timings() -> LiveTimings:
    """The timings of the test's hub. A test overrides them by parametrization."""
    return LiveTimings()


@pytest.fixture
async def hub(transactional_db: None, monkeypatch: pytest.MonkeyPatch, live_timings: LiveTimings) -> AsyncIterator[Hub]:
    """The live view of this test's event loop, ended with it. The test may query the database in its coroutine."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    channel_layers.backends.clear()  # A test that was cut off may have left readers in it whose event loop is closed.
    hub = start_hub(live_timings)
    yield hub
    await hub.close()


@pytest.fixture
async def watch(hub: Hub) -> AsyncIterator[Callable[..., Any]]:
    """`await watch(run, user, after=3)`: an open socket of that user to that run."""
    sockets: list[Socket] = []

    async def open_one(run: Run | str, user: User | None, *, session: str | None = None, **query: Any) -> Socket:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        path = run if isinstance(run, str) else f"/ws/runs/{run.pk}/"
        key = session or (session_of(user) if user is not None else None)
        socket = await Socket(f"{path}?{asked}", key).open()
        sockets.append(socket)
        return socket

    yield open_one
    for socket in sockets:
        await socket.leave()
