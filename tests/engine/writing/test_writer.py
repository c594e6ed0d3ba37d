"""The writer refuses stale writes individually, and no bad write harms another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import OperationalError, connection

import runs.engine.writing.writer
from runs.agent.errors.exceptions import JournalClosed
from runs.agent.journal import CallChange, Entry
from runs.agent.messages import ToolInvocation
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.host_timings import HostTimings
from runs.engine.hosting import claim_queries
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.recording.recorder import Recorder
from runs.engine.writing.writer import Writer
from runs.engine.writing.writes import FENCED, Write
from runs.models import Run, Spending, Step
from tests.engine.conftest import launch, steps_of
from tests.engine.interleaving import WriterOnDemand
from tests.freed import freed, is_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    """A running writer, stopped after the test."""
    writer = Writer(on_committed=lambda writes: None, timings=HostTimings(write_retry_every_s=0.01))
    writer.start(asyncio.get_running_loop())
    yield writer
    await writer.stop()


@asynccontextmanager
async def taken_at_once(writer: Writer, *jobs: Callable[[], Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Start the writer when the jobs are queued, which it then does in one transaction. Stopped at the end."""
    doing = [asyncio.create_task(writer.do(job)) for job in jobs]
    await asyncio.sleep(0)  # Until each is queued.
    writer.start(asyncio.get_running_loop())
    yield doing
    await writer.stop()


async def hosted(user: User, epoch: int = 1) -> Run:
    """A run that is hosted under `epoch`."""
    run = await launch(user)
    await Run.objects.filter(pk=run.pk).aupdate(owner="me", status="thinking", epoch=epoch)
    return run


def step(content: str = "A thought.", **columns: Any) -> dict[str, Any]:
    return {"kind": "reasoning", "content": content, "ended_at": datetime.now(UTC), **columns}


async def committed(writer: Writer, *writes: Write) -> list[str]:
    """The kinds of the writes' outcomes, once they all have one."""
    for write in writes:
        write.waiter = asyncio.get_running_loop().create_future()
        writer.submit(write)
    await asyncio.gather(*(write.waiter for write in writes if write.waiter))
    return [write.outcome.kind for write in writes if write.outcome]


async def test_writes_of_one_run_are_numbered_in_the_order_they_were_given(ada: User, writer: Writer) -> None:
    run = await hosted(ada)
    writes = [Write(run_id=run.pk, epoch=1, steps=[step(f"{n}a"), step(f"{n}b")]) for n in range(50)]

    assert set(await committed(writer, *writes)) == {"written"}

    steps = await steps_of(run)
    assert [each.sequence for each in steps] == list(range(1, 101))
    assert [each.content for each in steps][:4] == ["0a", "0b", "1a", "1b"]
    assert (await Run.objects.aget(pk=run.pk)).next_sequence == 101


async def test_a_write_of_an_earlier_claim_is_refused_and_the_others_are_not(ada: User, writer: Writer) -> None:
    mine, taken = await hosted(ada), await hosted(ada, epoch=7)

    outcomes = await committed(
        writer,
        Write(run_id=mine.pk, epoch=1, steps=[step()]),
        Write(run_id=taken.pk, epoch=6, steps=[step("A zombie's thought.")]),
        Write(run_id=mine.pk, epoch=1, steps=[step()]),
    )

    assert outcomes == ["written", "fenced", "written"]
    assert await Step.objects.filter(run=taken).acount() == 0


