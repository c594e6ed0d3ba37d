"""From a task to its clauses."""

import re
from collections.abc import Iterator

from runs.agent.providers.offline.calendar_words import with_iso_dates
from runs.agent.providers.offline.goals import Clause
from runs.agent.providers.offline.numbers import with_figures

MAX_TASK_LENGTH = 10_000
"""Characters of a task, quoted texts included: finding the quotations takes up to the square of it."""
MAX_CLAUSE_LENGTH = 300
"""Characters of a clause, quoted texts not counted. Rules fit short clauses only, and matching must stay fast."""

_QUOTED = re.compile(
    r"\"([^\"]*)\"|“([^“”]*)”|‘([^‘’]*)’|«([^«»]*)»|`([^`]*)`"
    # An apostrophe opens a quotation only after a space and closes it only before one: don't, the users' dog.
    r"|(?<![^\s(:])'(.*?)'(?![^\s?.!,;:)])",
    re.DOTALL,
)
_AFTER_COLON = re.compile(
    r"([^:\n]*\b(?:words|characters|letters|sentences|lines)\b[^:\n]*):\s+([^'\"“‘«`].*)", re.IGNORECASE | re.DOTALL
)
"""Count the words in: what follows needs no quotation marks."""
_HARD = re.compile(
    r"(?<=\?)\s+|(?<![\d])!\s+|\.\s+|\s*[;\n]\s*"
    r"|(?:,\s*|\s+)(?:and\s+)?(?:then|after that|afterwards|next|finally)\b,?\s*",
    re.IGNORECASE,
)
_SOFT = re.compile(r",\s+(?:and\s+|but\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?|\s+but\s+", re.IGNORECASE)
_POLITE_START = re.compile(
    r"(?:please|pls|plz|kindly|hey|hi|hello|ok|okay|so|well|now|first|firstly|then|also|and|next|finally|lastly|"
    r"(?:can|could|would|will) you|(?:can|may) i|"
    r"i(?: would|'d)? (?:want|need|like)(?: you)?(?: to(?: know| find out)?)?|"
    r"what (?:do|would|will) (?:i|you|we) get (?:if|when) (?:i|you|we)|what happens (?:if|when) (?:i|you|we)|"
    r"the (?:result|value|answer|outcome) (?:of|to)|let's|let us|let me know|"
    r"tell me|show me|give me|help me|find out|find|figure out|work out|calculate|compute|evaluate|solve|determine|"
    r"do you know|i wonder|get|what is|what are|what was|what's|whats|what does|what will be|"
    r"how much is|how much are)\b"
    r"[\s,:!]*",
    re.IGNORECASE,
)
_WHAT_IT_IS = re.compile(r"what (.*\d.*) (?:is|are|equals|makes)", re.IGNORECASE)
"""Tell me what 15% of 60 is."""
_POLITE_END = re.compile(
    r"[\s,]*(?:(?<![\w.])please|thanks|thank you|for me|"
    r"[?.,:=]|(?<![\d!])!|"
    r"\bequals?(?: to)?(?: what)?|\btogether)$",
    re.IGNORECASE,
)


class Task:
    """A task prepared for splitting: quoted texts set aside, dates as YYYY-MM-DD."""

    def __init__(self, text: str) -> None:
        quotes: list[str] = []
        text = re.sub(r"(?<=\w)’(?=\w)", "'", text)

        def set_aside(match: re.Match[str]) -> str:
            quotes.append(next(group for group in match.groups() if group is not None))
            return f"«{len(quotes) - 1}»"

        if '"' not in text and (match := _AFTER_COLON.fullmatch(text.strip())):
            text = f'{match[1]} "{match[2]}"'
        self.text = with_iso_dates(" ".join(_QUOTED.sub(set_aside, text).split(" "))).strip()
        self.quotes = tuple(quotes)

    def sentences(self) -> list[str]:
        """The parts between full stops, question marks and words such as "then"."""
        return [part.strip() for part in _HARD.split(self.text) if part and part.strip(" ?.!,")]

    def clause(self, said: str) -> Clause:
        """A part of the text as a clause."""
        text = " ".join(said.split())
        while (shorter := _POLITE_END.sub("", text)) != text:
            text = shorter
        while match := _POLITE_START.match(text):
            text = text[match.end() :]
        if match := _WHAT_IT_IS.fullmatch(text):
            text = match[1]
        return Clause(self.in_full(" ".join(said.split())), with_figures(text), self.quotes)

    def in_full(self, text: str) -> str:
        """The text with its quotations back in place."""
        return re.sub(r"«(\d+)»", lambda match: f"'{self.quotes[int(match[1])]}'", text)


def halves(sentence: str) -> Iterator[tuple[str, str]]:
    """Every way to part a sentence in two at a comma or an "and", the longest first half first."""
    for cut in reversed(list(_SOFT.finditer(sentence))):
        yield sentence[: cut.start()], sentence[cut.end() :]
