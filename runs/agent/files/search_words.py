"""Words for the full-text search: the same for passages and queries, in every script, on every database.

A word is a run of letters, digits and marks, as `folded` compares it. Scripts without spaces (Chinese, Japanese, Thai,
Lao, Burmese, Khmer) are cut into overlapping pairs of characters. Linear: the patterns are RE2's.
"""

import unicodedata
from typing import Final

import re2

from runs.agent.unicode_normalization import stream_safe

LONGEST_WORD: Final = 64
"""In characters; the rest of a longer one is left out."""
MOST_KEPT: Final = 0xFFFF
"""The last code point whose kind is kept in memory, so that no text fills it."""
_WITHOUT_SPACES: Final = re2.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}\x{30FC}]+")
_ENDINGS: Final = ("ingly", "edly", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y")
"""English endings that a query's word is searched without. Longest first."""
_LEAST_STEM: Final = 4


class _WordCharacters(dict[int, int]):
    """For `str.translate`: letters, digits and marks stay, everything else becomes a space."""

    def __missing__(self, code: int) -> int:
        kept = code if unicodedata.category(chr(code))[0] in "LNM" else ord(" ")
        if code <= MOST_KEPT:
            self[code] = kept
        return kept


_WORD_CHARACTERS: Final = _WordCharacters()


def search_words(text: str) -> list[str]:
    """The words of a text, in order, with repetitions."""
    # Not a pattern: RE2 takes 10 microseconds for each match, and a document may have a million words.
    found = _folded(text).translate(_WORD_CHARACTERS)
    if found.isascii() or not _WITHOUT_SPACES.search(found):
        return [word[:LONGEST_WORD] for word in found.split()]
    words: list[str] = []
    for word in found.split():
        if word.isascii():
            words.append(word[:LONGEST_WORD])
            continue
        end = 0
        for match in _WITHOUT_SPACES.finditer(word):
            if match.start() > end:
                words.append(word[end : match.start()][:LONGEST_WORD])
            words += _pairs(match.group())
            end = match.end()
        if end < len(word):
            words.append(word[end:][:LONGEST_WORD])
    return words


def stem_of(word: str) -> str:
    """The beginning of a word that its other forms share, in English (`REFUND` of `REFUNDS`); for words in other
    letters the word itself.

    A search by this beginning finds more than it should, so whole words rank higher.
    """
    if not word.isascii() or not word.isalpha():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending.upper()) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word


def _folded(text: str) -> str:
    # As `runs.text_search.folded`, which is above this layer, without its rare capitals.
    return text.upper() if text.isascii() else unicodedata.normalize("NFKC", stream_safe(text)).upper()


def _pairs(characters: str) -> list[str]:
    if len(characters) == 1:
        return [characters]
    return [characters[place : place + 2] for place in range(len(characters) - 1)]
