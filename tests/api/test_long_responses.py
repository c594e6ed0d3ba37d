"""Responses about long runs are streamed: complete, of one moment, and limited in number."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.api import exports, step_pages
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.long_snapshots import in_pieces
from runs.api.agui.transcript import RecordedMessages, Transcript
from runs.api.errors import ApiError
from runs.api.exports import OPEN_EXPORTS, export
from runs.api.step_pages import RunDeleted
from runs.live.sockets.hub import Hub
from runs.models import Run, Step
from runs.models.as_json import step_as_json
from runs.web.metrics import OpenSockets
from tests.api.agui.test_stream import Reader
from tests.live.live_browser import add_steps
from tests.live.live_fixtures import hub, live_timings  # noqa: F401  the live view of this test's event loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def long_run(owner: User, make_run: Callable[..., Run]) -> Run:
    """A run of about 300 KB, with every kind of step that is a message."""
    run = make_run(owner, status="thinking")
    for turn in range(1, 31):
        call = f"{turn:032x}"
        add_steps(run, 1, turn=turn, content=f"Thought {turn} " + "é😀 `x` " * 300)
        add_steps(run, 2, turn=turn, kind="tool_call", call_id=call, tool_name="search", tool_input={"q": "x" * 900})
        add_steps(run, 1, turn=turn, kind="tool_result", call_id=call, content="found " * 400)
    unfinished = {"note": "unfinished", "answer": "As far as it came", "why": "stopped"}
    add_steps(run, 1, turn=31, kind="note", content="As far as it came", metadata=unfinished)
    run.refresh_from_db()
    return run


async def whole(response: Any) -> bytes:
    return b"".join([piece async for piece in response])


@pytest.mark.parametrize("style", ["json", "jsonl", "markdown"])
async def test_a_long_export_is_the_same_file_as_one_made_at_once(hub: Hub, long_run: Run, style, monkeypatch):  # noqa: F811
    streamed = export(long_run, style, user_id=1)
    monkeypatch.setattr(exports, "SMALL_BYTES", 10**9)
    at_once: Any = export(long_run, style, user_id=1)

    assert streamed.streaming and not at_once.streaming
    body = await whole(streamed)
    assert body == at_once.content
    if style == "json":
        assert [step["sequence"] for step in json.loads(body)["steps"]] == list(range(1, long_run.last_sequence + 1))


async def test_an_export_is_of_the_moment_it_was_asked_for(hub: Hub, long_run: Run):  # noqa: F811
    last = long_run.last_sequence
    response = export(long_run, "jsonl", user_id=1)

    add_steps(long_run, 5)
    lines = [json.loads(line) for line in (await whole(response)).splitlines()]

    assert (lines[-2]["sequence"], lines[-1]["steps_taken"]) == (last, last)


async def test_an_export_whose_run_is_deleted_breaks_off(hub: Hub, long_run: Run):  # noqa: F811
    response = export(long_run, "json", user_id=1)
    long_run.steps.all().delete()

    with pytest.raises(RunDeleted):
        await whole(response)


async def test_one_person_has_so_many_exports_open_and_no_more(hub: Hub, long_run: Run, settings: Any):  # noqa: F811
    settings.AGENTSITE_MAX_EXPORTS_PER_USER = 2
    first, second = (export(long_run, "json", user_id=7) for _ in range(2))

    with pytest.raises(ApiError) as refused:
        export(long_run, "json", user_id=7)
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) > 0
    assert export(long_run, "json", user_id=8).streaming

    await whole(first)
    third = export(long_run, "json", user_id=7)
    await whole(third)
    await whole(second)
    assert all(user != 7 for user, _until in OPEN_EXPORTS._open.values())


def test_a_page_of_steps_is_short_unless_one_step_is_long(long_run: Run):
    add_steps(long_run, 1, content="long " * 100_000)
    add_steps(long_run, 1, content="short")
    long_run.refresh_from_db()
    pages, last = [], 0
    while last < long_run.last_sequence:
        pages.append(step_pages.read_page(long_run, last, long_run.last_sequence))
        last = pages[-1][-1]["sequence"]

    sizes = [sum(len(step["content"]) for step in page) for page in pages]
    assert [size > step_pages.PAGE_CHARS for size in sizes].count(True) == 1
    assert len(pages) > 5


async def test_a_snapshot_of_a_run_too_long_to_keep_has_the_same_messages(hub: Hub, long_run: Run):  # noqa: F811
    steps = [step_as_json(step) async for step in Step.objects.filter(run=long_run).order_by("sequence")]
    forgetful, complete = (EventMapper(Transcript(str(long_run.pk), kept), []) for kept in (10_000, float("inf")))
    for emitter in (forgetful, complete):
        emitter.take_in(steps)
    event = forgetful.snapshot()

    encoded = b"".join([piece async for piece in in_pieces(event)])

    assert any(isinstance(each, RecordedMessages) for each in event["messages"])
    assert json.loads(encoded.removeprefix(b"data: ")) == json.loads(json.dumps(complete.snapshot()))
    assert encoded.endswith(b"\n\n")


async def test_figures_can_be_read_while_a_run_is_followed_over_ag_ui(hub: Hub, owner: User, long_run: Run):  # noqa: F811
    reader = Reader(owner, long_run)
    await reader.until("MESSAGES_SNAPSHOT")

    gauges = {family.name: family.samples[0].value for family in OpenSockets().collect()}

    assert gauges["agentsite_open_sockets"] == 1
    assert gauges["agentsite_viewer_lag_steps"] == 0
