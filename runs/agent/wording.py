"""English sentences that are stored, with their parts, so that a page can say them in its reader's language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from runs.agent.json_data.json_types import JsonObject
from runs.agent.text import number_text

SAID: Final = "said"
"""The key of a step's metadata that has the parts of its text."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: the text with `%(name)s` for each value, which is its name in the catalogs too."""

    text: str
    values: Mapping[str, str | float]
    plural: str = ""
    """The text for another `count` than one; empty for a sentence without a plural."""

    def words(
        self,
        translate: Callable[[str], str] = str,
        number: Callable[[float], str] = number_text,
        several: Callable[[str, str, int], str] | None = None,
    ) -> str:
        """The sentence in the language of the functions; in English by default."""
        count = self.values.get("count")
        if not self.plural or not isinstance(count, int | float):
            text = translate(self.text)
        elif several is None:
            text = self.text if count == 1 else self.plural
        else:
            text = several(self.text, self.plural, round(count))
        return _filled(text, {name: v if isinstance(v, str) else number(v) for name, v in self.values.items()})


class Wording(str):
    """A sentence, or several, as an English text that knows its parts. Joined to another text it is a plain text."""

    __slots__ = ("sentences",)
    sentences: tuple[Sentence, ...]

    def __new__(cls, text: str, *, plural: str = "", **values: str | float) -> Self:
        """`text` with `%(name)s` for each value; `plural` is the text for another `count` than one."""
        return cls._of([Sentence(text, values, plural)])

    @classmethod
    def _of(cls, sentences: Iterable[Sentence]) -> Self:
        said = tuple(sentences)
        made = str.__new__(cls, " ".join(sentence.words() for sentence in said))
        made.sentences = said
        return made

    @classmethod
    def paragraph(cls, *parts: "str | Wording") -> Self:
        """The sentences one after the other. A plain text among them stays as it is in every language."""
        return cls._of(
            sentence
            for part in parts
            for sentence in (part.sentences if isinstance(part, Wording) else [Sentence("%(text)s", {"text": part})])
        )


def said_in(text: str) -> JsonObject:
    """The member of a step's metadata with the parts of `text`; none for a text that is no wording."""
    if not isinstance(text, Wording):
        return {}
    return {SAID: [_stored(each) for each in text.sentences]}


def _stored(sentence: Sentence) -> JsonObject:
    plural = {"plural": sentence.plural} if sentence.plural else {}
    return {"text": sentence.text, "values": dict(sentence.values)} | plural


def parts_in(stored: object) -> list[Sentence]:
    """The parts of a text in a step's stored metadata; none if they are missing. Never raises."""
    return read_parts(stored.get(SAID)) if isinstance(stored, dict) else []


def read_parts(stored: object) -> list[Sentence]:
    """The stored parts; none if they are missing, or not of this form. Never raises."""
    found = [_sentence(each) for each in stored] if isinstance(stored, list) else []
    whole = [each for each in found if each is not None]
    return whole if len(whole) == len(found) else []


def _sentence(stored: object) -> Sentence | None:
    match stored:
        case {"text": str(text), "values": dict(values), **more} if text:
            known = {str(name): value for name, value in values.items() if isinstance(value, str | int | float)}
            plural = more.get("plural")
            return Sentence(text, known, plural if isinstance(plural, str) else "")
        case _:
            return None


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Not by `%`: a stored text may come from anywhere, and a format can ask for any width."""
    beginning, *rest = text.split("%(")
    filled = [beginning.replace("%%", "%")]
    for part in rest:
        name, is_whole, after = part.partition(")s")
        filled += [values.get(name, "") if is_whole else "%(" + name, after.replace("%%", "%")]
    return "".join(filled)
