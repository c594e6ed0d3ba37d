"""A long text in parts that are rendered separately, each bounded, so that all of it can be read."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARS = 64 * 1024
"""Maximum of a part. Parsing Markdown costs about 7 ms a KiB."""

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FENCE = re.compile(r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?P<about>[^\n]*)", re.MULTILINE)


class Part(NamedTuple):
    """A part of a text, ready to be rendered by itself."""

    text: str
    """If the part begins inside a block of code, with the line that opens it."""
    end: int
    """Where the next part begins in the whole text."""


def split(text: str) -> Iterator[Part]:
    """`text` in parts of at most `MAX_CHARS`, cut between blocks if possible."""
    start, opening = 0, ""
    while start < len(text):
        window = text[start : start + MAX_CHARS]
        if start + MAX_CHARS >= len(text):
            yield Part(opening + window, len(text))
            return
        fences = list(_fences(window, is_open=opening))
        length = _place(window, fences)
        yield Part(opening + window[:length], start + length)
        start += length
        opening = next((line for line, begin, end in fences if begin < length <= end), "")


def _fences(window: str, *, is_open: str) -> Iterator[tuple[str, int, int]]:
    """The blocks of code: opening line, start and end of each."""
    opening, begin = is_open, 0 if not is_open else -1
    for found in _FENCE.finditer(window):
        if not opening:
            opening, begin = found[0] + "\n", found.start()
        elif not found["about"].strip() and found["fence"].startswith(_marks(opening)):
            yield opening, begin, found.end()
            opening = ""
    if opening:
        yield opening, begin, len(window)


def _marks(opening: str) -> str:
    found = _FENCE.match(opening)
    return found["fence"] if found else opening


def _place(window: str, fences: list[tuple[str, int, int]]) -> int:
    """Where to cut: after a blank line outside of code, else after a line, else after a word, in the second half."""
    half = len(window) // 2
    ends = [end for _line, _begin, end in fences]
    for place in reversed([found.end() for found in _BLANK_LINE.finditer(window, half)]):
        fence = bisect_left(ends, place)
        if fence == len(ends) or place <= fences[fence][1]:
            return place
    for mark in ("\n", " "):
        if (place := window.rfind(mark, half)) > 0:
            return place + 1
    return len(window)
