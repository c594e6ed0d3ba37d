"""Which table a question is about, in the user's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from runs.agent.files.file_info import FileInfo
from runs.agent.json_data.json_types import JsonObject

Words = tuple[str, ...]

ENDS: Final = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson")
_PLACES: Final = ("in", "from", "of")
_SHEETS: Final = ("sheet", "worksheet", "tab")
_SHEET_PLACES: Final = frozenset(("in", "on", "from", "of"))
SHOWING: Final = ("show", "list", "print", "display", "give", "get", "see", "read", "open", "preview", "view")
DESCRIBING: Final = ("describe", "explain")
_THE_TABLE: Final = ("table", "file", "data", "spreadsheet", "sheet", "workbook")
_ARTICLES: Final = ("the", "this", "that", "my", "our", "your")
_QUESTIONS: Final = ("how", "what", "which", "do", "does", "is", "are", "find", "search", "quote")
_MOST_NAMES: Final = 50


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table: a file, or a sheet of a workbook."""

    file: str
    sheet: str = ""
    """As the user names it; empty if they name none."""

    @property
    def arguments(self) -> JsonObject:
        """The arguments of `describe_table`."""
        return {"file": self.file} | ({"sheet": self.sheet} if self.sheet else {})

    def __str__(self) -> str:
        return f"sheet {self.sheet} of {self.file}" if self.sheet else self.file


def read_source(words: Sequence[str], quotes: Sequence[str]) -> tuple[TableSource, Words] | None:
    """The table named at the end or the beginning of a clause, and the other words; None without one."""
    words, sheet = _sheet_behind(words, quotes)
    if len(words) < 3:
        return None
    if words[-2].lower() in _PLACES:
        name, rest = file_name(words[-1], quotes), tuple(words[:-2])
    elif words[0].lower() == "in":
        name, rest = file_name(words[1].rstrip(",:"), quotes), tuple(words[2:])
    else:
        name, rest = _spaced_name(words)
    # With a second file, or a comma that is in no name of a sheet, it is more than one question.
    is_one = not any(file_name(word, quotes) for word in rest)
    if not sheet:
        rest, sheet = sheet_before(rest, quotes)
    is_one &= not any(word.endswith(",") for word in rest)
    is_one &= not any(word.lower() == "and" and next_.lower() in _QUESTIONS for word, next_ in pairwise(rest))
    return (TableSource(name, sheet), rest) if name and is_one else None


def _spaced_name(words: Sequence[str]) -> tuple[str, Words]:
    """A name with spaces at the end: `total amount in sales of May.csv`."""
    if not words[-1].lower().endswith(ENDS) or any(word.lower().endswith(ENDS) for word in words[:-1]):
        return "", ()
    places = [place for place, word in enumerate(words) if word.lower() in ("in", "from")]
    if not places:
        return "", ()
    name = " ".join(words[places[-1] + 1 :])
    return ("" if "«" in name else name), tuple(words[: places[-1]])


def _sheet_behind(words: Sequence[str], quotes: Sequence[str]) -> tuple[Sequence[str], str]:
    """`in book.xlsx, sheet May`: the words without the sheet, and its name."""
    for place, word in enumerate(words):
        if word.lower() in _SHEETS and 0 < place < len(words) - 1 and file_name(words[place - 1].rstrip(","), quotes):
            named = _unquoted(words[place + 1 :], quotes)
            return [*words[: place - 1], words[place - 1].rstrip(",")], named
    return words, ""


