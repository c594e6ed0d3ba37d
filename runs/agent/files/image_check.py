"""The structure of a picture: its header, its dimensions and its end, read from its bytes alone. Nothing is unpacked.

Formats: PNG (w3.org/TR/png-3, 5.3 and 11.2.1), JPEG (ITU T.81, Annex B), GIF89a (section 18), WebP (RFC 9649, 2.4-2.7).
"""

import struct
import zlib
from collections.abc import Callable
from typing import Final

from runs.agent.errors import file_sentences as sentences
from runs.agent.files.file_types import NotTaken

MAX_PIXELS: Final = 100_000_000
"""Of one picture. What a reader makes of it takes four bytes each."""
MAX_SIDE: Final = 30_000
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xDA)})
"""Markers of JPEG that no length follows."""
_FRAMES: Final = frozenset(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})
"""Markers of JPEG with the dimensions."""
_START_OF_SCAN: Final = 0xDA


def check_image(end: str, content: bytes) -> None:
    """Raises `NotTaken` for a damaged picture of the type `end`, and for one of too many pixels."""
    try:
        width, height = _SIZES[end](content)
    except (IndexError, struct.error, ValueError) as error:
        raise NotTaken(sentences.DAMAGED.made()) from error
    if not width or not height:
        raise NotTaken(sentences.DAMAGED.made())
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        told = {"width": width, "height": height, "most": MAX_PIXELS // 10**6}
        raise NotTaken(sentences.TOO_MANY_PIXELS.made(**told))


def _png(content: bytes) -> tuple[int, int]:
    """The dimensions, once all chunks up to the last one are whole."""
    at, has_data = 8, False
    width = height = 0
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        [crc] = struct.unpack_from(">I", content, at + 8 + length)
        if len(data) < length or zlib.crc32(data, zlib.crc32(kind)) != crc or (at == 8) != (kind == b"IHDR"):
            raise ValueError("A chunk is damaged.")
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data)
        has_data = has_data or kind == b"IDAT"
        if kind == b"IEND":
            break
        at += 12 + length
    if not has_data:
        raise ValueError("It has no data.")
    return width, height


def _jpeg(content: bytes) -> tuple[int, int]:
    """The dimensions, once a scan follows them that ends."""
    at = 2
    size = (0, 0)
    while True:
        if content[at] != 0xFF:
            raise ValueError("A marker is missing.")
        while content[at] == 0xFF:
            at += 1
        marker = content[at]
        at += 1
        if marker in _WITHOUT_LENGTH:
            if marker == 0xD9:
                raise ValueError("It ends without a scan.")
            continue
        [length] = struct.unpack_from(">H", content, at)
        if length < 2:
            raise ValueError("A segment is damaged.")
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            size = (width, height)
        if marker == _START_OF_SCAN:
            break
        at += length
    if content.find(b"\xff\xd9", at) < 0:
        raise ValueError("It has no end.")
    return size


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    if b"\x2c" not in content[13:] or b"\x3b" not in content[13:]:
        raise ValueError("It has no picture.")
    return width, height


def _webp(content: bytes) -> tuple[int, int]:
    [size] = struct.unpack_from("<I", content, 4)
    kind = content[12:16]
    if size + 8 > len(content):
        raise ValueError("It is cut off.")
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
        if len(content) < 30:
            raise ValueError("It is cut off.")
        return width, height
    if kind == b"VP8L":
        if content[20] != 0x2F:
            raise ValueError("It has no signature.")
        [bits] = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind != b"VP8 " or content[23:26] != b"\x9d\x01\x2a":
        raise ValueError("It has no frame.")
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


_SIZES: Final[dict[str, Callable[[bytes], tuple[int, int]]]] = {
    "png": _png,
    "jpg": _jpeg,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
}
