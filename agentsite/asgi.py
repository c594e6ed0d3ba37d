"""The ASGI application: pages over HTTP, and WebSockets."""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from runs.asgi_types import Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
# First, because it sets Django up: the sockets' modules import models.
_http_application = get_asgi_application()

from django.conf import settings  # noqa: E402

from agentsite.error_handlers import too_busy, too_many_waiting  # noqa: E402
from runs.client_address import ClientAddress, current_client, network_of  # noqa: E402
from runs.cookies import without_escapes  # noqa: E402
from runs.engine.writing.request_priority import REQUEST_PRIORITY  # noqa: E402
from runs.live.sockets.routing import websocket_application  # noqa: E402
from runs.request_slots import PAGES, SIGN_INS, TooManyOfOne, TooManyWaiting, requester_of, slots_here  # noqa: E402
from runs.web.metrics import note_response  # noqa: E402

UNCOUNTED = ("/healthz", "/readyz")
"""Answered without a slot, like static files: supervisors ask whether the process is alive, not whether it is busy."""
SIGN_IN_PATHS = ("/accounts/login/", "/accounts/first/", "/admin/login/")


async def _pages(scope: Scope, receive: Receive, send: Send) -> None:
    began = time.perf_counter()
    scope = {**scope, "headers": without_escapes(scope["headers"])}
    with ExitStack() as waiting:
        waiting.enter_context(REQUEST_PRIORITY.request())

        async def send_counted(event: Mapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                note_response(event["status"], time.perf_counter() - began)
                # The response has begun, so the request no longer delays the writer; an event stream would delay it for
                # hours.
                waiting.close()
            await send(event)

        try:
            await _wait_for_turn(scope, waiting)
        except TooManyOfOne:
            await too_many_waiting(scope, send_counted)
        except TooManyWaiting:
            await too_busy(scope, send_counted)
        else:
            await _http_application(scope, receive, send_counted)


async def _wait_for_turn(scope: Scope, waiting: ExitStack) -> None:
    path = scope["path"]
    if path in UNCOUNTED or path.startswith("/static/"):
        return
    place = network_of(current_client())
    if scope["method"] == "POST" and path in SIGN_IN_PATHS:
        try:
            waiting.enter_context(await slots_here(SIGN_INS).enter(place))
        except TooManyOfOne as refusal:
            # The sender is not authenticated here, and many people may share an address: 503 instead of 429.
            raise TooManyWaiting from refusal
    who = requester_of(scope, settings.SESSION_COOKIE_NAME, place)
    waiting.enter_context(await slots_here(PAGES).enter(who))


application = ClientAddress(ProtocolTypeRouter({"http": _pages, "websocket": websocket_application}))
