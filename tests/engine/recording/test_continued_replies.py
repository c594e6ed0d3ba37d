"""A reply that was cut off by a stopping server or a pause is gone on with."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.messages import Delta
from runs.agent.providers.scripted import answers, calls_tool
from runs.models import Agent, Run
from tests.engine.conftest import SWEEPS_OFTEN, ended, launch, reached, steps_of
from tests.engine.control.test_pause import pause, resume
from tests.engine.recording.unfinished_replies import DOWN, LONG, StartHost, outline_of, race, unfinished_in
from tests.engine.speaking import Said, Speaker

pytestmark = pytest.mark.django_db(transaction=True)


async def stopped_server(ada: User, host_for: StartHost, *pieces: Delta | str, **overrides: Any) -> Run:
    """A run whose server stopped after these pieces of its reply."""
    model = Speaker(Said(pieces))
    host = host_for(model)
    run = await launch(ada, **overrides)
    await model.spoke.wait()
    await host.drain()
    return run


async def test_a_reply_the_stopping_server_cut_off_is_gone_on_with_by_the_next_one(
    ada: User, host_for: StartHost
) -> None:
    run = await stopped_server(ada, host_for, Delta("Hm.", "reasoning"), LONG, max_turns=1)
    assert await outline_of(run) == ["unfinished", "interrupted"]
    (step,) = await unfinished_in(run)
    assert (step.metadata["why"], step.metadata["goes_on"]) == ("suspended", True)

    second = Speaker(Said([], answers("The end.")))
    host_for(second)
    row = await ended(run)

    assert [(turn.reply.text, turn.is_unfinished) for turn in second.requests[0].turns] == [(LONG, True)]
    assert (row.status, row.answer) == ("completed", LONG + "The end.")


async def test_a_reply_may_be_interrupted_again_and_again(ada: User, host_for: StartHost) -> None:
    run = await stopped_server(ada, host_for, LONG)
    second = Speaker(Said([LONG.upper()]))
    host = host_for(second)
    await second.spoke.wait()
    await host.drain()

    third = Speaker(Said([], answers("The end.")))
    host_for(third)

    assert (await ended(run)).answer == LONG + LONG.upper() + "The end."
    assert [step.turn for step in await unfinished_in(run)] == [1, 2]
    assert [turn.reply.text for turn in third.requests[0].turns] == [LONG, LONG.upper()]


async def test_an_interrupted_reply_that_had_begun_anew_replaces_the_one_it_was_to_go_on_from(
    ada: User, host_for: StartHost
) -> None:
    run = await stopped_server(ada, host_for, LONG)
    second = Speaker(Said([LONG]))
    host = host_for(second)
    await second.spoke.wait()
    await host.drain()

    host_for(Speaker(Said([], answers("The end."))))

    assert (await ended(run)).answer == LONG + "The end."


@pytest.mark.parametrize(
    "pieces",
    [("Well,",), (LONG, Delta('{"a"', "call")), (Delta(LONG, "reasoning"),), (LONG * 200,)],
    ids=["too short", "a call had begun", "only reasoning", "too long for a window"],
)
async def test_a_reply_that_is_not_worth_going_on_with_is_asked_for_again(
    ada: User, host_for: StartHost, pieces: tuple[Delta | str, ...]
) -> None:
    run = await stopped_server(ada, host_for, *pieces)
    (step,) = await unfinished_in(run)
    assert step.metadata["goes_on"] is False

    second = Speaker(Said([], answers("Done.")))
    host_for(second)

    assert (await ended(run)).answer == "Done."
    assert second.requests[0].turns == []


async def test_half_of_an_answer_that_is_data_is_asked_for_again(ada: User, host_for: StartHost) -> None:
    await Agent.objects.aupdate(output_schema={"type": "object"})
    run = await stopped_server(ada, host_for, '{"a": "' + LONG)
    (step,) = await unfinished_in(run)
    assert step.metadata["goes_on"] is False

    second = Speaker(Said([], answers('{"a": 1}')))
    host_for(second)

    assert (await ended(run)).output == {"a": 1}


async def test_a_call_after_a_reply_that_was_gone_on_with_keeps_its_place(ada: User, host_for: StartHost) -> None:
    run = await stopped_server(ada, host_for, LONG)
    second = Speaker(Said([], calls_tool("calculator", expression="17 * 23")), Said([LONG]))
    host = host_for(second)
    await reached(run, lambda row: len(second.requests) == 2)
    await second.spoke.wait()
    await host.drain()

    third = Speaker(Said([], answers("391.")))
    host_for(third)
    row = await ended(run)

    assert row.answer == LONG + "391."
    shapes = [(turn.is_unfinished, len(turn.results)) for turn in third.requests[0].turns]
    assert shapes == [(True, 0), (False, 1), (True, 0)]
    assert [step.turn for step in await steps_of(run) if step.kind == "tool_call"] == [2]


async def test_a_paused_reply_goes_on_when_it_is_resumed(ada: User, host_for: StartHost) -> None:
    """A pause waits for a reply that has begun; in a race it may not, because one of two has just failed."""
    first = Speaker(Said([LONG]), Said([], answers("The end.")), model="a")
    other = Speaker(Said([], DOWN), Said([]), model="b", starts=first.spoke)
    await race(host_for, first, other, timings=replace(SWEEPS_OFTEN, pause_grace_s=0.0))
    run = await launch(ada)
    await reached(run, lambda row: row.last_sequence > 0)

    await pause(run, ada)
    await ended(run)
    (step,) = await unfinished_in(run)
    assert (step.content, step.metadata["why"], step.metadata["goes_on"]) == (LONG, "paused", True)
    assert (step.lane, step.model) == (1, "a")
    assert (await outline_of(run))[-2:] == ["unfinished", "paused"]

    await resume(run, ada)

    assert (await reached(run, lambda row: row.is_finished)).answer == LONG + "The end."
    assert first.requests[1].turns[0].is_unfinished
