"""Plain questions about documents, read into their parts without knowing the documents."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runs.agent.providers.offline.document_phrases import PHRASES, Ask, without_politeness
from runs.agent.providers.offline.document_topics import SearchTopic, topics_of
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.table_sources import quoted

_ENDS: Final = (".md", ".markdown", ".txt", ".text", ".log", ".pdf", ".docx")
_TABLE_ENDS: Final = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson")
_ALL: Final = re.compile(
    r"(?:(?:all|any)(?: of)? )?(?:the )?(?:(?:uploaded|attached|given|other) )?"
    r"(?:documents?|files?|docs|texts|uploads|attachments|librar(?:y|ies)|papers|sources|knowledge base|documentation)",
    re.IGNORECASE,
)
"""What all files of a run are called."""
_PRONOUNS: Final = "it they this that these those he she you i we one people everybody somebody who"
_NOBODY: Final = frozenset(_PRONOUNS.split())
_ELSEWHERE: Final = ("web", "internet", "net", "google", "wikipedia", "world", "news")
_ARTICLE: Final = re.compile(r"(?:(?:the|our|my|your|this|these|those|that|its)\s+)+", re.IGNORECASE)
_KIND: Final = r"(?:document|file|library|doc|text|paper|attachment|folder)"
_KIND_BEFORE: Final = re.compile(rf"{_KIND}\s+(?:called\s+|named\s+)?(?=\S)", re.IGNORECASE)
_KIND_AFTER: Final = re.compile(rf"\s+{_KIND}$", re.IGNORECASE)

_IN_FILE: Final = re.compile(r"(?P<topic>.*\S) (?:in|from) (?:the (?:file |document )?)?(?P<source>\S+)", re.IGNORECASE)
_OF_FIGURES: Final = "over under above below least most than where whose total average mean median highest lowest top"
_FIGURES: Final = frozenset(_OF_FIGURES.split())


@dataclass(frozen=True, slots=True)
class DocumentQuestion:
    """A question about documents."""

    ask: Ask
    topics: tuple[SearchTopic, ...]
    """Each is answered by itself. Empty for `read`."""
    sources: tuple[str, ...]
    """Names of files and libraries, in the user's words; empty for all."""


def read_question(asked: str, quotes: Sequence[str]) -> DocumentQuestion | None:
    """The question in a clause with `«n»` in place of quoted texts; None if it has another form.

    Raises `TaskRefused` if it has one and does not say what to look for, or where.
    """
    for text in without_politeness(asked):
        for ask, pattern in PHRASES:
            match = pattern.fullmatch(text)
            if match and (question := _question(ask, match.groupdict(), quotes)):
                return question
    return None


def _question(ask: Ask, found: Mapping[str, str | None], quotes: Sequence[str]) -> DocumentQuestion | None:
    if ask == "read":
        return _reading(found["source"] or "", quotes)
    said = found["topic"] or ""
    source = found.get("source") or "documents"
    if _name(source, quotes).lower() in _ELSEWHERE:
        return None
    sources = _sources(source, quotes)
    if not sources and (match := _IN_FILE.fullmatch(said)) and _is_file(name := _name(match["source"], quotes)):
        said, sources = match["topic"], (name,)
    topics = topics_of(said, quotes)
    if topics is None:
        return None
    if _asks_for_figures(said, sources):
        told = "put what you look for in quotation marks, or ask for a total, an average or a number of rows"
        raise TaskRefused(f"{sources[0]} is a table: {told}")
    return DocumentQuestion(ask, topics, sources)


def _reading(source: str, quotes: Sequence[str]) -> DocumentQuestion | None:
    name = _name(source, quotes)
    if _is_all(name):
        raise TaskRefused("it does not say what to look for; ask what the documents say about something")
    return DocumentQuestion("read", (), (name,)) if name.lower().endswith(_ENDS) else None


def _sources(source: str, quotes: Sequence[str]) -> tuple[str, ...]:
    """The names of files and libraries; empty for all. Raises `TaskRefused` for a pronoun."""
    if _is_all(source.strip(" ,:")) or _is_all(_name(source, quotes)):
        return ()
    if source.strip().lower() in _NOBODY:
        raise TaskRefused(f"I do not know what “{source.strip()}” is: say “the documents”, or the name of one")
    names = tuple(_name(each, quotes) for each in re.split(r",\s*(?:and |or )?| and | or ", source) if each.strip())
    # A name may have an "and" in it: "terms and conditions.pdf".
    return names if len(names) > 1 and all(map(_is_file, names)) else (_name(source, quotes),)


def _name(source: str, quotes: Sequence[str]) -> str:
    """The name of a file or library without "the", "our", "the file"; a quoted one as it is."""
    text = source.strip(" ,:")
    for shorten in (_ARTICLE, _KIND_BEFORE):
        match = shorten.match(text)
        text = text[match.end() :] if match and match.end() < len(text) else text
    text = _KIND_AFTER.sub("", text) or text
    name = quoted(text, quotes)
    return text if name is None else name


def _is_all(name: str) -> bool:
    return _ALL.fullmatch(name) is not None


def _is_file(name: str) -> bool:
    return name.lower().endswith(_ENDS + _TABLE_ENDS)


def _asks_for_figures(topic: str, sources: Sequence[str]) -> bool:
    """True for "orders over 100" in a table: no passage says that, and a count would."""
    is_table = any(each.lower().endswith(_TABLE_ENDS) for each in sources)
    return is_table and bool(_FIGURES & set(topic.lower().split()))
