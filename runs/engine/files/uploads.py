"""Uploads: a file comes in pieces, is recognised and read once all are there, and only then may be used.

Pieces, because no request may be longer than a form (`DATA_UPLOAD_MAX_MEMORY_SIZE`), a broken connection costs one of
them, and nobody without an account makes the server store anything.
"""

import hashlib
import unicodedata
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.files.extraction import Extraction, extract
from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.files.file_types import BEGINNING_BYTES, MEDIA_TYPES, NotTaken, end_of, end_of_name
from runs.agent.files.search_words import search_words
from runs.agent.sandbox.job import JobFailed
from runs.agent.unicode_normalization import stream_safe
from runs.agent.wording import Wording
from runs.engine.files.storage import DocumentRefused, ReadersBusy, check_quota, content_of, write_chunks
from runs.models import DocumentPassage, FileChunk, Library, StoredFile
from runs.models.permissions import NOT_LAUNCHED, may_launch

MAX_IMAGE_BYTES: Final = 5 * 1024 * 1024
"""The largest image that all providers take (Anthropic's limit)."""
MOST_OPEN: Final = 20
"""Unfinished uploads of one person; the oldest one is deleted for a new one."""
OPEN_FOR: Final = timedelta(hours=1)
"""How long an upload may rest before it is deleted."""
READ_FOR: Final = timedelta(minutes=2)
"""Reading takes less, or its process is gone: then the last piece, sent again, has the file read again."""
_PASSAGES_AT_ONCE: Final = 200


