"""The thread: what people have said about a conversation as a whole. Its runs are those of `Run.thread`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

MAX_TITLE_CHARS: Final = 200


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Queries on threads."""

    def starred_by(self, user: Any) -> Self:
        """The threads with a star of `user`."""
        return self.filter(stars__user=user.pk)

    def archived(self) -> Self:
        """The archived threads."""
        return self.filter(archived_at__isnull=False)

    def unmarked(self) -> Self:
        """Rows that say nothing: without a title and a star, and not archived."""
        return self.filter(title="", archived_at=None, stars=None)


class Thread(models.Model):
    """A conversation with a title of its own, a star, or a place in the archive. Others have no row."""

    id = models.UUIDField(primary_key=True, editable=False)
    """That of its first run, also after that run was deleted."""
    title = models.CharField(pgettext_lazy("field", "title"), max_length=MAX_TITLE_CHARS, blank=True, default="")
    """Chosen by a person; empty for the beginning of the first message."""
    archived_at = models.DateTimeField(pgettext_lazy("field", "archived at"), null=True)
    """Null for a thread that is not archived. A new message takes it out of the archive."""

    objects = ThreadQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "thread")
        verbose_name_plural = pgettext_lazy("model", "threads")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["archived_at"], name="thread_archived", condition=Q(archived_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title or str(self.pk)

    def get_absolute_url(self) -> str:
        return reverse("runs:thread", args=[self.pk])


class ThreadStar(models.Model):
    """A person's star at a thread."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="stars", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    starred_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = gettext_lazy("stars of threads")
        constraints = [models.UniqueConstraint(fields=["thread", "user"], name="one_star_per_person")]

    def __str__(self) -> str:
        return f"{self.thread_id}: {self.user_id}"


@dataclass(frozen=True, slots=True)
class ThreadMarks:
    """What is marked at one thread, as one person sees it."""

    title: str = ""
    """The one that a person chose; empty without one."""
    archived_at: datetime | None = None
    is_starred: bool = False

    @classmethod
    def of(cls, threads: list[UUID], *, user: Any) -> "dict[UUID, ThreadMarks]":
        """The marks of those of the threads that have some, as `user` sees them. At most two queries."""
        rows = Thread.objects.in_bulk(threads)
        if not rows:
            return {}
        starred = set(ThreadStar.objects.filter(thread__in=rows, user=user.pk).values_list("thread", flat=True))
        return {pk: cls(row.title, row.archived_at, pk in starred) for pk, row in rows.items()}
