"""Queries on runs."""

import contextlib
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Func, Q

from runs.models.permissions import may_decide_for_others, may_see_all

if TYPE_CHECKING:
    from runs.models.run import Run  # noqa: F401 - the type of the rows, named as a text below


class _IsUnfinished(Func):
    """True for the status of an unfinished run. The values are written out as in the index: SQLite compares the texts
    of both conditions, and takes no parameter for a value."""

    template = "%(expressions)s IN ('idle', 'thinking', 'executing', 'waiting')"
    output_field = models.BooleanField()


class ErrorCode(Func):
    """The code in a column with an error, written out as in the index `run_failed_by_code`: SQLite compares the texts
    of both."""

    template = "json_extract(%(expressions)s, '$.code')"
    output_field = models.TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """Its SQL on Postgres."""
        return self.as_sql(compiler, connection, template="(%(expressions)s ->> 'code')")


class RunQuerySet(models.QuerySet["Run"]):
    """Queries on runs that several packages use."""

    def visible_to(self, user: object) -> Self:
        """The runs `user` may see: their own, or all with the permission `view_run`. None for an anonymous user."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        if may_see_all(user):
            return self
        return self.filter(user=user)

    def decided_by(self, user: object) -> Self:
        """The runs about whose calls `user` may decide: their own visible ones, or all visible ones with
        `decide_run`."""
        seen = self.visible_to(user)
        if not getattr(user, "is_authenticated", False) or may_decide_for_others(user):
            return seen
        return seen.filter(user=user)

    def mentioning(self, words: str) -> Self:
        """Runs with these words in their task or answer (see `Mentions`), and the run with this id."""
        found = Q(task__mentions=words) | Q(answer__mentions=words)
        with contextlib.suppress(ValueError):
            found |= Q(pk=uuid.UUID(words))
        return self.filter(found)

    def older_than(self, moment: datetime, run_id: uuid.UUID) -> Self:
        """Runs after this place in the order newest first."""
        # The first condition is redundant, but lets the index scan start at the right place.
        return self.filter(Q(created_at__lt=moment) | Q(pk__lt=run_id), created_at__lte=moment)

    def newer_than(self, moment: datetime, run_id: uuid.UUID) -> Self:
        """Runs after this place in the order oldest first."""
        return self.filter(Q(created_at__gt=moment) | Q(pk__gt=run_id), created_at__gte=moment)

    def in_thread(self, thread_id: uuid.UUID) -> Self:
        """The first run of a thread and its follow-ups, all branches."""
        return self.filter(Q(pk=thread_id, thread__isnull=True) | Q(thread=thread_id))

    def in_tree(self, root_id: uuid.UUID) -> Self:
        """The first run of a tree and all child runs in it."""
        return self.filter(Q(pk=root_id) | Q(root=root_id))

    def failed_with(self, *codes: str) -> Self:
        """The runs that failed with one of these error codes."""
        return self.alias(error_code=ErrorCode("error")).filter(status="failed", error_code__in=codes)

    def unfinished(self) -> Self:
        """Runs without a final status. A database finds them by the index `run_unfinished`."""
        return self.filter(_IsUnfinished(F("status")))