def begin_upload(*, user: Any, name: str, size: int, library: Library | None = None) -> StoredFile:
    """A new file that waits for its bytes.

    Raises `DocumentRefused` for a size below 1 or above 25 MiB, a name whose type is not taken, a full quota, and a
    name that another document of the library has, and `PermissionDenied` if the person may launch no run that could
    read it.
    """
    if library is None and not may_launch(user):
        raise PermissionDenied(NOT_LAUNCHED)
    name = clean_name(name)
    try:
        end_of_name(name)
    except NotTaken as refused:
        raise DocumentRefused(str(refused)) from refused
    if size < 0:
        raise DocumentRefused(Wording("The size is a whole number of bytes."))
    if size == 0:
        raise DocumentRefused(Wording("The file is empty."))
    if size > MAX_FILE_BYTES:
        raise DocumentRefused(Wording("The file is larger than %(most)s MiB.", most=MAX_FILE_BYTES // 2**20))
    with transaction.atomic():
        # Without the lock, uploads that begin together would all find room.
        get_user_model().objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        _delete_abandoned(user)
        if library is None:
            check_quota(user, size)
        elif library.documents.filter(name=name, state=StoredFile.State.READY).exists():
            # An agent could name neither of the two.
            raise DocumentRefused(
                Wording(
                    "The library has a document %(name)s. Delete it first, or give this one another name.", name=name
                )
            )
        return StoredFile.objects.create(user=user, name=name, size=size, library=library)


def receive(file_id: UUID, *, user: Any, offset: int, content: bytes) -> StoredFile:
    """Store a piece; the last one completes the file. A piece that has come before changes nothing, but has a file read
    whose process died meanwhile.

    Raises `StoredFile.DoesNotExist` for a file that is not this person's, and `DocumentRefused` for a piece that does
    not fit; if the file itself is refused, it is deleted. `ReadersBusy` keeps it: the last piece may come again.
    """
    with transaction.atomic():
        file = StoredFile.objects.select_for_update().get(pk=file_id, user=user, run=None)
        if file.state == StoredFile.State.READY:
            return file
        if not content or offset + len(content) > file.received:
            _add_piece(file, offset, content)
        is_whole = file.received == file.size and not _is_being_read(file)
        if is_whole:
            file.reading_since = timezone.now()
        file.save(update_fields=["received", "reading_since"])
    if is_whole:
        _complete(file)
    return file


def _add_piece(file: StoredFile, offset: int, content: bytes) -> None:
    if offset != file.received or not content or offset + len(content) > file.size:
        next_piece = "The next piece begins at byte %(received)s of %(size)s."
        raise DocumentRefused(Wording(next_piece, received=file.received, size=file.size))
    FileChunk.objects.create(file=file, offset=offset, content=content)
    file.received += len(content)


def _is_being_read(file: StoredFile) -> bool:
    return file.reading_since is not None and abs(timezone.now() - file.reading_since) < READ_FOR


def store_document(name: str, content: bytes, *, library: Library | None = None) -> StoredFile:
    """A whole document, stored by a program on this machine: of nobody's, and of no quota. Raises `DocumentRefused`."""
    size = len(content)
    file = StoredFile.objects.create(name=clean_name(name), size=size, received=size, library=library)
    write_chunks(file, content)
    _complete(file)
    return file


def clean_name(name: str) -> str:
    """A name without folder, control characters and marks of direction, of at most 200 characters.

    Raises `DocumentRefused` if nothing is left.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(each for each in last[:1000] if unicodedata.category(each)[0] != "C")
    named = unicodedata.normalize("NFC", stream_safe(visible)).strip().lstrip(".")
    stem, dot, end = named.rpartition(".")
    cleaned = f"{stem[: 200 - len(end)]}{dot}{end}" if len(end) < 20 else named[:200]
    if not cleaned or not stem:
        raise DocumentRefused(Wording("The file needs a name that says its type, such as sales.csv."))
    return cleaned


def _complete(file: StoredFile) -> None:
    """Recognise and read the file. Raises `DocumentRefused`, after the file was deleted."""
    content = content_of(file.pk)
    try:
        end, read = _read(file.name, content)
    except ToolUnavailable as busy:
        _read_here(file).update(reading_since=None)
        raise ReadersBusy(str(busy)) from busy
    except (NotTaken, JobFailed) as refused:
        _read_here(file).delete()
        raise DocumentRefused(str(refused)) from refused
    except BaseException:
        _read_here(file).delete()
        raise
    # What a process stored that died while it did so.
    DocumentPassage.objects.filter(file__in=_read_here(file)).delete()
    add_passages(file, read)
    file.media_type, file.sha256 = MEDIA_TYPES[end][0], hashlib.sha256(content).hexdigest()
    file.text_is_cut, file.state = read.is_cut, StoredFile.State.READY
    names = ("media_type", "sha256", "text_is_cut", "state")
    if not _read_here(file).update(**{name: getattr(file, name) for name in names}):
        raise DocumentRefused(_gone())


def _read_here(file: StoredFile) -> QuerySet[StoredFile]:
    """The row of the file that this process reads; none if it was deleted, or another process has taken it over."""
    return StoredFile.objects.filter(pk=file.pk, reading_since=file.reading_since)


def _gone() -> Wording:
    return Wording("One of the files is no longer there, or is not yours. Upload it again.")


def _read(name: str, content: bytes) -> tuple[str, Extraction]:
    """The type of the file, as a key of `MEDIA_TYPES`, and its text."""
    end = end_of(name, content[:BEGINNING_BYTES])
    if MEDIA_TYPES[end][1] == "image" and len(content) > MAX_IMAGE_BYTES:
        raise DocumentRefused(Wording("The image is larger than %(most)s MiB.", most=MAX_IMAGE_BYTES // 2**20))
    return end, async_to_sync(extract)(end, content)


def add_passages(file: StoredFile, read: Extraction) -> None:
    """Store the text of a file, in short transactions. Raises `DocumentRefused` if the file was deleted meanwhile, or
    another process reads it."""
    rows = [
        DocumentPassage(file=file, number=number, place=place[:120], text=text, words=" ".join(search_words(text)))
        for number, (place, text) in enumerate(read.passages, start=1)
    ]
    for begin in range(0, len(rows), _PASSAGES_AT_ONCE):
        with transaction.atomic():
            if not _read_here(file).select_for_update().exists():
                raise DocumentRefused(_gone())
            DocumentPassage.objects.bulk_create(rows[begin : begin + _PASSAGES_AT_ONCE])


def _delete_abandoned(user: Any) -> None:
    unfinished = StoredFile.objects.filter(user=user, state=StoredFile.State.UPLOADING)
    unfinished.filter(created_at__lt=timezone.now() - OPEN_FOR).delete()
    too_many = unfinished.order_by("-created_at").values_list("pk", flat=True)[MOST_OPEN - 1 :]
    StoredFile.objects.filter(pk__in=list(too_many)).delete()
