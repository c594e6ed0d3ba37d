"""Excerpts: what of a found passage is about a topic, in its own words, and where it stands."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from runs.agent.files.word_forms import forms_of_word, same_words
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.document_topics import Forms, SearchTopic, words_of

LONGEST: Final = 600
"""Characters of a paragraph that is quoted whole."""
_SECTION_PARAGRAPHS: Final = 3
"""Paragraphs of a section that are quoted for its heading."""
_HEADING: Final = re.compile(r"#{1,6}\s+(\S.*)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t])")
_LINE_END: Final = re.compile(r"\n")
_LONG_SENTENCE: Final = 400
_LINES: Final = re.compile(r"(.*?)(lines|paragraphs|rows) (\d+)-(\d+)")
_ROWS: Final = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson", ".log")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of a document, as they stand there, but for line breaks."""

    file: str
    library: str
    place: str
    text: str
    heading: str = ""
    """The heading above it, if the topic or a part of it stands there only."""


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """Lines of a passage that belong together."""

    lines: Sequence[str]
    first: int
    """Index of its first line in the passage."""
    heading: str = ""
    at: int = 0
    """Its number below the heading, from 1."""
    is_row: bool = False
    """True for a line of a table."""


def is_table(file: str) -> bool:
    """True for a file in which each line is a thing of its own."""
    return file.lower().endswith(_ROWS)


def excerpts_of(found: Iterable[JsonMapping], topic: SearchTopic) -> tuple[list[Excerpt], bool]:
    """What the found passages have about a topic, and True if it has the words of the topic, in singular or plural;
    else it has other forms of them."""
    passages = list(found)
    literal = [each for passage in passages for each in _of_passage(passage, topic, same_words)]
    if literal:
        return literal, True
    return [each for passage in passages for each in _of_passage(passage, topic, forms_of_word)], False


def _of_passage(passage: JsonMapping, topic: SearchTopic, forms: Forms) -> Iterator[Excerpt]:
    file, library, place = passage["file"], passage.get("library", ""), passage["place"]
    lines = passage["text"].split("\n")
    by_line = is_table(file) or _counts_paragraphs(place)
    for paragraph in _paragraphs(lines, file, by_line=by_line):
        whole = "\n".join(paragraph.lines)
        spans, needs_heading = _about(whole, paragraph, topic, forms)
        for begin, end in spans:
            first = paragraph.first + whole.count("\n", 0, begin)
            last = first + whole[begin:end].rstrip().count("\n")
            text = _quoted(whole, begin, end)
            heading = paragraph.heading if needs_heading else ""
            yield Excerpt(file, library, _place(place, lines, first, last), text, heading)


def _about(whole: str, paragraph: _Paragraph, topic: SearchTopic, forms: Forms) -> tuple[list[tuple[int, int]], bool]:
    """Begin and end of what is about the topic: the whole of a short paragraph, else its sentences; and True if the
    topic, or a part of it, is in the heading only."""
    sentences = _sentences(whole)
    hits = [each for each in sentences if _has(whole[slice(*each)], paragraph, topic, forms)]
    needs_heading = not hits and bool(paragraph.heading)
    if needs_heading:
        above = words_of(paragraph.heading)
        if topic.is_in(above, forms):
            hits = [(0, len(whole))] if paragraph.at <= _SECTION_PARAGRAPHS else []
        else:
            hits = [each for each in sentences if _completes(topic, above, words_of(whole[slice(*each)]), forms)]
    if hits and len(whole) <= LONGEST:
        return [(0, len(whole))], needs_heading
    return _joined(hits), needs_heading


def _has(text: str, paragraph: _Paragraph, topic: SearchTopic, forms: Forms) -> bool:
    # A comma between two digits is a part of a number, and in a row it may be the end of a cell.
    readings = (text, text.replace(",", ", ")) if paragraph.is_row else (text,)
    return any(topic.is_in(words_of(each), forms) for each in readings)


def _completes(topic: SearchTopic, above: Sequence[str], words: Sequence[str], forms: Forms) -> bool:
    """True if the heading and the sentence have all of the topic, and the sentence a part of it."""
    has_part = any(SearchTopic("", (term,)).is_in(words, forms) for term in topic.terms)
    # The word between keeps a term from beginning in the heading and ending in the sentence.
    return has_part and topic.is_in([*above, "", *words], forms)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Begin and end of each sentence and list item; of lines, where sentences have no end for long."""
    found: list[tuple[int, int]] = []
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    for begin, end in pairwise(cuts):
        if end - begin <= _LONG_SENTENCE:
            found.append((begin, end))
            continue
        inner = [begin, *(match.end() for match in _LINE_END.finditer(text, begin, end)), end]
        found += pairwise(inner)
    return [(begin, end) for begin, end in found if text[begin:end].strip()]


def _quoted(whole: str, begin: int, end: int) -> str:
    before, after = "… " if whole[:begin].strip() else "", " …" if whole[end:].strip() else ""
    return f"{before}{' '.join(whole[begin:end].split())}{after}"


def _counts_paragraphs(place: str) -> bool:
    """True for a text with a line for each paragraph, such as that of a Word document."""
    named = _LINES.fullmatch(place)
    return named is not None and named[2] == "paragraphs"


def _paragraphs(lines: Sequence[str], file: str, *, by_line: bool) -> Iterator[_Paragraph]:
    """Lines between empty ones, or each line. Headings of Markdown are kept beside what stands below."""
    is_markdown, is_rows = file.lower().endswith((".md", ".markdown")), is_table(file)
    heading, at = "", 0
    begin: int | None = None
    for number, line in enumerate([*lines, ""]):
        match = _HEADING.fullmatch(line) if is_markdown else None
        if begin is not None and (match or not line.strip() or by_line):
            at += 1
            yield _Paragraph(lines[begin:number], begin, heading, at, is_rows)
            begin = None
        if match:
            heading, at = match[1], 0
        elif line.strip() and begin is None:
            begin = number


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, those that touch as one unless it gets too long."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin and end - joined[-1][0] <= LONGEST:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def _place(place: str, lines: Sequence[str], first: int, last: int) -> str:
    """The place of some lines of a passage: exact if the passage has all the lines that its place names."""
    match = _LINES.fullmatch(place)
    if match is None or int(match[4]) - int(match[3]) + 1 != len(lines):
        return place
    begin, end = int(match[3]) + first, int(match[3]) + last
    unit = match[2]
    return f"{match[1]}{unit[:-1]} {begin}" if begin == end else f"{match[1]}{unit} {begin}-{end}"
