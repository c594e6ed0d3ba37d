"""The line of a failed run's page about other runs that failed the same way."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from runs.live.rendering.formatting import capped_text
from runs.models import Run
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.run_filter import LONGEST_CODE, SPANS

WHEN: Final = "7d"
"""How far back the others are looked for, as in the filter of the list of runs."""
MOST_COUNTED: Final = 1_000
"""Others that are counted."""


@dataclass(frozen=True, slots=True)
class SimilarFailures:
    """Other runs that failed with the same error code."""

    runs: int
    query: str
    """The list of all of them, the run itself included."""

    @property
    def words(self) -> str:
        """How many there are."""
        words = ngettext(
            "%(n)s other run failed the same way in the last 7 days",
            "%(n)s other runs failed the same way in the last 7 days",
            self.runs,
        )
        return words % {"n": capped_text(self.runs, MOST_COUNTED)}


@require_safe
@signed_in
def show_similar_failures(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The line alone, for a page that saw the run fail; empty without others."""
    similar = similar_failures(request.user, run_or_404(request, run_id))
    return render(request, "runs/partials/similar_failures.html", {"similar": similar})


def similar_failures(user: Any, run: Run) -> SimilarFailures | None:
    """The others that `user` may see; None for no others, and for a run that did not fail or whose error has no code.

    One query on an index, none for other runs.
    """
    code = (run.error or {}).get("code")
    if run.status != Run.Status.FAILED or not isinstance(code, str) or not 0 < len(code) <= LONGEST_CODE:
        return None
    alike = Run.objects.visible_to(user).failed_with(code).filter(created_at__gte=timezone.now() - SPANS[WHEN])
    count = alike.exclude(pk=run.pk).order_by()[: MOST_COUNTED + 1].count()
    query = urlencode({"status": Run.Status.FAILED.value, "error": code, "when": WHEN})
    return SimilarFailures(count, query) if count else None
