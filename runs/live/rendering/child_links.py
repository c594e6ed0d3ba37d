"""The links from the calls that launched runs to those runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from runs.agent.payloads.notes import ChildPayload
from runs.models import Run


@dataclass(slots=True)
class ChildLink:
    """The run that a call has launched."""

    run_id: UUID
    agent: str
    run: Run | None = None
    """With its status, on a page. The card of a step, which depends on its row only, is without."""


def child_of(payload: object) -> ChildLink | None:
    """The link of a step with this payload; None for other steps."""
    return ChildLink(UUID(payload.child_id), payload.agent) if isinstance(payload, ChildPayload) else None


def add_child_runs(found: Iterable[ChildLink]) -> None:
    """Add the runs to these links. Queries once, if there are any."""
    links = {link.run_id: link for link in found}
    if not links:
        return
    columns = ("status", "waiting_for", "could_not", "owner", "cancel_requested_at", "pause_requested_at")
    for run in Run.objects.filter(pk__in=links).only(*columns):
        links[run.pk].run = run
