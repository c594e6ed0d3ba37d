"""The time limits of a streamed reply: until its first piece, between pieces, and in total."""

import asyncio
from dataclasses import dataclass, replace

from runs.agent.budget.deadline import Deadline
from runs.agent.errors.model_exceptions import FailurePhase, TimeLimitName
from runs.agent.messages import Delta, ModelProvider, ModelRequest, OnDelta
from runs.agent.run_limits import FIRST_TOKEN_TIMEOUT_S, IDLE_TIMEOUT_S, RunLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTimeouts:
    """The time limits of one attempt, in seconds."""

    first_token_s: float
    """From the last keep-alive (or the request) to the first piece. Not for a provider with `streams = False`."""
    idle_s: float
    """From one piece to the next, from the first piece on; irrelevant for a provider that does not stream."""
    total_s: float
    """From the request to the last token."""
    total_is: TimeLimitName = "model_timeout_s"
    """The limit that `total_s` comes from: the attempt's own, or the run's time left."""

    def in_request(self, request: ModelRequest) -> ModelRequest:
        """The request with `total_s` as its `timeout_s`, for the provider's transport."""
        return replace(request, timeout_s=self.total_s)

    def seconds(self, limit: TimeLimitName) -> float:
        """The value of a limit by its name."""
        match limit:
            case "first_token_timeout_s":
                return self.first_token_s
            case "idle_timeout_s":
                return self.idle_s
            case _:
                return self.total_s


def timeouts_of(model: ModelProvider, limits: RunLimits, deadline: Deadline) -> StreamTimeouts:
    """The limits of an attempt that begins now: those of the run, else of the model's server, else the defaults."""
    server = getattr(model, "capabilities", None)

    def limit(name: TimeLimitName) -> float | None:
        own: float | None = getattr(limits, name)
        return own if own is not None else getattr(server, name, None)

    whole_s = limit("model_timeout_s")
    total_s = deadline.at_most(whole_s)
    return StreamTimeouts(
        first_token_s=limit("first_token_timeout_s") or FIRST_TOKEN_TIMEOUT_S,
        idle_s=limit("idle_timeout_s") or IDLE_TIMEOUT_S,
        total_s=total_s,
        total_is="model_timeout_s" if total_s == whole_s else "max_duration_s",
    )


class StreamWatchdog:
    """A watchdog that expires a deadline when a stream is silent for too long. Any `Delta` counts, an empty one too."""

    def __init__(self, timeouts: StreamTimeouts, on_delta: OnDelta | None, *, streams: bool = True) -> None:
        """`on_delta` gets the pieces; `streams` is False for a provider without streaming."""
        self._timeouts = timeouts
        self._on_delta = on_delta
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._silence: TimeLimitName | None = None
        self._has_begun = False
        self._is_watching = False

    def begin(self, deadline: asyncio.Timeout) -> None:
        """Start watching; `deadline` is that of the whole reply."""
        self._is_watching = True
        self._deadline = deadline
        if self._streams:
            self._quiet_until = self._loop.time() + self._timeouts.first_token_s
            self._timer = self._loop.call_at(self._quiet_until, self._look)

    def hear(self, delta: Delta) -> None:
        """Restart the silence timer, and pass on a piece."""
        if not self._is_watching:
            return  # A piece after the end of the attempt is ignored.
        timeouts = self._timeouts
        if delta.kind == "alive":
            # A keep-alive without a piece: the server is working.
            quiet_s = timeouts.idle_s if self._has_begun else timeouts.first_token_s
            self._quiet_until = self._loop.time() + quiet_s
            return
        self._quiet_until = self._loop.time() + timeouts.idle_s
        if not self._has_begun:
            self._has_begun = True
            self._look_later()
        if self._on_delta is not None:
            self._on_delta(delta)

    def end(self) -> None:
        """Stop watching."""
        self._is_watching = False
        if self._timer is not None:
            self._timer.cancel()

    @property
    def limit_met(self) -> tuple[TimeLimitName, float]:
        """The limit that expired the deadline, and its value in seconds."""
        limit = self._silence or self._timeouts.total_is
        return limit, self._timeouts.seconds(limit)

    @property
    def phase(self) -> FailurePhase:
        """`stream` after the first piece, else `first_token`."""
        return "stream" if self._has_begun else "first_token"

    def _look(self) -> None:
        """Expire the deadline after too long a silence. One timer checks now and then: a reply may have a million
        pieces."""
        if self._deadline.expired():
            return
        if self._loop.time() < self._quiet_until:
            self._look_later()
            return
        self._silence = "idle_timeout_s" if self._has_begun else "first_token_timeout_s"
        self._deadline.reschedule(self._loop.time())

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._quiet_until, self._look)
