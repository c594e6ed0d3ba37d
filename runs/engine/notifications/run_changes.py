"""What a change of a run writes for those who are told of it: webhooks and people."""

from uuid import UUID

from runs.engine.notifications import outbox as notifications
from runs.engine.webhooks import outbox as webhooks
from runs.models import Run


def note(run: Run) -> None:
    """Write events and notifications of the run as it stands now. Call it in the transaction of the change, after it;
    the row of the run is locked."""
    webhooks.note(run)
    notifications.note(run)


def note_by_id(run_id: UUID) -> None:
    """The same for a run whose changed row is in the database."""
    note(Run.objects.select_related("user").get(pk=run_id))
