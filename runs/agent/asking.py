"""Asking for one reply: provider after provider, attempt after attempt, every failed one recorded."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

from runs.agent.classify import handle_agent_error
from runs.agent.clock import RunClock
from runs.agent.errors import ModelFailure
from runs.agent.journal import Entry, Journal
from runs.agent.messages import ModelProvider, ModelReply, ModelRequest
from runs.agent.retry import RetryPolicy, attempts
from runs.agent.state import AgentState, AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType

MakeRequest = Callable[[float], ModelRequest]
"""The request for an attempt that may take that many seconds."""


class Asking:
    """How a run asks its models: in order of preference, each as often as the retry policy allows."""

    def __init__(
        self,
        providers: Sequence[ModelProvider],
        *,
        journal: Journal,
        retry: RetryPolicy,
        clock: RunClock,
        timeout_s: float,
    ) -> None:
        if not providers:
            raise ValueError("A run needs at least one model.")
        self.providers = providers
        self.journal = journal
        self.retry = retry
        self.clock = clock
        self.timeout_s = timeout_s

    async def reply(self, state: AgentState, turn: int, request: MakeRequest) -> tuple[ModelReply, ModelProvider]:
        """The reply of the first provider that gives one, and that provider.

        Raises the last provider's `ModelFailure` or `ModelUnavailable`, or `LimitReached` if the time is up.
        """
        for position, provider in enumerate(self.providers, start=1):
            try:
                return await self._ladder(state, turn, provider, request), provider
            except ModelFailure as failure:
                if self.clock.left_s() <= 0:
                    raise self.clock.out_of_time() from failure
                if position == len(self.providers):
                    raise
        raise AssertionError("The last provider replies or raises.")

    async def _ladder(self, state: AgentState, turn: int, provider: ModelProvider, request: MakeRequest) -> ModelReply:
        async def call(_attempt: int) -> ModelReply:
            if state.status is AgentStatus.WAITING:
                state.mark_thinking()
                await self.journal.record(Entry(status=AgentStatus.THINKING))
            return await _reply_in_time(provider, request(self.clock.at_most(self.timeout_s)))

        return await attempts(
            self.retry,
            call,
            on_failed_attempt=partial(self._record_failure, state, turn, provider),
            time_left=self.clock.left_s,
        )

    async def _record_failure(
        self,
        state: AgentState,
        turn: int,
        provider: ModelProvider,
        failure: ModelFailure,
        *,
        attempt: int,
        max_attempts: int,
        wait_s: float | None,
    ) -> None:
        error = handle_agent_error(failure, {})
        metadata = {
            "turn": turn,
            "attempt": attempt,
            "max_attempts": max_attempts,
            "severity": error.severity.value,
            "recoverable": error.recoverable,
            "suggested_action": error.suggested_action,
            "provider": provider.name,
            "model": provider.model,
            "code": error.code,
            "status": failure.status,
            "wait_s": None if wait_s is None else round(wait_s, 3),
            "next_at": None if wait_s is None else time.time() + wait_s,
        }
        entry = Entry(thoughts=[AgentThought(ThoughtType.RETRY, str(failure), metadata)])
        if wait_s is not None:
            state.mark_waiting()
            entry.status = AgentStatus.WAITING
        await self.journal.record(entry)


async def _reply_in_time(provider: ModelProvider, request: ModelRequest) -> ModelReply:
    """One reply; a `ModelFailure` when it takes longer than the request allows, or says nothing."""
    try:
        async with asyncio.timeout(request.timeout_s) as deadline:
            reply = await provider.reply(request)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        message = f"{provider.model!r} gave no complete reply in {request.timeout_s:.3g} s."
        raise ModelFailure(message, kind="timeout", provider=provider.name, model=provider.model) from error
    if not reply.calls and not reply.text.strip():
        message = f"{provider.model!r} gave an empty reply: no text and no tool call."
        raise ModelFailure(message, kind="bad_reply", provider=provider.name, model=provider.model)
    return reply
