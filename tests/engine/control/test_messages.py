"""Messages to a run in progress: where they are read, in which order, and what happens to the others."""

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, kinds_of, launch, reached, steps_of
from tests.engine.control.message_fixtures import row_of, send
from tests.engine.control.test_pause import pause, resume
from tests.engine.gatekeeper import Gatekeeper, orphan, register
from tests.engine.speaking import Said, Speaker

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
LONG = "The tide tables of the northern harbours say little about the wind. " * 5


def said_to(model: ScriptedModel | Speaker, request: int) -> list[tuple[str, ...]]:
    """What people said before each turn, as one request shows it, and since the last one."""
    asked = model.requests[request]
    return [*(turn.messages for turn in asked.turns), tuple(asked.messages)]


async def test_messages_during_a_call_are_read_in_order_before_the_next_turn(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()

    first = await send(run, "Use metric units.", ada)
    second = await send(run, "And be short.", ada)
    assert (await Run.objects.aget(pk=run.pk)).queued_messages == 2
    keeper.open.set()
    row = await ended(run)

    assert (row.status, row.answer, row.queued_messages) == ("completed", "Done.", 0)
    assert said_to(model, 1) == [(), ("Use metric units.", "And be short.")]
    assert await kinds_of(run) == ["tool_call", "tool_result", "message", "message", "answer"]
    steps = await steps_of(run)
    assert [(step.content, step.turn, step.metadata["by"]) for step in steps[2:4]] == [
        ("Use metric units.", 2, "ada"),
        ("And be short.", 2, "ada"),
    ]
    for message in (first, second):
        told = await row_of(message)
        assert (told.state, told.read_before_turn) == ("read", 2)
        assert told.read_at is not None


async def test_a_message_to_a_queued_run_is_read_before_its_first_turn(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)
    await send(run, "In French, please.", ada)
    model = ScriptedModel(answers("Voilà."))

    host_for(model).submit(run.pk)
    await ended(run)

    assert said_to(model, 0) == [("In French, please.",)]
    assert await kinds_of(run) == ["message", "answer"]


async def test_an_answer_does_not_end_a_run_to_which_a_message_has_been_sent(ada: User, host_for: StartHost) -> None:
    goes_on = asyncio.Event()
    model = Speaker(Said(["It is 4."], answers("It is 4.")), Said([], answers("It is IV.")), starts=goes_on)
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda _: len(model.requests) == 1)

    await send(run, "In Roman numerals.", ada)
    goes_on.set()
    row = await ended(run)

    assert (row.status, row.answer, row.queued_messages) == ("completed", "It is IV.", 0)
    assert await kinds_of(run) == ["note", "message", "answer"]
    so_far, message, answer = await steps_of(run)
    assert (so_far.content, so_far.turn, so_far.metadata["note"]) == ("It is 4.", 1, "so_far")
    assert (message.turn, answer.turn) == (2, 2)
    assert [turn.reply.text for turn in model.requests[1].turns] == ["It is 4."]
    assert said_to(model, 1) == [(), ("In Roman numerals.",)]


async def test_a_message_that_interrupts_ends_the_reply_and_is_read_at_once(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said([LONG]), Said([], answers("Shorter.")))
    host_for(model)
    run = await launch(ada)
    await model.spoke.wait()

    await send(run, "Shorter, please.", ada, interrupts=True)
    row = await ended(run)

    assert (row.status, row.answer, row.interrupt_requested_at) == ("completed", "Shorter.", None)
    assert await kinds_of(run) == ["note", "message", "answer"]
    unfinished = (await steps_of(run))[0]
    assert (unfinished.content, unfinished.metadata["why"], unfinished.turn) == (LONG, "interrupted", 1)
    assert [(turn.reply.text, turn.is_unfinished) for turn in model.requests[1].turns] == [(LONG, True)]
    assert said_to(model, 1) == [(), ("Shorter, please.",)]


async def test_an_interrupted_reply_counts_against_no_limit(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said([LONG]), Said([], answers("Shorter.")))
    host_for(model)
    run = await launch(ada, max_turns=1)
    await model.spoke.wait()

    await send(run, "Shorter, please.", ada, interrupts=True)

    assert (await ended(run)).answer == "Shorter."


async def test_a_short_interrupted_reply_is_kept_for_people_and_the_turn_is_asked_again(
    ada: User, host_for: StartHost
) -> None:
    model = Speaker(Said(["The tide"]), Said([], answers("Done.")))
    host_for(model)
    run = await launch(ada)
    await model.spoke.wait()

    await send(run, "Stop.", ada, interrupts=True)
    row = await ended(run)

    assert row.answer == "Done."
    note, message, answer = await steps_of(run)
    assert (note.content, note.turn, message.turn, answer.turn) == ("The tide", 1, 1, 1)
    assert note.metadata["card"] != answer.metadata["card"]
    assert said_to(model, 1) == [("Stop.",)]


