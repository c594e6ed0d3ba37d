"""Deletion of documents in short transactions: other writers wait for each, and a library may have gigabytes."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from runs.models import Agent, DocumentPassage, FileChunk, Library, StoredFile

CHUNKS_AT_ONCE: Final = 4
"""Of half a MiB each."""
PASSAGES_AT_ONCE: Final = 200


def delete_documents(files: QuerySet[StoredFile]) -> None:
    """Delete the files with all that belongs to them. Nobody sees them from the first transaction on.

    What is left if the process dies meanwhile counts as an unfinished upload of nobody, which retention deletes.
    """
    ids = list(files.values_list("pk", flat=True))
    for file_id in ids:
        _hide(StoredFile.objects.filter(pk=file_id))
    for file_id in ids:
        _delete_all(FileChunk.objects.filter(file_id=file_id), CHUNKS_AT_ONCE)
        _delete_all(DocumentPassage.objects.filter(file_id=file_id), PASSAGES_AT_ONCE)
        _delete_row(file_id)


def delete_library(library_id: int) -> list[Agent]:
    """Delete a library with its documents, unless agents read it: returns those. The look, the deletion, and the end of
    the documents for all readers are one transaction."""
    with transaction.atomic():
        library = Library.objects.select_for_update().filter(pk=library_id).first()
        if library is None:
            return []
        if readers := readers_of(library):
            return readers
        ids = list(library.documents.values_list("pk", flat=True))
        _hide(library.documents.all(), library=None)
        library.delete()
    delete_documents(StoredFile.objects.filter(pk__in=ids))
    return []


def readers_of(library: Library) -> list[Agent]:
    """The agents that may read a library, by name."""
    return [agent for agent in Agent.objects.order_by("name") if library.name in agent.libraries]


def _hide(files: QuerySet[StoredFile], **more: Any) -> None:
    # A process that reads one of them just now notices that another one has it.
    files.update(state=StoredFile.State.UPLOADING, user=None, reading_since=timezone.now(), **more)


def _delete_all(rows: "QuerySet[Any]", at_once: int) -> None:
    while ids := list(rows.values_list("pk", flat=True)[:at_once]):
        with transaction.atomic():
            rows.filter(pk__in=ids).delete()


def _delete_row(file_id: UUID) -> None:
    with transaction.atomic():
        StoredFile.objects.filter(pk=file_id).delete()
