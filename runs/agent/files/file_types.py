"""The types of files that people may give: recognised by their first bytes and the end of their name, which must agree.

Formats: PNG (w3.org/TR/png-3), JPEG (ITU T.81), GIF89a, WebP (RFC 9649), PDF (ISO 32000), ZIP (PKWARE APPNOTE).
"""

from typing import Final, Literal

from runs.agent.errors import file_sentences as sentences

Kind = Literal["text", "table", "document", "image"]

MEDIA_TYPES: Final[dict[str, tuple[str, Kind]]] = {
    "csv": ("text/csv", "table"),
    "tsv": ("text/tab-separated-values", "table"),
    "json": ("application/json", "text"),
    "txt": ("text/plain", "text"),
    "md": ("text/markdown", "text"),
    "pdf": ("application/pdf", "document"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "table"),
    "png": ("image/png", "image"),
    "jpg": ("image/jpeg", "image"),
    "jpeg": ("image/jpeg", "image"),
    "gif": ("image/gif", "image"),
    "webp": ("image/webp", "image"),
}
"""Media type and kind, by the end of the name."""
_SAME_ENDS: Final = {"markdown": "md", "text": "txt", "log": "txt", "jsonl": "txt", "ndjson": "txt"}
_ENDS: Final = ", ".join(f".{each}" for each in MEDIA_TYPES)
_MAGIC: Final = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_IN_ZIP: Final = ("docx", "xlsx")
BEGINNING_BYTES: Final = 65_536
"""How much of a file `end_of` needs."""


class NotTaken(ValueError):
    """The file is none of the types that are taken. The message says why."""


def end_of_name(name: str) -> str:
    """The key of `MEDIA_TYPES` that the end of the name says. Raises `NotTaken`."""
    end = name.rsplit(".", 1)[-1].casefold() if "." in name else ""
    end = _SAME_ENDS.get(end, end)
    if end not in MEDIA_TYPES:
        raise NotTaken(sentences.TYPE_NOT_TAKEN.made(types=_ENDS))
    return end


def end_of(name: str, beginning: bytes) -> str:
    """The key of `MEDIA_TYPES` for a file, from its name and its first `BEGINNING_BYTES`. Raises `NotTaken`."""
    end, found = end_of_name(name), _found(beginning)
    wanted = "zip" if end in _IN_ZIP else "jpg" if end == "jpeg" else end
    if MEDIA_TYPES[end][1] in ("text", "table") and end not in _IN_ZIP:
        if found or not is_text(beginning):
            raise NotTaken(sentences.NOT_TEXT.made(end=end))
    elif found != wanted:
        raise NotTaken(sentences.OTHER_TYPE.made(end=end))
    return end


def _found(beginning: bytes) -> str:
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "webp"
    return next((end for magic, end in _MAGIC if beginning.startswith(magic)), "")


def is_text(beginning: bytes) -> bool:
    """True if the bytes may be the beginning of a text: UTF-8 or an 8-bit encoding, or UTF-16 with a byte order mark,
    without control characters that no text has."""
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(beginning) % 2 == 0 or len(beginning) == BEGINNING_BYTES
    return not any(each in beginning for each in _NEVER_IN_TEXT)


_NEVER_IN_TEXT: Final = tuple(bytes([each]) for each in range(32) if each not in b"\t\n\r\f\x1b\x08")


def kind_of(media_type: str) -> Kind | None:
    """The kind of a media type; None for one that is not taken from people."""
    return next((kind for known, kind in MEDIA_TYPES.values() if known == media_type), None)


def decoded(content: bytes) -> str:
    """The text of a text file, with LF line ends: UTF-8, UTF-16 with a byte order mark, else Windows-1252, whose
    unassigned bytes become U+FFFD."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
