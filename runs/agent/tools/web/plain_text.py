"""Text from the web without what is only there to hide or to disturb: control characters, and changes of direction."""

import codecs
from typing import Final

# Kept: line ends and tabs. Bidirectional controls can show a text in another order than a model reads it, and tags
# (U+E0000 and on) are text that nobody sees.
_DROPPED: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in "\t\n"),
        *range(0x7F, 0xA0),
        *(0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
    ]
)
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SLOW: Final = ("punycode", "idna")
"""Codecs of names, not of texts: the first takes a time that grows with the square of the text."""
_SEPARATORS: Final = {0x2028: "\n", 0x2029: "\n", 0x00A0: " "}
_TABLE: Final = {**_DROPPED, **_SEPARATORS}


def cleaned(text: str) -> str:
    """The text without control characters, bidirectional controls, lone surrogates and invisible tags; lines end with
    a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)


def one_line(text: str, most: int) -> str:
    """The text cleaned, on one line, with at most `most` characters."""
    # Cut first: a title may be megabytes long.
    line = " ".join(cleaned(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def decoded(body: bytes, charset: str | None) -> str | None:
    """The text by its byte order mark or the charset the server says; None without either."""
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    if not charset:
        return None
    try:
        return None if codecs.lookup(charset).name in _SLOW else body.decode(charset, errors="replace")
    except (LookupError, ValueError):  # not a charset, or one that has no text
        return None
