"""Ranking of passages for a query: BM25 over its words, with other forms of a word counting less.

BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), k1 = 1.2 and b = 0.75. Word
frequencies are those among the candidates, which the database chose by the same words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runs.agent.files.search_words import search_words, stem_of

K1: Final = 1.2
B: Final = 0.75
OTHER_FORM: Final = 0.6
"""What a word with the same stem counts, relative to the word itself."""
MOST_WORDS: Final = 32
"""Words of a query that are searched; the rest is left out."""
TOGETHER: Final = 0.5
"""A further share of the score for a passage with all words."""
_COMMON: Final = (
    "A AN AND ARE AS AT BE BY DO DOES FOR FROM HAS HOW I IN IS IT OF ON OR SAY SAYS THAT THE THERE THIS TO WAS WE WHAT "
    "WHEN WHERE WHICH WHO WILL WITH YOU DAS DER DIE EIN EINE IST UND VON WIE ZU"
)
COMMON: Final = frozenset(_COMMON.split())
"""Words that are searched only if a query has no others."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it is searched."""

    words: tuple[str, ...]
    stems: tuple[str, ...]
    """The beginning that a word of a passage needs to match, for each of `words`."""

    @classmethod
    def of(cls, text: str) -> "Query":
        """The query of a text; without words for a text that has none."""
        chosen = tuple(words_to_search(text)[:MOST_WORDS])
        return cls(chosen, tuple(map(stem_of, chosen)))


def words_to_search(text: str) -> list[str]:
    """The different words of a query, without common ones unless it has no others."""
    words = list(dict.fromkeys(search_words(text[:4000])))
    return [each for each in words if each not in COMMON] or words


def scores(query: Query, passages: Sequence[str]) -> list[float]:
    """The score of each passage, given as its words with a space between two; 0 for one without any word of the
    query."""
    if not passages or not query.words:
        return [0.0] * len(passages)
    lengths = [words.count(" ") + 1 for words in passages]
    average = sum(lengths) / len(passages)
    norms = [K1 * (1 - B + B * (length / average)) for length in lengths]
    # Word by word, not passage by passage: in a search of 300 passages calls of Python cost more than the sums.
    padded = [f" {words} " for words in passages]
    counts = [_counts(word, stem, padded) for word, stem in zip(query.words, query.stems, strict=True)]
    sums = [0.0] * len(passages)
    for each in counts:
        found = len(each) - each.count(0)
        weight = math.log(1 + (len(passages) - found + 0.5) / (found + 0.5))
        parts = zip(sums, each, norms, strict=True)
        sums = [score + weight * count * (K1 + 1) / (count + norm) if count else score for score, count, norm in parts]
    together = zip(sums, zip(*counts, strict=True), strict=True)
    return [score * (1 + TOGETHER) if all(each) else score for score, each in together]


def _counts(word: str, stem: str, padded: Sequence[str]) -> list[float]:
    """How often each passage has the word, with a share of its other forms."""
    beginning = f" {stem}"
    return [_count(word, found, words) if (found := words.count(beginning)) else 0 for words in padded]


def _count(word: str, found: int, padded: str) -> float:
    # The word itself begins with its stem, too.
    exact = padded.count(f" {word} ")
    if exact and f" {word} {word} " in padded:
        # Two spaces between two words: each has its own, and the same word twice is counted twice.
        exact = padded.replace(" ", "  ").count(f" {word} ")
    return exact + OTHER_FORM * (found - exact)
