"""What people may do with a thread as a whole: name it, star it, archive it."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from runs.models import Run, Thread, ThreadStar
from runs.models.permissions import may_change_thread, refusal_of_thread_change
from runs.models.thread import MAX_TITLE_CHARS


@transaction.atomic
def change_thread(
    thread_id: UUID,
    *,
    by: Any,
    title: str | None = None,
    archived: bool | None = None,
    starred: bool | None = None,
) -> None:
    """Change what is not None: the title (empty for that of the first message), whether it is archived, and whether
    `by` has starred it.

    A single run becomes a thread by it, and one without any marks stops to be one. Raises `Thread.DoesNotExist` for a
    thread of which the person sees no run, and `PermissionDenied`: a star is one's own, the rest is for those who
    wrote in it.
    """
    runs = Run.objects.in_thread(thread_id)
    if not runs.visible_to(by).exists():
        raise Thread.DoesNotExist("There is no such thread, or none of its runs is yours.")
    if not (title is None and archived is None) and not may_change_thread(by, wrote=runs.filter(user=by.pk).exists()):
        raise PermissionDenied(refusal_of_thread_change())
    thread, _is_new = Thread.objects.select_for_update().get_or_create(pk=thread_id)
    if title is not None:
        thread.title = " ".join(title.replace("\x00", "").split())[:MAX_TITLE_CHARS]
    if archived is not None:
        thread.archived_at = (thread.archived_at or timezone.now()) if archived else None
    thread.save()
    if starred:
        ThreadStar.objects.get_or_create(thread=thread, user=by)
    elif starred is not None:
        ThreadStar.objects.filter(thread=thread, user=by.pk).delete()
    _keep_if_marked(thread_id)


def take_from_archive(thread_id: UUID) -> None:
    """Take a thread out of the archive, because it goes on. Called in the transaction of the new message."""
    if Thread.objects.filter(pk=thread_id, archived_at__isnull=False).update(archived_at=None):
        _keep_if_marked(thread_id)


def _keep_if_marked(thread_id: UUID) -> None:
    """Delete the row of a thread that says nothing. While a thread has one, its first run names the thread too: so
    lists find a thread of a single run."""
    is_gone = Thread.objects.unmarked().filter(pk=thread_id).exists()
    if is_gone:
        Thread.objects.filter(pk=thread_id).delete()
    Run.objects.filter(pk=thread_id).update(thread=None if is_gone else thread_id)
