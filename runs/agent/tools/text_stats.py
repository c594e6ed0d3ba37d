"""The text statistics tool."""

import re
import unicodedata

from runs.agent.errors import ToolFailed
from runs.agent.tools.registry import tool

MAX_LENGTH = 200_000
"""Characters of a text: about a tenth of a second."""

_IDEOGRAPH = "[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_TOKEN = re.compile(rf"{_IDEOGRAPH}|(?:(?!{_IDEOGRAPH})[^\s\u2013\u2014])+")
_SENTENCE_END = re.compile(
    # Not after a title or an initial: "Dr. A. Smith left." is one sentence.
    r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bMrs)(?<!\bProf)(?<!\b[A-Z])[.!?…]+[\"'”’)\]]*(?=\s+[^a-z\s]|\s*$)|[。！？]+"
)
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
    text = unicodedata.normalize("NFC", text)
    words = [token for token in _TOKEN.findall(text) if _has_letter_or_digit(token)]
    return {
        "words": len(words),
        "unique_words": len({_bare(word) for word in words}),
        "characters": _visible_characters(text),
        "characters_without_spaces": _visible_characters("".join(text.split())),
        "sentences": sum(map(_has_letter_or_digit, _SENTENCE_END.split(text))),
        "lines": len(text.splitlines()),
    }


def _has_letter_or_digit(token: str) -> bool:
    return any(character.isalnum() for character in token)


def _bare(word: str) -> str:
    """The word without the punctuation around it, and without case."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", word).casefold() or word


def _visible_characters(text: str) -> int:
    """Characters as a reader counts them: marks, joined emoji, skin tones and the second half of a flag add nothing."""
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
