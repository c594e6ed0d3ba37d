"""Asking for one reply: provider after provider or several at once, every failed attempt recorded."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

from runs.agent.classify import is_worth_retrying
from runs.agent.clock import RunClock
from runs.agent.errors import ModelFailure, ModelPaused, ModelTimeout, ModelUnavailable
from runs.agent.journal import Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.messages import ModelProvider, ModelReply
from runs.agent.race import Strategy
from runs.agent.resilience import records
from runs.agent.resilience.attempt import Attempt, MakeRequest, asked_to_wait
from runs.agent.resilience.lanes import Round
from runs.agent.resilience.listening import Patience
from runs.agent.resilience.shared import SHARED, Shared, Standing
from runs.agent.resilience.waits import RetriesStopped, Waits
from runs.agent.retry import RetryPolicy, attempts
from runs.agent.state import AgentState, AgentStatus
from runs.agent.thoughts import AgentThought


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reply, and how it was got."""

    reply: ModelReply
    provider: ModelProvider
    attempt: int
    """Which attempt at this provider gave it, or which round of a race, from 1."""
    lane: int
    """The provider's place in the order of preference, from 1."""
    card: str
    """What its pieces were shown as; the reply's last thought ends it."""
    started_at: float
    """When that attempt began, in seconds since the epoch."""
    first_token_at: float | None
    ended_at: float


class Asking:
    """How a run asks its models.

    `fallback`: in order of preference, each as often as the retry policy allows. `hedge` and `race`: together, one
    attempt each, and again in rounds as often as the policy allows.
    """

    def __init__(
        self,
        providers: Sequence[ModelProvider],
        *,
        journal: Journal,
        retry: RetryPolicy,
        clock: RunClock,
        limits: RunLimits,
        strategy: Strategy = "fallback",
        waits: Waits | None = None,
        shared: Shared | None = None,
    ) -> None:
        if not providers:
            raise ValueError("A run needs at least one model.")
        if strategy not in get_args(Strategy):
            raise ValueError(f"The strategy is one of {', '.join(get_args(Strategy))}, not {strategy!r}.")
        self.providers = providers
        self.journal = journal
        self.retry = retry
        self.clock = clock
        self.limits = limits
        self.strategy = strategy
        self.waits = waits or Waits()
        self.shared = shared or SHARED
        self._turn = 0
        self._tries: Counter[int] = Counter()
        self._hurried = False

    async def reply(self, state: AgentState, turn: int, request: MakeRequest) -> Asked:
        """The reply of the first provider that gives one.

        Raises the last provider's `ModelFailure` or `ModelUnavailable`, or `LimitReached` if the time is up.
        """
        if turn != self._turn:
            self._turn, self._tries = turn, Counter()
        everybody = list(range(1, len(self.providers) + 1))
        together = [[lane] for lane in everybody] if self.strategy == "fallback" else [everybody]
        for lanes in together:
            ladder = _Ladder(self, state, turn, request, lanes)
            try:
                return await ladder.climb()
            except ModelFailure as failure:
                if self.clock.left_s() <= 0 or _is_end_of_time(failure):
                    raise self.clock.out_of_time() from failure
                if lanes is together[-1]:
                    raise
        raise AssertionError("The last provider replies or raises.")

    def attempt_at(self, lane: int, *, number: int) -> Attempt:
        """A new attempt at a provider, with a card of its own."""
        provider = self.providers[lane - 1]
        # Counted over the whole turn: a reply that is asked for again must not go on with an old card.
        self._tries[lane] += 1
        card = f"{self._turn}-{self._tries[lane]}-{lane}"
        return Attempt(provider, lane=lane, number=number, card=card, standing=self.shared.of(provider))

    def patience(self) -> Patience:
        """How long an attempt that begins now is listened to."""
        limits, total_s = self.limits, self.clock.at_most(self.limits.model_timeout_s)
        return Patience(
            first_token_s=limits.first_token_timeout_s,
            idle_s=limits.idle_timeout_s,
            total_s=total_s,
            total_is="model_timeout_s" if total_s == limits.model_timeout_s else "max_duration_s",
        )

    async def sleep(self, seconds: float) -> None:
        """Wait, and remember whether somebody was in a hurry: then a provider's wish to be left alone is not heeded."""
        self._hurried = False
        self._hurried = not await self.waits.sleep(seconds)

    def was_hurried(self) -> bool:
        """Whether the last wait was cut short; asking forgets it."""
        hurried, self._hurried = self._hurried, False
        return hurried


