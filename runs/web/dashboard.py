"""The dashboard: what runs, what waits, and what has just finished."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.models import Run
from runs.web.access import PageRequest, signed_in

LIST_LENGTH = 50
"""The longest list of running or of waiting runs; the history has them all."""
FINISHED_LENGTH = 10


@require_safe
@signed_in
def show_dashboard(request: PageRequest) -> HttpResponse:
    """Show the runs the person may see, grouped by what happens to them."""
    return render(request, "runs/dashboard.html", _lists(request.user))


def _lists(user: object) -> dict[str, Any]:
    runs = Run.objects.visible_to(user).select_related("agent", "user").defer("config", "answer", "output", "error")
    unfinished = runs.unfinished()
    return {
        "running": unfinished.exclude(status=Run.Status.WAITING)[:LIST_LENGTH],
        "waiting": unfinished.filter(status=Run.Status.WAITING)[:LIST_LENGTH],
        "finished": runs.filter(status__in=Run.FINAL).order_by("-ended_at", "-id")[:FINISHED_LENGTH],
        "counts": _counts(user),
    }


def _counts(user: object) -> dict[str, int]:
    return Run.objects.visible_to(user).aggregate(
        running=Count("pk", filter=Q(status__in=["idle", "thinking", "executing"])),
        waiting=Count("pk", filter=Q(status="waiting")),
        completed=Count("pk", filter=Q(status="completed")),
        failed=Count("pk", filter=Q(status="failed")),
        cancelled=Count("pk", filter=Q(status="cancelled")),
    )
