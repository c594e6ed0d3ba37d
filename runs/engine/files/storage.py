"""The bytes of files: rows of `FileChunk`."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from runs.agent.text import number_text
from runs.agent.wording import Wording
from runs.models import FileChunk, StoredFile
from runs.models.stored_file import CHUNK_BYTES


class DocumentRefused(ValueError):
    """The file is not taken. The message, a `Wording` or a sentence of errors, says why."""


class ReadersBusy(DocumentRefused):
    """The file is whole and kept, but nothing can read it now: its last piece, sent again, has it read."""


def content_of(file_id: UUID) -> bytes:
    """The bytes of a file; empty if it was deleted."""
    return b"".join(chunks_of(file_id))


def chunks_of(file_id: UUID) -> Iterator[bytes]:
    """The bytes of a file in chunks, each read when it is asked for."""
    offset = 0
    # One query a chunk: a cursor over all of them would hold a connection while a slow client reads.
    while chunk := FileChunk.objects.filter(file_id=file_id, offset=offset).values_list("content", flat=True).first():
        yield bytes(chunk)
        offset += len(chunk)


def write_chunks(file: StoredFile, content: bytes) -> None:
    """Store the bytes of a file that has none."""
    for offset in range(0, len(content), CHUNK_BYTES):
        FileChunk.objects.create(file=file, offset=offset, content=content[offset : offset + CHUNK_BYTES])


def check_quota(user: Any, size: int) -> None:
    """Raise `DocumentRefused` if another `size` bytes would exceed what the person may keep. None: no limit."""
    if user is None:
        return
    most = settings.AGENTSITE_FILES_MIB_PER_USER * 1024 * 1024
    used = kept_bytes(user)
    if used + size > most:
        raise DocumentRefused(
            Wording(
                "That is more than may be kept: %(used)s of %(most)s MiB are used, and the file has %(size)s MiB.",
                used=number_text(used / 2**20),
                most=number_text(most / 2**20),
                size=number_text(size / 2**20),
            )
        )


def kept_bytes(user: Any) -> int:
    """The sum of the sizes of a person's files, those of libraries left out."""
    return StoredFile.objects.filter(user=user, library=None).aggregate(sum=Sum("size"))["sum"] or 0
