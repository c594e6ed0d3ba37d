"""A downloaded page or file as text. HTML and documents (PDF, DOCX, XLSX) are read in sandboxed jobs."""

import json
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.files.extraction import extract
from runs.agent.files.file_types import MEDIA_TYPES
from runs.agent.json_data.json_types import JsonObject
from runs.agent.sandbox.job import JobFailed, run_job
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.tools.web.download import Download

JOB: Final = "runs.agent.tools.web.page_job"
MAX_CHARACTERS: Final = 20_000
"""Of text in one answer: with the links it stays below what a model sees of a result."""
MAX_EXTRACTED_BYTES: Final = 2 * MIB
"""The main text of a longer page is not looked for: the time for that grows faster than the page."""
LIMITS: Final = JobLimits(cpu_s=8, wall_s=12.0, memory_bytes=1024 * MIB)
"""Of each try to read a page."""
_NO_PAGE: Final = "There is no text in it: it may be made by scripts, which are not run."
_NO_TEXT: Final = "There is no text in it. Characters in pictures, as of a scan, are not recognised."
_IN_ZIP: Final = ("docx", "xlsx")
_HTML: Final = ("text/html", "application/xhtml+xml")
_TEXT: Final = frozenset(
    f"application/{name}"
    for name in (
        *("json", "ld+json", "xml", "javascript", "ecmascript", "yaml", "x-yaml", "toml", "x-sh", "sql", "csv"),
        *("x-ndjson", "jsonl", "rtf", "x-www-form-urlencoded", "graphql"),
    )
)


async def page_of(download: Download, start: int, *, limits: JobLimits = LIMITS) -> JsonObject:
    """The page as the tool returns it, its text from the character `start` on. Raises `ToolFailed`."""
    check_status(download)
    media_type, charset = media_type_of(download)
    if end := _document_end(media_type, download):
        read = await _document(end, download, start)
    elif media_type in _HTML:
        asked = {"url": download.url, "charset": charset, "start": start}
        read = await _html(download.body, asked, limits)
    elif is_text(media_type, download.body):
        read = await _job(download.body, {"charset": charset, "start": start, "kind": "text"}, limits)
    else:
        size = f"{len(download.body):,} bytes" if not download.is_cut else f"more than {len(download.body):,} bytes"
        raise ToolFailed(f"{download.url} is a file of the type {media_type} ({size}), which cannot be read as text.")
    return _answer(download, media_type, read, start)


def check_status(download: Download) -> None:
    """Raise `ToolFailed`, or `ToolUnavailable` if a later request may succeed, unless the server sent a page."""
    status = download.status
    if 200 <= status < 300:
        return
    try:
        words = f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        words = str(status)
    if status in (408, 425, 429) or status >= 500:
        raise ToolUnavailable(f"{download.url} answered {words}. Try again later, or use another source.")
    raise ToolFailed(f"{download.url} answered {words}. Check the address, or use another source.")


def media_type_of(download: Download) -> tuple[str, str | None]:
    """The media type in lower case, and the charset that the server says, if any."""
    value = download.headers.get("content-type", "")
    media_type, _, parameters = value.lower().partition(";")
    charset = None
    for each in parameters.split(";"):
        name, _, text = each.partition("=")
        if name.strip() == "charset":
            charset = text.strip(" \"'")[:40] or None
    if media_type.strip():
        return media_type.strip()[:100], charset
    begins = download.body[:512].lstrip().lower()
    return ("text/html" if begins.startswith((b"<!doctype html", b"<html")) else "application/octet-stream"), charset


def is_text(media_type: str, body: bytes) -> bool:
    """True for a type that is text, and for an unknown one whose beginning is."""
    if media_type.startswith("text/") or media_type.endswith(("+json", "+xml")) or media_type in _TEXT:
        return True
    if media_type != "application/octet-stream" or b"\0" in body[:4096]:
        return False
    # The beginning may end inside a character.
    return "\ufffd" not in body[:4096].decode(errors="replace")[:-1]


def _document_end(media_type: str, download: Download) -> str | None:
    """The key of `MEDIA_TYPES` for a document that is read as an uploaded one; None for anything else."""
    if download.body.startswith(b"%PDF-"):
        return "pdf"
    if not download.body.startswith(b"PK\x03\x04"):
        return None
    path = urlsplit(download.url).path.lower()
    return next((end for end in _IN_ZIP if media_type == MEDIA_TYPES[end][0] or path.endswith(f".{end}")), None)


async def _document(end: str, download: Download, start: int) -> dict[str, Any]:
    if download.is_cut:
        size = f"{len(download.body):,} bytes"
        raise ToolFailed(f"{download.url} is longer than {size}: a .{end} file is read whole or not at all.")
    try:
        extraction = await extract(end, download.body)
    except JobFailed as failed:
        raise ToolFailed(f"{download.url}: {failed}") from failed
    whole = "\n\n".join(f"[{place}]\n{text}" for place, text in extraction.passages)
    return {"text": whole[start : start + MAX_CHARACTERS], "characters": len(whole), "is_cut": extraction.is_cut}


async def _html(body: bytes, asked: dict[str, Any], limits: JobLimits) -> dict[str, Any]:
    if len(body) <= MAX_EXTRACTED_BYTES:
        try:
            return await _job(body, {**asked, "kind": "page"}, limits)
        except JobFailed:
            pass  # too much for trafilatura: the words are there all the same
    return await _job(body, {**asked, "kind": "words"}, limits)


async def _job(body: bytes, asked: dict[str, Any], limits: JobLimits) -> dict[str, Any]:
    request = json.dumps({**asked, "most": MAX_CHARACTERS}).encode() + b"\n" + body
    read: dict[str, Any] = json.loads(await run_job(JOB, request, limits=limits))
    return read


def _answer(download: Download, media_type: str, read: dict[str, Any], start: int) -> JsonObject:
    known: JsonObject = {"address": download.url}
    known |= {name: read[name] for name in ("title", "date") if read.get(name)}
    known |= {"type": media_type, "size_bytes": len(download.body), "text": read["text"]}
    end, characters = start + len(read["text"]), read["characters"]
    if start and not read["text"]:
        known["note"] = f"The text has {characters:,} characters: there is nothing from {start:,} on."
    elif end < characters:
        known["note"] = f"These are the characters {start:,} to {end:,} of {characters:,}. Go on with start={end}."
    elif read.get("is_cut"):
        known["note"] = "The document is longer: only its beginning was read."
    elif download.is_cut:
        known["note"] = f"The page is longer: only its first {len(download.body):,} bytes were read."
    elif not characters:
        known["note"] = _NO_PAGE if media_type in _HTML else _NO_TEXT
    if links := [{"text": words, "address": target} for words, target in read.get("links", [])] if not start else []:
        known["links"] = links
    return known
