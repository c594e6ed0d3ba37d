"""The state machine of replies in the making, over streams that lose, repeat and reorder frames."""

from typing import Any

import pytest
from hypothesis import given, settings

from runs.live.feeds.run_updates import ends_of
from runs.reply_frames import DeltaFrame, SnapFrame
from tests.live.feeds.reply_streams import STEPS, STREAM, STREAMS, Input, Machine, expected, open_after_each, step_of


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in STREAMS])
def test_after_each_input_the_replies_that_are_open_say_what_they_should(case: dict[str, Any]) -> None:
    assert open_after_each(case["inputs"]) == expected(case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in STEPS])
def test_a_step_ends_the_cards_it_speaks_of_or_its_whole_turn(case: dict[str, Any]) -> None:
    assert list(ends_of(step_of(case))) == case["ends"]


@given(STREAM)
@settings(max_examples=100)
def test_who_hears_only_what_is_passed_on_holds_the_same(inputs: list[Input]) -> None:
    server, viewer = Machine(), Machine()
    for each in inputs:
        passed_on = server.take_in(each)
        if "ends" in each:
            viewer.take_in(each)
        for frame in passed_on:
            viewer.take_in({"frame": frame.as_json()})

        assert viewer.open == server.open


def test_of_a_frame_only_what_follows_on_is_passed_on() -> None:
    machine = Machine()

    frame = {"delta": [["1-1-1-1", 1, "a"], ["1-1-1-1", 3, "c"], ["1-1-1-2", 2, "lost"]], "kinds": ["x", "x", "text"]}
    passed_on = machine.take_in({"frame": frame})

    assert passed_on == [DeltaFrame([("1-1-1-1", 1, ("x", "a"))])]  # type: ignore[list-item]


def test_a_snap_is_passed_on_unless_it_is_older_than_what_is_there() -> None:
    machine = Machine()
    machine.take_in({"frame": {"delta": [["1-1-1-1", 1, "a"], ["1-1-1-1", 2, "b"]]}})

    same = machine.take_in({"frame": {"snap": ["1-1-1-1", 2, "ab"]}})
    older = machine.take_in({"frame": {"snap": ["1-1-1-1", 1, "a"]}})

    assert same == [SnapFrame("1-1-1-1", 2, (("text", "ab"),))]
    assert older == []


def test_viewers_are_told_that_the_cards_of_an_earlier_claim_are_gone() -> None:
    machine = Machine()
    machine.take_in({"frame": {"delta": [["1-1-1-1", 1, "a"], ["1-1-1-1", 2, "b"]]}})

    passed_on = machine.take_in({"frame": {"snap": ["2-1-1-1", 1, "c"]}})

    assert passed_on == [SnapFrame("1-1-1-1", 3, None), SnapFrame("2-1-1-1", 1, (("text", "c"),))]


def test_what_was_passed_on_does_not_change_with_what_is_said_later() -> None:
    machine = Machine()

    [snap] = machine.take_in({"frame": {"snap": ["1-1-1-1", 1, "a"]}})
    machine.take_in({"frame": {"delta": [["1-1-1-1", 2, "b"]]}})

    assert snap == SnapFrame("1-1-1-1", 1, (("text", "a"),))
