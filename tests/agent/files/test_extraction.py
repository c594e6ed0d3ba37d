"""A document's text is read with its places; a damaged or hostile one is refused with the reason."""

import io
import warnings
import zipfile
from collections.abc import Callable

import pytest

from runs.agent.files.extraction import Extraction, extract
from runs.agent.files.extraction_job import LEAST_TEXT_BYTES, MOST_PASSAGES, PASSAGE_CHARACTERS, TEXT_TIMES_FILE
from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.files.file_types import NotTaken, end_of
from runs.agent.sandbox.job import JobFailed
from tests.agent.files import documents

TEXT = "The refund is paid within 30 days."
READ = {
    "txt": (TEXT.encode(), [("line 1", TEXT)]),
    "md": (f"# Title\n\n{TEXT}\n".encode(), [("lines 1-3", f"# Title\n\n{TEXT}")]),
    "csv": (f"a,b\r\n1,{TEXT}\r\n".encode(), [("lines 1-2", f"a,b\n1,{TEXT}")]),
    "json": (b'{"a": 1}', [("line 1", '{"a": 1}')]),
    "pdf": (documents.pdf("First (page)", TEXT), [("page 1", "First (page)"), ("page 2", TEXT)]),
    "docx": (documents.docx("One", TEXT), [("paragraphs 1-2", f"One\n{TEXT}")]),
    "xlsx": (documents.xlsx([["region", "sum"], ["north", 3]]), [("sheet Sales, rows 1-2", "region\tsum\nnorth\t3.0")]),
    "png": (documents.png(), []),
}


@pytest.mark.parametrize("end", READ)
async def test_a_document_is_read_with_its_places(end: str) -> None:
    content, passages = READ[end]
    assert end_of(f"file.{end}", content) == end
    assert (await extract(end, content)).passages == passages


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Grüße €".encode(), "Grüße €"),
        ("\ufeffGrüße".encode(), "Grüße"),
        ("Grüße €".encode("cp1252"), "Grüße €"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (b"a\x81b", "a\ufffdb"),
        (b"one\rtwo\r\nthree", "one\ntwo\nthree"),
        (b"\x1b[31mred\x1b[0m\x08", "[31mred[0m"),
    ],
)
async def test_a_text_is_read_in_its_encoding(content: bytes, text: str) -> None:
    assert (await extract("txt", content)).passages[0][1] == text


async def test_a_long_text_is_cut_into_passages_of_whole_lines_and_loses_none() -> None:
    lines = [f"line number {number} of the text" for number in range(1, 2001)]
    read = await extract("txt", "\n".join(lines).encode())
    assert "\n".join(text for _, text in read.passages) == "\n".join(lines)
    assert read.passages[1][0].startswith("lines ")
    first = int(read.passages[1][0].split()[1].split("-")[0])
    assert read.passages[1][1].startswith(lines[first - 1])
    assert max(len(text) for _, text in read.passages) <= 1500


async def test_one_endless_line_is_cut_too() -> None:
    read = await extract("txt", b"word " * 100_000)
    assert "".join(text for _, text in read.passages).count("word") == 100_000
    assert not read.is_cut


async def test_more_than_five_thousand_passages_are_cut_and_said_so() -> None:
    read = await extract("txt", b"x" * 1499 + b"\n" + (b"y" * 1499 + b"\n") * 6000)
    assert (len(read.passages), read.is_cut) == (5000, True)


def bomb() -> bytes:
    return documents.zipped({"word/document.xml": b" " * 210_000_000})


_ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
LAUGHS = (
    f'<!DOCTYPE d [<!ENTITY a0 "ha">{_ENTITIES}]>'
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    "<w:body><w:p><w:r><w:t>&a11;</w:t></w:r></w:p></w:body></w:document>"
)


