"""The page of one run."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.web.access import PageRequest, run_or_404, signed_in


@require_safe
@signed_in
def show_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run as it stands."""
    return render(request, "runs/run.html", {"run": run_or_404(request, run_id)})
