"""Deletion of documents in short transactions: other writers wait for each, and a library may have gigabytes."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from runs.models import DocumentPassage, FileChunk, StoredFile

CHUNKS_AT_ONCE: Final = 4
"""Of half a MiB each."""
PASSAGES_AT_ONCE: Final = 200


def delete_documents(files: QuerySet[StoredFile]) -> None:
    """Delete the files with all that belongs to them. Nobody sees them from the first transaction on.

    What is left if the process dies meanwhile counts as an unfinished upload of nobody, which retention deletes.
    """
    ids = list(files.values_list("pk", flat=True))
    # A process that reads one of them just now notices that another one has it.
    unseen = {"state": StoredFile.State.UPLOADING, "user": None, "reading_since": timezone.now()}
    for file_id in ids:
        StoredFile.objects.filter(pk=file_id).update(**unseen)
    for file_id in ids:
        _delete_all(FileChunk.objects.filter(file_id=file_id), CHUNKS_AT_ONCE)
        _delete_all(DocumentPassage.objects.filter(file_id=file_id), PASSAGES_AT_ONCE)
        _delete_row(file_id)


def _delete_all(rows: "QuerySet[Any]", at_once: int) -> None:
    while ids := list(rows.values_list("pk", flat=True)[:at_once]):
        with transaction.atomic():
            rows.filter(pk__in=ids).delete()


def _delete_row(file_id: UUID) -> None:
    with transaction.atomic():
        StoredFile.objects.filter(pk=file_id).delete()
