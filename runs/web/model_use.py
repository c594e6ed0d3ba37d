"""When models were last used and last failed, from the newest runs that a user sees."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Max, Q

from runs.live.rendering.step_views import step_view
from runs.models import Run, Step

NEWEST_RUNS: Final = 300
MOST_STEPS: Final = 10_000
"""Steps that are looked at: a long run may have that many alone."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The last use of a model."""

    at: datetime | None = None
    """The end of its last reply."""
    failed_at: datetime | None = None
    cause: str = ""
    """Why its last failed attempt failed."""
    failed_run: UUID | None = None


def last_uses(user: Any) -> dict[tuple[str, str], ModelUse]:
    """The last uses by provider and model, in three queries. Models without one are absent."""
    is_failure = Q(kind=Step.Kind.RETRY, call_id=None)
    rows = list(
        Step.objects.filter(run__in=_newest_runs(user))
        .exclude(provider="")
        .order_by()
        .values("provider", "model")
        .annotate(used=Max("ended_at", filter=~is_failure), failed=Max("pk", filter=is_failure))
    )
    failures = Step.objects.defer("replay", "html").in_bulk([row["failed"] for row in rows if row["failed"]])
    return {(row["provider"], row["model"]): _use(row["used"], failures.get(row["failed"])) for row in rows}


def _newest_runs(user: Any) -> list[UUID]:
    found: list[UUID] = []
    steps = 0
    runs = Run.objects.visible_to(user).order_by("-created_at", "-id").values_list("pk", "next_sequence")
    for run_id, next_sequence in runs[:NEWEST_RUNS]:
        steps += next_sequence - 1
        if found and steps > MOST_STEPS:
            break
        found.append(run_id)
    return found


def _use(used: datetime | None, failure: Step | None) -> ModelUse:
    if failure is None:
        return ModelUse(used)
    return ModelUse(used, failure.ended_at or failure.started_at, step_view(failure).cause, failure.run_id)