@pytest.mark.parametrize(
    ("end", "content", "says"),
    [
        ("pdf", b"%PDF-1.4\n" + b"garbage" * 100, "damaged"),
        ("pdf", documents.pdf("text")[:150], "damaged"),
        ("docx", documents.docx("text")[:200], "damaged"),
        ("docx", documents.zipped({"a": "b"}), "not of that type"),
        ("xlsx", documents.docx("text"), "not of that type"),
        ("xlsx", documents.zipped({"xl/workbook.xml": "<"}), "damaged"),
        ("docx", documents.zipped({"word/document.xml": "<w:document"}), "damaged"),
        ("docx", bomb, "unpacks to more than 200 MiB"),
        ("docx", documents.zipped({f"p{n}": "" for n in range(5001)} | {"word/document.xml": ""}), "too many parts"),
        ("docx", documents.zipped({"word/document.xml": LAUGHS}), "damaged|processor time|memory"),
    ],
)
async def test_a_damaged_or_hostile_document_is_refused_with_the_reason(
    end: str, content: bytes | Callable[[], bytes], says: str
) -> None:
    with pytest.raises(JobFailed, match=says):
        await extract(end, content() if callable(content) else content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html>"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("script.exe", b"MZ"),
        ("no_end", b"text"),
        ("a.csv.exe", b"a,b"),
        ("table.csv", documents.pdf("text")),
        ("table.csv", b"a\0b"),
        ("text.txt", b"\x89PNG\r\n\x1a\n"),
        ("report.pdf", b"text"),
        ("report.pdf", b"junk before %PDF-1.4"),
        ("report.docx", documents.png()),
        ("photo.png", b"\xff\xd8\xff\xe0"),
        ("photo.jpg", b"GIF89a"),
        ("photo.webp", b"RIFF\0\0\0\0WAVE"),
    ],
)
def test_a_file_whose_name_and_content_disagree_is_not_taken(name: str, content: bytes) -> None:
    with pytest.raises(NotTaken):
        end_of(name, content)


@pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "b.Markdown", "c.log", "d.jsonl"])
def test_other_ends_of_the_same_types_are_taken(name: str) -> None:
    content = b"\xff\xd8\xff\xe0" if name.casefold().endswith(("jpg", "jpeg")) else b"text"
    assert end_of(name, content)


async def test_half_a_surrogate_pair_is_no_text_that_a_database_could_not_hold() -> None:
    read = await extract("txt", "a".encode("utf-16") + b"\x00\xd8" + "b\0c".encode("utf-16-le"))
    assert "\ud800" not in read.passages[0][1]
    assert read.passages[0][1].encode().decode().endswith("bc")


async def test_an_image_has_no_text() -> None:
    assert await extract("png", documents.png()) == Extraction([])


async def test_the_largest_text_is_read_in_any_letters() -> None:
    read = await extract("txt", ("😀" * 1499 + "\n").encode() * (MAX_FILE_BYTES // 5997))

    assert len(read.passages) == MAX_FILE_BYTES // 5997 <= MOST_PASSAGES
    assert read.passages[-1][1] == "😀" * 1499


async def test_a_small_document_with_a_long_text_is_cut_at_a_multiple_of_its_size() -> None:
    content = documents.docx("word " * 300, *["word " * 300] * 9_000)
    assert len(content) < 200_000

    read = await extract("docx", content)

    assert read.is_cut
    most = max(LEAST_TEXT_BYTES, TEXT_TIMES_FILE * len(content))
    assert most - 2 * PASSAGE_CHARACTERS < sum(len(text) for _, text in read.passages) <= most


@pytest.mark.parametrize("end", ["docx", "xlsx"])
async def test_a_document_with_two_parts_of_one_name_is_refused(end: str) -> None:
    whole = documents.docx("First") if end == "docx" else documents.xlsx([["a"], [1]])
    buffer = io.BytesIO(whole)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")
        name = archive.namelist()[-1]
        archive.writestr(name, archive.read(name))

    with pytest.raises(JobFailed, match="damaged"):
        await extract(end, buffer.getvalue())
