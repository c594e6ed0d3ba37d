"""Topics of a question about documents: the words that a passage must have, to say something about it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from runs.agent.files.ranking import COMMON
from runs.agent.files.search_words import search_words
from runs.agent.providers.offline.goals import TaskRefused

MOST_WORDS: Final = 12
"""Words of a topic, and of a quoted text in it; more are a text, and none has all of them."""
MOST_TOPICS: Final = 6
_PARTS: Final = re.compile(r",\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"«(\d+)»")
_PREFIX: Final = re.compile(
    r"(?:(?:the\s+)?(?:words?|phrases?|terms?|topics?|subjects?|expression|string|texts?)(?:\s+of)?|how|the)\s+",
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

Forms = Callable[[str], frozenset[str]]
Term = tuple[str, ...]
"""Words that stand together, as `search_words` has them."""


@dataclass(frozen=True, slots=True)
class SearchTopic:
    """What is looked for."""

    said: str
    """In the user's words."""
    terms: tuple[Term, ...]

    @property
    def query(self) -> str:
        """Its words, for the search."""
        return " ".join(word for term in self.terms for word in term)

    def is_in(self, words: Sequence[str], forms: Forms) -> bool:
        """True if all terms are among the words of a text, each of their words in one of its forms."""
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
    terms: list[Term] = []
    for place, piece in enumerate(_PLACEHOLDER.split(text)):
        is_number = place % 2 == 1 and int(piece) < len(quotes)
        terms += _quoted_term(quotes[int(piece)]) if is_number else _terms(piece)
    said = " ".join(_PLACEHOLDER.sub(lambda match: _restored(match, quotes), text).split())
    if not terms:
        told = f"“{said[:60]}” has no word that I could look for" if said else "it does not say what to look for"
        raise TaskRefused(told)
    if (number := sum(map(len, terms))) > MOST_WORDS:
        raise TaskRefused(f"what it looks for has {number} words; name it in at most {MOST_WORDS}")
    return SearchTopic(said, tuple(dict.fromkeys(terms)))


def _restored(match: re.Match[str], quotes: Sequence[str]) -> str:
    return quotes[int(match[1])] if int(match[1]) < len(quotes) else match[0]


def _quoted_term(text: str) -> list[Term]:
    words = tuple(search_words(text[:2000]))
    return [words] if words else []


def _terms(text: str) -> list[Term]:
    found = (tuple(search_words(_POSSESSIVE.sub("", token.strip('?!.,;:()[]"')))) for token in text.split())
    return _with_numbers([term for term in found if term and not set(term) <= _NO_TOPIC])


def _with_numbers(terms: Sequence[Term]) -> list[Term]:
    """The terms, each number together with what it counts: "30 days" is not said by 30 minutes and 5 days."""
    joined: list[Term] = []
    for term in terms:
        if joined and all(word.isdecimal() for word in joined[-1]):
            joined[-1] += term
        else:
            joined.append(term)
    return joined


def _stands_together(words: Sequence[str], allowed: Sequence[frozenset[str]]) -> bool:
    ends = len(words) - len(allowed) + 1
    return any(all(words[start + at] in each for at, each in enumerate(allowed)) for start in range(ends))
