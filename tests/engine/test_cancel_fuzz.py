"""A hosted run, stopped at each of its awaits, once or several times: the rows always tell the truth.

All of it takes minutes: `CANCEL_FUZZ=all`, or `make chaos`. Otherwise every fifth await is tried.
"""

import asyncio
import os
import sys
from collections import Counter
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from runs.agent import AgentState
from runs.agent.budget import deadline
from runs.agent.messages import ModelProvider
from runs.engine.host_timings import HostTimings
from runs.engine.hosting import claim_queries, run_execution
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.hosting.host import RunHost
from runs.engine.queueing.local_host import set_host
from runs.models import Run
from tests import fuzzed_run
from tests.engine import fuzzing
from tests.engine.hosts import IdleHost
from tests.strikes import Strikes

pytestmark = pytest.mark.django_db(transaction=True)

ALL = os.environ.get("CANCEL_FUZZ") == "all"
MOST_WAITS = 300
CONFIG = {"tools": list(fuzzed_run.TOOLS), "max_turns": 9, "max_duration_s": 600}
MODELS = {"fallback": ["scripted"], "race": ["slow", "scripted"]}
MAY_BE = {
    "user": {"cancelled", "completed"},
    "shutdown": {"idle", "waiting", "completed"},
    "timeout": {"failed", "waiting", "completed"},
    "leaving": {"idle", "waiting", "cancelled", "completed"},
}
"""`leaving`: the host is stopping, and a person presses stop right after."""


class OnlyTold(IdleHost):
    """A host that gets messages but no runs: it would take up at once the run that a suspend queues."""

    def __init__(self, host: RunHost) -> None:
        self.id = host.id
        self._host = host

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Pass the message on."""
        self._host.tell(run_id, message_type)


class Fuzz:
    """Runs one after another on one host, each stopped at another await."""

    def __init__(self, user: User, states: list[AgentState], clock: fuzzing.Clock, strategy: str) -> None:
        self.user = user
        self.states = states
        self.clock = clock
        self.strategy = strategy
        self.config = CONFIG | {"strategy": strategy, "models": MODELS[strategy]}
        self.models: dict[str, ModelProvider] = {"slow": fuzzing.NeverAnswers()}
        self.strikes = Strikes(lambda coro: coro.__qualname__ == "AgentRunConsumer._work")
        self.host = RunHost(provider_for=lambda name: self.models[name], timings=HostTimings(sweep_every_s=1e9))
        self.ends: Counter[str] = Counter()

    async def stop_everywhere(self, kind: str, times: int, *, first: int, every: int) -> None:
        """Stop a run at its n-th await, the next one at a later one, until a run ends before."""
        loop = asyncio.get_running_loop()
        self.strikes.watch(loop)
        self.host.start(loop)
        set_host(OnlyTold(self.host))
        await self.host._sweeper.done()
        for wait in range(first, MOST_WAITS, every):
            try:
                if not await self._stop_at(wait, kind, times):
                    break
            except AssertionError as error:
                raise AssertionError(f"{kind}, {times} times, from wait {wait} on: {error}") from error
        else:
            raise AssertionError(f"A run of more than {MOST_WAITS} waits.")
        await self.host.drain()
        assert self.strikes.unhandled == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def _stop_at(self, wait: int, kind: str, times: int) -> bool:
        self.states.clear()
        self.models["scripted"] = model = fuzzed_run.script(fails_first=self.strategy == "fallback")
        run = await asyncio.to_thread(self._launch)
        self.strikes.prepare(range(wait, wait + times), fuzzing.Stops(self.host, run.pk, self.user, kind, self.clock))
        await self._host(run)
        was_struck = self.strikes.struck > 0
        self.clock.ahead_s = 0.0
        row = await self._checked(run)
        assert row.status in (MAY_BE[kind] if was_struck else {"completed"}), row.status
        self._check_state(row, kind)
        assert (row.tokens_used or 0) == model.tokens_given
        if row.status == "failed":
            assert row.error["code"] == "limit_max_duration_s", row.error
        if row.cancel_requested_at is not None and not row.is_finished:
            await self._check_that_it_ends(row)
        elif not row.is_finished:
            await asyncio.to_thread(fuzzing.say_it_did_not_happen, row)
            await self._check_that_it_goes_on(row, model)
        self.ends[row.status] += 1
        return was_struck

    def _launch(self) -> Run:
        # Not dispatched: the host gets it when everything is prepared.
        run = Run.objects.create(user=self.user, task="Fuzz.", config=self.config)
        connection.close()
        return run

    async def _host(self, run: Run) -> None:
        """Let the host work on the run until it has released it; no task may be left."""
        self.host._runs.host(run.pk)
        await asyncio.wait([self.host._runs.tasks[run.pk]])
        assert [task for task in self.strikes.tasks if not task.done()] == []

    async def _checked(self, run: Run) -> Run:
        row, steps, calls = await asyncio.to_thread(fuzzing.read, run.pk)
        fuzzing.check(row, steps, calls)
        return row

    def _check_state(self, row: Run, kind: str) -> None:
        """The state in memory agrees with the row; a released run is stopped in memory.

        A run whose unsafe call took too long has released itself.
        """
        if not self.states:
            assert row.status in ("cancelled", "idle")
            return
        (state,) = self.states
        assert state.status.value == (row.status if row.is_finished or kind == "timeout" else "cancelled")
        assert state.total_tokens == (row.tokens_used or 0)
        assert (state.error is None) == (row.error is None)

    async def _check_that_it_ends(self, run: Run) -> None:
        assert run.pk in await asyncio.to_thread(claim_queries.claimable_ids, self.host.id, 10, CrashTrials().limits)
        self.strikes.prepare()
        await self._host(run)
        assert (await self._checked(run)).status == "cancelled"

    async def _check_that_it_goes_on(self, run: Run, model: fuzzed_run.AskedOverTheNet) -> None:
        self.strikes.prepare()
        await self._host(run)
        row = await self._checked(run)
        assert (row.status, row.answer, row.tokens_used) == ("completed", fuzzed_run.ANSWER, model.tokens_given)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> fuzzing.Clock:
    """The clock of the loop and of the runs."""
    clock = fuzzing.Clock()
    monkeypatch.setattr(deadline, "time", clock)
    return clock


CASES = [
    (strategy, kind, times)
    for strategy in MODELS
    for kind in MAY_BE
    for times in (1, 2, 3)
    if kind != "leaving" or times == 2
]


@pytest.mark.parametrize("case", range(len(CASES)), ids=["-".join(map(str, case)) for case in CASES])
def test_a_run_stopped_at_any_await_is_left_as_the_truth(
    ada: User, own_registry: None, clock: fuzzing.Clock, monkeypatch: pytest.MonkeyPatch, case: int
) -> None:
    strategy, kind, times = CASES[case]
    fuzzed_run.register_tools()
    fuzzing.retry_at_once(monkeypatch)
    fuzz = Fuzz(ada, fuzzed_run.watch_states(monkeypatch, run_execution), clock, strategy)

    with asyncio.Runner(loop_factory=clock.make_loop) as runner:
        runner.run(fuzz.stop_everywhere(kind, times, first=0 if ALL else case % 5, every=1 if ALL else 5))

    sys.stdout.write(f"{strategy}, {kind} x {times}: {fuzz.ends.total()} runs, {dict(fuzz.ends)}\n")
    assert fuzz.ends.total() > 5
