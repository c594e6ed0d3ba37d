"""The routes of the sockets."""

from typing import Any

from channels.routing import URLRouter
from django.contrib.auth.signals import user_logged_out
from django.urls import path, re_path

from runs.live.sockets import addresses
from runs.live.sockets.dashboard_consumer import DashboardConsumer, NoSuchSocket
from runs.live.sockets.hub import all_hubs
from runs.live.sockets.origin import ExactOrigin
from runs.live.sockets.run_consumer import RunViewerConsumer

websocket_application = ExactOrigin(
    URLRouter(
        [
            path(addresses.RUN_ROUTE, RunViewerConsumer.as_asgi()),
            path(addresses.DASHBOARD_ROUTE, DashboardConsumer.as_asgi()),
            re_path(r"", NoSuchSocket.as_asgi()),
        ]
    )
)
"""All sockets of the site, behind the origin check."""


def close_sockets_of_session(request: Any = None, **_kwargs: Any) -> None:
    """Signal handler: close the sockets of a session that signed out, in every loop of this process."""
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        for hub in all_hubs():
            hub.sockets.sign_out(session_key)


user_logged_out.connect(close_sockets_of_session, dispatch_uid="runs.live")
