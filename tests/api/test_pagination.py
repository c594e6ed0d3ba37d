"""Lists are limited in bytes: long texts are cut and marked, and a page ends early."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.api.pagination import LISTED_CHARS, MAX_PAGE_BYTES
from runs.models import Run, Step, ToolCall
from tests.api.conftest import Program

MakeRun = Callable[..., Run]

MEGABYTES = "ü" * 3_000_000


@pytest.fixture
def program(program_of: Any, owner: User) -> Program:
    """A program of the owner."""
    made: Program = program_of(owner)
    return made


def test_a_list_of_runs_has_the_beginnings_of_long_texts_and_says_where_the_whole_is(
    program: Program, owner: User, make_run: MakeRun
) -> None:
    short = make_run(owner, status="completed", answer="45", output={"n": 45}, task="x" * LISTED_CHARS)
    long = make_run(owner, status="completed", answer=MEGABYTES, output={"text": MEGABYTES}, task="t" * 200_000)

    with CaptureQueriesContext(connection) as queries:
        response = program.get("/runs")

    listed = {item["id"]: item for item in response.json()["items"]}
    whole = program.client.get(listed[str(long.pk)]["whole"], headers=program.headers).json()
    assert len(response.content) < 100_000
    whole_alone = {"cut": [], "whole": "", "children": []}
    assert listed[str(short.pk)] | whole_alone == program.get(f"/runs/{short.pk}").json() | whole_alone
    assert listed[str(long.pk)]["cut"] == ["task", "answer", "output"]
    assert listed[str(long.pk)]["answer"] == MEGABYTES[:LISTED_CHARS]
    assert (whole["answer"], whole["output"]) == (MEGABYTES, {"text": MEGABYTES})
    read = [query["sql"] for query in queries if '"runs_run"."task"' in query["sql"]]
    assert all('SUBSTR("runs_run"."task"' in each or "SUBSTRING" in each for each in read)


def test_a_page_of_steps_ends_when_it_is_large_and_the_next_one_goes_on(
    program: Program, owner: User, make_run: MakeRun
) -> None:
    run = make_run(owner, status="completed")
    for number in range(1, 8):
        Step.objects.create(run=run, sequence=number, epoch=1, kind="tool_result", tool_output="x" * 400_000)
    type(run).objects.filter(pk=run.pk).update(next_sequence=8)

    pages: list[dict[str, Any]] = []
    after = 0
    while not pages or not pages[-1]["ended"]:
        response = program.get(f"/runs/{run.pk}/steps", after=after)
        assert len(response.content) < MAX_PAGE_BYTES + 500_000
        pages.append(response.json())
        after = pages[-1]["last"]

    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert [step["sequence"] for page in pages for step in page["items"]] == list(range(1, 8))


def test_one_step_that_is_larger_than_a_page_is_a_page(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, status="completed", answer="")
    Step.objects.create(run=run, sequence=1, epoch=1, kind="answer", content=MEGABYTES)
    Step.objects.create(run=run, sequence=2, epoch=1, kind="note", content="The end.")
    type(run).objects.filter(pk=run.pk).update(next_sequence=3)

    first = program.get(f"/runs/{run.pk}/steps").json()
    second = program.get(f"/runs/{run.pk}/steps", after=first["last"]).json()

    assert [len(first["items"]), len(second["items"])] == [1, 1]
    assert (first["ended"], second["ended"]) == (False, True)


def test_a_page_of_calls_ends_when_it_is_large_and_keeps_arguments_whole(
    program: Program, owner: User, make_run: MakeRun
) -> None:
    run = make_run(owner, status="completed", answer=MEGABYTES)
    for index in range(5):
        arguments = {"text": "x" * 600_000}
        ToolCall.objects.create(
            call_id=uuid4(), run=run, epoch=1, turn=1, index=index, tool_name="t", arguments=arguments
        )

    seen: list[dict[str, Any]] = []
    cursor = ""
    while not seen or cursor:
        page = program.get("/calls", cursor=cursor).json()
        assert len(json.dumps(page)) < MAX_PAGE_BYTES + 700_000
        seen += page["items"]
        cursor = page["next"] or ""

    assert [len(call["arguments"]["text"]) for call in seen] == [600_000] * 5
