"""Emphasis in Chinese, Japanese, Korean and other scripts without spaces between some or all words.

CommonMark takes a `*` between a punctuation mark and a letter for the wrong side of emphasis, so that `**重点：**这是`
and `**스크립트(script)**라고` show their stars. The rule here is that of markdown-cjk-friendly (https://github.com/tats-u):
punctuation of those scripts counts as a letter, and beside one of their characters any other punctuation may open or
close. `_` keeps its rule.
"""

import functools
import unicodedata

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline.state_inline import Scanned, StateInline

_WITHOUT_SPACES = (
    (0x0590, 0x08FF),  # Hebrew, Arabic and their neighbours: a word of one letter is written together with the next
    (0xFB1D, 0xFDFF),  # their forms of presentation
    (0xFE70, 0xFEFE),
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1100, 0x11FF),  # Hangul Jamo: some of them are narrow
    (0x1780, 0x17FF),  # Khmer
)
"""Further scripts without spaces between some words (and the Jamo), which East Asian width does not identify."""


class FriendlyInline(StateInline):
    """The state of an inline block, with the module's rule for delimiter runs."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803, FBT001  the names of markdown-it
        marker = self.src[start]
        end = start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        before = self.src[start - 1] if start > 0 else " "
        after = self.src[end] if end < self.posMax else " "
        if before in _VARIATIONS and start > 1:
            before = self.src[start - 2]
        opens_left = _may_flank(after, before)
        closes_right = _may_flank(before, after)
        return Scanned(
            opens_left and (canSplitWord or not closes_right or _is_punctuation(before)),
            closes_right and (canSplitWord or not opens_left or _is_punctuation(after)),
            end - start,
        )


_VARIATIONS = "\ufe00\ufe01\ufe02\ufe0e\ufe0f"
"""Variation selectors, which belong to the character before them."""


def _may_flank(inner: str, outer: str) -> bool:
    """True if markers between the two may open or close a text that has `inner` at this end."""
    if isWhiteSpace(ord(inner)):
        return False
    if not _is_punctuation(inner) or _has_no_spaces(inner) or _is_picture(inner):
        return True
    return isWhiteSpace(ord(outer)) or _is_punctuation(outer) or _has_no_spaces(outer)


def _is_punctuation(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)


@functools.lru_cache(1024)
def _has_no_spaces(character: str) -> bool:
    """True for a letter or mark of a script without spaces between its words."""
    code = ord(character)
    if code < 0x0590 or _is_picture(character):
        return False
    if any(first <= code <= last for first, last in _WITHOUT_SPACES):
        return True
    return unicodedata.east_asian_width(character) in ("W", "F", "H")


@functools.lru_cache(1024)
def _is_picture(character: str) -> bool:
    """True for an emoji. It counts as a letter, as it did in CommonMark up to 0.30: `**ready ✅**now` is bold."""
    return unicodedata.category(character) == "So" or "\U0001f3fb" <= character <= "\U0001f3ff"
