"""The attempts at one reply: of one provider, or in rounds of several that race."""

import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from runs.agent.classify import is_worth_retrying
from runs.agent.errors import ModelFailure, ModelPaused
from runs.agent.journal import Entry
from runs.agent.messages import ModelReply
from runs.agent.resilience import records
from runs.agent.resilience.attempt import Asked, Attempt, MakeRequest, asked_to_wait
from runs.agent.resilience.lanes import Round
from runs.agent.resilience.shared import Standing
from runs.agent.resilience.waits import RetriesStopped
from runs.agent.retry import attempts
from runs.agent.state import AgentState, AgentStatus
from runs.agent.thoughts import AgentThought

if TYPE_CHECKING:
    from runs.agent.asking import Asking


class Ladder:
    """The attempts at one reply: of one provider, or in rounds of several."""

    def __init__(
        self, asking: "Asking", state: AgentState, turn: int, request: MakeRequest, lanes: Sequence[int]
    ) -> None:
        self.asking = asking
        self.state = state
        self.turn = turn
        self.request = request
        self.lanes = list(lanes)
        self.is_race = len(lanes) > 1
        self.last: Attempt | None = None

    async def climb(self) -> Asked:
        """The reply. Raises `ModelFailure` and whatever else ends the attempts."""
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
        return attempt.asked(await run(attempt))

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
        return winner.asked(reply)

    async def _ready(self, number: int) -> Callable[[Attempt], Awaitable[ModelReply]]:
        """Wait while every provider asks for it; then how to run an attempt."""
        hurried = self.asking.was_hurried() or await self._waited_in_a_hurry(spent=number - 1)
        if self.state.status is AgentStatus.WAITING:
            self.state.mark_thinking()
            await self.asking.journal.record(Entry(status=AgentStatus.THINKING))

        async def run(attempt: Attempt) -> ModelReply:
            show = partial(self.asking.journal.show, attempt.card)
            return await attempt.run(
                self.request, self.asking.patience(attempt.provider), show, heed_cooldown=not hurried
            )

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


def _may_run_again(attempt: Attempt) -> bool:
    failure = attempt.failure
    return failure is None or isinstance(failure, ModelPaused) or is_worth_retrying(failure)
