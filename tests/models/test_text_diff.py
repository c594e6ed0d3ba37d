"""Two texts side by side: nothing is lost or invented, and no text takes long."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.text_diff import MOST_LINES, Span, blocks_of, diff_rows, unified_lines

LIMIT_S = 2.0


def told(before: str, after: str) -> list[tuple[str, str, str]]:
    """Kind, line before and line after of each row; changed words in brackets."""
    return [(row.kind, line(row.before), line(row.after)) for row in diff_rows(before, after)]


def line(spans: tuple[Span, ...]) -> str:
    return "".join(f"[{span.text}]" if span.is_changed else span.text for span in spans)


def test_a_changed_line_marks_its_changed_words() -> None:
    rows = told("Be brief.\nAsk twice before you pay.", "Be brief.\nAsk once before you pay.\nBe kind.")

    assert rows == [
        ("same", "Be brief.", "Be brief."),
        ("changed", "Ask [twice] before you pay.", "Ask [once] before you pay."),
        ("added", "", "Be kind."),
    ]


def test_equal_lines_far_from_a_change_are_one_row() -> None:
    lines = [str(number) for number in range(20)]

    rows = diff_rows("\n".join(lines), "\n".join([*lines[:10], "x", *lines[11:]]))

    assert [(row.kind, row.count) for row in rows if row.kind != "same"] == [("gap", 7), ("changed", 0), ("gap", 6)]


def test_a_line_end_at_the_end_is_a_difference() -> None:
    assert told("a", "a\n") == [("same", "a", "a"), ("added", "", "")]


def test_a_text_beside_nothing_is_added_or_removed() -> None:
    assert told("", "a\nb") == [("added", "", "a"), ("added", "", "b")]
    assert told("a", "") == [("removed", "a", "")]
    assert told("", "") == []


def test_as_text_each_line_has_its_sign() -> None:
    assert list(unified_lines("a\nb", "a\nc\nd")) == ["  a", "- b", "+ c", "+ d"]


@given(st.text("ab\n", max_size=40), st.text("ab\n", max_size=40), st.integers(0, 40))
def test_the_blocks_of_two_texts_are_the_texts(before: str, after: str, most_edits: int) -> None:
    blocks = blocks_of(before, after, most_edits=most_edits)

    assert "".join(before[block.a : block.a_end] for block in blocks) == before
    assert "".join(after[block.b : block.b_end] for block in blocks) == after
    for block in blocks:
        if block.is_equal:
            assert before[block.a : block.a_end] == after[block.b : block.b_end]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\n" * 50_000, "b\na\n" * 50_000),
        ("\n".join(map(str, range(5_000))), "\n".join(map(str, range(5_000, 0, -1)))),
        ("x" * 2_000_000, "y" * 2_000_000),
        ("a " * 1_000_000, "b " * 1_000_000),
        ("\n".join("a b " * 70 + str(n) for n in range(3_000)), "\n".join("b a " * 70 + str(n) for n in range(3_000))),
        ("\n" * 1_000_000, " \n" * 500_000),
        ("ab" * 700 + "\n" * 3_000, "\n".join(["ba" * 700] * 3_000)),
    ],
    ids=["swapped lines", "backwards", "one long line", "many words", "many changed words", "empty lines", "repeats"],
)
def test_no_texts_take_long(before: str, after: str) -> None:
    started = process_time()

    rows = diff_rows(before, after)

    assert process_time() - started < LIMIT_S
    assert len(rows) <= 2 * MOST_LINES + 1
