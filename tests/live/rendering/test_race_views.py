"""A race on the page of its run: on the stage and in its turn, while it goes on and when it is decided."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runs.live.rendering import fragments
from runs.models import Step
from tests.live.rendering.test_time_bars import text_of
from tests.markup import flat

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ASKED: dict[str, Any] = {
    "strategy": "race",
    "asked": [
        {"lane": 1, "provider": "local", "model": "m1", "started_at": BEGAN.timestamp()},
        {"lane": 2, "provider": "local", "model": "m2", "started_at": BEGAN.timestamp()},
    ],
}
FAILED = {"code": "model_server", "status": 500, "wait_s": None, "next_at": None, "in_race": True, "card": "1-3-1-1"}


def lane(number, outcome, ends_s, **more):
    """A lane of a decided race, as it is stored."""
    began = BEGAN.timestamp()
    lane = {"lane": number, "provider": "local", "model": f"m{number}", "started_at": began, "ended_at": began + ends_s}
    return lane | {"first_token_at": None, "outcome": outcome, "tokens": None, "cost": None, "error_code": None} | more


DECIDED: dict[str, Any] = {
    "strategy": "race",
    "multiple": 2,
    "lanes": [
        lane(1, "cancelled", 2.3, tokens=40, tokens_are_estimated=True, cost="0.0011"),
        lane(2, "won", 2.0, first_token_at=BEGAN.timestamp() + 1),
    ],
}


@pytest.fixture
def run(make_run, owner):
    """A run of two models whose reply is raced for."""
    run = make_run(owner, status="thinking", config={"strategy": "race", "models": ["local/m1", "local/m2"]})
    run.epoch, run.owner = 1, "host"
    return run


def add(run, sequence, kind, metadata, **fields):
    """Record a step of the run's third turn."""
    times = {"started_at": BEGAN, "ended_at": BEGAN + timedelta(seconds=1)}
    fields = {"turn": 3, "attempt": 1, "epoch": 1} | times | fields
    return Step.objects.create(run=run, sequence=sequence, kind=kind, content="x", metadata=metadata, **fields)


def lanes_of(html):
    """State and words of each lane of the stage, in order."""
    stage = flat(html).split('id="stage-face"')[1]
    return re.findall(r'data-bar="(\w+)".*?data-lane-words>(.*?)</span>', stage)


def test_a_race_that_has_begun_is_the_face_of_the_stage(run):
    step = add(run, 1, "race", ASKED)

    for html in (fragments.stage_html(run), fragments.step_html(step)):
        assert 'data-face="race"' in html
        assert "2 models at once" in html
        assert 'data-race="1-3-1"' in html
        assert f'data-lane-from="{round(BEGAN.timestamp() * 1000)}"' in html
        assert lanes_of(html) == [("asked", "no word yet"), ("asked", "no word yet")]
    assert "local/m1" in fragments.stage_html(run)


def test_a_lane_that_fails_says_so_on_the_stage_and_in_its_turn_while_the_other_goes_on(run):
    add(run, 1, "race", ASKED)
    step = add(run, 2, "retry", FAILED, lane=1, provider="local", model="m1")

    assert lanes_of(fragments.stage_html(run)) == [("failed", "Server error 500"), ("asked", "no word yet")]
    brought = flat(fragments.step_html(step))
    for place in ("stage-race-1-3-1-lane-1", "race-1-3-1-lane-1"):
        fresh = brought.split(f'<template data-replace="{place}">')[1].split("</template>")[0]
        assert fresh.startswith(f'<li class="lane" id="{place}"')
        assert "Server error 500" in fresh


def test_a_decided_race_says_who_won_and_what_the_others_had_used(run):
    add(run, 1, "race", ASKED)
    end = add(run, 2, "race", DECIDED)

    assert lanes_of(fragments.step_html(end)) == [
        ("cancelled", "lost at 2.3 s, ≈40 tokens, $0.0011"),
        ("won", "won in 2.0 s"),
    ]
    assert " 2 requests instead of 1: +$0.0011" in text_of(fragments.step_html(end))
    assert 'data-face="thinking"' in fragments.stage_html(run), "the model's reply is not recorded yet"


def test_what_a_race_has_cost_more_is_not_told_if_it_is_unknown(run):
    end = add(run, 1, "race", DECIDED | {"lanes": [lane(1, "cancelled", 2.0), lane(2, "won", 2.0)]})

    assert " 2 requests instead of 1 m1" in text_of(fragments.step_html(end))


def test_how_much_faster_it_was_is_told_if_the_first_model_replied_too(run):
    end = add(run, 1, "race", DECIDED | {"lanes": [lane(1, "lost", 3.3, cost="0.0011"), lane(2, "won", 2.0)]})

    assert "+$0.0011, 1.3 s faster than the agent's first model" in text_of(fragments.step_html(end))


def test_the_end_of_a_race_is_placed_into_its_start(run):
    start, end = add(run, 1, "race", ASKED), add(run, 2, "race", DECIDED)

    page = flat(fragments.timeline_html([start, end]))

    assert 'data-into="race-1-3-1-end"' in fragments.step_html(end)
    slot = page.split('id="race-1-3-1-end">')[1]
    assert slot.startswith('<article id="step-2"')
    assert page.count("<article") == 2


@pytest.mark.parametrize(("strategy", "head"), [("race", "Race"), ("hedge", "Hedge")])
def test_what_a_race_is_called_is_said_once_on_its_card(run, strategy, head):
    end = add(run, 1, "race", DECIDED | {"strategy": strategy})
    end.content = "local/m2 won (2 started)."

    words = text_of(fragments.step_html(end))

    assert words.startswith(f"{head} local/m2 won")
    assert re.findall(r"\bRaced?\b|\bHedged?\b", words) == [head]


def test_an_end_without_its_start_on_the_page_is_in_its_turn(run):
    page = flat(fragments.timeline_html([add(run, 2, "race", DECIDED)]))

    assert re.search(r'id="turn-3-attempts"><article id="step-2"', page)


def test_a_race_whose_host_died_is_no_longer_on_the_stage_and_its_end_is_missing_in_its_turn(run):
    start = add(run, 1, "race", ASKED)
    run.epoch = 2

    assert 'data-face="race"' not in fragments.stage_html(run)
    assert "Its end was not recorded." in fragments.timeline_html([start])


def test_of_more_than_six_lanes_the_others_are_counted(run):
    asked = [ASKED["asked"][0] | {"lane": number} for number in range(1, 9)]
    html = fragments.step_html(add(run, 1, "race", ASKED | {"asked": asked}))

    assert len(lanes_of(html)) == 6
    assert "8 models at once" in html and "+ 2 more" in html


def test_a_lane_of_a_hedge_that_is_not_asked_yet_says_so(run):
    asked = [ASKED["asked"][0], ASKED["asked"][1] | {"started_at": None}]

    html = fragments.step_html(add(run, 1, "race", {"strategy": "hedge", "asked": asked}))

    assert lanes_of(html) == [("asked", "no word yet"), ("asked", "not asked yet")]
