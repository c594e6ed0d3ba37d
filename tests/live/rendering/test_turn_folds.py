"""Equal turns in a row, folded into one line."""

import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from runs.live.rendering import fragments
from runs.models import Step
from tests.markup import flat

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Rows = list[dict[str, Any]]


def turn(number: int, tools: Sequence[str] = ("stock_level",), *, words: bool = True) -> Rows:
    """The rows of a turn of two seconds, whose calls all succeed."""
    at = NOON + timedelta(seconds=2 * number)
    said = {"kind": "reasoning", "content": f"Now {number}.", "started_at": at, "ended_at": at + SECOND}
    calls: Rows = [{"tool_name": name, "call_id": uuid.uuid4()} for name in tools]
    asked = {"kind": "tool_call", "tool_input": {}, "ended_at": at + SECOND, "metadata": {"effect": "read"}}
    told = {"kind": "tool_result", "content": "12", "started_at": at + SECOND, "ended_at": at + 2 * SECOND}
    rows = [*([said] if words else []), *(call | asked for call in calls), *(call | told for call in calls)]
    return [{"turn": number} | row for row in rows]


SECOND = timedelta(seconds=1)
ANSWER = {"kind": "answer", "turn": 999, "content": "All are checked."}


def turns(first: int, last: int, **made: Any) -> Rows:
    return [row for number in range(first, last + 1) for row in turn(number, **made)]


def page_of(rows: Iterable[dict[str, Any]], *, begin: int = 1, at: int = 0) -> str:
    """The rows as steps, from a sequence on, as a page shows them."""
    return flat(fragments.timeline_html(steps_of(rows, begin), at=at))


def steps_of(rows: Iterable[dict[str, Any]], begin: int = 1) -> list[Step]:
    return [Step(run_id=uuid.UUID(int=1), sequence=n, **{"metadata": {}, **row}) for n, row in enumerate(rows, begin)]


class Window:
    """A window of a run's steps, with what is beside it."""

    def __init__(self, rows: Iterable[dict[str, Any]], first: int, last: int) -> None:
        """From the step `first` to the step `last`."""
        self.steps = steps_of(rows)
        self.shown = self.steps[first - 1 : last]
        self.read = 0
        """The steps beside it that were read."""

    def before(self, sequence: int, most: int) -> list[Step]:
        return self._read(self.steps[max(0, sequence - 1 - most) : sequence - 1])

    def after(self, sequence: int, most: int) -> list[Step]:
        return self._read(self.steps[sequence : sequence + most])

    def _read(self, steps: list[Step]) -> list[Step]:
        self.read += len(steps)
        return steps

    @property
    def folds(self) -> list[str]:
        """The first words of the folds in it."""
        page = flat(fragments.timeline_html(self.shown, beside=self))
        return [line.partition(" · all")[0] for line in folds_in(page)]


def folds_in(page: str) -> list[str]:
    """The lines of the folds."""
    lines = re.findall(r"<details[^>]*data-fold[^>]*><summary>(.*?)</summary>", page)
    return [unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line))).strip() for line in lines]


def test_twenty_equal_turns_are_not_folded_and_twenty_one_are():
    assert folds_in(page_of([*turns(1, 20), ANSWER])) == []
    assert folds_in(page_of([*turns(1, 21), ANSWER])) == ["Turns 1 to 21 · 21 × stock_level · all ok · 42.0 s"]


def test_the_line_tells_which_turns_how_many_of_which_tools_and_how_long_they_took():
    rows = [*turns(9, 40), *turns(41, 72, tools=("stock_level", "reserve")), *turns(73, 74)]

    assert folds_in(page_of(rows)) == [
        "Turns 9 to 40 · 32 × stock_level · all ok · 1 min 4 s",
        "Turns 41 to 72 · 32 × stock_level, reserve · all ok · 1 min 4 s",
    ]


def test_no_step_is_missing_and_none_is_there_twice():
    rows = [*turns(1, 30), {"kind": "note", "content": "The window was shortened."}, *turns(31, 52), ANSWER]

    page = page_of(rows)

    assert len(folds_in(page)) == 2
    assert [int(number) for number in re.findall(r'data-step-seq="(\d+)"', page)] == list(range(1, len(rows) + 1))


def test_turns_with_words_and_without_are_equal_if_their_calls_are():
    assert len(folds_in(page_of([*turns(1, 11), *turns(12, 22, words=False), ANSWER]))) == 1


