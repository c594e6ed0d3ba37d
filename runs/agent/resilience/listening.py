"""Listening to one reply: how long for its first piece, between two pieces, and in all."""

import asyncio
import socket
import time
from dataclasses import dataclass

from runs.agent.errors import FailureKind, FailurePhase, ModelFailure, ModelTimeout, TimeLimitName
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta

_TRANSPORT_SLACK_S = 0.1
"""A transport given the same limit may notice it a moment before us; it is the same timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one attempt is listened to."""

    first_token_s: float
    """Until the first piece, from the last sign of life. Not for a provider that says `streams = False`."""
    idle_s: float
    """From one piece to the next. It starts with the first, so a provider that gives no pieces never meets it."""
    total_s: float
    """From the request to the last token."""
    total_is: TimeLimitName = "model_timeout_s"
    """Which limit `total_s` comes from: the attempt's own, or what is left of the run's time."""


class Listening:
    """One attempt at one reply. Any `Delta`, an empty one too, is a sign of life."""

    def __init__(self, provider: ModelProvider, patience: Patience, show: OnDelta) -> None:
        self.provider = provider
        self.patience = patience
        self.started_at = time.time()
        self.first_token_at: float | None = None
        """When the first piece came; of a provider that gives none, when the reply was there."""
        self.has_replied = False
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._over: TimeLimitName | None = None
        self._listens = False

    async def reply(self, request: ModelRequest) -> ModelReply:
        """The reply. Raises `ModelFailure`, `ModelTimeout` for the limit that was met first."""
        task = asyncio.current_task()
        cancels_before = task.cancelling() if task else 0
        total_at = self._loop.time() + self.patience.total_s
        try:
            async with asyncio.timeout_at(total_at) as deadline:
                self._begin(deadline)
                reply = await self.provider.reply(request, on_delta=self._hear)
        except TimeoutError as error:
            raise (self._timed_out() if deadline.expired() else self._foreign(error)) from error
        except ModelFailure as failure:
            # A transport with the same deadline, or one that turned our cancellation into a failure of its own.
            at_the_limit = failure.kind == "timeout" and self._loop.time() >= total_at - _TRANSPORT_SLACK_S
            if deadline.expired() or at_the_limit:
                raise self._timed_out() from failure
            raise
        except (ConnectionError, socket.gaierror) as error:
            raise self._foreign(error) from error
        except asyncio.CancelledError as error:
            if task is None or task.cancelling() > cancels_before:
                raise
            # Nobody cancelled us: the provider let the CancelledError of something of its own escape.
            raise self._failure("ended its reply with a CancelledError of its own.", "server") from error
        finally:
            self._end()
        if not reply.calls and not reply.text.strip():
            raise self._failure("gave an empty reply: no text and no tool call.", "bad_reply")
        self.first_token_at = self.first_token_at or time.time()
        self.has_replied = True
        return reply

    def _begin(self, deadline: asyncio.Timeout) -> None:
        self._listens = True
        self._deadline = deadline
        if getattr(self.provider, "streams", True):
            self._quiet_until = self._loop.time() + self.patience.first_token_s
            self._timer = self._loop.call_at(self._quiet_until, self._look)

    def _hear(self, delta: Delta) -> None:
        if not self._listens:
            return  # A piece that comes after the attempt has ended belongs to nobody.
        if delta.kind == "alive":
            # No piece yet, but somebody works on it.
            is_silent = self.first_token_at is None
            self._quiet_until = self._loop.time() + (self.patience.first_token_s if is_silent else self.patience.idle_s)
            return
        is_first = self.first_token_at is None
        self._quiet_until = self._loop.time() + self.patience.idle_s
        if is_first:
            self.first_token_at = time.time()
            self._look_later()
        self._show(delta)

    def _look(self) -> None:
        """Has it been quiet for too long? One timer looks now and then, because pieces may come by the million."""
        if self._deadline.expired():
            return
        if self._loop.time() < self._quiet_until:
            self._look_later()
            return
        self._over = "first_token_timeout_s" if self.first_token_at is None else "idle_timeout_s"
        self._deadline.reschedule(self._loop.time())

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._quiet_until, self._look)

    def _end(self) -> None:
        self._listens = False
        if self._timer is not None:
            self._timer.cancel()

    def _timed_out(self) -> ModelTimeout:
        limit = self._over or self.patience.total_is
        seconds = {"first_token_timeout_s": self.patience.first_token_s, "idle_timeout_s": self.patience.idle_s}
        return ModelTimeout(
            limit,
            seconds.get(limit, self.patience.total_s),
            provider=self.provider.name,
            model=self.provider.model,
            phase=self._phase,
        )

    def _foreign(self, error: OSError) -> ModelFailure:
        """A provider of somebody's own lets Python's errors out; they mean what a transport's mean."""
        kind: FailureKind = "timeout" if isinstance(error, TimeoutError) else "network"
        return self._failure(f"could not be reached: {str(error) or type(error).__name__}", kind)

    def _failure(self, what: str, kind: FailureKind) -> ModelFailure:
        name, model = self.provider.name, self.provider.model
        return ModelFailure(f"{model!r} {what}", kind=kind, provider=name, model=model, phase=self._phase)

    @property
    def _phase(self) -> FailurePhase:
        return "first_token" if self.first_token_at is None else "stream"
