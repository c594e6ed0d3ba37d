"""Intervals, grace periods and limits of the live view, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTimings:
    """All timings of one hub."""

    poll_every_s: float = 2.0
    """Delay of an update whose ring was lost. One small query for all watched runs."""
    listen_again_after_s: float = 1.0
    """Delay before listening again after the channel layer failed."""
    layer_limit_s: float = 2.0
    """How long a viewer waits for the channel layer before it goes on without it."""
    ping_every_s: float = 5.0
    """Interval of pings to all sockets. A page that hears nothing for 5 s asks whether the server is there."""
    access_check_every_s: float = 15.0
    """Interval of the checks whether the session and the rights of all sockets still hold."""
    standstill_look_every_s: float = 1.0
    """How soon pages learn that writes have stopped or work again."""
    close_limit_s: float = 3.0
    """How long sockets may take to confirm that they were closed."""
    behind_limit_s: float = 30.0
    """How long a viewer may leave data unread before it is closed."""
    state_every_s: float = 0.2
    """Minimum between two states of a run, which may change with every step; the final state is sent at once."""
    blocks_every_s: float = 0.25
    """Minimum between two renderings of the finished blocks of a reply in the making."""
    card_silent_after_s: float = 6.0
    """Three missing snapshots: the host of a reply in the making is gone."""
    dashboard_every_s: float = 0.25
    """Minimum between two updates of a dashboard; rows change with every step of every run."""
    dashboard_again_after_s: float = 2.0
    """Delay after a failed read of the database."""


DEFAULT_TIMINGS = LiveTimings()