async def test_nothing_can_be_written_after_the_write_that_lets_go(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    outcomes = await committed(
        writer,
        Write(run_id=run.pk, epoch=1, status="completed", leaves=True, fields={"answer": "42"}),
        Write(run_id=run.pk, epoch=1, steps=[step("Too late.")]),
    )

    assert outcomes == ["written", "fenced"]
    row = await Run.objects.aget(pk=run.pk)
    assert (row.status, row.answer, row.owner, row.next_sequence) == ("completed", "42", None, 1)


@pytest.mark.parametrize(("status", "waits"), [("idle", ""), ("waiting", "resume")])
async def test_a_run_that_let_go_of_the_loop_and_its_host_is_no_longer_frozen(
    ada: User, writer: Writer, status: Any, waits: Any
) -> None:
    run = await hosted(ada)
    await sync_to_async(claim_queries.note_freeze)(run.pk, "me")

    await committed(writer, Write(run_id=run.pk, epoch=1, status=status, waiting_for=waits, leaves=True))

    assert (await Run.objects.aget(pk=run.pk)).crashes == 0


async def test_a_write_the_database_cannot_take_fails_alone(ada: User, writer: Writer) -> None:
    run, other = await hosted(ada), await hosted(ada)

    outcomes = await committed(
        writer,
        Write(run_id=run.pk, epoch=1, steps=[step(no_such_column=1)]),
        Write(run_id=other.pk, epoch=1, steps=[step()]),
    )

    assert outcomes == ["failed", "written"]
    assert await Step.objects.acount() == 1


async def test_steps_of_a_refused_batch_leave_no_half_written_row(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    outcomes = await committed(writer, Write(run_id=run.pk, epoch=1, steps=[step(), step(tool_input={1j})]))

    assert outcomes == ["failed"]
    row = await Run.objects.aget(pk=run.pk)
    assert (row.next_sequence, await Step.objects.acount()) == (1, 0)


async def test_a_job_returns_its_result_or_raises_its_error(ada: User, writer: Writer) -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    count = await writer.do(Run.objects.count)
    with pytest.raises(LookupError):
        await writer.do(fail)

    assert count == 0


@pytest.mark.parametrize(
    "ends_it",
    [
        pytest.param("INSERT OR ROLLBACK INTO runs_run SELECT * FROM runs_run", id="with an error"),
        pytest.param("ROLLBACK", id="unnoticed until the end of the job"),
    ],
)
async def test_no_job_is_done_if_the_database_ends_the_transaction_that_several_share(ada: User, ends_it: str) -> None:
    writer = Writer(on_committed=lambda writes: None)
    runs = [await launch(ada) for _ in range(3)]

    def claim(number: int) -> Any:
        return claim_queries.claim(runs[number].pk, "me", CrashTrials().limits)

    def claim_in_vain() -> None:
        claim(1)
        with connection.cursor() as cursor:  # As SQLite does by itself when its disk is full.
            cursor.execute(ends_it)

    async with taken_at_once(writer, partial(claim, 0), claim_in_vain, partial(claim, 2)) as jobs:
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        again = await writer.do(partial(claim, 0))

    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 3
    assert [run.epoch async for run in Run.objects.order_by("created_at")] == [1, 0, 0]
    assert again.run.epoch == 1


async def test_tokens_and_active_time_add_up_and_unknown_tokens_stay_unknown(ada: User, writer: Writer) -> None:
    counted, unknown = await hosted(ada), await hosted(ada)

    await committed(
        writer,
        Write(run_id=counted.pk, epoch=1, tokens=7, active_ms=5),
        Write(run_id=counted.pk, epoch=1, tokens=5, active_ms=5),
        Write(run_id=unknown.pk, epoch=1, active_ms=5),
    )

    row = await Run.objects.aget(pk=counted.pk)
    assert (row.tokens_used, row.active_ms) == (12, 10)
    assert (await Run.objects.aget(pk=unknown.pk)).tokens_used is None


async def test_tokens_are_estimated_from_the_first_write_on_that_says_so(ada: User, writer: Writer) -> None:
    told, guessed = await hosted(ada), await hosted(ada)

    await committed(
        writer,
        Write(run_id=told.pk, epoch=1, tokens=7),
        Write(run_id=guessed.pk, epoch=1, tokens=7),
        Write(run_id=guessed.pk, epoch=1, tokens=5, usage_is_estimated=True),
    )
    await committed(writer, Write(run_id=guessed.pk, epoch=1, tokens=1))

    rows = [await Run.objects.aget(pk=run.pk) for run in (told, guessed)]
    assert [(row.tokens_used, row.usage_is_estimated) for row in rows] == [(7, False), (13, True)]


async def test_an_entry_says_that_its_tokens_are_an_estimate(ada: User, writer: Writer) -> None:
    run = await hosted(ada)
    recorder = Recorder(writer, run.pk, 1)

    await recorder.record(Entry(tokens=30, usage_is_estimated=True))
    await recorder.durable()

    row = await Run.objects.aget(pk=run.pk)
    assert (row.tokens_used, row.usage_is_estimated) == (30, True)


async def test_a_sum_of_money_stays_where_it_can_be_read_again(ada: User, writer: Writer) -> None:
    run = await hosted(ada)
    most = Decimal(999_999)

    for cost in (Decimal(700_000), Decimal(700_000), most):
        assert await committed(writer, Write(run_id=run.pk, epoch=1, tokens=1, cost=cost)) == ["written"]

    assert (await Run.objects.aget(pk=run.pk)).cost == most
    assert await Spending.objects.filter(user=ada).values_list("cost", flat=True).aget() == most


async def test_a_recorder_whose_run_was_taken_over_says_so_at_the_next_wait(ada: User, writer: Writer) -> None:
    run = await hosted(ada)
    recorder = Recorder(writer, run.pk, epoch=1)
    await Run.objects.filter(pk=run.pk).aupdate(epoch=2, owner="another")

    await recorder.record(Entry(thoughts=[AgentThought(ThoughtType.REASONING, "Mine?")], status=AgentStatus.EXECUTING))
    with pytest.raises(JournalClosed):
        await recorder.durable()

    assert (await Run.objects.aget(pk=run.pk)).status == "thinking"


async def test_a_call_whose_start_was_refused_does_not_begin_whatever_was_recorded_meanwhile() -> None:
    writer = WriterOnDemand()
    recorder = Recorder(writer, uuid4(), epoch=1)  # type: ignore[arg-type]
    sends, looks = (ToolInvocation(str(uuid4()), name, {}, 1, 0) for name in ("send", "look"))
    starting = asyncio.ensure_future(recorder.start(CallChange(sends, "started", "unsafe")))
    await asyncio.sleep(0)
    await recorder.record(Entry(calls=[CallChange(looks, "started", "read")]))

    start, _still_queued = writer.queue
    start.outcome = FENCED
    start.wake()

    with pytest.raises(JournalClosed, match="hosted elsewhere"):
        await starting


async def test_what_was_queued_is_written_before_the_writer_stops(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    for n in range(500):
        writer.submit(Write(run_id=run.pk, epoch=1, steps=[step(str(n))]))
    await writer.stop()

    assert await sync_to_async(run.steps.count)() == 500


async def test_whoever_stops_the_writer_waits_until_what_was_queued_is_written(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    for n in range(500):
        writer.submit(Write(run_id=run.pk, epoch=1, steps=[step(str(n))]))
    counted = []
    async with asyncio.timeout(10):
        for each in asyncio.as_completed([writer.stop(), writer.stop()]):
            await each
            counted.append(await sync_to_async(run.steps.count)())

    assert counted == [500, 500]


async def test_nothing_is_written_of_a_claim_after_one_of_its_writes_was_lost(ada: User, writer: Writer) -> None:
    run, other = await hosted(ada), await hosted(ada)

    outcomes = await committed(
        writer,
        Write(run_id=run.pk, epoch=1, steps=[step("First.")]),
        Write(run_id=run.pk, epoch=1, steps=[step(tool_input={1j})]),
        Write(run_id=other.pk, epoch=1, steps=[step()]),
        Write(run_id=run.pk, epoch=1, steps=[step("As if the second had been written.")]),
    )
    later = await committed(writer, Write(run_id=run.pk, epoch=1, steps=[step("Nor later.")]))
    await Run.objects.filter(pk=run.pk).aupdate(epoch=2)
    next_claim = await committed(writer, Write(run_id=run.pk, epoch=2, steps=[step("By the next claim.")]))

    assert outcomes == ["written", "failed", "written", "failed"]
    assert (later, next_claim) == (["failed"], ["written"])
    assert [each.content for each in await steps_of(run)] == ["First.", "By the next claim."]


@pytest.fixture
def loses_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database commits twice, and its answers are lost."""
    answers = iter([OperationalError("server closed the connection"), OperationalError("not accepting connections")])

    def lose_answer(when: str, *_: Any) -> None:
        if when == "after" and (error := next(answers, None)):
            raise error

    monkeypatch.setattr(runs.engine.writing.writer, "_at_writes", lose_answer)


@pytest.mark.usefixtures("loses_answers")
async def test_a_commit_whose_answer_was_lost_is_not_written_twice(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    assert await committed(writer, Write(run_id=run.pk, epoch=1, steps=[step("once")], tokens=5)) == ["written"]
    assert await committed(writer, Write(run_id=run.pk, epoch=1, steps=[step("then")])) == ["written"]

    assert [each.content for each in await steps_of(run)] == ["once", "then"]
    assert (await Run.objects.aget(pk=run.pk)).tokens_used == 5


@pytest.mark.usefixtures("loses_answers")
async def test_use_whose_commit_was_not_confirmed_is_not_counted_twice(ada: User, writer: Writer) -> None:
    run = await hosted(ada)

    assert await committed(writer, Write(run_id=run.pk, epoch=1, tokens=5, active_ms=7)) == ["written"]

    row = await Run.objects.aget(pk=run.pk)
    assert (row.tokens_used, row.active_ms) == (5, 7)
    assert await Spending.objects.filter(user=ada).values_list("tokens", flat=True).aget() == 5


async def test_what_no_database_takes_is_stored_with_signs_in_its_place(ada: User, writer: Writer) -> None:
    run = await hosted(ada)
    wild = step("a\0b", tool_name="t" * 500, tool_input={"a\0": ["\0", {"deep": "c\0d"}], "slash": "\\u0000"})

    assert await committed(writer, Write(run_id=run.pk, epoch=1, steps=[wild])) == ["written"]

    stored = (await steps_of(run))[0]
    assert stored.content == "a\N{REPLACEMENT CHARACTER}b"
    assert "t" * 50 in stored.tool_name and len(stored.tool_name) < 500
    assert stored.tool_input == {
        "a\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", {"deep": "c\N{REPLACEMENT CHARACTER}d"}],
        "slash": "\\u0000",
    }


async def test_what_is_written_is_freed_before_the_next_write_comes(writer):
    class Work:
        def __call__(self) -> None: ...

    work = Work()
    is_freed = freed(work)

    await writer.do(work)
    del work

    assert await is_set(is_freed)
