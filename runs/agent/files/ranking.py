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
    if not passages:
        return []
    counts, lengths = [_counts(query, words) for words in passages], [words.count(" ") + 1 for words in passages]
    average = sum(lengths) / len(passages)
    having = [sum(1 for each in counts if each[place]) for place in range(len(query.words))]
    weights = [math.log(1 + (len(passages) - found + 0.5) / (found + 0.5)) for found in having]
    return [_score(each, weights, length / average) for each, length in zip(counts, lengths, strict=True)]


def _counts(query: Query, words: str) -> list[float]:
    # Two spaces between two words: each has its own, and the same word twice is counted twice.
    padded = f" {words.replace(' ', '  ')} "
    return [_count(word, stem, padded) for word, stem in zip(query.words, query.stems, strict=True)]


def _count(word: str, stem: str, padded: str) -> float:
    exact = padded.count(f" {word} ")
    # The word itself begins with its stem, too.
    return exact + OTHER_FORM * (padded.count(f" {stem}") - exact)


def _score(counts: Sequence[float], weights: Sequence[float], length: float) -> float:
    norm = K1 * (1 - B + B * length)
    score = sum(weight * count * (K1 + 1) / (count + norm) for count, weight in zip(counts, weights, strict=True))
    return score * (1 + TOGETHER) if all(counts) else score
