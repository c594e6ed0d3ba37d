"""Stops, pauses, decisions, timeouts, claims and force in any order: one end a life, and nothing runs after a stop.

`INTERLEAVINGS=10000`, or `make chaos`, tries that many; otherwise it is a small number of them.
"""

import os
import time
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runs.agent.budget import deadline
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.models import Agent, Run, Step
from runs.models.run import FORCE_AFTER
from tests.engine.fuzzing import is_terminal
from tests.engine.interleaving import CALLS, World, waiting_calls

HOSTS = st.integers(0, 1)
SELDOM = st.integers(0, 5)
"""Rules that end a run are applied one time in six, so that runs come far enough."""
TRIES = int(os.environ.get("INTERLEAVINGS", "20"))
CONFIG = {"models": ["thinks"], "tools": list(CALLS), "max_turns": 9, "max_duration_s": 600, "max_attempts": 1}


class Interleavings(RuleBasedStateMachine):
    """One run, two hosts that may each believe they own it, and people who change their minds."""

    agent: Agent
    user: User
    worlds: list[World]
    """The world of the current example, in which the tools find their witness."""
    ends: "Counter[str]"
    """How the runs ended, and in how many of them the unsafe tool was called."""

    @initialize(approval=st.sampled_from(["never", "unsafe"]), head_start=st.sampled_from([0, 2, 4, 6]))
    def launch(self, approval: str, head_start: int) -> None:
        config = CONFIG | {"approval": approval}
        self.needs_approval = approval == "unsafe"
        self.world = World(Run.objects.create(user=self.user, agent=self.agent, task="Do it.", config=config))
        self.worlds[:] = [self.world]
        self.lives_ended = 0
        self.run_again = 0
        self.approved: set[str] = set()
        self.final: tuple[str, int] | None = None
        self.go_on(head_start)

    # Hosts

    @rule(which=HOSTS, really=SELDOM)
    def host(self, which: int, really: int) -> None:
        if really and self.world.row.owner is not None:
            return  # Taking a run over from another host is the exception.
        self.world.hosts[which].host(self.world.run_id)
        self.world.settle()

    @rule(which=HOSTS, count=st.integers(1, 4))
    def commit(self, which: int, count: int) -> None:
        self.world.hosts[which].on_demand.commit(count)
        self.world.settle()

    @rule(which=HOSTS)
    def hear_what_was_asked(self, which: int) -> None:
        row = self.world.row
        for asked, message in ((row.cancel_requested_at, "run.cancel"), (row.pause_requested_at, "run.pause")):
            if asked is not None and row.owner == self.world.hosts[which].id:
                self.world.hosts[which].hears(row.pk, message)
        self.world.settle()

    @rule(which=HOSTS, really=SELDOM)
    def leave(self, which: int, really: int) -> None:
        if really:
            return
        self.world.hosts[which].hears(self.world.run_id, "run.suspend")
        self.world.settle()

    @rule(moves=st.sampled_from([5, 3, 1]))
    def go_on(self, moves: int) -> None:
        """Several moves in which nothing goes wrong, so that runs come far enough."""
        for move in range(moves):
            row = self.world.row
            host = next((each for each in self.world.hosts if each.id == row.owner), self.world.hosts[0])
            if row.owner is None:
                host.host(self.world.run_id)
            elif move % 2:
                self.world.model.may_answer.set()
            self.world.settle()
            host.on_demand.commit(len(host.on_demand.queue))
            self.world.settle()

    # Model, tools and time

    @rule()
    def the_model_answers(self) -> None:
        self.world.model.may_answer.set()
        self.world.settle()

    @rule()
    def the_tools_end(self) -> None:
        self.world.tools_may_end.set()
        self.world.settle()
        self.world.tools_may_end.clear()

    @rule(seconds=st.sampled_from([0.2, 0.2, 6, 11, 3600]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.ahead_s += seconds
        self.world.settle()

    # People

    @rule(really=SELDOM)
    def stop(self, really: int) -> None:
        if really == 0:
            control.cancel(self.world.run_id, by=self.user)

    @rule(really=SELDOM)
    def force(self, really: int) -> None:
        if really:
            return
        if self.world.row.cancel_requested_at is not None and not self.world.row.is_finished:
            earlier = timezone.now() - FORCE_AFTER
            Run.objects.filter(pk=self.world.run_id).update(cancel_requested_at=earlier)
        control.force(self.world.run_id, by=self.user)

    @rule()
    def pause(self) -> None:
        control.pause(self.world.run_id, by=self.user)

    @rule()
    def resume(self) -> None:
        had_failed = self.world.row.status == "failed"
        outcome = control.resume(self.world.run_id, by=self.user, overrides={"max_duration_s": 86_400})
        if had_failed:
            assert outcome in ("resumed", "waits_for_decision")
            self.lives_ended += 1
            self.final = None

    @rule(approves=st.booleans())
    def decide(self, approves: bool) -> None:
        for call in waiting_calls(self.world.run_id, "awaiting_approval")[:1]:
            decision = control.approve if approves else control.deny
            try:
                decision(call.pk, by=self.user, arguments_hash=call.arguments_hash)
            except control.DecisionRefused:
                continue  # A stop was requested, or the run is not parked yet.
            self.approved |= {str(call.pk)} if approves else set()

    @rule(outcome=st.sampled_from(["happened", "run_again"]))
    def settle_unknown(self, outcome: Any) -> None:
        for call in waiting_calls(self.world.run_id, "unknown")[:1]:
            try:
                control.settle(call.pk, by=self.user, outcome=outcome)
            except control.DecisionRefused:
                continue
            self.run_again += outcome == "run_again"

    # Invariants

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def a_life_ends_once_and_a_stop_is_a_stop(self) -> None:
        row = self.world.row
        if self.final is not None:
            assert (row.status, row.next_sequence) == self.final
        if row.is_finished:
            self.final = (row.status, row.next_sequence)
            assert (row.owner, row.pause_requested_at) == (None, None)
        self._check_steps(row)
        self._check_calls()

    def _check_steps(self, row: Run) -> None:
        steps = list(Step.objects.filter(run=row).order_by("sequence").only("sequence", "epoch", "kind", "metadata"))
        assert [step.sequence for step in steps] == list(range(1, row.next_sequence))
        assert [step.epoch for step in steps] == sorted(step.epoch for step in steps)
        assert sum(map(is_terminal, steps)) == self.lives_ended + row.is_finished
        assert not row.is_finished or is_terminal(steps[-1])

    def _check_calls(self) -> None:
        """No unsafe call began after a stop request, twice, or without the approval it needs."""
        assert self.world.after_a_stop == []
        sent = Counter(call_id for name, call_id, _ in self.world.executed if name == CALLS[0])
        assert sent.total() <= len(sent) + self.run_again
        assert not self.needs_approval or set(sent) <= self.approved
        assert not [status for _, _, status in self.world.executed if status in Run.FINAL]

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.ends[self.world.row.status] += 1
            self.ends["sent"] += any(name == CALLS[0] for name, _, _ in self.world.executed)
            self.world.close()


@pytest.fixture
def tools(own_registry: None) -> list[World]:
    """The tools of the run; they report to the world in the returned list."""
    worlds: list[World] = []

    @tool(name=CALLS[0], description="Send.", effect="unsafe", timeout_s=100_000)
    async def send() -> str:
        worlds[0].witness(CALLS[0])
        await worlds[0].tools_may_end.wait()
        return "sent"

    @tool(name=CALLS[1], description="Look.", effect="read", timeout_s=100_000)
    async def look() -> str:
        worlds[0].witness(CALLS[1])
        await worlds[0].tools_may_end.wait()
        return "seen"

    return worlds


@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_a_life_ends_once_and_a_stop_is_a_stop(
    tools: list[World], monkeypatch: pytest.MonkeyPatch, django_user_model: Any
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    monkeypatch.setattr(deadline, "time", time)  # Restored after the test.
    Interleavings.user = django_user_model.objects.create_user("ada")
    Interleavings.agent = Agent.objects.update_or_create(
        name="Assistant", defaults={"is_default": True, "launch_may_raise": ["limits"]}
    )[0]
    Interleavings.worlds, Interleavings.ends = tools, Counter()

    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=TRIES,
            stateful_step_count=40,
            deadline=None,
            derandomize=TRIES < 1_000,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )

    print(dict(Interleavings.ends))
    assert Interleavings.ends["sent"] and Interleavings.ends["cancelled"]
