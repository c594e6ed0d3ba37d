"""Pausing and resuming a run: where it stops, what is kept, and what counts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, kinds_of, launch, reached, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def pause(run: Run, by: User) -> str:
    return await sync_to_async(control.pause, thread_sensitive=False)(run.pk, by=by)


async def resume(run: Run, by: User, **overrides: Any) -> str:
    return await sync_to_async(control.resume, thread_sensitive=False)(run.pk, by=by, overrides=overrides)


async def notes_of(run: Run) -> list[str]:
    return [step.metadata["note"] for step in await steps_of(run) if step.kind == "note"]


async def test_a_queued_run_is_paused_at_once_and_nobody_claims_it(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)

    assert await pause(run, ada) == "paused"
    host = host_for(ScriptedModel(answers("Done.")))
    host.submit(run.pk)
    await host.idle()

    row = await Run.objects.aget(pk=run.pk)
    assert (row.status, row.waiting_for, row.owner, row.epoch) == ("waiting", "resume", None, 0)
    assert await pause(run, ada) == "already_paused"
    assert await resume(run, ada) == "resumed"
    assert (await ended(run)).answer == "Done."


async def test_a_pause_lets_the_calls_that_run_end_and_asks_no_model_after_them(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()

    assert await pause(run, ada) == "asked"
    assert await pause(run, ada) == "asked"
    keeper.open.set()
    row = await ended(run)

    assert (row.status, row.waiting_for, row.owner, row.pause_requested_at) == ("waiting", "resume", None, None)
    assert await notes_of(run) == ["pause_asked", "paused"]
    assert (await steps_of(run))[-1].content.startswith("Paused by ada.")
    assert (await ToolCall.objects.aget(run=run)).state == "succeeded"
    assert len(model.requests) == 1

    assert await resume(run, ada) == "resumed"
    row = await reached(run, lambda row: row.is_finished)
    assert (row.status, row.answer, keeper.calls) == ("completed", "Done.", 1)
    assert await resume(run, ada) == "not_resumable"


async def test_a_reply_that_comes_is_kept_and_its_calls_run_after_the_pause(ada: User, host_for: StartHost) -> None:
    keeper, goes_on = Gatekeeper(), asyncio.Event()
    keeper.open.set()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."), pause=goes_on)
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    await pause(run, ada)
    goes_on.set()
    await ended(run)

    assert await kinds_of(run) == ["note", "tool_call", "note"]
    assert keeper.calls == 0
    await resume(run, ada)
    row = await reached(run, lambda row: row.is_finished)
    assert (row.answer, keeper.calls, len(model.requests)) == ("Done.", 1, 2)


async def test_a_pause_does_not_wait_for_ever_for_a_reply_that_does_not_begin(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host_for(model, timings=replace(SWEEPS_OFTEN, pause_grace_s=0.1))
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    await pause(run, ada)

    assert (await ended(run)).waiting_for == "resume"


async def test_a_reply_that_has_begun_is_paid_for_and_is_waited_for(ada: User, host_for: StartHost) -> None:
    speaking, goes_on = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedModel):
        async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
            if not request.turns:
                assert on_delta is not None
                on_delta(Delta("Let me "))
                speaking.set()
                await goes_on.wait()
            return await super().reply(request, on_delta=None)

    keeper = Gatekeeper()
    keeper.open.set()
    first = calls_tool(register(keeper, "read"))
    host_for(
        Slow(ModelReply(calls=first.calls, usage=Usage(output_tokens=7)), answers("Done.")),
        timings=replace(SWEEPS_OFTEN, pause_grace_s=0.0),
    )
    run = await launch(ada)
    await speaking.wait()

    await pause(run, ada)
    await asyncio.wait([asyncio.create_task(goes_on.wait())], timeout=3 * SWEEPS_OFTEN.pause_look_every_s)
    still = await Run.objects.aget(pk=run.pk)
    goes_on.set()
    row = await ended(run)

    assert still.owner is not None
    assert (row.waiting_for, row.tokens_used, keeper.calls) == ("resume", 7, 0)


async def test_a_run_that_waits_for_its_next_attempt_is_paused_at_once(ada: User, host_for: StartHost) -> None:
    down = ModelFailure("Down.", kind="server", provider="scripted", model="scripted", status=503, retry_after_s=50)
    host_for(ScriptedModel(down, answers("Done.")))
    run = await launch(ada)
    await reached(run, lambda row: row.waiting_for == "retry")

    await pause(run, ada)

    assert (await ended(run)).waiting_for == "resume"


async def test_a_pause_asked_for_before_the_host_died_is_found_by_the_next_claim(
    ada: User, host_for: StartHost
) -> None:
    run = await launch(ada)
    await orphan(run, pause_requested_at=timezone.now(), epoch=1)
    model = ScriptedModel(answers("Done."))

    host_for(model)
    row = await ended(run)

    assert (row.waiting_for, row.pause_requested_at, model.requests) == ("resume", None, [])
    await resume(run, ada)
    assert (await reached(run, lambda row: row.is_finished)).status == "completed"


async def test_a_host_finds_a_pause_it_was_not_told_of(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host_for(model, timings=replace(SWEEPS_OFTEN, pause_grace_s=0.0))
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    await Run.objects.filter(pk=run.pk).aupdate(pause_requested_at=timezone.now())

    assert (await ended(run)).waiting_for == "resume"


async def test_a_run_that_ends_before_the_pause_takes_is_completed_and_says_so(ada: User, host_for: StartHost) -> None:
    goes_on = asyncio.Event()
    model = ScriptedModel(answers("Done."), pause=goes_on)
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda row: bool(model.requests))

    assert await pause(run, ada) == "asked"
    goes_on.set()
    row = await ended(run)

    assert (row.status, row.answer, row.pause_requested_at) == ("completed", "Done.", None)
    assert await pause(run, ada) == "already_ended"


async def test_stopping_outweighs_pausing(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tool(register(keeper, "read"))))
    run = await launch(ada)
    await keeper.entered.wait()

    await pause(run, ada)
    assert await cancel(run, ada) == "asked"
    row = await ended(run)

    assert (row.status, row.pause_requested_at) == ("cancelled", None)


async def test_a_run_that_was_asked_to_stop_cannot_be_paused(ada: User) -> None:
    run = await launch(ada)
    await orphan(run, cancel_requested_at=timezone.now())

    assert await pause(run, ada) == "stop_asked"


@pytest.mark.parametrize("waits_for", ["approval", "decision"])
async def test_a_run_that_waits_for_a_person_is_not_paused_but_says_what_it_waits_for(
    ada: User, waits_for: str
) -> None:
    run = await launch(ada)
    await Run.objects.filter(pk=run.pk).aupdate(status="waiting", waiting_for=waits_for)

    assert await pause(run, ada) == f"waits_for_{waits_for}"
    assert await resume(run, ada) == "not_paused"


async def test_a_paused_run_can_be_stopped(ada: User) -> None:
    run = await launch(ada)
    await pause(run, ada)

    assert await cancel(run, ada) == "cancelled"


async def test_resuming_what_has_not_paused_yet_says_so(ada: User) -> None:
    run = await launch(ada)
    await orphan(run, pause_requested_at=timezone.now())

    assert await resume(run, ada) == "still_pausing"


async def test_the_time_a_run_is_paused_does_not_count(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tool(register(keeper, "read")), answers("Done.")))
    run = await launch(ada)
    await keeper.entered.wait()
    await pause(run, ada)
    keeper.open.set()
    paused = await ended(run)

    await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.5)
    again = await Run.objects.aget(pk=run.pk)
    await resume(run, ada)
    row = await reached(run, lambda row: row.is_finished)

    assert again.active_ms == paused.active_ms
    assert row.ended_at is not None and row.started_at is not None
    assert (row.ended_at - row.started_at).total_seconds() - row.active_ms / 1000 >= 0.5
