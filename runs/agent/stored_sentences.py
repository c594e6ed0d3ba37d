"""English sentences that are stored as plain texts, and their recognition when a page shows them.

A text passes the redaction, and is stored, logged and sent to programs, as one text. A page that has another language
recognizes the sentence that the text was made from, also in rows of earlier versions.
"""

from typing import ClassVar, Final

from runs.agent.marked_words import words
from runs.agent.wording import Sentence, Wording

MESSAGE: Final = "message"
"""The name of a value that is a text of its own, of any length: perhaps one of these sentences."""
FAULTS: Final = "faults"
"""The name of a value that lists faults, each a line `- where: fault`."""
TEXTS: Final = (MESSAGE, FAULTS)
COMMAND_LINE: Final = words("The command line")
"""In place of a person's name, where nobody had signed in."""
MAX_CHARS: Final = 32_768
"""Longer texts are not searched for a sentence. Messages are shorter."""


class StoredSentence:
    """A sentence: the text with `%(name)s` for each value, which is its name in the catalogs too.

    A value is a number or text of one line, or one of `TEXTS`. At the beginning of a sentence it is in quotes, brackets
    or `COMMAND_LINE`, or has no white space: otherwise any text that goes on like the sentence would be recognized.
    Each subclass is a set of sentences, which are recognized among each other.
    """

    known: ClassVar[list["StoredSentence"]]
    """The sentences of the imported modules, in the order of recognition. Each subclass has its own."""

    def __init_subclass__(cls) -> None:
        cls.known = []

    def __init__(self, text: str, *, plural: str = "") -> None:
        """`plural` is the text for another `count` than one."""
        self.text = text
        self.plural = plural
        self._forms = [_Form(each) for each in (text, plural) if each]
        self.known.append(self)
        self.known.sort(key=lambda each: each.breadth)

    @classmethod
    def recognized(cls, text: str) -> Sentence | None:
        """The sentence that a stored text was made from, with its values; None for any other text."""
        if not text or len(text) > MAX_CHARS:
            return None
        return next((found for each in cls.known if (found := each.found_in(text)) is not None), None)

    def made(self, **values: str | float) -> str:
        """The sentence in English."""
        return str(Wording(self.text, plural=self.plural, **values))

    def found_in(self, text: str) -> Sentence | None:
        """The sentence with its values, if `text` was made from it; else None."""
        for form in self._forms:
            if (values := form.values_in(text)) is None:
                continue
            if "count" not in values:
                return Sentence(self.text, values)
            if (count := number_in(values["count"])) is not None:
                return Sentence(self.text, values | {"count": count}, self.plural)
        return None

    @property
    def breadth(self) -> tuple[bool, int]:
        """The order of recognition: those with most words of their own first, those that begin with a value last."""
        return self.text.startswith("%("), -sum(map(len, self._forms[0].literals))


def number_in(text: str) -> float | None:
    """The number that a value is, in English notation: `1,234.5`; None for any other text."""
    plain = text.replace(",", "")
    if len(plain) > 20 or not plain.isascii() or not plain.replace(".", "", 1).isdecimal():
        return None
    return float(plain)


class _Form:
    """One form of a sentence, as the texts around its values."""

    def __init__(self, text: str) -> None:
        beginning, *parts = text.split("%(")
        self.names = [part.partition(")s")[0] for part in parts]
        self.literals = [beginning, *(part.partition(")s")[2] for part in parts)]

    def values_in(self, text: str) -> dict[str, str] | None:
        first, *between = self.literals
        if not between:
            return {} if text == first else None
        last = between.pop()
        start, end = len(first), len(text) - len(last)
        if start >= end or not text.startswith(first) or not text.endswith(last):
            return None
        values = {}
        for name, literal in zip(self.names, between, strict=False):
            place = text.find(literal, start, end)
            if place < 0:
                return None
            values[name], start = text[start:place], place + len(literal)
        values[self.names[-1]] = text[start:end]
        return values if self._are_possible(values) else None

    def _are_possible(self, values: dict[str, str]) -> bool:
        opening = "" if self.literals[0] or self.names[0] == MESSAGE else values[self.names[0]]
        if opening and opening[0] not in "'\"[{" and " " in opening and opening != COMMAND_LINE:
            return False
        return all(value and (name in TEXTS or "\n" not in value) for name, value in values.items())