def sheet_before(rest: Words, quotes: Sequence[str]) -> tuple[Words, str]:
    """`in sheet May`, `on the May sheet`: the words before it, and the name of the sheet; empty if none is named.

    The name may have words such as "in" and "of" itself: `in sheet Sales of May`, `on the Sales of May sheet`.
    """
    low = [word.lower() for word in rest]
    nouns = [place for place, word in enumerate(low) if place and word in _SHEETS]
    if not nouns:
        return rest, ""
    # The last one: an earlier one is of another question, which the words before the sheet tell.
    for noun in reversed(nouns):
        at = noun - 2 if low[noun - 1] == "the" else noun - 1
        if at >= 0 and low[at] in _SHEET_PLACES and noun < len(rest) - 1:
            return rest[:at], _unquoted(rest[noun + 1 :], quotes)
    noun, places = nouns[0], [place for place, word in enumerate(low) if word in _SHEET_PLACES]
    has_name = noun < len(rest) - 1 and low[noun - 1] != "the"
    if not places or (has_name and low[0] in (*SHOWING, *DESCRIBING) and places[0] > noun):
        return (rest[:noun], _unquoted(rest[noun + 1 :], quotes)) if has_name else (rest, "")
    # "of the" is also before a column: "total of the amount in May sheet".
    articles = [place for place in places if low[place] != "of" and low[place + 1 : place + 2] == ["the"]]
    at = (articles or places)[-1]
    named = [word for word in rest[at + 1 :] if word.lower() != "the"]
    is_named = len(named) > 1 and named[-1].lower() in _SHEETS
    return (rest[:at], _unquoted(named[:-1], quotes)) if is_named else (rest, "")


def _unquoted(words: Sequence[str], quotes: Sequence[str]) -> str:
    return " ".join(quoted(word, quotes) or word for word in words)


def without_the_table(words: Sequence[str]) -> tuple[Words, bool]:
    """The words without "in the table" or "the file" at their end, and whether that stood there."""
    rest = list(words)
    if not rest or rest[-1].lower() not in (*_THE_TABLE, "it"):
        return tuple(words), False
    noun = rest.pop().lower()
    has_article = bool(rest) and rest[-1].lower() in _ARTICLES
    if has_article:
        rest.pop()
    has_place = bool(rest) and rest[-1].lower() in _PLACES
    if has_place:
        rest.pop()
    is_named = (has_article or has_place) if noun != "it" else has_place
    return (tuple(rest), True) if is_named else (tuple(words), False)


def quoted(word: str, quotes: Sequence[str]) -> str | None:
    """The quoted text that the word `«n»` stands for; None for other words."""
    number = word[1:-1]
    is_one = word[:1] == "«" and word[-1:] == "»" and number.isdecimal() and int(number) < len(quotes)
    return quotes[int(number)] if is_one else None


def file_name(word: str, quotes: Sequence[str]) -> str:
    """The name of a table that the word is; empty for other words."""
    name = quoted(word, quotes) or word
    return name if name.lower().endswith(ENDS) and "«" not in name else ""


def tables_among(files: Sequence[FileInfo]) -> tuple[str, ...]:
    """The tables that a question without a file may mean: those given to the run, else those of its libraries."""
    tables = [file for file in files if file.name.lower().endswith(ENDS) and file.source != "artifact"]
    given = [file for file in tables if file.source == "attached"]
    return tuple(file.name for file in given or tables)


def with_quoted_names(text: str, files: Sequence[FileInfo]) -> str:
    """The text with quotation marks around the names of these files that have spaces."""
    lower = text.lower()
    spaced = sorted({file.name for file in files if " " in file.name and '"' not in file.name}, key=len, reverse=True)
    if len(lower) != len(text):
        return text  # an upper case letter of other length
    spans: list[tuple[int, int]] = []
    for name in spaced[:_MOST_NAMES]:
        start = lower.find(name.lower())
        while start >= 0:
            end = start + len(name)
            if _stands_alone(text, start, end) and not any(first < end and start < last for first, last in spans):
                spans.append((start, end))
            start = lower.find(name.lower(), end)
    for start, end in sorted(spans, reverse=True):
        text = f'{text[:start]}"{text[start:end]}"{text[end:]}'
    return text


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, behind = text[start - 1 : start] or " ", text[end : end + 1] or " "
    return before.isspace() and not (behind.isalnum() or behind in "\"'“”‘’«»`_")
