"""The sandboxed job that reads the text of a document. The request names the type; the file is `input`.

The answer is JSON: `{"passages": [[place, text], …], "is_cut": bool}`.
"""

import io
import json
import traceback
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from runs.agent.errors import file_sentences as sentences
from runs.agent.files.file_types import decoded
from runs.agent.sandbox.refusal import JobRefused

PASSAGE_CHARACTERS: Final = 1500
"""About how long a passage is: long enough for an answer, short enough to be quoted."""
MOST_PASSAGES: Final = 5000
TEXT_TIMES_FILE: Final = 20
LEAST_TEXT_BYTES: Final = 1024 * 1024
"""A file has at most so many times its own size in text, or so much: a small one that unpacks to a lot would take room
that no quota counts."""
MOST_PAGES: Final = 2000
MOST_UNPACKED: Final = 200 * 1024 * 1024
MOST_MEMBERS: Final = 5000
"""Limits of a ZIP (DOCX, XLSX), from its table of contents; what lies about its size is stopped while it is read."""
_CONTROLS: Final = {code: None for code in range(32) if chr(code) not in "\t\n"} | {0x7F: None}

Piece = tuple[str, str]
"""Place and text."""


def run(request: bytes) -> bytes:
    """The passages of `input` as JSON."""
    end = request.decode()
    content = Path("input").read_bytes()
    passages: list[Piece] = []
    is_cut = False
    left = max(LEAST_TEXT_BYTES, TEXT_TIMES_FILE * len(content))
    for place, text in _read(end, content):
        if not (readable := _readable(text)):
            continue
        left -= len(readable.encode())
        if len(passages) == MOST_PASSAGES or left < 0:
            is_cut = True
            break
        passages.append((_readable(place), readable))
    # Escaped, a text in other letters than Latin would be twice to three times as long, and beyond the limit.
    return json.dumps({"passages": passages, "is_cut": is_cut}, ensure_ascii=False).encode()


def _readable(text: str) -> str:
    """The text without control characters; halves of surrogate pairs, which a damaged file may have, become `?`."""
    return text.translate(_CONTROLS).encode(errors="replace").decode().strip()


def _read(end: str, content: bytes) -> Iterator[Piece]:
    try:
        yield from _READERS[end](content)
    except (JobRefused, MemoryError):
        raise
    except Exception as error:
        # The readers are libraries of others, which raise nearly anything about a damaged file. The traceback goes to
        # the standard error, for the log.
        traceback.print_exc()
        raise JobRefused(sentences.DAMAGED.made()) from error


def _text(content: bytes) -> Iterator[Piece]:
    yield from _by_lines(decoded(content).split("\n"), "line")


def _paragraphs_of_word(content: bytes) -> Iterator[Piece]:
    import mammoth

    _check_zip(content, "docx", "word/document.xml")
    text: str = mammoth.extract_raw_text(io.BytesIO(content)).value
    yield from _by_lines((line for line in text.split("\n") if line.strip()), "paragraph")


def _pages_of_pdf(content: bytes) -> Iterator[Piece]:
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise JobRefused(sentences.PROTECTED.made())
    for number, page in enumerate(reader.pages, start=1):
        if number > MOST_PAGES:
            return
        for part in _parts(page.extract_text()):
            yield f"page {number}", part


def _rows_of_sheets(content: bytes) -> Iterator[Piece]:
    import python_calamine

    _check_zip(content, "xlsx", "xl/workbook.xml")
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    for name in book.sheet_names:
        rows = (_row_text(row) for row in book.get_sheet_by_name(name).iter_rows())
        yield from _by_lines(rows, f"sheet {name[:80]}, row")


def _nothing(_content: bytes) -> Iterator[Piece]:
    return iter(())


_READERS: Final = {
    "csv": _text,
    "tsv": _text,
    "json": _text,
    "txt": _text,
    "md": _text,
    "pdf": _pages_of_pdf,
    "docx": _paragraphs_of_word,
    "xlsx": _rows_of_sheets,
}


def _row_text(row: Iterable[object]) -> str:
    cells = ["" if cell is None else str(cell) for cell in row]
    return "\t".join(cells).rstrip()


def _by_lines(lines: Iterable[str], unit: str) -> Iterator[Piece]:
    """Passages of whole lines where they are short enough, without empty ends; places count lines from 1."""
    kept: list[str] = []
    first, size = 1, 0
    number = 0
    for number, line in enumerate(lines, start=1):
        if kept and size + len(line) > PASSAGE_CHARACTERS:
            yield from _lines(unit, first, kept)
            kept, size, first = [], 0, number
        if len(line) > PASSAGE_CHARACTERS:
            for part in _parts(line):
                yield _place(unit, number, number), part
            first = number + 1
            continue
        kept.append(line)
        size += len(line) + 1
    yield from _lines(unit, first, kept)


def _lines(unit: str, first: int, lines: list[str]) -> Iterator[Piece]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if filled:
        begin, end = filled[0], filled[-1]
        yield _place(unit, first + begin, first + end), "\n".join(lines[begin : end + 1])


def _place(unit: str, first: int, last: int) -> str:
    return f"{unit} {first}" if first == last else f"{unit}s {first}-{last}"


def _parts(text: str) -> Iterator[str]:
    """The text in parts of at most `PASSAGE_CHARACTERS`, cut at the end of a line or a word where there is one."""
    begin = 0
    while begin < len(text):
        end = begin + PASSAGE_CHARACTERS
        if end < len(text):
            least = begin + PASSAGE_CHARACTERS // 2
            end = max(text.rfind("\n", least, end), text.rfind(" ", least, end)) + 1 or end
        yield text[begin:end]
        begin = end


def _check_zip(content: bytes, end: str, member: str) -> None:
    """Raise `JobRefused` for a ZIP without `member`, or one that unpacks to too much."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(each.file_size for each in members) > MOST_UNPACKED:
        raise JobRefused(sentences.UNPACKS_TO_TOO_MUCH.made(most=MOST_UNPACKED // 2**20))
    names = {each.filename for each in members}
    if len(names) < len(members):
        # Readers differ in which of two they take.
        raise JobRefused(sentences.DAMAGED.made())
    if member not in names:
        raise JobRefused(sentences.OTHER_TYPE.made(end=end))
