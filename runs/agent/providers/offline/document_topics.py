"""Topics of a question about documents: the words that a passage must have, to say something about it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from runs.agent.files.ranking import COMMON
from runs.agent.files.search_words import search_words
from runs.agent.providers.offline.goals import TaskRefused

MOST_WORDS: Final = 12
"""Words of a topic, and of a quoted text in it; more are a text, and none has all of them."""
MOST_TOPICS: Final = 6
_PARTS: Final = re.compile(r",\s+(?:and\s+|or\s+)?|,$|\s+(?:and|or)\s+", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"«(\d+)»")
_PREFIX: Final = re.compile(
    r"(?:(?:the\s+)?(?:words?|phrases?|terms?|topics?|subjects?|expression|string|texts?)(?:\s+of)?|how|the|both|either)\s+",
    re.IGNORECASE,
)
_POSSESSIVE: Final = re.compile(r"['’]s?$", re.IGNORECASE)
_VERBS: Final = (
    "what what's whats how which who when where why is are does do find search quote read convert count calculate "
    "compute multiply add subtract divide tell show give translate summarize summarise explain compare write send "
    "delete create sort rank"
)
_OTHER_TASKS: Final = frozenset(_VERBS.split())
"""Words that begin another question rather than another topic."""
_PRONOUNS: Final = (
    "ANY ALL SOME ITS THEIR OUR MY YOUR THEM THESE THOSE HIM HER HIS SOMETHING ANYTHING EVERYTHING NOTHING CAN MAY IF "
    "ABOUT ETC ME US HE SHE THEY"
)
_NO_TOPIC: Final = COMMON | frozenset(_PRONOUNS.split())

_IN_NUMBER: Final = re.compile(r"(?<=\d)[.,](?=\d)")
_JOINED: Final = "\ua78f"
"""A letter that stands for such a sign, so that a number is one word: “90 dollars” are not in “4.90 dollars”."""
_SIGNS: Final = {"$": "dollars", "€": "euros", "£": "pounds", "%": "percent"}
_UNITS: Final = ("DOLLAR", "DOLLARS", "EURO", "EUROS", "POUND", "POUNDS", "PERCENT")
"""Words for which a text may have a sign, which a search does not find."""
_SIGN_BEFORE: Final = re.compile(r"([$€£])\s?(\d[\d.,]*)")
_SIGN_AFTER: Final = re.compile(r"(\d)\s?([$€£%])")

Forms = Callable[[str], frozenset[str]]
Term = tuple[str, ...]
"""Words that stand together, as `words_of` has them."""


@dataclass(frozen=True, slots=True)
class SearchTopic:
    """What is looked for."""

    said: str
    """In the user's words."""
    terms: tuple[Term, ...]
    query: str = ""
    """Its words, for the search."""

    def is_in(self, words: Sequence[str], forms: Forms) -> bool:
        """True if all terms are among the words of a text (`words_of`), each of their words in one of its forms."""
        known = set(words)
        for term in self.terms:
            allowed = [forms(word) for word in term]
            if not all(known & each for each in allowed):
                return False
            if len(term) > 1 and not _stands_together(words, allowed):
                return False
        return True


def topics_of(text: str, quotes: Sequence[str]) -> tuple[SearchTopic, ...] | None:
    """The topics of a text with `«n»` in place of quoted texts: one, or several if it is a list.

    None if a part of the list is a question of its own. Raises `TaskRefused` if nothing can be looked for.
    """
    parts = [part for part in (each.strip() for each in _PARTS.split(text)) if part]
    if any(_is_task(part.lower().split()) for part in parts[1:]):
        return None
    if not parts:
        raise TaskRefused("it does not say what to look for")
    if len(parts) > MOST_TOPICS:
        raise TaskRefused(f"it names {len(parts)} things to look for; ask for at most {MOST_TOPICS} at once")
    topics = {topic.terms: topic for topic in (_topic(part, quotes) for part in parts)}
    return tuple(topics.values())


def _is_task(words: Sequence[str]) -> bool:
    return words[0] in _OTHER_TASKS or "it" in words or "them" in words


def _topic(part: str, quotes: Sequence[str]) -> SearchTopic:
    text = part
    while (match := _PREFIX.match(text)) and match.end() < len(text):
        text = text[match.end() :]
    found: list[tuple[Term, str]] = []
    for place, piece in enumerate(_PLACEHOLDER.split(text)):
        is_number = place % 2 == 1 and int(piece) < len(quotes)
        found += [_term(quotes[int(piece)][:2000])] if is_number else _terms(piece)
    terms = [term for term, _ in found if term]
    said = " ".join(_PLACEHOLDER.sub(lambda match: _restored(match, quotes), text).split())
    if not terms:
        told = f"“{said[:60]}” has no word that I could look for" if said else "it does not say what to look for"
        raise TaskRefused(told)
    if (number := sum(map(len, terms))) > MOST_WORDS:
        raise TaskRefused(f"what it looks for has {number} words; name it in at most {MOST_WORDS}")
    return SearchTopic(said, tuple(dict.fromkeys(_with_numbers(terms))), _query(query for _, query in found))


def _query(texts: Iterable[str]) -> str:
    words = " ".join(filter(None, texts)).split()
    has_number = any(word.isdecimal() for word in words)
    return " ".join(word for word in words if not (has_number and word in _UNITS))


def _restored(match: re.Match[str], quotes: Sequence[str]) -> str:
    return quotes[int(match[1])] if int(match[1]) < len(quotes) else match[0]


def words_of(text: str) -> list[str]:
    """The words of a text as `search_words` has them, but a number as one word, and signs of currencies as words."""
    text = _SIGN_BEFORE.sub(lambda match: f"{match[2]} {_SIGNS[match[1]]}", text)
    text = _SIGN_AFTER.sub(lambda match: f"{match[1]} {_SIGNS[match[2]]}", text)
    return search_words(_IN_NUMBER.sub(_JOINED, text))


def _terms(text: str) -> list[tuple[Term, str]]:
    tokens = _SIGN_AFTER.sub(r"\1\2", text).split()
    found = (_term(_POSSESSIVE.sub("", token.strip('?!.,;:()[]"'))) for token in tokens)
    return [(term, query) for term, query in found if term and not set(term) <= _NO_TOPIC]


def _term(text: str) -> tuple[Term, str]:
    """The words of a text that stand together, and the text as it is searched."""
    return tuple(words_of(text)), " ".join(search_words(text))


def _with_numbers(terms: Sequence[Term]) -> list[Term]:
    """The terms, each number together with what it counts: "30 days" is not said by 30 minutes and 5 days."""
    joined: list[Term] = []
    for term in terms:
        if joined and len(joined[-1]) == 1 and joined[-1][0].replace(_JOINED, "").isdecimal():
            joined[-1] += term
        else:
            joined.append(term)
    return joined


def _stands_together(words: Sequence[str], allowed: Sequence[frozenset[str]]) -> bool:
    ends = len(words) - len(allowed) + 1
    return any(all(words[start + at] in each for at, each in enumerate(allowed)) for start in range(ends))
