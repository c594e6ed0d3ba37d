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
_WORD: Final = re2.compile(r"[\p{L}\p{N}\p{M}]+")
_WITHOUT_SPACES: Final = re2.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}\x{30FC}]+")
_ENDINGS: Final = ("ingly", "edly", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y")
"""English endings that a query's word is searched without. Longest first."""
_LEAST_STEM: Final = 4


def search_words(text: str) -> list[str]:
    """The words of a text, in order, with repetitions."""
    words: list[str] = []
    # RE2 refuses lone surrogates.
    for word in _WORD.findall(_folded(text).encode(errors="replace").decode()):
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
