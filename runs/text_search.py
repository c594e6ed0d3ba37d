"""Text search: case-insensitive in any alphabet, and independent of the composition of letters.

Both databases find the same: SQLite calls `mentions`, Postgres does in SQL what `folded` does.
"""

import unicodedata

from runs.agent.unicode_normalization import MOST_MARKS, stream_safe

CHUNK = 16_384
"""Characters folded at a time, holding the interpreter for about 2 ms."""
_PLACE_CHUNK = 2_000
"""Characters folded at a time to find a place: the fewer, the less far off it is."""
SAME_CAPITALS = (
    *(("ẞ", "SS"), ("İ", "I"), ("I\u0307", "I")),
    *(("Ι\u0308", "Ϊ"), ("Υ\u0308", "Ϋ")),
)
"""Capitals that `upper` leaves different, and capitals of small letters that compose differently. With
them no letter's cases differ, and no second normalization is needed, which is most of the cost of a search."""
_LONGEST_LETTER = 2 * (MOST_MARKS + 2)
"""More characters than a letter can have; a longer sequence may be cut anywhere."""


def folded(text: str) -> str:
    """The text as it is compared: compatibility forms resolved, letters composed (NFKC), upper case.

    Upper case, because it unifies the sigmas, and sharp s with double s. The four kinds of i, with and without dot, are
    unified too, because languages disagree about their capitals.
    """
    if text.isascii():
        return text.upper()
    capitals = unicodedata.normalize("NFKC", stream_safe(text)).upper()
    for letters, one in SAME_CAPITALS:
        capitals = capitals.replace(letters, one)
    return capitals


def mentions(text: str | None, words: str) -> bool | None:
    """True if the text contains `words`, which must be `folded`; None for no text. Linear in the text."""
    if text is None or len(text) <= CHUNK or text.isascii():
        return None if text is None else words in folded(text)
    begin, before = 0, ""
    while begin < len(text):
        end = _between_letters(text, begin + CHUNK)
        # Words may begin in one chunk and end in the next.
        before = before[-len(words) :] + folded(text[begin:end])
        if words in before:
            return True
        begin = end
    return False


def place_of(text: str, words: str) -> int:
    """About where `text` first mentions `words`, which must be `folded`; 0 if it does not. Linear in the text.

    Folding may change the length of a text, so the place may be some characters off where it does.
    """
    begin = 0
    while begin < len(text):
        window = folded(text[begin : begin + _PLACE_CHUNK + len(words)])
        at = window.find(words)
        if at >= 0:
            return begin + at
        begin += _PLACE_CHUNK
    return 0


def _between_letters(text: str, at: int) -> int:
    """The first place from `at` on where a cut changes no composition of letters."""
    last = min(len(text), at + _LONGEST_LETTER)
    for place in range(at, last):
        before, after = text[place - _LONGEST_LETTER : place], text[place : place + _LONGEST_LETTER]
        if folded(before + after) == folded(before) + folded(after):
            return place
    return last