async def test_an_interruption_ends_the_wait_for_the_next_attempt(ada: User, host_for: StartHost) -> None:
    away = ModelFailure("Busy.", kind="rate_limited", provider="scripted", model="scripted", retry_after_s=50.0)
    model = ScriptedModel(away, answers("Back again."))
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda row: row.waiting_for == "retry")

    await send(run, "Now.", ada, interrupts=True)
    row = await ended(run)

    assert (row.status, row.answer) == ("completed", "Back again.")
    assert said_to(model, 1) == [("Now.",)]


async def test_an_interruption_leaves_calls_that_run_alone(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()

    message = await send(run, "Stop that.", ada, interrupts=True)
    assert (await row_of(message)).state == "queued"
    keeper.open.set()
    await ended(run)

    assert (keeper.calls, (await ToolCall.objects.aget(run=run)).state) == (1, "succeeded")
    assert await kinds_of(run) == ["tool_call", "tool_result", "message", "answer"]


async def test_a_message_to_a_run_that_waits_for_an_approval_decides_nothing(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    keeper.open.set()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada, approval="always")
    await ended(run)

    await send(run, "Hurry.", ada, interrupts=True)
    row = await Run.objects.aget(pk=run.pk)
    assert (row.waiting_for, row.queued_messages) == ("approval", 1)
    call = await ToolCall.objects.aget(run=run)
    await sync_to_async(control.approve, thread_sensitive=False)(call.pk, by=ada, arguments_hash=call.arguments_hash)
    await reached(run, lambda row: row.is_finished)

    assert await kinds_of(run) == ["tool_call", "approval", "approval", "tool_result", "message", "answer"]


async def test_a_paused_run_reads_its_messages_when_it_is_resumed(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()
    await pause(run, ada)
    await send(run, "Before the pause.", ada)
    keeper.open.set()
    await ended(run)

    message = await send(run, "While paused.", ada)
    assert (await row_of(message)).state == "queued"
    await resume(run, ada)
    await reached(run, lambda row: row.is_finished)

    assert said_to(model, 1) == [(), ("Before the pause.", "While paused.")]


def conversation(model: Speaker, request: int) -> tuple[object, ...]:
    """What a model was told."""
    asked = model.requests[request]
    turns = [
        (turn.reply.text, turn.is_unfinished, [result.model_text for result in turn.results], turn.messages)
        for turn in asked.turns
    ]
    return asked.task, turns, tuple(asked.messages)


async def test_the_next_host_shows_the_model_the_messages_at_the_same_places(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    first = Speaker(Said([], calls_tool(register(keeper, "unsafe"))), Said([LONG]), Said([]))
    host = host_for(first)
    run = await launch(ada)
    await keeper.entered.wait()
    await send(run, "Be quick.", ada)
    first.spoke.clear()
    keeper.open.set()
    await first.spoke.wait()
    await send(run, "Stop here.", ada, interrupts=True)
    await reached(run, lambda _: len(first.requests) == 3)
    await host.drain()
    second = Speaker(Said([], answers("Done.")))

    host_for(second)
    await reached(run, lambda row: row.is_finished)

    assert conversation(second, 0) == conversation(first, 2)
    assert said_to(second, 0) == [(), ("Be quick.",), ("Stop here.",)]


async def test_the_next_host_shows_the_model_an_answer_that_did_not_end_the_run(ada: User, host_for: StartHost) -> None:
    goes_on = asyncio.Event()
    first = Speaker(Said([], answers("It is 4.")), Said([]), starts=goes_on)
    host = host_for(first)
    run = await launch(ada)
    await reached(run, lambda _: len(first.requests) == 1)
    await send(run, "In Roman numerals.", ada)
    goes_on.set()
    await reached(run, lambda _: len(first.requests) == 2)
    await host.drain()
    second = Speaker(Said([], answers("It is IV.")))

    host_for(second)
    row = await reached(run, lambda row: row.is_finished)

    assert row.answer == "It is IV."
    assert conversation(second, 0) == conversation(first, 1)
    assert said_to(second, 0) == [(), ("In Roman numerals.",)]


async def test_a_limit_on_turns_ends_the_run_with_its_answer_and_the_message_is_not_read(
    ada: User, host_for: StartHost
) -> None:
    goes_on = asyncio.Event()
    model = Speaker(Said([], answers("It is 4.")), starts=goes_on)
    host_for(model)
    run = await launch(ada, max_turns=1)
    await reached(run, lambda _: len(model.requests) == 1)

    message = await send(run, "In Roman numerals.", ada)
    goes_on.set()
    row = await ended(run)

    assert (row.status, row.answer, row.queued_messages) == ("completed", "It is 4.", 1)
    assert (await row_of(message)).state == "queued"


async def test_a_run_taken_over_reads_what_was_sent_before(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)
    await send(run, "Before the crash.", ada)
    await orphan(run)
    model = ScriptedModel(ModelReply(text="Done."))

    host_for(model, timings=SWEEPS_OFTEN)
    await ended(run)

    assert said_to(model, 0) == [("Before the crash.",)]
