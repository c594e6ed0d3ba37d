"""The gallery of templates, where a launch begins."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from runs.agent.task_templates.inputs import stored_inputs
from runs.engine.task_templates.listing import TemplatePlace, listed_templates
from runs.models import Agent, TaskTemplate
from runs.models.permissions import may_change_agents, may_launch, may_see_agents
from runs.web.access import PageRequest, only_if

PAGE_LENGTH: Final = 24


@require_safe
@only_if(may_see_agents)
def show_templates(request: PageRequest) -> HttpResponse:
    """The gallery; to htmx the results of another search, or the next page."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:500]
    agent = request.GET.get("agent", "").replace("\x00", "")[:80]
    after = _place_in(request)
    found = list(listed_templates(words=words, agent=agent, after=after)[: PAGE_LENGTH + 1])
    shown = found[:PAGE_LENGTH]
    target = request.htmx.target if request.htmx and not request.htmx.history_restore_request else None
    context: dict[str, Any] = {
        "q": words,
        "agent": agent,
        "is_first": after is None,
        "templates": [(each, _titles(each)) for each in shown],
        "more": _query_after(shown[-1], words, agent) if len(found) > PAGE_LENGTH else "",
        "may_launch": may_launch(request.user),
        "may_change": may_change_agents(request.user),
    }
    if target is None:
        context |= {"agents": _agents_with_templates(), "number": TaskTemplate.objects.count()}
    templates = {"more": "task_templates/partials/cards.html", "results": "task_templates/partials/results.html"}
    response = render(request, templates.get(target or "", "task_templates/gallery.html"), context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _query_after(last: TaskTemplate, words: str, agent: str) -> str:
    chosen = {"q": words, "agent": agent, "after": last.name, "id": last.pk}
    return urlencode({name: value for name, value in chosen.items() if value})


def _titles(template: TaskTemplate) -> str:
    return ", ".join(each.title for each in stored_inputs(template.inputs))


def _agents_with_templates() -> list[str]:
    with_some = TaskTemplate.objects.values("agent")
    return list(Agent.objects.in_use().filter(pk__in=with_some).order_by("name").values_list("name", flat=True))


def _place_in(request: PageRequest) -> TemplatePlace | None:
    pk, name = request.GET.get("id", ""), request.GET.get("after", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19) or "\x00" in name:
        return None
    return TemplatePlace(name, int(pk))
