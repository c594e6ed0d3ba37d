"""What the rows of all outboxes have: a state, a time to try them, and a claim of the process that does."""

from datetime import datetime
from typing import Final, Self, TypeVar

from django.db import models
from django.db.models import Q

PENDING: Final = "pending"
Row = TypeVar("Row", bound=models.Model)


class OutboxQuerySet(models.QuerySet[Row]):
    """Queries on the rows of an outbox."""

    def pending(self) -> Self:
        """Those that are to be sent, now or later."""
        return self.filter(state=PENDING)

    def free(self, now: datetime) -> Self:
        """Pending ones whose time has come and that no process sends."""
        return self.pending().filter(Q(claimed_until=None) | Q(claimed_until__lt=now), due_at__lte=now)

    def release_all(self) -> None:
        """Let go of every claim. Only where no other process sends: after a start, without scale-out."""
        self.pending().exclude(claimed_until=None).update(claimed_until=None)
