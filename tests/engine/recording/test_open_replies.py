"""Text is not lost: the text of an unfinished reply is a step of its run."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent import run_agent
from runs.agent.errors.exceptions import LimitReached
from runs.agent.messages import Delta, ModelReply
from runs.agent.providers.scripted import answers
from runs.engine.host_timings import HostTimings
from runs.engine.recording import open_replies
from runs.models import Run, Step
from tests.engine.conftest import SWEEPS_OFTEN, ended, error_of, launch, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.control.test_follow_up import follow_up
from tests.engine.control.test_pause import resume
from tests.engine.operations.test_known_secrets import SECRET, everything_of
from tests.engine.recording.unfinished_replies import DOWN, LONG, StartHost, outline_of, race, unfinished_in
from tests.engine.speaking import Said, Speaker
from tests.wire import Answer, Cut, Reset, StreamError, WireServer
from tests.wire.models import model_at

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET = LimitReached("max_tokens", used=300, limit=300, unit="tokens")


async def said_before_a_stop(
    ada: User, host_for: StartHost, *pieces: Delta | str, timings: HostTimings = SWEEPS_OFTEN
) -> Step:
    """The step of an unfinished reply with these pieces, after a stop."""
    model = Speaker(Said(pieces))
    host_for(model, timings=timings)
    run = await launch(ada)
    await model.spoke.wait()
    await cancel(run, ada)
    await ended(run)
    (step,) = await unfinished_in(run)
    return step


# --- It is kept ---


async def test_what_was_said_before_a_stop_stays_before_the_step_that_ends_the_run(
    ada: User, host_for: StartHost
) -> None:
    model = Speaker(Said([Delta("Think of ", "reasoning"), Delta("the moon.", "reasoning"), "The **tide** ", "comes"]))
    host_for(model)
    run = await launch(ada)
    await model.spoke.wait()

    await cancel(run, ada)
    row = await ended(run)

    assert (row.status, row.answer) == ("cancelled", "")
    assert await outline_of(run) == ["cancel_asked", "unfinished", "cancelled"]
    asked, step, last = await steps_of(run)
    assert step.content == "The **tide** comes"
    assert step.html == '<p dir="auto">The <strong>tide</strong> comes</p>'
    assert (step.turn, step.attempt, step.provider, step.model, step.tokens) == (1, 1, "scripted", "speaker", None)
    assert step.started_at is not None
    assert step.metadata == {
        "note": "unfinished",
        "partial": True,
        "answer": "The **tide** comes",
        "reasoning": "Think of the moon.",
        "why": "stopped",
        "goes_on": False,
        "card": "1-1-1-1",
    }
    assert last.metadata["proof"]["keeps_words"] is True
    assert "What it had said is kept." in last.content
    assert "keeps_words" not in asked.metadata


async def test_a_reply_of_which_nothing_was_said_leaves_nothing(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said([" ", Delta("\n", "reasoning"), Delta('{"a":', "call")]))
    host_for(model)
    run = await launch(ada)
    await model.spoke.wait()

    await cancel(run, ada)
    await ended(run)

    assert await outline_of(run) == ["cancel_asked", "cancelled"]
    assert (await steps_of(run))[-1].metadata["proof"]["keeps_words"] is False


async def test_a_reply_that_only_thought_so_far_leaves_its_thoughts(ada: User, host_for: StartHost) -> None:
    step = await said_before_a_stop(ada, host_for, Delta("Think of the _moon_", "reasoning"))

    assert (step.content, step.metadata["answer"]) == ("Think of the _moon_", "")
    assert "<em>moon</em>" in step.html


async def test_words_that_take_long_to_render_do_not_keep_a_run_from_stopping(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def never(_text: str) -> str:
        await goes_on.wait()
        return ""

    monkeypatch.setattr("runs.engine.recording.reply_html.html_of", never)

    step = await said_before_a_stop(
        ada, host_for, "The **tide**", timings=replace(SWEEPS_OFTEN, unfinished_html_limit_s=0.05)
    )

    assert (step.content, step.html) == ("The **tide**", "")


@pytest.mark.parametrize("fault", [Reset, Cut, StreamError])
@pytest.mark.parametrize("wire_format", ["openai", "anthropic", "google"])
async def test_what_a_failed_attempt_had_said_stays_before_its_step_and_is_told_to_no_model(
    ada: User, host_for: StartHost, wire_server: WireServer, wire_format: str, fault: Any
) -> None:
    model = model_at(wire_server, wire_format)
    await run_agent("Are you there?", model=model)  # Loads the SDK, which takes seconds.
    wire_server.forget()
    answer = Answer("The tide comes in twice a day, every day, as the moon wants it.")
    wire_server.script(fault(after_chunks=6, answer=answer), Answer("Twice a day."))
    host_for(model)

    run = await ended(await launch(ada))

    assert (run.status, run.answer) == ("completed", "Twice a day.")
    assert await outline_of(run) == ["unfinished", "retry", "answer"]
    step, retry, _ = await steps_of(run)
    assert step.content and answer.text.startswith(step.content)
    assert (step.metadata["why"], step.metadata["goes_on"]) == ("attempt_failed", False)
    assert step.metadata["card"] == retry.metadata["card"]
    assert (step.provider, step.model, step.attempt) == (retry.provider, retry.model, retry.attempt)
    assert step.content not in json.dumps(wire_server.requests[1].body)


async def test_every_attempt_keeps_its_own_words(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said(["First"], DOWN), Said(["Second"], DOWN), Said(["Third"], DOWN))
    host_for(model)

    run = await ended(await launch(ada))

    assert run.status == "failed"
    kept = await unfinished_in(run)
    assert [(step.content, step.attempt, step.metadata["card"]) for step in kept] == [
        ("First", 1, "1-1-1-1"),
        ("Second", 2, "1-1-2-1"),
        ("Third", 3, "1-1-3-1"),
    ]
    assert (await outline_of(run))[-3:] == ["unfinished", "retry", "error"]


async def test_a_bug_in_a_provider_leaves_what_it_had_said(ada: User, host_for: StartHost) -> None:
    host_for(Speaker(Said(["Half a sen"], RuntimeError("A bug."))))

    run = await ended(await launch(ada))

    assert await outline_of(run) == ["unfinished", "error"]
    (step,) = await unfinished_in(run)
    assert (step.content, step.metadata["why"], step.metadata["goes_on"]) == ("Half a sen", "attempt_failed", False)


async def test_a_reply_that_was_finished_leaves_nothing_but_itself(ada: User, host_for: StartHost) -> None:
    host_for(Speaker(Said(["Do", "ne."], answers("Done."))))

    run = await ended(await launch(ada))

    assert await outline_of(run) == ["answer"]


# --- A limit ---


async def test_a_limit_in_the_middle_of_a_reply_leaves_it_and_a_resume_goes_on_from_it(
    ada: User, host_for: StartHost
) -> None:
    model = Speaker(Said([LONG], BUDGET), Said(["That is all."], answers("That is all.")))
    host_for(model)
    run = await launch(ada, max_turns=1)
    failed = await ended(run)
    assert error_of(failed)["code"] == "limit_max_tokens"
    assert await outline_of(run) == ["unfinished", "error"]
    (step,) = await unfinished_in(run)
    assert (step.metadata["why"], step.metadata["goes_on"]) == ("limit", True)

    await resume(run, ada, max_tokens=100_000)
    row = await ended(run)

    (turn,) = model.requests[1].turns
    assert (turn.reply.text, turn.is_unfinished, turn.results) == (LONG, True, ())
    # It is one answer, and the only turn that the run may have.
    assert (row.status, row.answer) == ("completed", LONG + "That is all.")
    assert [step.turn for step in await steps_of(run) if step.turn] == [1, 2]


async def test_the_end_of_the_run_s_time_is_a_limit_too(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said([LONG]), Said([], answers("The end.")))
    host_for(model)
    run = await launch(ada, max_duration_s=1)
    failed = await ended(run)
    assert error_of(failed)["code"] == "limit_max_duration_s"
    assert (await outline_of(run))[0] == "unfinished"
    (step,) = await unfinished_in(run)
    assert (step.metadata["why"], step.metadata["goes_on"]) == ("limit", True)

    await resume(run, ada, max_duration_s=60)

    assert (await ended(run)).answer == LONG + "The end."


async def test_what_a_failed_run_had_said_at_a_limit_is_not_told_to_a_follow_up(ada: User, host_for: StartHost) -> None:
    model = Speaker(Said([LONG], BUDGET), Said([], answers("Hello.")))
    host_for(model)
    run = await ended(await launch(ada))

    await ended(await follow_up(run, ada, "And now?"))

    (earlier,) = model.requests[1].earlier
    assert (earlier.turns, earlier.answer) == ((), None)


async def test_a_follow_up_sees_an_answer_that_was_gone_on_with_as_one(ada: User, host_for: StartHost) -> None:
    rest = ModelReply(text="That is all.", replay={"kept": 1})
    model = Speaker(Said([LONG], BUDGET), Said([], rest), Said([], answers("Hello.")))
    host_for(model)
    run = await ended(await launch(ada))
    await resume(run, ada, max_tokens=100_000)
    run = await ended(run)

    await ended(await follow_up(run, ada, "And now?"))

    (earlier,) = model.requests[2].earlier
    assert (earlier.turns, earlier.answer) == ((), ModelReply(text=LONG + "That is all."))


# --- Races ---


async def test_a_lane_that_failed_keeps_its_words_and_one_that_lost_does_not(ada: User, host_for: StartHost) -> None:
    failing = Speaker(Said(["I believe"], DOWN), model="failing")
    losing = Speaker(Said(["I would say"]), model="losing")
    winning = Speaker(Said(["Twice"], answers("Twice a day.")), model="winning", starts=failing.spoke)
    await race(host_for, failing, losing, winning)

    run = await ended(await launch(ada))

    assert (run.status, run.answer) == ("completed", "Twice a day.")
    (step,) = await unfinished_in(run)
    assert (step.content, step.lane, step.metadata["in_race"]) == ("I believe", 1, True)


async def test_of_a_race_that_was_cut_off_every_lane_is_kept_and_the_longest_is_gone_on_with(
    ada: User, host_for: StartHost
) -> None:
    short, long = Speaker(Said([LONG]), model="short"), Speaker(Said([LONG, "And so"]), model="long")
    host = await race(host_for, short, long)
    run = await launch(ada)
    await short.spoke.wait()
    await long.spoke.wait()

    await host.drain()

    kept = await unfinished_in(run)
    assert [(step.content, step.metadata["goes_on"]) for step in kept] == [(LONG, False), (LONG + "And so", True)]


# --- Its content ---


async def test_a_secret_is_hidden_in_it_however_it_came(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", SECRET)

    step = await said_before_a_stop(
        ada,
        host_for,
        *f"The key is {SECRET}, I think",
        Delta(f"I use {SECRET}", "reasoning"),
        " and sk-abcd",
        "efgh1234",
    )

    told = await sync_to_async(everything_of, thread_sensitive=False)(await Run.objects.aget(pk=step.run_id))
    assert SECRET not in told and "sk-abcdefgh" not in told
    assert step.content == "The key is [hidden], I think and [hidden]"
    assert step.metadata["reasoning"] == "I use [hidden]"


@pytest.mark.parametrize(
    ("end", "kept"), [(SECRET[:-1], "[hidden]"), (SECRET[:11], "[hidden]"), (SECRET[:6], "canary"), ("c", "c")]
)
async def test_of_a_secret_that_was_cut_off_only_a_beginning_that_gives_nothing_away_is_kept(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch, end: str, kept: str
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", SECRET)

    step = await said_before_a_stop(ada, host_for, "It is ", *end)

    assert step.content == f"It is {kept}"


async def test_what_a_database_refuses_is_kept_with_a_sign_in_its_place(ada: User, host_for: StartHost) -> None:
    step = await said_before_a_stop(ada, host_for, Delta("a\0b", "reasoning"), "An \ud83d emoji", "\0")

    assert step.content == step.metadata["answer"] == "An ? emoji\N{REPLACEMENT CHARACTER}"
    assert step.metadata["reasoning"] == "a\N{REPLACEMENT CHARACTER}b"


async def test_of_more_than_is_kept_the_length_of_the_rest_is_told(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_replies, "MOST_CHARS", 400)

    step = await said_before_a_stop(ada, host_for, Delta("x" * 100, "reasoning"), *(["y" * 70] * 6), "z" * 9)

    assert (step.content, step.metadata["reasoning"]) == ("y" * 300, "x" * 100)
    assert step.metadata["missing_chars"] == 6 * 70 - 300 + 9
