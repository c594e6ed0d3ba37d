"""Streams inside this process, at moments that only a constructed situation can hit."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from runs import doorbell
from runs.agent.tools.person_questions import PersonQuestion
from runs.api.agui import stream
from runs.api.agui.run_input import RunAgentInput
from runs.api.agui.stream import Stream
from runs.api.auth import Caller
from runs.live.sockets.hub import Hub
from runs.models import Run, ToolCall
from tests.api.agui.conformance import Event, check, messages_after
from tests.asked_questions import asked_question
from tests.live.live_browser import add_steps, end, ring
from tests.live.live_fixtures import hub, live_timings  # noqa: F401  the live view of this test's event loop

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = RunAgentInput(threadId="t", runId="r", messages=[])


class Reader:
    """Reads a stream step by step."""

    def __init__(self, user: User, run: Run, *, is_new: bool = False) -> None:
        self.run = run
        self._messages = Stream(Caller(user, None, "key"), ASKED, run, is_new=is_new).messages()
        self.told: list[Event] = []

    async def until(self, kind: str) -> None:
        """Read up to the next event of a type."""
        async with asyncio.timeout(10):
            async for message in self._events():
                if message["type"] == kind:
                    return
        raise AssertionError(f"no {kind} in {self.told}")

    async def _events(self) -> AsyncIterator[Event]:
        message = b""
        async for piece in self._messages:
            message += piece
            if message.endswith(b"\n\n"):
                lines, message = message.decode().splitlines(), b""
                for line in filter(lambda line: line.startswith("data: "), lines):
                    self.told.append(json.loads(line.removeprefix("data: ")))
                    yield self.told[-1]


@pytest.fixture
async def writes(hub: Hub, owner: User, make_run: Callable[..., Run]) -> Reader:  # noqa: F811
    """A reader whose run is in the middle of a word."""
    run = make_run(owner, status="thinking")
    reader = Reader(owner, run, is_new=True)
    await reader.until("STATE_SNAPSHOT")
    await doorbell.show(run.pk, {"delta": [["1-1-1-0", 1, "The tide"]]})
    await reader.until("TEXT_MESSAGE_CONTENT")
    return reader


async def test_an_interrupt_whose_last_call_was_decided_meanwhile_is_none(
    hub: Hub,  # noqa: F811
    owner: User,
    make_call: Callable[..., ToolCall],
) -> None:
    call = make_call(owner, state="approved")
    reader = Reader(owner, call.run)

    await reader.until("STATE_SNAPSHOT")
    await Run.objects.filter(pk=call.run_id).aupdate(status="idle", waiting_for="")
    await ring(call.run)
    await reader.until("STATE_SNAPSHOT")
    end(call.run)
    await ring(call.run)
    await reader.until("RUN_FINISHED")

    check(reader.told)
    assert reader.told[-1]["outcome"] == {"type": "success"}


async def test_a_question_is_an_interrupt_that_says_what_fits_as_an_answer(
    hub: Hub,  # noqa: F811
    owner: User,
    make_run: Callable[..., Run],
) -> None:
    asks = PersonQuestion(text="Which one?", choices=("red", "blue"))
    in_an_hour = timezone.now() + timedelta(hours=1)
    question = await sync_to_async(asked_question)(make_run(owner), asks, expires_at=in_an_hour)
    reader = Reader(owner, question.call.run)

    await reader.until("RUN_FINISHED")

    check(reader.told)
    (interrupt,) = reader.told[-1]["outcome"]["interrupts"]
    assert (interrupt["id"], interrupt["reason"]) == (str(question.pk), "question")
    assert (interrupt["message"], interrupt["toolCallId"]) == ("Which one?", str(question.call_id))
    assert interrupt["responseSchema"]["properties"] == {"answer": {"type": "string", "enum": ["red", "blue"]}}
    assert interrupt["expiresAt"] == interrupt["metadata"]["agentsite"]["expires_at"]


async def test_a_stream_that_is_sent_away_ends_what_it_has_begun(hub: Hub, writes: Reader) -> None:  # noqa: F811
    await hub.sockets.send_away()
    await writes.until("RUN_ERROR")

    check(writes.told)
    assert [event["type"] for event in writes.told[-3:]] == ["TEXT_MESSAGE_END", "STEP_FINISHED", "RUN_ERROR"]


async def test_a_stream_that_ends_because_the_database_is_away_ends_what_it_has_begun(
    writes: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_run_id: Any) -> None:
        raise DatabaseError("The database is away.")

    monkeypatch.setattr(stream, "_interrupts", away)
    await Run.objects.filter(pk=writes.run.pk).aupdate(status="waiting", waiting_for="approval", owner=None)
    await ring(writes.run)
    await writes.until("RUN_ERROR")

    check(writes.told)
    assert [event["type"] for event in writes.told[-3:]] == ["TEXT_MESSAGE_END", "STEP_FINISHED", "RUN_ERROR"]


async def test_a_note_of_any_name_is_a_custom_event_and_stops_no_words(writes: Reader) -> None:
    add_steps(writes.run, 1, kind="note", content="Whatever.", metadata={"note": "of a later version", "more": None})
    await ring(writes.run)
    await writes.until("CUSTOM")
    await doorbell.show(writes.run.pk, {"delta": [["1-1-1-0", 2, " comes in."]]})
    await writes.until("TEXT_MESSAGE_CONTENT")
    end(writes.run)
    await ring(writes.run)
    await writes.until("RUN_FINISHED")

    check(writes.told)
    assert [event["name"] for event in writes.told if event["type"] == "CUSTOM"] == ["agentsite.note"]


async def test_a_run_that_is_paused_in_the_middle_of_a_word_leaves_no_message_open(writes: Reader) -> None:
    await Run.objects.filter(pk=writes.run.pk).aupdate(status="waiting", waiting_for="resume", owner=None)
    await ring(writes.run)
    await writes.until("STATE_SNAPSHOT")
    paused = messages_after(writes.told)
    await Run.objects.filter(pk=writes.run.pk).aupdate(status="thinking", waiting_for="", owner="a-host")
    await doorbell.show(writes.run.pk, {"delta": [["2-1-1-0", 1, "It comes in."]]})
    await writes.until("TEXT_MESSAGE_CONTENT")
    end(writes.run, "cancelled")
    await ring(writes.run)
    await writes.until("RUN_FINISHED")

    check(writes.told)
    assert paused == []
    assert [event["messageId"][-11:] for event in writes.told if event["type"] == "TEXT_MESSAGE_START"] == [
        "1:assistant",
        "assistant:2",
    ]
