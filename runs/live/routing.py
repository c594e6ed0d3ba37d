"""The addresses of the sockets."""

from typing import Any

from channels.routing import URLRouter
from django.contrib.auth.signals import user_logged_out
from django.urls import path, re_path

from runs.live.consumers import DashboardConsumer, NoSuchSocket
from runs.live.hub import all_hubs
from runs.live.origin import ExactOrigin
from runs.live.run_viewer import RunViewerConsumer

websocket_application = ExactOrigin(
    URLRouter(
        [
            path("ws/runs/<uuid:run_id>/", RunViewerConsumer.as_asgi()),
            path("ws/dashboard/", DashboardConsumer.as_asgi()),
            re_path(r"", NoSuchSocket.as_asgi()),
        ]
    )
)
"""Every socket of the site."""


def close_sockets_of_session(request: Any = None, **_kwargs: Any) -> None:
    """Somebody signs out: the sockets of this session close at once, in every loop of this process."""
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        for hub in all_hubs():
            hub.sockets.sign_out(session_key)


user_logged_out.connect(close_sockets_of_session, dispatch_uid="runs.live")
