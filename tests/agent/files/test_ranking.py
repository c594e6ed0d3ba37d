"""Passages are ranked by BM25, in which other forms of a word count less and the same word counts each time."""

import math
import random

import pytest

from runs.agent.files.ranking import K1, OTHER_FORM, TOGETHER, B, Query, scores

VOCABULARY = ("A", "AB", "REFUND", "REFUNDS", "REFUNDED", "REFUNDING", "REFUGE", "X", "ÄB", "日本", "1", "12", "THE")


def scores_word_by_word(query: Query, passages: list[str]) -> list[float]:
    """The formula, on lists of words."""
    lists = [passage.split(" ") for passage in passages]
    columns = [
        [
            sum((word == asked) + OTHER_FORM * (word != asked and word.startswith(stem)) for word in words)
            for words in lists
        ]
        for asked, stem in zip(query.words, query.stems, strict=True)
    ]
    average = sum(map(len, lists)) / len(lists)
    totals = []
    for place, words in enumerate(lists):
        total = 0.0
        for column in columns:
            found = sum(1 for count in column if count)
            weight = math.log(1 + (len(lists) - found + 0.5) / (found + 0.5))
            total += weight * column[place] * (K1 + 1) / (column[place] + K1 * (1 - B + B * len(words) / average))
        totals.append(total * (1 + TOGETHER) if all(column[place] for column in columns) else total)
    return totals


@pytest.mark.parametrize("seed", range(200))
def test_the_scores_are_those_of_the_formula(seed: int) -> None:
    chance = random.Random(seed)
    passages = [" ".join(chance.choices(VOCABULARY, k=chance.randint(1, 30))) for _ in range(chance.randint(1, 12))]
    query = Query.of(" ".join(chance.choices(VOCABULARY, k=chance.randint(1, 5))))
    assert scores(query, passages) == pytest.approx(scores_word_by_word(query, passages))


def test_the_same_word_one_after_the_other_counts_each_time() -> None:
    once, thrice, apart = scores(Query.of("tide"), ["TIDE A B C D", "TIDE TIDE TIDE A B", "TIDE A TIDE B TIDE"])
    assert thrice == apart > once


def test_a_passage_without_any_word_of_the_query_has_no_score() -> None:
    assert scores(Query.of("tide"), ["WIND", "TIDES"])[0] == 0


def test_no_passages_have_no_scores() -> None:
    assert scores(Query.of("tide"), []) == []


def test_a_query_without_words_finds_nothing() -> None:
    assert scores(Query.of("{{"), ["a line", ""]) == [0.0, 0.0]
