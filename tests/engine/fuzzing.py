"""Tools of the cancel fuzz of hosted runs: ways to stop one at any of its awaits, and the invariants afterwards."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from runs.agent import RetryPolicy
from runs.agent.messages import ModelReply
from runs.engine import control
from runs.engine.hosting import run_config
from runs.engine.hosting.claim_endings import StopReason
from runs.engine.hosting.host import RunHost
from runs.models import Run, Step, ToolCall


class NeverAnswers:
    """A model that is always too late, and takes a moment to clean up."""

    name = model = "slow"

    async def reply(self, request: Any, **options: Any) -> ModelReply:
        """Wait for the cancellation."""
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
        raise AssertionError("Nobody sets this event.")


def retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same retries, with waits of a millisecond."""
    monkeypatch.setattr(run_config, "RetryPolicy", lambda **options: RetryPolicy(**options, base_s=0.001))


class Clock:
    """The clock of the event loop and of the runs. It can jump by an hour, like that of a suspended laptop."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return time.monotonic() + self.ahead_s

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop with this clock."""
        loop = asyncio.SelectorEventLoop()
        loop.time = self.monotonic  # type: ignore[method-assign]
        return loop


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What `work` returns, run in a thread while this one waits, so that the loop stands still meanwhile."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


@dataclass
class Stops:
    """Ways to stop the run a host works on, each complete when it returns."""

    host: RunHost
    run_id: UUID
    user: Any
    kind: str
    clock: Clock

    def __call__(self, root: "asyncio.Task[Any]", which: int) -> None:
        """Stop it; the second and third time cancel the task again, as a host in a hurry does."""
        if self.kind == "timeout":
            self.clock.ahead_s += 3600
        elif self.kind == "leaving" and which > 1:
            if in_a_thread(self._press_stop) == "asked":
                self._tell("cancel")
        elif which > 1:
            root.cancel()
        elif self.kind in ("shutdown", "leaving"):
            self._tell("suspend")
        elif in_a_thread(self._press_stop) == "asked":
            self._tell("cancel")

    def _tell(self, reason: StopReason) -> None:
        """The consumer's reaction to the message. Without a child yet, it handles the message after its start."""
        consumer = self.host._runs.consumers[self.run_id]
        if consumer._child is None:
            consumer.inbox.put_nowait({"type": f"run.{reason}"})
        else:
            consumer._stop(reason)

    def _press_stop(self) -> str:
        try:
            return str(control.cancel(self.run_id, by=self.user))
        finally:
            connection.close()


def read(run_id: UUID) -> tuple[Run, list[Step], list[ToolCall]]:
    """The rows of a run."""
    run = Run.objects.get(pk=run_id)
    return run, list(run.steps.order_by("sequence")), list(run.calls.order_by("turn", "index"))


def say_it_did_not_happen(run: Run) -> None:
    """Settle every call of unknown outcome with "run_again", so that the run goes on."""
    try:
        for call in run.calls.filter(state=ToolCall.State.UNKNOWN):
            control.settle(call.pk, by=run.user, outcome="run_again")
    finally:
        connection.close()


def is_terminal(step: Step) -> bool:
    """True for a step that says how the run ended."""
    cancelled = step.kind == Step.Kind.NOTE and step.metadata.get("note") == "cancelled"
    return cancelled or step.kind in (Step.Kind.ANSWER, Step.Kind.ERROR)


def check(run: Run, steps: list[Step], calls: list[ToolCall]) -> None:
    """Invariants of every run without a host."""
    assert [step.sequence for step in steps] == list(range(1, run.next_sequence))
    assert (run.owner, run.lease_until) == (None, None)
    assert run.status in ("idle", "waiting", "completed", "failed", "cancelled")
    terminal = [step for step in steps if is_terminal(step)]
    if run.is_finished:
        assert terminal == steps[-1:]
        assert run.ended_at is not None
    else:
        assert (terminal, run.ended_at) == ([], None)
    assert bool(run.answer) == (run.status == "completed")
    assert bool(run.error) == (run.status == "failed")
    check_calls(run, steps, calls)


def check_calls(run: Run, steps: list[Step], calls: list[ToolCall]) -> None:
    """A call has one result, or is open in a run that goes on, or is unknown and a person is asked."""
    results = Counter(str(step.call_id) for step in steps if step.kind == Step.Kind.TOOL_RESULT)
    proposed = Counter(str(step.call_id) for step in steps if step.kind == Step.Kind.TOOL_CALL)
    assert proposed == Counter(str(call.call_id) for call in calls)
    for call in calls:
        is_open = call.state in ("proposed", "started")
        asks = call.state == "unknown" and run.waiting_for == "decision"
        assert results[str(call.call_id)] == (0 if is_open or asks else 1), (call.tool_name, call.state)
        assert not (is_open and run.is_finished), (call.tool_name, call.state)
        assert is_open == (call.ended_at is None), (call.tool_name, call.state)
    assert results.total() <= len(calls)
