"""What the server serves: pages over HTTP, and sockets."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
# First, because it sets Django up: the sockets' modules import models.
_http_application = get_asgi_application()

from runs.engine.courtesy import COURTESY  # noqa: E402
from runs.live.routing import websocket_application  # noqa: E402
from runs.web.metrics import note_response  # noqa: E402


async def _pages(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    began = time.perf_counter()
    with ExitStack() as waiting:
        waiting.enter_context(COURTESY.guest())

        async def send_counted(event: Mapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                note_response(event["status"], time.perf_counter() - began)
                # Whoever is being answered waits no longer; a stream of events goes on being answered for hours.
                waiting.close()
            await send(event)

        await _http_application(scope, receive, send_counted)


application = ProtocolTypeRouter({"http": _pages, "websocket": websocket_application})
