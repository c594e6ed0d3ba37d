"""The content of a step's card, and the attributes that tests and scripts use."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runs.live.rendering import fragments
from runs.live.rendering.formatting import dollars, duration_text
from runs.models import Run, Step
from tests.markup import flat

CALL = uuid.UUID("11111111-2222-3333-4444-555555555555")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def step(kind: str, **fields) -> Step:
    return Step(run_id=uuid.UUID(int=1), sequence=7, kind=kind, **fields)


def opening_tag(html: str) -> str:
    return html.strip().split(">", 1)[0]


@pytest.mark.parametrize("kind", Step.Kind.values)
def test_every_card_is_an_article_that_names_its_step(kind):
    tag = opening_tag(fragments.step_html(step(kind, call_id=CALL, tool_name="calculator", content="x")))

    assert tag.startswith('<article id="step-7"')
    assert 'data-step-seq="7"' in tag
    assert f'data-step-kind="{kind}"' in tag


def test_only_errors_and_retries_carry_a_severity_and_only_retries_an_attempt():
    for kind in Step.Kind.values:
        tag = opening_tag(fragments.step_html(step(kind, severity="error", attempt=2, max_attempts=3)))
        assert ("data-severity=" in tag) == (kind in ("error", "retry")), kind
        assert ("data-attempt=" in tag) == (kind == "retry"), kind


def test_the_answer_is_marked_and_nothing_else_is():
    html = flat(fragments.step_html(step("answer", content="It is 391.")))

    assert re.search(r'<div[^>]*data-answer[^>]*><div[^>]*><p dir="auto">It is 391\.</p></div>', html)
    assert "data-answer" not in fragments.step_html(step("reasoning", content="It is 391."))


def test_a_result_brings_the_new_state_of_its_call():
    call = step("tool_call", call_id=CALL, tool_name="calculator", tool_input={"expression": "17 * 23"})
    result = step("tool_result", call_id=CALL, content="391", started_at=NOON, ended_at=NOON + timedelta(seconds=0.24))

    assert f'id="call-{CALL}"' in fragments.step_html(call)
    asked = flat(fragments.step_html(call))
    assert f'id="call-{CALL}-state" data-call-state="started"' in asked and " data-begun>" in asked
    assert '<span class="call-word">Running</span>' in asked
    brought = fragments.step_html(result).split(f'<template data-replace="call-{CALL}-state">')[1]
    assert 'data-call-state="succeeded"' in brought
    assert "240 ms" in brought


def test_a_page_without_javascript_shows_how_each_call_ended():
    call = step("tool_call", call_id=CALL, tool_name="calculator", tool_input={})
    result = step("tool_result", call_id=CALL, content="no", severity="error", metadata={"code": "timeout"})
    result.sequence = 8

    timeline = fragments.timeline_html([call, result])

    assert timeline.index('data-call-state="failed"') < timeline.index('id="step-8"')
    assert timeline.index(f'id="call-{CALL}-result"') < timeline.index('id="step-8"')
    assert 'data-call-state="started"' not in timeline


def test_the_card_of_a_call_that_a_person_changed_has_the_arguments_that_run():
    call = step("tool_call", call_id=CALL, tool_name="send", tool_input={"to": "bob"})
    told = {"decision": "approved", "by": "ada", "changes": [{"name": "to", "before": "bob", "after": "eve"}]}
    decided = step("approval", call_id=CALL, tool_name="send", tool_input={"to": "eve"}, metadata=told)
    decided.sequence = 8

    timeline = flat(fragments.timeline_html([call, decided]))
    alone = fragments.step_html(decided)

    assert f'id="call-{CALL}-short" hx-disable>eve</span>' in timeline.split("</summary>")[0]
    arguments = timeline.split(f'id="call-{CALL}-arguments">')[1].split(f'id="call-{CALL}-attempts"')[0]
    assert "this is what runs, not what the model asked for" in arguments
    assert "eve" in arguments and "bob" not in arguments
    assert f'data-replace="call-{CALL}-short"' in alone, "A card that is shown already is told."


def test_a_retry_shows_the_attempt_the_cause_and_when_the_next_one_comes():
    html = fragments.step_html(
        step(
            "retry",
            content="429 Too Many Requests",
            attempt=1,
            max_attempts=3,
            severity="warning",
            recoverable=True,
            metadata={"code": "model_rate_limited", "status": 429, "wait_s": 2.0, "next_at": NOON.timestamp()},
        )
    )

    assert "Attempt 1 of 3 failed" in html
    assert "Rate limited" in html
    in_the_list, on_the_stage = html.split('<template data-replace="stage-face">')
    for shown in (in_the_list, on_the_stage):
        assert re.findall(r'data-rung="(\w+)"', shown) == ["failed", "next", "left"]
    assert f'data-countdown="{int(NOON.timestamp() * 1000)}"' in html


def test_a_last_attempt_counts_down_to_nothing():
    html = fragments.step_html(
        step("retry", attempt=3, max_attempts=3, recoverable=True, metadata={"next_at": None, "status": None})
    )

    assert "data-countdown" not in html
    assert "Last attempt" in html


def test_an_error_offers_what_to_do():
    html = fragments.step_html(
        step("error", content="No key.", severity="critical", recoverable=True, suggested_action="Set OPENAI_API_KEY.")
    )

    assert "Set OPENAI_API_KEY." in html
    assert 'form="run-actions"' in html
    assert 'data-severity="critical"' in html


def test_a_card_is_the_same_whenever_it_is_rendered():
    thought = step("reasoning", content="Hm.", started_at=NOON)

    assert fragments.step_html(thought) == fragments.step_html(thought)


def test_a_long_output_is_folded_and_a_huge_one_says_where_its_rest_is():
    html = fragments.step_html(step("tool_result", content="line\n" * 100_000))

    assert "<details" in html
    assert "100,001 lines" not in html
    assert re.search(r'hx-get="[^"]*/steps/7/rest/\?of=result&amp;from=32000"', html)
    assert len(html) < 40_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.0042, "4.2 ms"), (0.24, "240 ms"), (1.25, "1.2 s"),
        (59.97, "1 min 0 s"), (125, "2 min 5 s"), (3780, "1 h 3 min"),
    ],
)  # fmt: skip
def test_durations_read_well(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("cost", "text"), [("0", "$0.00"), ("1.2", "$1.20"), ("0.0034", "$0.0034"), ("0.05", "$0.05")])
def test_money_is_never_rounded_to_nothing(cost, text):
    assert dollars(Decimal(cost)) == text


def test_unknown_cost_is_unknown_once_the_run_has_ended_and_the_offline_planner_has_none():
    offline = fragments.run_totals(Run(config={"models": ["offline"]}))
    paid = {
        status: fragments.run_totals(Run(status=status, config={"models": ["openai:gpt-6-luna"]}))
        for status in ("thinking", "completed", "failed", "cancelled")
    }

    assert (offline["tokens"], offline["cost"]) == ("none", "none")
    assert {status: (totals["tokens"], totals["cost"]) for status, totals in paid.items()} == {
        "thinking": ("", ""),
        "completed": ("unknown", "unknown"),
        "failed": ("unknown", "unknown"),
        "cancelled": ("unknown", "unknown"),
    }


def test_a_run_states_itself_once():
    html = fragments.run_state_html(Run(status="thinking", config={}))

    assert html.count("data-run-status=") == 1
    assert "/cancel/" in html
    assert "/rerun/" in fragments.run_state_html(Run(status="failed", config={}))


def test_a_wait_the_provider_asked_for_is_not_shown_as_a_failed_attempt():
    about = {"waits_only": True, "code": "model_asked_to_wait", "next_at": NOON.timestamp(), "wait_s": 20}
    html = fragments.step_html(step("retry", attempt=0, max_attempts=3, content="Left alone.", metadata=about))

    assert "Waiting: rate limited" in html
    assert "Rate limited" in html
    assert 'data-rung="failed"' not in html
    in_the_list = html.split("<template")[0]
    assert in_the_list.count('data-rung="next"') == 1


def test_a_lane_that_failed_does_not_say_that_the_race_is_over():
    about = {"in_race": True, "code": "model_idle_timeout"}
    html = fragments.step_html(step("retry", attempt=1, max_attempts=3, recoverable=True, metadata=about))

    assert "The others are still running" in html
    assert "Reply stalled" in html


def test_a_tools_failed_attempt_names_the_tool_and_its_call():
    html = fragments.step_html(
        step(
            "retry",
            call_id=CALL,
            tool_name="search",
            content="No answer.",
            attempt=1,
            max_attempts=3,
            severity="warning",
        )
    )

    assert f'<a href="#call-{CALL}">search</a>' in html
    assert "data-of-tool" in html


def test_an_attempt_that_failed_in_the_middle_of_its_reply_says_so():
    cut_off = step("retry", attempt=1, max_attempts=3, metadata={"phase": "stream"})
    refused = step("retry", attempt=1, max_attempts=3, metadata={"phase": "connect"})

    assert "Connection lost mid-reply" in fragments.step_html(cut_off)
    assert "Connection lost" not in fragments.step_html(refused)


def test_the_step_that_ends_a_card_carries_it():
    assert 'data-card="1-2-1-1"' in opening_tag(fragments.step_html(step("answer", metadata={"card": "1-2-1-1"})))
    assert "data-card" not in fragments.step_html(step("answer"))