class _Ladder:
    """The attempts at one reply: of one provider, or in rounds of several."""

    def __init__(
        self, asking: Asking, state: AgentState, turn: int, request: MakeRequest, lanes: Sequence[int]
    ) -> None:
        self.asking = asking
        self.state = state
        self.turn = turn
        self.request = request
        self.lanes = list(lanes)
        self.is_race = len(lanes) > 1
        self.last: Attempt | None = None

    async def climb(self) -> Asked:
        return await attempts(
            self.asking.retry,
            self._round if self.is_race else self._single,
            on_failed_attempt=self._record_round if self.is_race else self._record_single,
            time_left=self.asking.clock.left_s,
            sleep=self.asking.sleep,
            refuse=self._refuse,
        )

    async def _single(self, number: int) -> Asked:
        run = await self._ready(number)
        self.last = attempt = self.asking.attempt_at(self.lanes[0], number=number)
        return _asked(attempt, await run(attempt))

    async def _round(self, number: int) -> Asked:
        run = await self._ready(number)
        lanes = [self.asking.attempt_at(lane, number=number) for lane in self.lanes]
        asking, on_failed = self.asking, partial(self._record_lane, number)
        race = Round(lanes, strategy=asking.strategy, hedges=asking.shared.hedges, run=run, on_failed=on_failed)
        try:
            winner, reply = await race.run()
        except ModelFailure:
            self.lanes = [each.lane for each in lanes if _may_run_again(each)]
            await self._record_race(race)
            raise
        await self._record_race(race)
        return _asked(winner, reply)

    async def _ready(self, number: int) -> Callable[[Attempt], Awaitable[ModelReply]]:
        """Wait while every provider asks for it; then how to run an attempt."""
        hurried = self.asking.was_hurried() or await self._waited_in_a_hurry(spent=number - 1)
        if self.state.status is AgentStatus.WAITING:
            self.state.mark_thinking()
            await self.asking.journal.record(Entry(status=AgentStatus.THINKING))

        async def run(attempt: Attempt) -> ModelReply:
            show = partial(self.asking.journal.show, attempt.card)
            return await attempt.run(self.request, self.asking.patience(), show, heed_cooldown=not hurried)

        return run

    async def _waited_in_a_hurry(self, *, spent: int) -> bool:
        """Wait as long as every provider asks to be left alone; True if a person cut it short. It is no attempt."""
        asking = self.asking
        while True:
            left_s, lane = min((self._standing(lane).account.cooldown.left_s(), lane) for lane in self.lanes)
            if not left_s:
                return False
            provider, wait_s = asking.providers[lane - 1], left_s * random.uniform(1, 1.1)  # noqa: S311 - jitter
            if left_s > asking.retry.max_retry_after_s or wait_s >= asking.clock.left_s():
                raise asked_to_wait(provider, left_s, ", longer than this run can wait")
            paused, most = asked_to_wait(provider, left_s), asking.retry.max_attempts
            thought = records.wait_as_asked(paused, wait_s, turn=self.turn, spent=spent, max_attempts=most)
            await self._record(thought, lane=lane, waits=True)
            try:
                await asking.sleep(wait_s)
            except RetriesStopped as stopped:
                raise asked_to_wait(provider, left_s, ", and a person ended the wait") from stopped
            if asking.was_hurried():
                return True

    def _standing(self, lane: int) -> Standing:
        return self.asking.shared.of(self.asking.providers[lane - 1])

    def _refuse(self) -> str:
        """Why nobody may be tried again; empty if somebody may. Who may not is left out from here on."""
        allowed = [lane for lane in self.lanes if self._standing(lane).account.retries.take()]
        if not allowed:
            name = self.asking.providers[self.lanes[0] - 1].name
            return f"Too many of the last requests to {name!r} were further attempts, so there is none now."
        self.lanes = allowed
        return ""

    async def _record_single(
        self, failure: ModelFailure, *, attempt: int, max_attempts: int, wait_s: float | None
    ) -> None:
        made = None if isinstance(failure, ModelPaused) else self.last
        numbers = {"turn": self.turn, "attempt": attempt, "max_attempts": max_attempts}
        thought = records.failed_attempt(failure, **numbers, wait_s=wait_s)
        await self._record(thought, lane=self.lanes[0], made=made, waits=wait_s is not None)

    async def _record_lane(self, number: int, made: Attempt, failure: ModelFailure) -> None:
        numbers = {"turn": self.turn, "attempt": number, "max_attempts": self.asking.retry.max_attempts}
        thought = records.failed_attempt(failure, **numbers, wait_s=None)
        thought.metadata["in_race"] = True
        await self._record(thought, lane=made.lane, made=made)

    async def _record_round(
        self, failure: ModelFailure, *, attempt: int, max_attempts: int, wait_s: float | None
    ) -> None:
        """Its lanes have told their own failures; here is the wait for the next round, or that nobody was asked."""
        if wait_s is None and not isinstance(failure, ModelPaused):
            return
        numbers = {"turn": self.turn, "attempt": attempt, "max_attempts": max_attempts}
        thought = records.failed_attempt(failure, **numbers, wait_s=wait_s)
        thought.metadata["is_round"] = True
        await self._record(thought, waits=wait_s is not None)

    async def _record_race(self, race: Round) -> None:
        if len(race.started) > 1:
            await self._record(records.raced(race, turn=self.turn))

    async def _record(
        self, thought: AgentThought, *, lane: int | None = None, made: Attempt | None = None, waits: bool = False
    ) -> None:
        if lane is not None and len(self.asking.providers) > 1:
            thought.metadata["lane"] = lane
        if made is not None:
            thought.metadata["card"] = made.card
            thought.metadata["started_at"] = made.started_at
        entry = Entry(thoughts=[thought])
        if waits:
            self.state.mark_waiting()
            entry.status = AgentStatus.WAITING
        await self.asking.journal.record(entry)


def _asked(attempt: Attempt, reply: ModelReply) -> Asked:
    started_at = attempt.started_at or 0.0
    return Asked(
        reply=reply,
        provider=attempt.provider,
        attempt=attempt.number,
        lane=attempt.lane,
        card=attempt.card,
        started_at=started_at,
        first_token_at=attempt.first_token_at,
        ended_at=attempt.ended_at or started_at,
    )


def _may_run_again(attempt: Attempt) -> bool:
    failure = attempt.failure
    return failure is None or isinstance(failure, ModelPaused) or is_worth_retrying(failure)


def _is_end_of_time(failure: ModelFailure) -> bool:
    last = failure.last if isinstance(failure, ModelUnavailable) else failure
    return isinstance(last, ModelTimeout) and last.limit_name == "max_duration_s"
