"""Unicode normalization in linear time, by a limit of 30 combining marks on one letter.

To normalize a text, Python and PostgreSQL sort the marks of each letter, which takes quadratic time in their number.
"""

import unicodedata
from functools import cache
from typing import Final

MOST_MARKS: Final = 30
"""More than any language has on one letter: the limit of Unicode's stream-safe text format (UAX #15)."""
JOINER: Final = "\u034f"
"""COMBINING GRAPHEME JOINER: separates marks in sorting; invisible, and a mark itself."""
_LAST = 0x1F000
"""All marks have smaller code points."""
_DECOMPOSED_INTO_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"
"""Characters that are not marks, but are normalized to some."""


def stream_safe(text: str) -> str:
    """The text with a joiner after every 30 marks that further ones follow. Linear; nearly all texts are unchanged.

    To be called before a text from outside is normalized.
    """
    # A longer run of marks has one at one of these places.
    if text.isascii() or marks().isdisjoint(text[MOST_MARKS :: MOST_MARKS + 1]):
        return text
    parts: list[str] = []
    begin, count = 0, 0
    is_mark = marks().__contains__
    for place, character in enumerate(text):
        count = count + 1 if is_mark(character) else 0
        if count > MOST_MARKS:
            parts += text[begin:place], JOINER
            begin, count = place, 1
    return "".join([*parts, text[begin:]])


@cache
def marks() -> frozenset[str]:
    """The combining marks, and the characters that are normalized to some."""
    found = [character for code in range(0x300, _LAST) if unicodedata.combining(character := chr(code))]
    return frozenset([*found, *_DECOMPOSED_INTO_MARKS])


@cache
def marks_of_any_version() -> str:
    """The content of a regular expression's character class for `marks` and for all unassigned code points, which may
    be marks in the Unicode version of another program."""
    codes = [code for code in range(0x300, _LAST) if chr(code) in marks() or unicodedata.category(chr(code)) == "Cn"]
    begins = [code for code, before in zip(codes, [0, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], 0], strict=True) if code + 1 != after]
    return "".join(f"\\U{begin:08x}-\\U{end:08x}" for begin, end in zip(begins, ends, strict=True))
