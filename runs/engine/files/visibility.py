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


def given_to(run: Run) -> QuerySet[StoredFile]:
    """The documents given to the run at its launch, in their order; without a query for a run without files."""
    if not run.config.get("files"):
        return StoredFile.objects.none()
    return StoredFile.objects.filter(attachments__run=run).order_by("attachments__position")


def inherited_by(run: Run, *, user: Any) -> list[StoredFile]:
    """The files that a follow-up has from the runs it continues: given to them, or made by them. Newest run first.

    Only those that `user` may see; None is the command line, which sees all.
    """
    if not run.config.get("files") or run.continues_id is None:
        return []
    runs = conversation_of(run)[1:]
    age: dict[UUID | None, int] = {run_id: place for place, run_id in enumerate(runs)}
    seen = StoredFile.objects.filter(state=StoredFile.State.READY) if user is None else files_for(user)
    attached = Attachment.objects.filter(run__in=runs).values_list("file_id", "run_id", "position")
    places = {file_id: (age[run_id], position) for file_id, run_id, position in attached}
    own = Attachment.objects.filter(run=run).values("file_id")
    found = seen.filter(Q(pk__in=list(places)) | Q(run__in=runs)).exclude(pk__in=own)
    return sorted(found, key=lambda file: places.get(file.pk) or (age[file.run_id], len(places)))


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
