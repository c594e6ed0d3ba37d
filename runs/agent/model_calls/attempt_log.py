"""Recording of the attempts at one reply in the journal: failures, waits, races."""

from collections.abc import Sequence

from runs.agent.concurrency.race import Strategy
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused
from runs.agent.journal import Entry
from runs.agent.model_calls import attempt_steps as records
from runs.agent.model_calls.attempt import Attempt, RaceResult
from runs.agent.model_calls.reply_context import ReplyContext
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import AskedLane
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought


class AttemptLog:
    """Records attempts as steps. A step that announces a wait makes the run `waiting` in the same write."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context

    async def failed(self, failure: ModelFailure, *, lane: int, made: Attempt | None, wait_s: float | None) -> None:
        """Record a failed attempt. `made` is None if nothing was sent, `wait_s` is None if no attempt follows."""
        thought = records.failed_attempt(failure, self._numbers(), wait_s=wait_s)
        await self._record(thought, lane=lane, made=made, waits=wait_s is not None)

    async def lane_failed(self, made: Attempt, failure: ModelFailure) -> None:
        """Record an attempt that failed while others of the race continue."""
        thought = records.failed_attempt(failure, self._numbers(), wait_s=None, in_race=True)
        await self._record(thought, lane=made.lane, made=made)

    async def round_failed(self, failure: ModelFailure, *, wait_s: float | None) -> None:
        """Record a failed round of a race: the wait for the next one, or that nothing was sent. Its lanes are recorded
        already."""
        if wait_s is None and not isinstance(failure, ModelPaused):
            return
        thought = records.failed_attempt(failure, self._numbers(), wait_s=wait_s, is_round=True)
        await self._record(thought, waits=wait_s is not None)

    async def cooldown(self, paused: ModelPaused, wait_s: float, *, lane: int, spent: int) -> None:
        """Record a wait for a provider's Retry-After. `spent` attempts are over."""
        numbers = self._numbers()._replace(attempt=spent)
        thought = records.wait_as_asked(paused, numbers, wait_s=wait_s)
        await self._record(thought, lane=lane, waits=True)

    async def race_begins(self, strategy: Strategy, lanes: Sequence[AskedLane]) -> None:
        """Record the start of a race."""
        numbers = self._numbers()
        thought = records.race_begins(strategy, lanes, turn=numbers.turn, attempt=numbers.attempt)
        await self._record(thought)

    async def raced(self, race: RaceResult) -> None:
        """Record a decided race whose start is recorded, or that has sent at least two requests."""
        if race.has_begun or len(race.started) > 1:
            numbers = self._numbers()
            await self._record(records.raced(race, turn=numbers.turn, attempt=numbers.attempt))

    async def attempt_begins(self) -> None:
        """Set a `waiting` run back to `thinking`."""
        if self._context.state.status is AgentStatus.WAITING:
            self._context.state.mark_thinking()
            await self._context.journal.record(Entry(status=AgentStatus.THINKING))

    def _numbers(self) -> records.AttemptNumbers:
        context = self._context
        return records.AttemptNumbers(context.turn, context.attempt_number, context.max_attempts)

    async def _record(
        self, thought: AgentThought, *, lane: int | None = None, made: Attempt | None = None, waits: bool = False
    ) -> None:
        if lane is not None and self._context.has_lanes:
            thought.fields |= StepFields(lane=lane)
        if made is not None:
            thought.end_card(made.card)
            thought.fields |= StepFields(started_at=made.started_at)
        entry = Entry(thoughts=[thought])
        if waits:
            self._context.state.mark_waiting()
            entry.status = AgentStatus.WAITING
        await self._context.journal.record(entry)
