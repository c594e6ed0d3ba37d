"""Text statistics, as a reader would count."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.builtin.text_stats import text_stats


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("the quick brown fox", {"words": 4, "characters": 19, "characters_without_spaces": 16, "lines": 1}),
        ("", {"words": 0, "unique_words": 0, "characters": 0, "sentences": 0, "lines": 0}),
        ("The cat, the dog.", {"words": 4, "unique_words": 3, "sentences": 1}),
        ("don't stop—go on - now", {"words": 5}),
        ("It is 3.5 m. Really! Yes", {"words": 6, "sentences": 3}),
        ("Dr. A. Smith left, e.g. today. Then he came back.", {"sentences": 2}),
        ("... !", {"words": 0, "sentences": 0}),
        ("naïve", {"characters": 5}),
        ("nai\u0308ve", {"characters": 5}),
        ("👨‍👩‍👧 🇩🇪 👍🏽", {"characters": 5, "characters_without_spaces": 3}),
        ("日本語です。はい。", {"words": 7, "sentences": 2}),
        ("हिन्दी भाषा", {"words": 2}),
        ("a\r\nb\nc", {"words": 3, "lines": 3, "characters": 5}),
        ("Straße STRASSE", {"words": 2, "unique_words": 1}),
    ],
)
def test_a_text_is_counted_as_a_reader_would(text: str, counts: dict[str, int]) -> None:
    assert counts.items() <= text_stats(text).items()


@given(st.text(max_size=200))
def test_counts_never_contradict_each_other(text: str) -> None:
    counts = text_stats(text)

    assert 0 <= counts["unique_words"] <= counts["words"] <= counts["characters_without_spaces"] + 1
    assert counts["characters_without_spaces"] <= counts["characters"]
    assert all(count >= 0 for count in counts.values())


@pytest.mark.parametrize(
    "text", ["a" * 200_000, ". " * 100_000, ".\"'" * 66_000, "?" * 200_000], ids=["a", ". ", "quotes", "?"]
)
def test_the_longest_text_is_counted_in_time(text: str) -> None:
    started = time.process_time()

    text_stats(text)

    assert time.process_time() - started < 2


def test_a_text_beyond_the_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(ToolFailed, match="200000"):
        text_stats("a" * 200_001)
