"""The encoding of a text file with a table: found with certainty, or refused."""

from typing import Final

from runs.agent.sandbox.refusal import JobRefused

_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def encoding_of(content: bytes, notes: list[str]) -> str:
    """The Python name of the encoding, in which the whole content can be decoded.

    UTF-8, UTF-16 with a byte order mark, or Windows-1252 for what cannot be UTF-8, which is told in `notes`. Raises
    `JobRefused` for anything else: also for a text that is UTF-8 in one place and not in another, and for NUL.
    """
    if content.startswith(_BYTE_ORDER_MARKS):
        return _utf_16(content)
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise JobRefused(f"Line {line} has a NUL character. Save the file as UTF-8 text.")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return _windows_1252(content, error.start, notes)
    return "utf-8-sig"


def _utf_16(content: bytes) -> str:
    try:
        text = content.decode("utf-16")
    except UnicodeDecodeError:
        raise JobRefused("The file begins as UTF-16, but is not. Save it as UTF-8 text.") from None
    if "\0" in text:
        raise JobRefused("The file has a NUL character. Save it as UTF-8 text.")
    return "utf-16"


def _windows_1252(content: bytes, first: int, notes: list[str]) -> str:
    line = content.count(b"\n", 0, first) + 1
    if not content.decode(errors="ignore").isascii():
        raise JobRefused(f"Line {line} is not UTF-8, other lines are. Save the file as UTF-8 text.")
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        raise JobRefused(f"Line {line} is neither UTF-8 nor Windows-1252. Save the file as UTF-8 text.") from None
    notes.append(f"The file is not UTF-8 (line {line}); it was read as Windows-1252.")
    return "cp1252"
