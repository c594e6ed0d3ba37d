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
from runs.templatetags.run_text import one_line
from runs.web.access import PageRequest, signed_in
from runs.web.palette_rows import TASK_START, PaletteRow, fixed_rows, run_row

MOST_KEPT: Final = 8
MOST_URL_CHARS: Final = 300


@require_POST
@signed_in
def note_used(request: PageRequest) -> HttpResponse:
    """Keep the address of a row that was opened: of a page, a run, a thread or an agent."""
    url = request.POST.get("url", "")
    if len(url) > MOST_URL_CHARS or _match_of(url) is None:
        return HttpResponseBadRequest(gettext("This is no page of the palette."), content_type="text/plain")
    user: Any = request.user
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
    matches = {url: match for url in kept if (match := _match_of(url)) is not None}
    runs, agents = _runs(user, matches.values()), _agents(matches.values())
    rows = []
    for url, match in matches.items():
        row = fixed.get(url)
        if match.view_name == "runs:run" and (run := runs.get(match.kwargs["run_id"])) is not None:
            row = run_row(run)
        elif match.view_name == "runs:thread" and (first := runs.get(match.kwargs["thread_id"])) is not None:
            words = one_line(first.task_start, 160)
            row = PaletteRow(words=words, icon="messages-square", url=url, meta=gettext("Thread"))
        elif match.view_name == "runs:agent" and launches and (name := agents.get(match.kwargs["agent_id"])):
            row = PaletteRow(words=name, icon="bot", url=url, meta=gettext("Agent"))
        rows += [row] if row is not None else []
    return rows


def _match_of(url: str) -> ResolverMatch | None:
    try:
        match = resolve(url)
    except (Resolver404, ValueError):
        return None
    return match if match.namespace in ("runs", "api", "admin") else None


def _runs(user: Any, matches: Any) -> dict[UUID, Any]:
    names = {"runs:run": "run_id", "runs:thread": "thread_id"}
    ids = [each.kwargs[names[each.view_name]] for each in matches if each.view_name in names]
    if not ids:
        return {}
    seen = Run.objects.visible_to(user).select_related("agent").defer("task", "answer", "output", "error", "config")
    return dict(seen.annotate(task_start=Left("task", TASK_START)).in_bulk(ids))


def _agents(matches: Any) -> dict[int, str]:
    ids = [each.kwargs["agent_id"] for each in matches if each.view_name == "runs:agent"]
    return dict(Agent.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
