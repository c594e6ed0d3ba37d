"""Two texts side by side, line by line, with the changed words of a line: in bounded time for any texts."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Final, Literal, NamedTuple

MOST_LINES: Final = 2_000
"""Lines of each text that are compared; the rest is counted."""
MOST_LINE_CHARS: Final = 2_000
"""Characters of a line that are shown."""
MOST_EDITS: Final = 400
"""Insertions and deletions that are searched for. Beyond them a block counts as replaced as a whole."""
MOST_WORDS: Final = 300
MOST_WORD_EDITS: Final = 80
MOST_MARKED_LINES: Final = 100
"""Pairs of lines whose words are compared."""
CONTEXT_LINES: Final = 3

RowKind = Literal["same", "changed", "removed", "added", "gap", "cut"]


class Span(NamedTuple):
    """A part of a line."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line of both texts, or `count` lines that are left out: equal ones (`gap`), or those beyond `MOST_LINES`
    (`cut`)."""

    kind: RowKind
    before: tuple[Span, ...] = ()
    after: tuple[Span, ...] = ()
    before_number: int | None = None
    after_number: int | None = None
    count: int = 0

    @property
    def is_same(self) -> bool:
        """True for a line that both texts have."""
        return self.kind == "same"


class DiffBlock(NamedTuple):
    """Places that are equal in both sequences, or differ: from `a` to `a_end` and from `b` to `b_end`."""

    is_equal: bool
    a: int
    a_end: int
    b: int
    b_end: int


def diff_rows(before: str, after: str) -> list[DiffRow]:
    """The rows of the two texts. Equal lines far from a difference are one row."""
    old, new = before.split("\n") if before else [], after.split("\n") if after else []
    rows = list(_rows(old[:MOST_LINES], new[:MOST_LINES]))
    left_out = max(len(old), len(new)) - MOST_LINES
    return [*_with_gaps(rows), *([DiffRow("cut", count=left_out)] if left_out > 0 else [])]


def unified_lines(before: str, after: str) -> Iterator[str]:
    """The same rows as lines of text: `- ` before, `+ ` after, two spaces for both."""
    for row in diff_rows(before, after):
        match row.kind:
            case "gap" | "cut":
                yield f"  … {row.count}"
            case "same":
                yield f"  {_joined(row.before)}"
            case _:
                yield from ([f"- {_joined(row.before)}"] if row.before_number else [])
                yield from ([f"+ {_joined(row.after)}"] if row.after_number else [])


def blocks_of(a: Sequence[Hashable], b: Sequence[Hashable], *, most_edits: int) -> list[DiffBlock]:
    """The equal and the different blocks of two sequences, in order."""
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    a_end, b_end = len(a) - end, len(b) - end
    pairs = _matches(a[start:a_end], b[start:b_end], most_edits)
    matched = [
        *((at, at) for at in range(start)),
        *((start + x, start + y) for x, y in pairs),
        *((a_end + at, b_end + at) for at in range(end)),
    ]
    return list(_grouped(matched, len(a), len(b)))


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _matches(a: Sequence[Hashable], b: Sequence[Hashable], most_edits: int) -> list[tuple[int, int]]:
    """The pairs of equal places of a shortest edit script (Myers 1986); none if it has more than `most_edits`."""
    reached: dict[int, int] = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(most_edits, len(a) + len(b)) + 1):
        history.append(dict(reached))
        for k in range(-edits, edits + 1, 2):
            is_down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
            x = reached[k + 1] if is_down else reached[k - 1] + 1
            while x < len(a) and 0 <= x - k < len(b) and a[x] == b[x - k]:
                x += 1
            reached[k] = x
            if x >= len(a) and x - k >= len(b):
                return _traced(history, len(a), len(b))
    return []


def _traced(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        reached, k = history[edits], x - y
        is_down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
        came_from = k + 1 if is_down else k - 1
        x_from = reached[came_from] if edits else 0
        y_from = x_from - came_from if edits else 0
        while x > x_from and y > y_from:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = x_from, y_from
    return pairs[::-1]


def _grouped(pairs: list[tuple[int, int]], a_length: int, b_length: int) -> Iterator[DiffBlock]:
    a = b = 0
    for at, (x, y) in enumerate([*pairs, (a_length, b_length)]):
        if (a, b) != (x, y):
            yield DiffBlock(False, a, x, b, y)
        if at < len(pairs):
            yield DiffBlock(True, x, x + 1, y, y + 1)
        a, b = x + 1, y + 1


def _rows(old: list[str], new: list[str]) -> Iterator[DiffRow]:
    left = MOST_MARKED_LINES
    for block in blocks_of(old, new, most_edits=MOST_EDITS):
        if block.is_equal:
            line = (Span(old[block.a][:MOST_LINE_CHARS]),)
            yield DiffRow("same", line, line, block.a + 1, block.b + 1)
            continue
        for x, y in zip_longest(range(block.a, block.a_end), range(block.b, block.b_end)):
            if x is None:
                yield DiffRow("added", after=(Span(new[y][:MOST_LINE_CHARS]),), after_number=y + 1)
            elif y is None:
                yield DiffRow("removed", before=(Span(old[x][:MOST_LINE_CHARS]),), before_number=x + 1)
            else:
                before, after = _marked(old[x], new[y], is_compared=left > 0)
                left -= 1
                yield DiffRow("changed", before, after, x + 1, y + 1)


def _marked(before: str, after: str, *, is_compared: bool) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Both lines with their changed words; without marks if they are too long or have too little in common."""
    old, new = _words(before[:MOST_LINE_CHARS]), _words(after[:MOST_LINE_CHARS])
    plain = ((Span("".join(old)),), (Span("".join(new)),))
    if not is_compared or max(len(old), len(new)) > MOST_WORDS:
        return plain
    blocks = blocks_of(old, new, most_edits=MOST_WORD_EDITS)
    if not any(block.is_equal for block in blocks):
        return plain
    return (
        tuple(_spans([(old[block.a : block.a_end], block.is_equal) for block in blocks])),
        tuple(_spans([(new[block.b : block.b_end], block.is_equal) for block in blocks])),
    )


def _spans(parts: list[tuple[list[str], bool]]) -> Iterator[Span]:
    text, was_equal = "", True
    for words, is_equal in parts:
        if text and is_equal != was_equal:
            yield Span(text, is_changed=not was_equal)
            text = ""
        text, was_equal = text + "".join(words), is_equal
    if text:
        yield Span(text, is_changed=not was_equal)


def _words(line: str) -> list[str]:
    """The words of a line, the spaces between them, and each other character."""
    found: list[str] = []
    kind_before = ""
    for char in line:
        kind = "word" if char.isalnum() else "space" if char == " " else ""
        if kind and kind == kind_before:
            found[-1] += char
        else:
            found.append(char)
        kind_before = kind
    return found


def _with_gaps(rows: list[DiffRow]) -> Iterator[DiffRow]:
    differs = [at for at, row in enumerate(rows) if row.kind != "same"]
    near = {at for place in differs for at in range(place - CONTEXT_LINES, place + CONTEXT_LINES + 1)}
    for is_near, places in groupby(range(len(rows)), key=near.__contains__):
        found = [rows[at] for at in places]
        yield from found if is_near or len(found) == 1 else [DiffRow("gap", count=len(found))]


def _joined(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)
