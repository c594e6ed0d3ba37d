"""Time bars: the calls of a turn and the lanes of a race."""

import re
import uuid
from html.parser import HTMLParser
from typing import Any

from runs.live.rendering import fragments
from runs.live.rendering.formatting import moment_of
from runs.models import Step

RUN = uuid.UUID(int=1)
IDS = [f"{digit * 8}-2222-3333-4444-555555555555" for digit in "123"]


def step(kind: str, sequence: int = 7, **fields) -> Step:
    return Step(run_id=RUN, sequence=sequence, kind=kind, epoch=1, turn=3, **fields)


def call(number: int, state: str = "succeeded", start: float | None = None, end: float = 0.0) -> dict[str, Any]:
    times = {} if start is None else {"started_at": 1000 + start, "ended_at": 1000 + end}
    return {"call_id": IDS[number], "tool_name": f"tool_{number}", "state": state, **times}


def bars(html: str) -> list[tuple[int, int]]:
    return [(int(x), int(width)) for x, width in re.findall(r'<rect x="(\d+)" y="1" width="(\d+)"', html)]


def text_of(html: str) -> str:
    parts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = parts.append  # type: ignore[method-assign,assignment]
    parser.feed(html)
    return " ".join(" ".join(parts).split())


ALL_RUNNING = [call(number, "running") for number in range(3)]
ONE_ENDED = [call(0, start=0.0, end=0.5), *ALL_RUNNING[1:]]
ALL_ENDED = [call(0, start=0.0, end=0.5), call(1, "timeout", start=0.25, end=1.0), call(2, "unknown", 0.0, 1.0)]


def test_a_call_that_ran_alone_fills_its_bar():
    html = fragments.step_html(step("tool_call", call_id=IDS[0], tool_name="tool_0"))
    result = fragments.step_html(
        step("tool_result", call_id=IDS[0], started_at=moment_of(1000.0), ended_at=moment_of(1002.0))
    )

    assert "in parallel" not in html and bars(html) == []
    assert bars(result) == [(0, 1000)]


def test_the_last_of_several_calls_shows_all_of_them_running():
    html = fragments.step_html(step("tool_call", call_id=IDS[2], tool_name="tool_2", metadata={"calls": ALL_RUNNING}))

    assert 'id="calls-3">3 in parallel, 0 done' in html
    assert bars(html) == []


def test_each_result_brings_the_picture_up_to_date():
    result = step("tool_result", call_id=IDS[0], tool_name="tool_0", metadata={"calls": ALL_ENDED})

    brought = fragments.step_html(result).split('<template data-replace="calls-3">')[1]

    assert "3 in parallel · 1.0 s" in text_of(brought)
    by_call = [brought.split(f'<template data-replace="call-{each}-bar">')[1].split("</template>")[0] for each in IDS]
    assert [bars(each) for each in by_call] == [[(0, 500)], [(250, 750)], [(0, 1000)]]
    assert ['data-bar="timeout"' in each for each in by_call] == [False, True, False]
    assert "style=" not in brought


def test_a_page_without_javascript_shows_the_latest_picture_in_its_place():
    call_step = step("tool_call", 4, call_id=IDS[2], tool_name="tool_2", metadata={"calls": ALL_RUNNING})
    first = step("tool_result", 5, call_id=IDS[0], tool_name="tool_0", metadata={"calls": ONE_ENDED})
    last = step("tool_result", 6, call_id=IDS[2], tool_name="tool_2", metadata={"calls": ALL_ENDED})

    page = re.sub(r"(?s)<template.*?</template>", "", fragments.timeline_html([call_step, first, last]))

    assert page.count('id="calls-3"') == 1
    assert "3 in parallel · 1.0 s" in page
    assert bars(page) == [(0, 1000), (0, 500)], "of the results on the page"


def test_a_race_shows_its_lanes_with_what_each_cost_and_the_multiple():
    lanes = [
        {"lane": 1, "provider": "a", "model": "slow", "started_at": 10.0, "first_token_at": None, "ended_at": 12.0}
        | {"outcome": "cancelled", "tokens": None, "cost": None},
        {"lane": 2, "provider": "b", "model": "fast", "started_at": 10.0, "first_token_at": 10.5, "ended_at": 12.0}
        | {"outcome": "won", "tokens": 1234, "cost": "0.0034"},
    ]
    told = {"lanes": lanes, "multiple": 2, "strategy": "race"}
    race = step("race", content="local/fast won (2 raced).", metadata=told)

    html = fragments.step_html(race)
    said = text_of(html)

    assert "2 requests instead of 1" in said
    assert "slow lost 2.0 s started at 0 ms · no word · tokens not reported · cost unknown" in said
    assert "fast won 2.0 s started at 0 ms · first word 500 ms · 1,234 tokens · cost $0.0034" in said
    assert 'd="M250 0v10"' in html
