"""Many runs against a failing model server: their requests, when they give up, and that nothing is left behind.

A seeded sample of the faults by default, all with `CHAOS=full`.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from runs.agent import AgentResult, RetryPolicy, RunLimits, run_agent
from runs.agent.providers.remote_model import RemoteModel
from tests.wire import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Request, Reset, Status, StreamError, WireServer
from tests.wire.models import FORMATS, format_of, model_at

IS_FULL = os.environ.get("CHAOS") == "full"
SEED = int(os.environ.get("CHAOS_SEED", "20261122"))
LONG = Answer("One two three four five six seven.")
HALF = 6
"""Number of chunks after which every format has sent some text, and none has ended."""
SOON = RetryPolicy(base_s=0.01)
LIMITS = RunLimits(first_token_timeout_s=20, idle_timeout_s=20, model_timeout_s=20)


@pytest.fixture(params=FORMATS)
async def model(request: pytest.FixtureRequest, wire_server: WireServer) -> RemoteModel:
    """A model of each format in turn, with its libraries loaded, which takes seconds the first time."""
    made = model_at(wire_server, request.param)
    result = await run_agent("Are you there?", model=made)
    assert result.success
    wire_server.requests.clear()
    return made


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    """Check after each test that no exception was left unhandled and no task is running."""
    loop, uncaught = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: uncaught.append(context))
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=2)  # connections may still be closing
    assert not left
    assert uncaught == []


async def all_of(runs: int, model: RemoteModel, **options: Any) -> list[AgentResult[str]]:
    """Run this many runs in parallel. An exception of one fails the test."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_agent(f"Task {n}.", model=model, **options)) for n in range(runs)]
    return [task.result() for task in tasks]


DEAD: list[tuple[str, Outcome]] = [
    ("openai", Status(503)),
    ("openai", Status(429)),
    ("openai", Drop()),
    ("responses", Status(503)),
    ("anthropic", Status(529)),
    ("google", Status(503)),
]
"""A format, and a fault with which its server does nothing but fail."""


@pytest.mark.parametrize(
    ("model", "fault"), DEAD if IS_FULL else random.Random(SEED).sample(DEAD, 2), indirect=["model"], ids=str
)
async def test_200_runs_send_a_dead_server_at_most_a_fifth_more_requests_than_replies_were_wanted(
    wire_server, model, fault
):
    wire_server.otherwise = fault

    results = await all_of(200, model, retry=SOON, limits=LIMITS)

    assert 200 * 0.1 <= len(wire_server.requests) <= 200 * 1.2
    assert all(result.error is not None and result.error.recoverable for result in results)


async def test_what_one_run_is_told_about_waiting_is_heeded_by_all(wire_server, model):
    wire_server.otherwise = Status(429, retry_after="1000000000")
    await all_of(1, model, retry=SOON, limits=LIMITS)

    results = await all_of(50, model, retry=SOON, limits=LIMITS)

    assert len(wire_server.requests) == 1
    assert {result.error.code for result in results if result.error} == {"model_asked_to_wait"}


PATIENT = RunLimits(first_token_timeout_s=2, idle_timeout_s=2, model_timeout_s=2.5)


@pytest.mark.parametrize(
    ("fault", "limit", "code", "deadline_s"),
    [
        (Hang(), "first_token_timeout_s", "model_first_token_timeout", 0.3),
        (Hang(after_chunks=HALF, answer=LONG), "idle_timeout_s", "model_idle_timeout", 0.3),
        (Endless(pause_s=0.02), "model_timeout_s", "model_timeout", 0.6),
    ],
    ids=["first token", "idle", "total"],
)
async def test_a_hanging_server_costs_a_run_its_deadline_and_no_more(
    wire_server, model, fault, limit, code, deadline_s
):
    limits = replace(LIMITS, **{limit: deadline_s})
    wire_server.otherwise = fault
    started = time.monotonic()

    result = await run_agent("Hello?", model=model, retry=RetryPolicy(max_attempts=1), limits=limits)

    assert result.error is not None
    assert result.error.code == code
    assert deadline_s - 0.05 <= time.monotonic() - started <= deadline_s + 1
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


def faults() -> list[Outcome]:
    """The possible outcomes of a request, a good reply included."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    waits = [None, "0", "0.01", soon, "later", "1000000000"]
    return [
        *[Status(429, retry_after=wait) for wait in waits],
        *[Status(code) for code in (400, 401, 403, 404, 408, 500, 502, 503, 529)],
        Drop(),
        Reset(),
        Hang(),
        Hang(after_chunks=2),
        Endless(pause_s=0.02),
        Cut(),
        StreamError(),
        Raw(b"\x00\xff garbage"),
        Raw(b"<html>It works!</html>", content_type="text/html"),
        Raw(b'data: {"choices": [{"del', content_length=5000),
        *[Answer("A good reply.")] * 8,
    ]


async def test_whatever_the_server_does_each_reply_is_asked_for_at_most_three_times_and_every_run_ends(
    wire_server, model
):
    chance, kinds = random.Random(SEED), faults()
    wire_server.otherwise = lambda _request: chance.choice(kinds)
    models = []
    for number in range(40):
        each = model_at(wire_server, format_of(model))
        each.account = f"{model.account} {number}"  # else one Retry-After would end them all
        models.append(each)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        runs = [
            group.create_task(run_agent(f"Task number {number}.", model=each, retry=SOON, limits=PATIENT))
            for number, each in enumerate(models)
        ]

    results = [run.result() for run in runs]
    assert max(Counter(map(task_of, wire_server.requests)).values()) <= 3
    codes = Counter(result.error.code for result in results if result.error)
    assert all(code.startswith("model_") for code in codes), codes
    assert len(codes) > 5
    assert sum(result.success for result in results) > 8


def task_of(request: Request) -> str:
    """The task in a request."""
    text = str(request.body)
    return text[text.index("Task number ") :].partition(".")[0]


@pytest.mark.parametrize("model", FORMATS, indirect=True)
async def test_the_loser_of_a_race_has_closed_its_connection_before_the_answer_is_there(wire_server, model):
    with WireServer(otherwise=Answer("Me first.")) as fast_server:
        fast = model_at(fast_server, format_of(model), model="fast")
        wire_server.otherwise = Hang(after_chunks=HALF, answer=LONG)

        result = await run_agent("Who is first?", model=[model, fast], strategy="race", limits=LIMITS)

        assert result.output == "Me first."
        await asyncio.to_thread(wire_server.wait_for_client_to_leave, timeout_s=1)
