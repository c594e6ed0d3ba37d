"""Asking for one reply: provider after provider, attempt after attempt, every failed one recorded."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from runs.agent.classify import handle_agent_error
from runs.agent.clock import RunClock
from runs.agent.errors import ModelFailure, ModelTimeout
from runs.agent.journal import Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.messages import ModelProvider, ModelReply, ModelRequest
from runs.agent.resilience.listening import Listening, Patience
from runs.agent.retry import RetryPolicy, attempts
from runs.agent.state import AgentState, AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType

MakeRequest = Callable[[float], ModelRequest]
"""The request for an attempt that may take that many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reply, and how it was got."""

    reply: ModelReply
    provider: ModelProvider
    attempt: int
    """Which attempt at this provider gave it, from 1."""
    lane: int
    """The provider's place in the order of preference, from 1."""
    card: str
    """What its pieces were shown as; the reply's last thought ends it."""
    started_at: float
    """When that attempt began, in seconds since the epoch."""
    first_token_at: float | None
    ended_at: float


class Asking:
    """How a run asks its models: in order of preference, each as often as the retry policy allows."""

    def __init__(
        self,
        providers: Sequence[ModelProvider],
        *,
        journal: Journal,
        retry: RetryPolicy,
        clock: RunClock,
        limits: RunLimits,
    ) -> None:
        if not providers:
            raise ValueError("A run needs at least one model.")
        self.providers = providers
        self.journal = journal
        self.retry = retry
        self.clock = clock
        self.limits = limits
        self._turn = 0
        self._tries: Counter[int] = Counter()

    async def reply(self, state: AgentState, turn: int, request: MakeRequest) -> Asked:
        """The reply of the first provider that gives one.

        Raises the last provider's `ModelFailure` or `ModelUnavailable`, or `LimitReached` if the time is up.
        """
        if turn != self._turn:
            self._turn, self._tries = turn, Counter()
        for lane in range(1, len(self.providers) + 1):
            try:
                return await self._ladder(state, turn, lane, request)
            except ModelFailure as failure:
                if self.clock.left_s() <= 0 or _is_end_of_time(failure):
                    raise self.clock.out_of_time() from failure
                if lane == len(self.providers):
                    raise
        raise AssertionError("The last provider replies or raises.")

    async def _ladder(self, state: AgentState, turn: int, lane: int, request: MakeRequest) -> Asked:
        async def call(attempt: int) -> Asked:
            if state.status is AgentStatus.WAITING:
                state.mark_thinking()
                await self.journal.record(Entry(status=AgentStatus.THINKING))
            return await self._attempt(turn, attempt, lane, request)

        return await attempts(
            self.retry,
            call,
            on_failed_attempt=partial(self._record_failure, state, turn, lane),
            time_left=self.clock.left_s,
        )

    async def _attempt(self, turn: int, attempt: int, lane: int, request: MakeRequest) -> Asked:
        """Ask once, and show the pieces of the reply as they come."""
        provider, patience = self.providers[lane - 1], self._patience()
        # Counted over the whole turn: a reply that is asked for again must not go on with an old card.
        self._tries[lane] += 1
        card = f"{turn}-{self._tries[lane]}-{lane}"
        listening = Listening(provider, patience, partial(self.journal.show, card))
        reply = await listening.reply(request(patience.total_s))
        return Asked(
            reply=reply,
            provider=provider,
            attempt=attempt,
            lane=lane,
            card=card,
            started_at=listening.started_at,
            first_token_at=listening.first_token_at,
            ended_at=time.time(),
        )

    def _patience(self) -> Patience:
        limits, total_s = self.limits, self.clock.at_most(self.limits.model_timeout_s)
        return Patience(
            first_token_s=limits.first_token_timeout_s,
            idle_s=limits.idle_timeout_s,
            total_s=total_s,
            total_is="model_timeout_s" if total_s == limits.model_timeout_s else "max_duration_s",
        )

    async def _record_failure(
        self,
        state: AgentState,
        turn: int,
        lane: int,
        failure: ModelFailure,
        *,
        attempt: int,
        max_attempts: int,
        wait_s: float | None,
    ) -> None:
        error = handle_agent_error(failure, {})
        provider = self.providers[lane - 1]
        metadata = {
            "turn": turn,
            "attempt": attempt,
            "max_attempts": max_attempts,
            "severity": error.severity.value,
            "recoverable": error.recoverable,
            "suggested_action": error.suggested_action,
            "provider": provider.name,
            "model": provider.model,
            "lane": lane if len(self.providers) > 1 else None,
            "card": f"{turn}-{self._tries[lane]}-{lane}",
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


def _is_end_of_time(failure: ModelFailure) -> bool:
    return isinstance(failure, ModelTimeout) and failure.limit_name == "max_duration_s"
