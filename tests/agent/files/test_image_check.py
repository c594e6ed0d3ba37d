"""Pictures are whole and of a size that a reader can take, or they are refused."""

import base64
import struct
import zlib

import pytest

from runs.agent.files.file_types import NotTaken
from runs.agent.files.image_check import check_image
from tests.agent.files import documents

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = base64.b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=")
JPEG = (
    base64.b64decode(
        "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////"
        "////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
    )
    + b"\xff\xd9"
)


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has these dimensions."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


PICTURES = {"png": documents.png(), "gif": GIF, "webp": WEBP, "jpg": JPEG, "jpeg": JPEG}


@pytest.mark.parametrize("end", PICTURES)
def test_a_whole_picture_is_taken(end: str) -> None:
    check_image(end, PICTURES[end])


@pytest.mark.parametrize("end", PICTURES)
def test_a_picture_that_ends_before_its_end_is_refused(end: str) -> None:
    for length in (8, 12, 20, len(PICTURES[end]) // 2, len(PICTURES[end]) - 2):
        with pytest.raises(NotTaken, match="damaged"):
            check_image(end, PICTURES[end][:length])


@pytest.mark.parametrize("end", PICTURES)
def test_the_first_bytes_of_a_picture_with_anything_behind_them_are_refused(end: str) -> None:
    with pytest.raises(NotTaken, match="damaged"):
        check_image(end, PICTURES[end][:12] + b"<script>alert(1)</script>" * 20)


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (40_000, 1), (2**31 - 1, 2**31 - 1)])
def test_a_picture_of_a_few_bytes_and_many_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(NotTaken, match="at most 100 million"):
        check_image("png", png_of(width, height))


def test_a_picture_without_pixels_or_with_a_changed_chunk_is_refused() -> None:
    whole = png_of(2, 2)

    for content in (png_of(0, 2), whole.replace(b"IDAT", b"IDAU"), whole[:33] + b"\0" * 12 + whole[33:]):
        with pytest.raises(NotTaken, match="damaged"):
            check_image("png", content)
