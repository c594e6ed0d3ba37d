"""Where a Markdown text that is still being written can be cut, so that its finished blocks are rendered for good.

A *section* is one or more blocks that are rendered together. Sections rendered one by one give the HTML of the whole
text, except that a link definition holds in its own section only. A cut too few costs a later rendering, a cut too many
would show something else than the whole text does: in doubt there is none.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LIST_ITEM = re.compile(r"[ \t>]*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<about>[^\n]*)")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_FORMULA_ENDS = (("\\[", "\\]"), ("\\(", "\\)"), ("\\begin{", "\\end{"))
_LONGEST_ITEM_MARK = 11
"""Characters of `123456789. `: a shorter line that is not finished may yet become an item of a list."""


class SectionEnds(NamedTuple):
    """Cuts of a text, as positions in it."""

    ends: list[int]
    """The ends of the finished sections, in order."""
    shown: int
    """The end of what can be rendered of the open section, until more of it comes; its start if nothing can."""


class _Section:
    """The open section, as its lines come."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.lines = 0
        self.is_rows = False
        """True for a list or a table, whose finished rows can be shown."""
        self.has_list = False
        self.fence = ""
        """The marks of the open block of code."""
        self.is_after_blank = False
        self.is_finished = False
        """True after a heading by itself, or a block of code: whatever follows is another section."""
        self._fence_indent = 0
        """In a list, where only a fence between lines that are all as far from the edge is certain to end."""
        self._is_unsure = False
        self._open_formulas = [0, 0, 0]
        self._dollars = 0

    @property
    def is_whole(self) -> bool:
        """True if what is open in it does not reach over blank lines."""
        return not (self.fence or self._is_unsure or any(self._open_formulas) or self._dollars % 2)

    @property
    def can_be_shown(self) -> bool:
        """True if what came of it can be rendered until more of it comes."""
        return self.is_whole and (self.is_after_blank or (self.is_rows and self.lines > 1))

    def add(self, line: str) -> None:
        """Take in a finished line."""
        if not self.lines:
            self.is_rows = line.startswith("|") or _LIST_ITEM.match(line) is not None
            self.is_finished = _HEADING.match(line) is not None
        self.lines += 1
        self.is_after_blank = not line.strip()
        if self.fence:
            self._add_code(line)
            return
        if found := _opening_fence(line):
            self.fence, self._fence_indent = found, _indent(line) if self.has_list else 0
            return
        self.has_list = self.has_list or _LIST_ITEM.match(line) is not None
        self._dollars += line.count("$$")
        for index, (opening, closing) in enumerate(_FORMULA_ENDS):
            now = self._open_formulas[index] + line.count(opening) - line.count(closing)
            self._open_formulas[index] = max(0, now)

    def _add_code(self, line: str) -> None:
        closes = _closes(line, self.fence)
        is_elsewhere = _indent(line) != self._fence_indent if closes else _indent(line) < self._fence_indent
        self._is_unsure = self._is_unsure or (self._fence_indent > 0 and bool(line.strip()) and is_elsewhere)
        if closes:
            self.fence = ""
            self.is_finished = self.is_whole and line[0] in "`~"

    def ends_before(self, line: str, *, is_finished: bool) -> bool:
        """True if it is certain that `line`, which may not be finished, begins another section."""
        if not self.lines or not self.is_whole or not line.strip():
            return False
        if is_finished and line[0] in "`~" and _opening_fence(line):
            return True
        if is_finished and _HEADING.match(line):
            return True
        if not self.is_after_blank or line[0] in " \t":
            return False
        if not self.has_list:
            return True
        may_become_item = not is_finished and len(line) < _LONGEST_ITEM_MARK and (line[0] in "-+*" or line[0].isdigit())
        return not may_become_item and _LIST_ITEM.match(line) is None


class Cutter:
    """Cuts a text that grows: each call looks at the lines that are new since the one before, and at the open one."""

    def __init__(self, start: int = 0) -> None:
        """`start`: where a section of the text begins."""
        self._section = _Section(start)
        self._position = start
        """Where the first line begins that was not finished."""
        self._shown = start

    @property
    def start(self) -> int:
        """Where the open section begins."""
        return self._section.start

    def cut(self, text: str) -> SectionEnds:
        """The cuts of `text`, which goes on from the text of the last call, after the cuts that were returned."""
        ends: list[int] = []
        for line, begin, end, is_finished in _lines(text, self._position):
            if self._section.ends_before(line, is_finished=is_finished):
                ends.append(self._begin(begin))
            if not is_finished:
                break
            self._section.add(line)
            self._position = end
            if self._section.is_finished:
                ends.append(self._begin(end))
            elif self._section.can_be_shown:
                self._shown = end
        return SectionEnds(ends, self._shown)

    def end(self, text: str) -> int:
        """End the open section with the text, which does not grow any more. Returns its end."""
        self._position = len(text)
        return self._begin(len(text))

    def _begin(self, start: int) -> int:
        self._section, self._shown = _Section(start), start
        return start


def cut(text: str, start: int = 0) -> SectionEnds:
    """The cuts of `text` after `start`, where a section begins. Linear in the text after it."""
    return Cutter(start).cut(text)


def _lines(text: str, position: int) -> Iterator[tuple[str, int, int, bool]]:
    """The lines after `position`: text, start, start of the next line, and whether it is finished."""
    while position < len(text):
        newline = text.find("\n", position)
        end = newline + 1 if newline >= 0 else len(text)
        yield text[position:end].removesuffix("\n"), position, end, newline >= 0
        position = end


def _opening_fence(line: str) -> str:
    """The marks that open a block of code; empty for another line."""
    found = _FENCE.match(line)
    if found is None or (found["marks"][0] == "`" and "`" in found["about"]):
        return ""
    return found["marks"]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _closes(line: str, fence: str) -> bool:
    found = _FENCE.match(line)
    return found is not None and found["marks"].startswith(fence) and not found["about"].strip()
