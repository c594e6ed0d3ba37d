"""What the server serves: pages over HTTP, and sockets."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
# First, because it sets Django up: the sockets' modules import models.
_http_application = get_asgi_application()

from runs.live.routing import websocket_application  # noqa: E402

application = ProtocolTypeRouter({"http": _http_application, "websocket": websocket_application})
