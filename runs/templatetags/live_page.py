"""Server values that the scripts of a live page need."""

import json

from django import template

from runs.live.feeds.dashboard_queries import LIST_LENGTHS
from runs.live.live_timings import DEFAULT_TIMINGS
from runs.live.sockets import addresses, close_codes, flow_control

register = template.Library()
register.simple_tag(addresses.run_socket)
register.simple_tag(addresses.dashboard_socket)


@register.simple_tag
def live_settings() -> str:
    """JSON for `static/live/settings.js`: close codes by name, ping interval, window, list lengths."""
    return json.dumps(
        {
            "close": close_codes.BY_NAME,
            "pingMs": round(DEFAULT_TIMINGS.ping_every_s * 1000),
            "window": {"bytes": flow_control.MAX_BYTES, "frames": flow_control.MAX_FRAMES},
            "lists": LIST_LENGTHS,
        }
    )
