"""The first line of a Markdown text, as words without marks."""

from collections.abc import Iterator
from typing import Final

from runs.markdown import visible

MOST_READ: Final = 2000
"""Characters of a text in which its first line is looked for."""
_BLOCK_MARKS: Final = ("#", "##", "###", "####", "#####", "######", ">", "-", "*", "+")
"""What begins a heading, a quotation or a list, before a space."""
_NO_WORDS: Final = "#>*-+`~|:=_ \t"
"""A line of these only is a rule, a fence, or a part of a table."""
_FENCES: Final = ("```", "~~~")
_BEFORE: Final = "([{\"'"
_AFTER: Final = ")]}\"'.,;:!?"


def first_line(text: str) -> str:
    """The first line with words, without its marks of Markdown: those of its block, and pairs that emphasize.

    A mark without a partner is text: `2**10`, `__init__`, `C#`. A text of marks only is shown as it is."""
    lines = [line.strip() for line in text[:MOST_READ].splitlines()]
    found = next((words for line in lines if (words := _words(line))), None)
    return visible(found if found is not None else next((line for line in lines if line), ""))


def _words(line: str) -> str:
    if not line.strip(_NO_WORDS) or line.startswith(_FENCES):
        return ""
    return _without_pairs(_without_block_marks(line))


def _without_block_marks(line: str) -> str:
    at = 0
    while (end := line.find(" ", at)) >= 0 and line[at:end] in _BLOCK_MARKS:
        at = end + 1
    line = line[at:].strip()
    is_table = line.startswith("|") and line.endswith("|")
    return line.strip("| ") if is_table else line


def _without_pairs(line: str) -> str:
    """Reads the line once: the time grows with its length only."""
    dropped: set[int] = set()
    opened: tuple[int, int] | None = None  # the place and the length of a mark
    for start, length in _runs_of_stars(line, dropped):
        if opened is not None and opened[1] == length and _closes(line, start, length):
            dropped.update(range(opened[0], opened[0] + length), range(start, start + length))
            opened = None
        elif length <= 3 and _opens(line, start, length):
            opened = (start, length)
    return "".join(each for at, each in enumerate(line) if at not in dropped)


def _runs_of_stars(line: str, dropped: set[int]) -> Iterator[tuple[int, int]]:
    """The places and lengths of the runs of `*` outside of code. Pairs of backticks are put into `dropped`."""
    at, last_backtick = 0, line.rfind("`")
    while at < len(line):
        if line[at] == "`" and at < last_backtick:
            end = line.index("`", at + 1)
            dropped.update((at, end))
            at = end + 1
        elif line[at] == "*":
            start = at
            while at < len(line) and line[at] == "*":
                at += 1
            yield start, at - start
        else:
            at += 1


def _opens(line: str, start: int, length: int) -> bool:
    before, after = line[start - 1 : start], line[start + length : start + length + 1]
    return bool(after.strip()) and (not before.strip() or before in _BEFORE or not before.isascii())


def _closes(line: str, start: int, length: int) -> bool:
    before, after = line[start - 1 : start], line[start + length : start + length + 1]
    return bool(before.strip()) and (not after.strip() or after in _AFTER or not after.isascii())
