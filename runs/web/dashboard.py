"""The dashboard: what runs, what waits, and what has just finished."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.live import board
from runs.web.access import PageRequest, signed_in


@require_safe
@signed_in
def show_dashboard(request: PageRequest) -> HttpResponse:
    """Show the runs the person may see, grouped by what happens to them."""
    context = {
        **board.lists_for(request.user),
        "counts": board.counts_for(request.user),
        "show_owner": request.user.is_staff,
    }
    return render(request, "runs/dashboard.html", context)
