"""No text takes long to read: repetitions of short strings, 10 to 200 KB, for every reader.

A seeded sample by default, all with `CHAOS=full`.
"""

import os
import random

import pytest

from runs.markup import code_colours
from tests.time_limits.killable import RUN, slow_calls
from tests.time_limits.readers import COLOURED, READERS

IS_FULL = os.environ.get("CHAOS") == "full"
SEED = int(os.environ.get("CHAOS_SEED", "9"))
SIZES = (10_000, 200_000) if IS_FULL else (50_000,)
PIECES = [
    *"\n \t\ra0._-+*/\\|&^%$#@!~?:;,=<>()[]{}\"'`“”‘’«»。！…é中🇩\u0301\u200b\ufeff",
    *("a ", "a\n", "\n ", "\n\t", "\r\n", "1 ", "1,", "1.", "a.", ".\"'", "''", '""', "**", "__", "~~", "$$", "$a"),
    *("```", "```a\n", "~~~\n", "<!--", "-->", "</", "<a", "&a", "&#1", "](", "[a]", "![", "[a]: b\n", "|", "|-", "``"),
    *("1. ", "# ", "===\n", "    a\n", "/*", "*/", "//", '\\"', "\\u", '{"a":', "[[", "{{", "('", " '", ": ", "Dr. "),
    *("| a ", "- ", "> ", "and ", "then ", "words ", "5 km ", "add 1 and ", "please ", "2020-01-01 ", "one ", "the "),
    *("sk-", "://", "a@", "<title", "limit: 0", "rate ", "tokens ", "try again in 1", "e1", "1e9", "0x"),
    *("\u0f71\u0f72", "\u0f73\u0f71", "\uff9e\u0301", "東", "я", "p\u0430", "\u200d", "\u202e"),
    *("for=", 'for="', "\\\"", "bearer ", "eyJ", "password=", ";pwd=", "cookie: ", "host=a ", "-----BEGIN "),
    *("\u0301\u0316", "\\(", "\\begin{align}", "<think>", "</think>", "def a(", "select ", "${"),
]  # fmt: skip

KNOWN = {
    "computed": [".", "-a", "\u0301\u0316"],
    "planned": [" '", "words ", "(", "\n"],
    "checked": ["a"],
    "read_as_json": [f"x\n```{RUN} x", f"```json{RUN}\tx", f"{{1}}{RUN} x"],
    "searched": ["\u0f71\u0f72", "東"],
    "hidden": ["a", "a\n"],
    "proxied": ['"a', '\\"'],
    "rendered": ["```mcschema\n<!--\n```\n"],
}
"""Texts that were slow once."""


def texts(size: int, most: int) -> list[tuple[str, int]]:
    """Pieces, pairs and triples of them, each with the size it is repeated to."""
    invented = random.Random(f"{SEED} {size}")
    pairs = ["".join(invented.choices(PIECES, k=invented.choice((2, 2, 3)))) for _ in range(most)]
    chosen = PIECES if IS_FULL else invented.sample(PIECES, 6)
    return [(piece, size) for piece in dict.fromkeys([*chosen, *pairs])]


def runs(most: int) -> list[str]:
    """A long run of one character, then a mismatch, after many kinds of beginning: two repetitions in one pattern can
    share the run in every way."""
    invented = random.Random(f"{SEED} runs")
    beginnings = [*PIECES, *(f"x\n{piece}" for piece in PIECES)]
    chosen = [(beginning, each) for beginning in beginnings for each in " \t\na0"]
    return [f"{beginning}{RUN}{each}x" for beginning, each in (chosen if IS_FULL else invented.sample(chosen, most))]


@pytest.mark.parametrize("reader", READERS)
def test_every_text_is_read_in_time(reader):
    found = [each for size in SIZES for each in texts(size, 60 if IS_FULL else 4)]
    found += [(piece, size) for piece in runs(20 if IS_FULL else 3) for size in SIZES]
    found += [(piece, size) for piece in KNOWN.get(reader, ()) for size in SIZES]

    assert slow_calls(f"tests.time_limits.readers:{reader}", found, limit_s=READERS[reader]) == []


@pytest.mark.parametrize("reader", COLOURED)
def test_every_lexer_that_has_colours_is_in_time(reader):
    found = texts(code_colours.MAX_CHARS, 200 if IS_FULL else 4)

    assert slow_calls(f"tests.time_limits.readers:{reader}", found, limit_s=COLOURED[reader]) == []


def test_a_call_that_never_ends_and_one_that_takes_too_long_are_found():
    texts = [("a", 10), ("b", 10), ("c", 10)]

    found = slow_calls("tests.time_limits.test_time_limits:_slow_for_some", texts, limit_s=0.1)

    assert [each.text for each in found] == ["a", "b"]


def _slow_for_some(text: str) -> None:
    import time

    began = time.process_time()
    while text[0] == "a" or (text[0] == "b" and time.process_time() - began < 0.15):
        pass
