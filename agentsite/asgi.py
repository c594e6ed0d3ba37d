"""What the server serves: pages over HTTP, and sockets."""

import os
from collections.abc import Callable
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
# First, because it sets Django up: the sockets' modules import models.
_http_application = get_asgi_application()

from runs.engine.courtesy import COURTESY  # noqa: E402
from runs.live.routing import websocket_application  # noqa: E402


async def _pages(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    with COURTESY.guest():
        await _http_application(scope, receive, send)


application = ProtocolTypeRouter({"http": _pages, "websocket": websocket_application})
