"""Quoted texts in a task, found in a single pass."""

import re

_OPENING = re.compile("[\"“‘«`']")
_CLOSING = {'"': '"', "“": "”", "‘": "’", "«": "»", "`": "`"}
_NEXT = {opening: re.compile(f"[{opening}{closing}]") for opening, closing in _CLOSING.items()}
# An apostrophe opens a quotation only after a space and closes it only before one: don't, the users' dog.
_APOSTROPHE = re.compile(r"'(?![^\s?.!,;:)])")


def set_aside(text: str) -> tuple[str, list[str]]:
    """The text with `«n»` in place of each quoted text, and the quoted texts. Linear in the length of the text."""
    found = _Quotations(text)
    parts: list[str] = []
    quotes: list[str] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        start = opening.start()
        end = found.end(opening[0], start)
        if end < 0:
            parts.append(text[at : start + 1])
            at = start + 1
            continue
        parts += [text[at:start], f"«{len(quotes)}»"]
        quotes.append(text[start + 1 : end])
        at = end + 1
    return "".join([*parts, text[at:]]), quotes


class _Quotations:
    """The ends of quotations in a text, with the last search cached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next_apostrophe = 0
        """The position of the next apostrophe that can close a quotation; the text's length if there is none."""

    def end(self, mark: str, start: int) -> int:
        """The end of the quotation opened by the mark at `start`; -1 if it opens none."""
        if mark == "'":
            return self._apostrophe(start)
        # Quotations do not nest: the next opening or closing mark decides.
        closing = _NEXT[mark].search(self._text, start + 1)
        return closing.start() if closing and closing[0] == _CLOSING[mark] else -1

    def _apostrophe(self, start: int) -> int:
        before = self._text[start - 1] if start else " "
        if not (before.isspace() or before in "(:"):
            return -1
        if self._next_apostrophe <= start:
            closing = _APOSTROPHE.search(self._text, start + 1)
            self._next_apostrophe = closing.start() if closing else len(self._text)
        return self._next_apostrophe if self._next_apostrophe < len(self._text) else -1
