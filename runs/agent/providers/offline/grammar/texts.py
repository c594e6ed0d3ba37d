"""Texts: counting the words, characters, sentences and lines of a quoted text."""

import re
from collections.abc import Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import Clause, Goal, TaskRefused

# The first match counts, so longer names come before shorter ones.
_WITHOUT_SPACES = (
    r"(?:characters?|letters?) (?:without|excluding|not counting|ignoring|not including) (?:the )?(?:spaces|whitespace)"
    r"|non-?(?:space|whitespace) characters?"
)
_COUNTS = (
    (r"(?:unique|different|distinct) words?", "unique_words", "different word"),
    (_WITHOUT_SPACES, "characters_without_spaces", "character without spaces"),
    (r"words?", "words", "word"),
    (r"characters?|chars?", "characters", "character"),
    (r"sentences?", "sentences", "sentence"),
    (r"lines?", "lines", "line"),
    (r"letters?", "letters", "letter"),
)
_COUNT = "|".join(pattern for pattern, _, _ in _COUNTS)
_LIST = rf"(?P<counts>(?:{_COUNT})(?:(?:,? and |, )(?:the )?(?:{_COUNT}))*)"
_TEXT = (
    r"(?:the |this |my |following |text |string |sentence |phrase |word |quote |title |passage |paragraph )*"
    r":? ?«(?P<quote>\d+)»"
)
_COUNTED = (
    rf"(?:(?:count|count up|how many|number of|the number of|count how many|get) )?(?:the )?(?:number of )?{_LIST}"
    rf"(?: (?:are|is))?(?: there)? (?:in|of|from|inside|within|has|have|is) {_TEXT}"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        _COUNTED,
        rf"how many {_LIST} (?:does|do) {_TEXT} (?:have|contain|has|hold)",
        rf"in {_TEXT},? (?:how many|count(?: the)?) {_LIST}(?: (?:are|is) there)?",
        rf"{_TEXT} has how many {_LIST}",
        rf"(?:the )?{_LIST} count(?: of| for| in|:)? {_TEXT}",
        rf"how many {_LIST} (?:does|do) (?:this|the) (?:text|sentence|phrase|string) (?:have|contain):? {_TEXT}",
    )
)
_LENGTH = re.compile(rf"(?:(?:the )?(?:length|character length) of|how long is) {_TEXT}")
_EVERYTHING = re.compile(
    rf"(?:analy[sz]e|describe|(?:the )?(?:text )?(?:stats|statistics) (?:of|for|on|about)|measure) {_TEXT}"
)
_ALL = ("words", "unique_words", "characters", "characters_without_spaces", "sentences", "lines")
_NOUNS = {key: noun for _, key, noun in _COUNTS}


def read_texts(clause: Clause, _earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for `text_stats`, or None if no rule matches. Raises `TaskRefused` for letters in a text with other
    signs."""
    if "«" not in clause.text:
        return None
    text = " ".join(clause.lower.split())
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            quote = clause.quotes[int(match["quote"])]
            keys = [_key(name, quote) for name in re.findall(_COUNT, match["counts"])]
            return (_goal(clause, quote, tuple(dict.fromkeys(keys))),)
    if match := _LENGTH.fullmatch(text):
        return (_goal(clause, clause.quotes[int(match["quote"])], ("characters",)),)
    if match := _EVERYTHING.fullmatch(text):
        return (_goal(clause, clause.quotes[int(match["quote"])], _ALL),)
    return None


def _key(name: str, quote: str) -> str:
    key = next(key for pattern, key, _ in _COUNTS if re.fullmatch(pattern, name))
    if key != "letters":
        return key
    if not all(character.isalpha() or character.isspace() for character in quote):
        raise TaskRefused("the text has more than letters in it, and I count characters: ask for characters instead")
    return "characters_without_spaces"


def _goal(clause: Clause, quote: str, keys: tuple[str, ...]) -> Goal:
    def say(_arguments: JsonMapping, output: Any) -> str:
        counts = [f"**{output[key]}** {_noun(key, output[key])}" for key in keys]
        listed = counts[0] if len(counts) == 1 else f"{', '.join(counts[:-1])} and {counts[-1]}"
        return f"{_shown(quote)} has {listed}"

    return Goal(
        clause=clause.said,
        rule="text statistics",
        tool_name="text_stats",
        arguments={"text": quote},
        say=say,
        kind="number" if len(keys) == 1 else "other",
        value=lambda output: output[keys[0]],
    )


def _noun(key: str, count: int) -> str:
    noun, _, rest = _NOUNS[key].partition(" without")
    return noun + ("" if count == 1 else "s") + (" without" + rest if rest else "")


def _shown(quote: str) -> str:
    start = " ".join(quote.split())
    return f"“{start if len(start) <= 60 else start[:57] + '…'}”"
