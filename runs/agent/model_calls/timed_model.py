"""A model call within the time limits of the run and of the server."""

import asyncio
import socket

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.exception_text import name_of, words_of
from runs.agent.errors.model_exceptions import FailureKind, ModelFailure, ModelTimeout
from runs.agent.messages import ModelProvider, ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.reply_context import ReplyContext
from runs.agent.model_calls.stream_timeouts import StreamWatchdog, timeouts_of
from runs.agent.usage import Usage

_TRANSPORT_SLACK_S = 0.1
"""A transport with the same limit may time out this much earlier than ours; it counts as the same timeout."""


class TimedModel:
    """A `ModelProvider` with time limits. It turns Python's timeout and connection errors into `ModelFailure`."""

    def __init__(self, wrapped: ModelProvider, context: ReplyContext) -> None:
        self.wrapped = wrapped
        self.name = wrapped.name
        self.model = wrapped.model
        self._context = context

    @property
    def cut_off(self) -> Usage | None:
        """As of `MeteredModel`; None for a model that is not metered."""
        return getattr(self.wrapped, "cut_off", None)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """A reply that is not empty. Raises `ModelFailure`; `ModelTimeout` for the limit that expired first."""
        timeouts = timeouts_of(self.wrapped, self._context.limits, self._context.deadline)
        watchdog = StreamWatchdog(timeouts, on_delta, streams=getattr(self.wrapped, "streams", True))
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        cancels_before = task.cancelling() if task else 0
        total_at = loop.time() + timeouts.total_s
        try:
            async with asyncio.timeout_at(total_at) as deadline:
                watchdog.begin(deadline)
                reply = await self.wrapped.reply(timeouts.in_request(request), on_delta=watchdog.hear)
        except TimeoutError as error:
            raise (self._timed_out(watchdog) if deadline.expired() else self._foreign(error, watchdog)) from error
        except ModelFailure as failure:
            # The transport has the same deadline, or turned our cancellation into a failure of its own.
            at_the_limit = failure.kind == "timeout" and loop.time() >= total_at - _TRANSPORT_SLACK_S
            if deadline.expired() or at_the_limit:
                raise self._timed_out(watchdog) from failure
            raise
        except (ConnectionError, socket.gaierror) as error:
            raise self._foreign(error, watchdog) from error
        except asyncio.CancelledError as error:
            if task is None or task.cancelling() > cancels_before:
                raise
            # This task was not cancelled: the CancelledError comes from the provider's own code.
            raise self._failure(sentences.CANCELLED_ITSELF.made(model=repr(self.model)), "server", watchdog) from error
        except (Exception, GeneratorExit):
            raise
        except BaseException as error:
            # SystemExit and the like would end the event loop, and with it every other run.
            words = sentences.ENDED_BY.made(model=repr(self.model), error=name_of(error))
            raise self._failure(words, "server", watchdog) from error
        finally:
            watchdog.end()
        if not reply.calls and not reply.text.strip():
            raise self._failure(sentences.NOTHING_SENT.made(model=repr(self.model)), "bad_reply", watchdog)
        return reply

    def _timed_out(self, watchdog: StreamWatchdog) -> ModelTimeout:
        limit, seconds = watchdog.limit_met
        return ModelTimeout(limit, seconds, provider=self.name, model=self.model, phase=watchdog.phase)

    def _foreign(self, error: OSError, watchdog: StreamWatchdog) -> ModelFailure:
        """The `ModelFailure` for a Python error raised by a provider without error mapping."""
        kind: FailureKind = "timeout" if isinstance(error, TimeoutError) else "network"
        words = sentences.NOT_REACHED.made(server=repr(self.model), message=words_of(error) or name_of(error))
        return self._failure(words, kind, watchdog)

    def _failure(self, words: str, kind: FailureKind, watchdog: StreamWatchdog) -> ModelFailure:
        return ModelFailure(words, kind=kind, provider=self.name, model=self.model, phase=watchdog.phase)
