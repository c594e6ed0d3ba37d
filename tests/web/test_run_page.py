"""The page of a run: what is on top, the windows of a long run, and where its steps stand."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import Run, Step

pytestmark = pytest.mark.django_db


def sequences(page: str) -> list[int]:
    """The sequences of the steps on the page, in the order of the page."""
    return [int(number) for number in re.findall(r'data-step-seq="(\d+)"', page)]


@pytest.fixture
def page_of(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., str]:
    """The page of a run, as its owner sees it."""
    return lambda run, query="": browser_of(owner).get(f"/runs/{run.pk}/{query}").content.decode()


def test_an_answer_is_once_on_the_page_above_all_steps(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="completed", steps=3)
    Step.objects.create(run=run, sequence=4, epoch=1, turn=2, kind="answer", content="It is 391.\n\nIndeed.")
    Run.objects.filter(pk=run.pk).update(next_sequence=5)

    page = page_of(run)

    assert page.count("data-answer") == 1
    assert page.index('id="stage"') < page.index("data-answer") < page.index('id="steps"') < page.index('id="step-4"')
    assert page.count("Indeed.") == 1, "the list has its first line only"


WINDOWS = [
    ("?at=5000", 4950, 5049),
    ("?at=1", 1, 50),
    ("?at=10000", 9901, 10000),
    ("?at=999999", 9901, 10000),
    ("", 1, 100),
]
"""The query of a page, and the first and the last step that it shows."""
PARTS = [("before=5000", range(4900, 5000)), ("newer=5000", range(5001, 5101)), ("at=5000", range(4950, 5050))]
"""The query of further steps, and those that come."""


def test_a_link_to_a_step_shows_the_steps_around_it_and_further_steps_come_from_both_ends(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="completed", steps=10_000)  # Once: writing them takes a second.

    pages = {query: page_of(run, query) for query, _first, _last in WINDOWS}
    parts = {query: page_of(run, f"steps/?{query}") for query, _shown in PARTS}

    for query, first, last in WINDOWS:
        page = pages[query]
        assert sequences(page) == list(range(first, last + 1)), query
        assert f"?at={first}#step-{first}" in page
        assert (f"?newer={last}" in page) == (last < 10_000)
        assert (f"?before={first}" in page) == (first > 1)
    for query, shown in PARTS:
        part = parts[query]
        assert sequences(part) == list(shown), query
        assert (f"?before={shown[0]}" in part) == (not query.startswith("newer"))
        assert (f"?newer={shown[-1]}" in part) == (not query.startswith("before"))


def test_a_run_that_goes_on_shows_its_last_steps(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="thinking", steps=250)

    page, past = page_of(run), page_of(run, "?at=100")

    assert sequences(page) == list(range(151, 251))
    assert "data-past" not in page and "data-cut" not in page
    # A window of the past is live all the same, but for its steps.
    assert 'data-after="250"' in past and "data-past" in past and "data-cut" in past


def test_a_call_its_question_and_its_result_are_one_card(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="completed")
    ids = [f"{digit * 8}-2222-3333-4444-555555555555" for digit in "12"]
    rows: list[dict[str, Any]] = [
        {"kind": "reasoning", "content": "Both at once.", "turn": 1},
        {"kind": "tool_call", "call_id": ids[0], "tool_name": "one", "tool_input": {"a": 1}, "turn": 1},
        {"kind": "tool_call", "call_id": ids[1], "tool_name": "two", "tool_input": {}, "turn": 1},
        {"kind": "tool_result", "call_id": ids[1], "tool_name": "two", "content": "Second", "turn": 1},
        {"kind": "tool_result", "call_id": ids[0], "tool_name": "one", "content": "First", "turn": 1},
    ]
    Step.objects.bulk_create(Step(run=run, sequence=n, epoch=1, **row) for n, row in enumerate(rows, 1))
    Run.objects.filter(pk=run.pk).update(next_sequence=6)

    page = page_of(run)
    alone = page_of(run, "?before=6&at=5")

    assert sequences(page) == [1, 2, 5, 3, 4]
    for call, result in (ids[0], 5), (ids[1], 4):
        slot = page.split(f'id="call-{call}-result">')[1]
        assert slot.lstrip().startswith(f'<article id="step-{result}"')
    assert sequences(alone) == sequences(page)


def test_the_stage_of_a_run_that_could_not_do_it_shows_the_answer_and_is_not_green(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="completed", could_not=True)
    Step.objects.create(
        run=run, sequence=1, epoch=1, turn=1, kind="answer", content="I have no rule.", metadata={"could_not": True}
    )
    Run.objects.filter(pk=run.pk).update(next_sequence=2)

    page = page_of(run)

    assert 'data-face="completed" data-tone=""' in page and "#icon-circle-minus" in page
    assert "Could not do it" in page and "data-answer" in page


@pytest.mark.parametrize(
    ("whole_s", "shown"),
    [(0.483, "<dd>470 ms</dd>"), (437, '<dd>470 ms<span class="run-whole">7 min 17 s in all</span></dd>')],
    ids=["at work all the time", "waited for a person"],
)
def test_the_bar_says_the_time_at_work_like_the_lists_and_the_whole_where_it_is_longer(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str], whole_s: float, shown: str
) -> None:
    ended = timezone.now()
    run = make_run(owner, started_at=ended - timedelta(seconds=whole_s), ended_at=ended, active_ms=470)

    bar = re.sub(r"\s+(?=<|$)|(?<=>)\s+", "", page_of(run).partition('<div class="run-elapsed">')[2][:400])

    assert shown in bar
