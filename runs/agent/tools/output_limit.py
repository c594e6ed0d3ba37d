"""The size limit of tool outputs, for models, pages and the database."""

import codecs
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Final

MAX_OUTPUT_BYTES: Final = 1 << 20
"""Size limit of the output as JSON in UTF-8."""
PIECE: Final = 1 << 16
"""Characters or bytes of a long text that are handled at once: as a whole it would be in memory twice, and nothing else
in the process would get a turn meanwhile."""
_LONGEST_ESCAPE: Final = len("\\u0001")


class BoundedText:
    """A text that comes in pieces: its beginning, its size and its hash. A half of a character is a question mark."""

    def __init__(self, most: int = MAX_OUTPUT_BYTES) -> None:
        """`most`: bytes of the beginning as JSON, with quotation marks and escapes."""
        self.size = 0
        """Bytes of all pieces in UTF-8."""
        self._most = most
        self._digest = hashlib.sha256()
        self._kept: list[str] = []
        self._chars = 0

    def add(self, piece: str) -> None:
        """The next piece."""
        encoded = piece.encode(errors="replace")
        self.size += len(encoded)
        self._digest.update(encoded)
        if self._chars <= self._most:  # A character is at least a byte, and one more tells that there is more.
            self._kept.append(encoded.decode()[: self._most + 1 - self._chars])
            self._chars += len(self._kept[-1])

    def beginning(self) -> str:
        """Whole if the text has at most `most` bytes."""
        return "".join(self._kept)

    def text(self, *, goes_on: bool = False) -> str:
        """The text if its JSON has at most `most` bytes; else as much of its beginning, after a line about the cut.

        The line has the size and the hash of all pieces, to be compared with a file or a later output; or "more than"
        for a text that `goes_on`, of which there were no further pieces.
        """
        beginning = self.beginning()
        kept = shortened(beginning, self._most)
        if kept == beginning and self._chars <= self._most and not goes_on:
            return kept
        return with_cut_line(kept, self.size, self._digest.hexdigest(), goes_on=goes_on)


def bounded(pieces: Iterable[str]) -> str:
    """The text of the pieces, cut if it has more than `MAX_OUTPUT_BYTES`."""
    text = BoundedText()
    for piece in pieces:
        text.add(piece)
    return text.text()


def with_cut_line(kept: str, size: int, digest: str, *, goes_on: bool = False) -> str:
    """What is kept of a text of `size` bytes, after the line that says so."""
    if goes_on:
        told = f"of more than {size:,} bytes are kept; SHA-256 of these {size:,}: {digest}"
    else:
        told = f"of {size:,} bytes are kept; SHA-256 of all: {digest}"
    return f"[cut: the first {len(kept.encode()):,} {told}]\n{kept}"


def shortened(text: str, most: int) -> str:
    """The longest beginning of the text that has at most `most` bytes as JSON, with quotation marks and escapes."""
    written = json.dumps(text[:most], ensure_ascii=False).encode(errors="replace")
    if len(written) <= most:
        return text[:most]
    written = written[: most - 1].decode(errors="ignore").encode()
    # The cut may be inside an escape (`\n`, `\u0001`): drop characters until the JSON is valid.
    for dropped in range(_LONGEST_ESCAPE):
        try:
            kept: str = json.loads(written[: len(written) - dropped] + b'"')
        except ValueError:
            continue
        return kept
    raise AssertionError(written[-_LONGEST_ESCAPE:])


def pieces_of(text: str) -> Iterator[str]:
    """A text in pieces."""
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _pieces_of_bytes(data: bytes | bytearray | memoryview) -> Iterator[str] | None:
    """None for bytes that are no text, or have a NUL."""
    try:
        if any("\0" in piece for piece in _decoded(data)):
            return None
    except UnicodeDecodeError:
        return None
    return _decoded(data)


def text_of_bytes(data: bytes | bytearray | memoryview) -> Iterator[str]:
    """Bytes as the text they are in UTF-8, or what they are in words, in pieces."""
    pieces = _pieces_of_bytes(data)
    return iter((_told(data),)) if pieces is None else pieces


def _told(data: bytes | bytearray | memoryview) -> str:
    return f"[binary: {memoryview(data).nbytes:,} bytes; SHA-256: {hashlib.sha256(data).hexdigest()}]"


def _decoded(data: bytes | bytearray | memoryview) -> Iterator[str]:
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(data).cast("B")
    for start in range(0, len(view), PIECE):
        yield decoder.decode(view[start : start + PIECE])
    yield decoder.decode(b"", final=True)
