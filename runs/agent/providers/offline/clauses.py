"""Splitting of a task into clauses."""

import re
from collections.abc import Iterator, Sequence

from runs.agent.files.file_info import FileInfo
from runs.agent.providers.offline.date_words import with_iso_dates
from runs.agent.providers.offline.goals import Clause
from runs.agent.providers.offline.numbers import with_figures
from runs.agent.providers.offline.quotations import set_aside
from runs.agent.providers.offline.table_sources import tables_among, with_quoted_names

MAX_TASK_LENGTH = 10_000
"""Characters of a task, quoted texts included."""
MAX_UNQUOTED_LENGTH = 2_000
"""Characters of a task without its quoted texts: the rules for dates and numbers take quadratic time."""
MAX_CLAUSE_LENGTH = 300
"""Characters of a clause without its quoted texts. The rules match short clauses only, and must stay fast."""

_COUNTED = re.compile(r"\b(?:words|characters|letters|sentences|lines)\b", re.IGNORECASE)
"""For "Count the words in: …", where the text after the colon needs no quotation marks."""
_SPACES = re.compile(r"\s+")
_HARD = re.compile(r"(?<=\?)\s+|(?<![\d])!\s+|\.\s+|\s*[;\n]\s*")
_IN_ORDER = re.compile(
    r"(?:,\s*|\s+)(?:and\s+)?(?:then|after that|afterwards|next|finally)\b,?\s*(?=\S)", re.IGNORECASE
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
"""For "Tell me what 15% of 60 is"."""
_POLITE_END = re.compile(
    r"[\s,]*(?:(?<![\w.])please|thanks|thank you|for me|"
    r"[?.,:=]|(?<![\d!])!|"
    r"\bequals?(?: to)?(?: what)?|\btogether)$",
    re.IGNORECASE,
)


class Task:
    """A task prepared for splitting: quoted texts replaced by placeholders, dates as YYYY-MM-DD."""

    def __init__(self, text: str, files: Sequence[FileInfo] = ()) -> None:
        text = with_quoted_names(re.sub(r"(?<=\w)’(?=\w)", "'", text), files)
        text, quotes = set_aside(_quoted_after_colon(text))
        text = _SPACES.sub(lambda spaces: "\n" if "\n" in spaces[0] else " ", text)
        self.is_too_long = len(text) > MAX_UNQUOTED_LENGTH
        dates: dict[str, str] = {}
        self.text = with_iso_dates(text[:MAX_UNQUOTED_LENGTH], dates).strip()
        self._dates = {date: f"«{number}»" for number, date in enumerate(dates, start=len(quotes))}
        self.quotes = (*quotes, *dates.values())
        self._tables = tables_among(files)
        self._has_one_file = len(files) == 1

    def statements(self) -> list[str]:
        """The parts between full stops, question marks and line breaks."""
        return _filled(_HARD.split(self.text))

    def sentences(self, statement: str) -> list[str]:
        """The parts of a statement between words such as "then"."""
        return _filled(_IN_ORDER.split(statement))

    def clause(self, said: str) -> Clause:
        """The clause of a part of the text, without polite words."""
        text = " ".join(said.split())
        while (shorter := _POLITE_END.sub("", text)) != text:
            text = shorter
        while match := _POLITE_START.match(text):
            text = text[match.end() :]
        if match := _WHAT_IT_IS.fullmatch(text):
            text = match[1]
        asked = " ".join(said.split())
        as_written = asked
        for date, quote in self._dates.items():
            as_written = as_written.replace(date, quote)
        return Clause(
            self.in_full(asked), with_figures(text), self.quotes, as_written, self._tables, self._has_one_file
        )

    def in_full(self, text: str) -> str:
        """The text with its quotations back in place."""
        return re.sub(r"«(\d+)»", lambda match: f"'{self.quotes[int(match[1])]}'", text)


def _filled(parts: list[str]) -> list[str]:
    return [part.strip() for part in parts if part.strip(" ?.!,")]


def _quoted_after_colon(text: str) -> str:
    """`Count the words in: one two` with quotation marks around the text after the colon."""
    head, colon, rest = text.strip().partition(":")
    quoted = rest.lstrip()
    if '"' in text or not colon or "\n" in head or quoted == rest or not quoted or quoted[0] in "'“‘«`":
        return text
    return f'{head} "{quoted}"' if _COUNTED.search(head) else text


def halves(sentence: str) -> Iterator[tuple[str, str]]:
    """Every split of a sentence in two at a comma, "and" or "but", the longest first half first."""
    for cut in reversed(list(_SOFT.finditer(sentence))):
        yield sentence[: cut.start()], sentence[cut.end() :]
