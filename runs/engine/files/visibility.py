"""Which files a run may read, and which a person may."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from runs.models import Attachment, Library, Run, StoredFile


def files_of_run(run: Run) -> QuerySet[StoredFile]:
    """The files that a run may read: those given to it and to the runs it continues, what these have made, and the
    documents of its libraries."""
    runs = conversation_of(run)
    # No joins: a search asks this of each passage that it finds, and there may be many documents.
    attached = Attachment.objects.filter(run_id__in=runs).values("file_id")
    libraries = Library.objects.filter(name__in=run.config.get("libraries", []))
    given = Q(pk__in=attached) | Q(run_id__in=runs) | Q(library__in=libraries)
    return StoredFile.objects.filter(given, state=StoredFile.State.READY)


def has_files(run: Run) -> bool:
    """True if the run may have files. It is in its configuration, so that runs without files cost no query."""
    return bool(run.config.get("files") or run.config.get("libraries"))


def conversation_of(run: Run) -> list[UUID]:
    """The ids of the run and of all runs that it continues, newest first."""
    ids, before = [run.pk], run.continues_id
    while before is not None and before not in ids:
        ids.append(before)
        before = Run.objects.filter(pk=before).values_list("continues_id", flat=True).first()
    return ids


def files_for(user: Any) -> QuerySet[StoredFile]:
    """The complete files that a person may see: their own, those of runs they may see, and those of libraries."""
    ready = StoredFile.objects.filter(state=StoredFile.State.READY)
    runs = Run.objects.visible_to(user).values("pk")
    seen = Q(user=user) | Q(run__in=runs) | Q(attachments__run__in=runs) | Q(library__isnull=False)
    return ready.filter(seen).distinct()
