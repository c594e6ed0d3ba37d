"""The text statistics tool."""

import re
import unicodedata
from collections.abc import Iterator

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.registry import tool
from runs.agent.unicode_normalization import stream_safe

MAX_LENGTH = 200_000
"""Characters of a text, which take about a tenth of a second."""

_IDEOGRAPHS = "\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_IDEOGRAPHS}]|[^\s\u2013\u2014{_IDEOGRAPHS}]+")
_MARKS = re.compile(r"[.!?…]+[\"'”’)\]]*|[。！？]+")
"""Possible ends of a sentence. `_ends_sentence` checks each: a single pattern for both would take quadratic time."""
_TITLE = re.compile(r"\b(?:Mr|Ms|Dr|St|Mrs|Prof|[A-Z])\Z")
"""A title or an initial before the full stop: "Dr. A. Smith left." is one sentence."""
_TITLE_CHARS = 6
"""Length of the longest title and the character before it."""
_SPACES = re.compile(r"\s*")
_ENDS = frozenset(".!?…")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_JOINER = "\u200d"


@tool(effect="pure", layer="builtin")
def text_stats(text: str) -> dict[str, int]:
    """Count the words, characters, sentences and lines of a text.

    Characters are what a reader sees: an accented letter or a flag is one. A word is what stands between spaces or
    dashes and has a letter or digit in it; each Chinese or Japanese character is a word.

    Args:
        text: The text. At most 200,000 characters.
    """
    if len(text) > MAX_LENGTH:
        raise ToolFailed(f"The text has {len(text)} characters; at most {MAX_LENGTH} are counted. Give it in parts.")
    text = _composed(text)
    words = [token for token in _TOKEN.findall(text) if _has_letter_or_digit(token)]
    return {
        "words": len(words),
        "unique_words": len({_bare(word) for word in words}),
        "characters": _visible_characters(text),
        "characters_without_spaces": _visible_characters("".join(text.split())),
        "sentences": sum(map(_has_letter_or_digit, _sentences(text))),
        "lines": len(text.splitlines()),
    }


def _has_letter_or_digit(token: str) -> bool:
    return any(character.isalnum() for character in token)


def _sentences(text: str) -> Iterator[str]:
    begin = 0
    for marks in _MARKS.finditer(text):
        if _ends_sentence(text, marks):
            yield text[begin : marks.start()]
            begin = marks.end()
    yield text[begin:]


def _ends_sentence(text: str, marks: re.Match[str]) -> bool:
    start, end = marks.span()
    if text[start] in "。！？":
        return True
    if _TITLE.search(text[max(0, start - _TITLE_CHARS) : start]) and text[start + 1 : start + 2] not in _ENDS:
        return False
    spaces = _SPACES.match(text, end)
    following = spaces.end() if spaces else end
    return following == len(text) or (following > end and not "a" <= text[following] <= "z")


def _composed(text: str) -> str:
    """The text in the composed normal form NFC."""
    return unicodedata.normalize("NFC", stream_safe(text))


def _bare(word: str) -> str:
    """The word without surrounding punctuation, case-folded."""
    first = next(place for place, character in enumerate(word) if character.isalnum())
    last = next(place for place in range(len(word), 0, -1) if word[place - 1].isalnum())
    return word[first:last].casefold()


def _visible_characters(text: str) -> int:
    """Characters as seen by a reader: marks, joined emoji, skin tones and the second half of a flag are not counted."""
    count, previous, open_flag = 0, "", False
    for character in text:
        is_flag_letter = ord(character) in _FLAG_LETTERS
        joins = (
            unicodedata.category(character) in {"Mn", "Mc", "Me"}
            or _JOINER in {character, previous}
            or ord(character) in _SKIN_TONES
            or (is_flag_letter and open_flag)
            or (character == "\n" and previous == "\r")
        )
        count += not joins
        open_flag = is_flag_letter and not open_flag
        previous = character
    return count
