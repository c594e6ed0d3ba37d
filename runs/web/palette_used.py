"""What a person opened from the palette last, on every device."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Left
from django.http import HttpResponse, HttpResponseBadRequest
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from runs.models import Agent, PagePreferences, Run
from runs.models.permissions import may_launch
from runs.templatetags.run_text import one_line
from runs.web.access import PageRequest, signed_in
from runs.web.palette_rows import TASK_START, PaletteRow, fixed_rows, run_row

MOST_KEPT: Final = 8
MOST_URL_CHARS: Final = 300
MOST_ID: Final = 2**63
"""Ids of rows are smaller: the database refuses to look for this one."""
IDS: Final = {"runs:run": "run_id", "runs:thread": "thread_id", "runs:agent": "agent_id"}
"""The views of the rows that are found by what is typed, and the names of their ids."""


@require_POST
@signed_in
def note_used(request: PageRequest) -> HttpResponse:
    """Keep the address of a row that was opened: of a page, a run, a thread or an agent."""
    url = request.POST.get("url", "")
    user: Any = request.user
    fixed = {row.url for row in fixed_rows(user, launches=may_launch(user))}
    if len(url) > MOST_URL_CHARS or (url not in fixed and _match_of(url) is None):
        return HttpResponseBadRequest(gettext("This is no page of the palette."), content_type="text/plain")
    with transaction.atomic():
        kept, _is_new = PagePreferences.objects.select_for_update().get_or_create(user=user)
        kept.palette_used = [url, *(each for each in kept.palette_used if each != url)][:MOST_KEPT]
        kept.save(update_fields=["palette_used"])
    return HttpResponse(status=204)


def used_rows(user: Any, *, launches: bool) -> list[PaletteRow]:
    """The rows of what the person opened last, without what is gone or not for them any more.

    One query, and one more for each kind among runs and agents.
    """
    kept = PagePreferences.objects.filter(user=user.pk).values_list("palette_used", flat=True).first() or []
    fixed = {row.url: row for row in fixed_rows(user, launches=launches)}
    matches = {url: _match_of(url) for url in kept}
    found = [match for match in matches.values() if match is not None]
    runs, agents = _runs(user, found), _agents(found)
    rows = (
        fixed.get(url) or (match and _row_of(match, url, runs, agents if launches else {}))
        for url, match in matches.items()
    )
    return [row for row in rows if row]


def _row_of(match: ResolverMatch, url: str, runs: dict[UUID, Any], agents: dict[int, str]) -> PaletteRow | None:
    key = match.kwargs[IDS[match.view_name]]
    if match.view_name == "runs:agent":
        return PaletteRow(words=agents[key], icon="bot", url=url, meta=gettext("Agent")) if key in agents else None
    if (run := runs.get(key)) is None:
        return None
    if match.view_name == "runs:run":
        return run_row(run)
    return PaletteRow(words=one_line(run.task_start, 160), icon="messages-square", url=url, meta=gettext("Thread"))


def _match_of(url: str) -> ResolverMatch | None:
    """The run, thread or agent of an address; None for another page."""
    try:
        match = resolve(url)
    except (Resolver404, ValueError):
        return None
    if match.view_name not in IDS:
        return None
    key = match.kwargs[IDS[match.view_name]]
    return match if isinstance(key, UUID) or key < MOST_ID else None


def _runs(user: Any, matches: Any) -> dict[UUID, Any]:
    ids = [each.kwargs[IDS[each.view_name]] for each in matches if each.view_name != "runs:agent"]
    if not ids:
        return {}
    seen = (
        Run.objects.visible_to(user)
        .select_related("agent")
        .defer("task", "filled_inputs", "answer", "output", "error", "config")
    )
    return dict(seen.annotate(task_start=Left("task", TASK_START)).in_bulk(ids))


def _agents(matches: Any) -> dict[int, str]:
    ids = [each.kwargs["agent_id"] for each in matches if each.view_name == "runs:agent"]
    return dict(Agent.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
