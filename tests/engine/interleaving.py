"""A run that real hosts execute and people change, in small moves whose order the test chooses.

Everything is the product's own except the writer, which commits on command, and the clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from runs.agent.budget import deadline
from runs.agent.messages import ModelReply, ModelRequest, OnDelta, ToolRequest
from runs.agent.tools.call_idempotency import idempotency_key
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.engine.writing.batch import Batch
from runs.engine.writing.writes import Write
from runs.models import Run, ToolCall
from tests.engine.fuzzing import Clock

CALLS = ("interleaved_send", "interleaved_look")
"""An unsafe tool that needs an approval, and one that only reads."""


class WriterOnDemand:
    """Queues writes, and commits them on command."""

    def __init__(self) -> None:
        self.queue: list[Write] = []
        self.jobs: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    def submit(self, write: Write) -> None:
        """Queue a write."""
        self.queue.append(write)

    def commit(self, count: int) -> None:
        """Commit the first writes of the queue, and wake their waiters."""
        writes, self.queue = self.queue[:count], self.queue[count:]
        if writes:
            with transaction.atomic():
                outcomes = Batch(writes).write()
            for write, outcome in zip(writes, outcomes, strict=True):
                write.outcome = outcome
                write.wake()

    async def do(self, work: Callable[[], Any]) -> Any:
        """Run the work in a transaction when the loop rests: on the loop there would be another connection."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.jobs.append((work, done))
        return await done

    def do_jobs(self) -> bool:
        """Run the queued work; False if there was none."""
        jobs, self.jobs = self.jobs, []
        for work, done in jobs:
            with transaction.atomic():
                result = work()
            if not done.done():
                done.set_result(result)
        return bool(jobs)


class HostOnDemand(RunHost):
    """A host that does nothing by itself: no sweep, no thread."""

    def __init__(self, model: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(provider_for=lambda _: model, timings=HostTimings(trial_after_s=0, second_trial_after_s=0))
        self._loop.use(loop)
        self.on_demand = WriterOnDemand()
        self.services.claimer._writer = self.on_demand  # type: ignore[assignment]
        # No mails about poison that is made here.
        self.services = replace(self.services, alerts=None, writer=self.on_demand)  # type: ignore[arg-type]

    async def read(self, work: Callable[[], Any]) -> Any:
        """Read when the loop rests."""
        return await self.on_demand.do(work)

    def host(self, run_id: UUID) -> None:
        """Try to host the run."""
        self._runs.host(run_id)

    def hears(self, run_id: UUID, message_type: str) -> None:
        """Deliver a message that was sent after a change."""
        self.deliver(run_id, message_type)


class World:
    """One run, its hosts and its model, and the witness of the executed calls."""

    def __init__(self, run: Run) -> None:
        self.run_id = run.pk
        self.clock = Clock()
        deadline.time = self.clock  # type: ignore[assignment, attr-defined]
        self.loop = self.clock.make_loop()
        self.model = Thinks()
        self.hosts = [HostOnDemand(self.model, self.loop) for _ in range(2)]
        self.tools_may_end = asyncio.Event()
        self.executed: list[tuple[str, str, str]] = []
        """Tool, call id, and the status of the run when the tool began."""
        self._began: list[tuple[str, str]] = []
        self.after_a_stop: list[str] = []
        """Unsafe calls that began after a stop was requested."""

    @property
    def row(self) -> Run:
        """The run's row in the database."""
        return Run.objects.get(pk=self.run_id)

    def settle(self) -> None:
        """Run the loop until everything waits for a commit, a reply or a tool."""
        is_moving = True
        while is_moving:
            self.loop.run_until_complete(self._settle())
            self._note_what_began()
            is_moving = self.hosts[0].on_demand.do_jobs() | self.hosts[1].on_demand.do_jobs()

    async def _settle(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)

    def witness(self, tool_name: str) -> None:
        """Note that a tool begins."""
        self._began.append((tool_name, idempotency_key()))

    def _note_what_began(self) -> None:
        """Note the run's status for the tools that began: without commits meanwhile, the row has not changed."""
        for tool_name, call_id in self._began:
            row = self.row
            self.executed.append((tool_name, call_id, row.status))
            if tool_name == CALLS[0] and row.cancel_requested_at is not None:
                self.after_a_stop.append(tool_name)
        self._began.clear()

    def close(self) -> None:
        """Cancel every task, as a host in a hurry does, and commit the last writes."""
        for _ in range(50):
            if not (tasks := asyncio.all_tasks(self.loop)):
                break
            for task in tasks:
                task.cancel()
            self.settle()
            for host in self.hosts:
                host.on_demand.commit(len(host.on_demand.queue))
            self.settle()
        left = asyncio.all_tasks(self.loop)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        for host in self.hosts:
            host._loop.close()
        self.loop.close()
        assert not left


class Thinks:
    """Proposes two calls, and then answers; each reply waits for `may_answer`."""

    name = model = "thinks"

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply."""
        await self.may_answer.wait()
        self.may_answer.clear()
        if request.turns:
            return ModelReply(text="Done.")
        return ModelReply(calls=tuple(ToolRequest(name, {}) for name in CALLS))


def waiting_calls(run_id: UUID, state: str) -> list[ToolCall]:
    """The run's calls in that state."""
    return list(ToolCall.objects.filter(run=run_id, state=state))