ASKED = {"kind": "approval", "metadata": {"asks": "approval", "effect": "read"}}
FAULTS: dict[str, dict[str, Any]] = {
    "an error": {"kind": "tool_result", "severity": "warning", "metadata": {"code": "tool_failed"}},
    "a denied call": {"kind": "tool_result", "metadata": {"code": "denied", "by": "ada"}},
    "a result that a person had a part in": {"kind": "tool_result", "metadata": {"remark": "Changed by ada."}},
    "a call without a result": {"kind": "tool_call", "call_id": uuid.uuid4(), "metadata": {"effect": "read"}},
    "a question to a person": ASKED,
    "another attempt of the call": {"kind": "retry", "metadata": {"code": "tool_timeout", "wait_s": 1, "next_at": 0}},
    "another attempt of the model": {
        "kind": "retry", "call_id": None, "metadata": {"code": "overloaded", "wait_s": 1, "next_at": 0},
    },
    "a note": {"kind": "note", "call_id": None, "metadata": {"note": "dropped_thoughts"}},
    "an unfinished reply": {"kind": "note", "call_id": None, "metadata": {"note": "unfinished", "why": "stopped"}},
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_turn_that_has_anything_to_look_at_parts_the_turns_before_it_from_those_after_it(fault: str):
    before, looked_at, after = turns(1, 21), turn(22), turns(23, 43)
    at_fault = looked_at[-1] | {"content": "Look.", "metadata": {}} | FAULTS[fault]
    if fault not in ("an error", "a denied call", "a result that a person had a part in"):
        looked_at.append(at_fault)
    else:
        looked_at[-1] = at_fault

    folds = folds_in(page_of([*before, *looked_at, *after, ANSWER]))

    assert [line.split(" ·")[0] for line in folds] == ["Turns 1 to 21", "Turns 23 to 43"]
    assert folds_in(page_of([*turns(1, 20), *looked_at, *turns(23, 42), ANSWER])) == []


def test_turns_that_call_other_tools_or_the_same_in_another_order_are_not_equal():
    there_and_back = [
        row for n in range(1, 31) for row in turn(n, tools=("read", "write") if n % 2 else ("write", "read"))
    ]

    assert folds_in(page_of([*there_and_back, ANSWER])) == []


def test_turns_without_calls_are_not_folded():
    assert folds_in(page_of([*turns(1, 40, tools=()), ANSWER])) == []


def test_the_turns_at_both_ends_of_a_window_are_not_folded_because_the_rest_of_them_may_be_elsewhere():
    assert [line.split(" ·")[0] for line in folds_in(page_of(turns(31, 60), begin=91))] == ["Turns 32 to 59"]
    assert folds_in(page_of(turns(31, 52), begin=91)) == [], "20 are left"
    assert [line.split(" ·")[0] for line in folds_in(page_of(turns(1, 30)))] == ["Turns 1 to 29"]


def test_the_fold_with_the_step_that_is_asked_for_is_open_and_others_are_not():
    rows = [*turns(1, 25), *turns(26, 50, tools=("reserve",)), ANSWER]

    opened = [re.findall(r"<details[^>]*data-fold([^>]*)>", page_of(rows, at=at)) for at in (0, 1, 80, 151)]

    assert opened == [["", ""], [" open", ""], ["", " open"], ["", ""]]


def test_turns_of_an_unknown_time_are_folded_without_one():
    rows = [row | {"started_at": None, "ended_at": None} for row in turns(1, 21)]

    assert folds_in(page_of([*rows, ANSWER])) == ["Turns 1 to 21 · 21 × stock_level · all ok"]


FIVE = {"tools": ("stock_level", "reserve")}
"""Turns of five steps, of which a window has twenty."""


def test_equal_turns_of_a_window_are_folded_if_with_those_beside_it_there_are_more_than_twenty():
    run = [*turns(1, 60, **FIVE), ANSWER]

    assert Window(run, 1, 100).folds == ["Turns 1 to 19 · 19 × stock_level, reserve"]
    assert Window(run, 101, 200).folds == ["Turns 22 to 39 · 18 × stock_level, reserve"]
    assert Window(run, 202, 301).folds == ["Turns 42 to 60 · 19 × stock_level, reserve"]


@pytest.mark.parametrize("tools", [("a",), ("a", "b"), ("a", "b", "c", "d")])
def test_a_row_of_twenty_equal_turns_is_not_folded_wherever_a_window_cuts_it_and_one_of_twenty_one_is(
    tools: tuple[str, ...],
):
    def folds(last: int, begin: int) -> list[str]:
        run = [*turns(1, 9), *turns(10, last, tools=tools), *turns(last + 1, last + 9)]
        return Window(run, begin, begin + 29).folds

    starts = range(1, 9 * 3 + 20 * (2 * len(tools) + 1), 7)

    assert [folds(29, begin) for begin in starts] == [[]] * len(starts)
    assert any(folds(30, begin) for begin in starts)


def test_turns_beside_a_window_that_are_not_equal_to_its_own_do_not_count():
    run = [*turns(1, 20), *turns(21, 30, **FIVE), *turns(31, 50), ANSWER]

    assert Window(run, 61, 110).folds == []


def test_two_turns_of_a_longer_row_are_not_worth_a_fold():
    run = [*turns(1, 40, **FIVE), *turns(41, 60, tools=("other",)), ANSWER]

    assert Window(run, 186, 260).folds == []
    assert Window(run, 181, 260).folds == ["Turns 38 to 40 · 3 × stock_level, reserve"]


def test_what_is_beside_a_window_is_read_only_for_a_row_that_reaches_its_end_and_a_few_steps_of_it():
    alone = Window([*turns(1, 4, tools=()), *turns(5, 9), *turns(10, 13, tools=()), ANSWER], 3, 21)
    of_many = Window([*turns(1, 400, **FIVE), ANSWER], 1001, 1100)

    assert (alone.folds, alone.read) == ([], 0)
    assert len(of_many.folds) == 1
    assert of_many.read < 50


def test_the_calls_of_a_script_are_in_its_card_and_its_turns_are_not_folded():
    def scripted(number: int) -> Rows:
        asked, told = turn(number, tools=("run_python",), words=False)
        nested = turn(number, tools=("stock_level",), words=False)
        nested[0]["metadata"] = {"effect": "read", "parent_id": str(asked["call_id"])}
        return [asked, *nested, told]

    page = page_of([*(row for number in range(1, 41) for row in scripted(number)), ANSWER])
    alone = page_of(scripted(1)[1:])

    assert "data-fold" not in page
    card = re.search(r'<div class="nested-calls".*?>(.*?)from a script', page)
    assert card is not None and "stock_level" in card[1]
    assert page.count("from a script") == 40
    assert re.search('id="turn-1-flow"> *<article id="step-1"', alone)  # The script's own card is not on this page.
