"""The unfinished replies that a resumed run's model is told, and their effect on limits."""

from typing import Any

import pytest

from runs.engine.hosting.replay import history_of
from runs.models import Run, Step, ToolCall


def left(turn: int, answer: str, **metadata: Any) -> Step:
    """The step of an unfinished reply."""
    about = {"note": "unfinished", "partial": True, "answer": answer, "why": "suspended", "goes_on": True}
    return Step(kind="note", turn=turn, content=answer, metadata=about | metadata)


def call(turn: int) -> tuple[ToolCall, Step]:
    """A call with a result."""
    made = ToolCall(turn=turn, index=0, tool_name="calculator", arguments={}, state="succeeded")
    return made, Step(kind="tool_result", turn=turn, call_id=made.pk, tool_output=1, metadata={})


def test_a_reply_that_is_gone_on_from_is_a_turn_without_calls():
    history = history_of(Run(), [left(1, "The tide")], [])

    (turn,) = history.turns
    assert (turn.reply.text, turn.reply.calls, turn.is_unfinished) == ("The tide", (), True)


@pytest.mark.parametrize("metadata", [{"goes_on": False}, {"partial": False}, {"note": "window"}])
def test_what_nobody_goes_on_from_is_told_to_nobody(metadata):
    assert history_of(Run(), [left(1, "The tide", **metadata)], []).turns == []


def test_a_turn_has_one_reply_and_a_recorded_one_is_it():
    made, result = call(1)

    history = history_of(Run(), [left(1, "The tide"), result, left(2, "a"), left(2, "b")], [made])

    assert [(turn.is_unfinished, turn.reply.text) for turn in history.turns] == [(False, ""), (True, "b")]


def test_only_what_interrupted_the_run_itself_costs_no_turn():
    whys = ("suspended", "paused", "limit", "output_limit")

    history = history_of(Run(), [left(place, "x", why=why) for place, why in enumerate(whys, start=1)], [])

    assert (len(history.turns), history.uncounted_turns) == (4, 3)
