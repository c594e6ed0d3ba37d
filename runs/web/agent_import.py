"""Export and import of agents as one file, with a preview of what an import would change."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from runs.agent_configs.agent_file import (
    MAX_FILE_BYTES,
    FileFault,
    FileRefused,
    document,
    entry_of,
    read_file,
)
from runs.agent_configs.agent_plan import PlannedAgent, import_planned, mark_of, plan_of
from runs.agent_configs.agent_yaml import yaml_document
from runs.models import Agent
from runs.models.permissions import may_add_agents, may_read_agents
from runs.web.access import PageRequest, only_if
from runs.web.agents_page import agent_or_404
from runs.web.fresh_tools import with_fresh_tools


@require_safe
@only_if(may_read_agents)
def export_agent(request: PageRequest, agent_id: int) -> HttpResponse:
    """One agent as a file: JSON, or with `?format=yaml` YAML. 404 for a missing one."""
    agent = agent_or_404(agent_id)
    name = f"agent-{slugify(agent.name) or agent.pk}"
    if request.GET.get("format") == "yaml":
        return _sent(yaml_document(entry_of(agent)), f"{name}.yaml", "application/yaml")
    return _sent(document([agent]), f"{name}.json", "application/json")


@require_safe
@only_if(may_read_agents)
def export_agents(request: PageRequest) -> HttpResponse:  # noqa: ARG001  Django passes it
    """All agents as a file."""
    return _sent(document(Agent.objects.prefetch_related("templates")), "agents.json", "application/json")


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_add_agents)
@with_fresh_tools
def import_agents(request: PageRequest) -> HttpResponse:
    """GET asks for a file. POST shows what it would change; with `do=import` and the shown plan it imports all of it,
    or nothing. 422 with the errors by line if the file is refused."""
    if request.method != "POST":
        return render(request, "agents/import.html", {})
    text = ""
    try:
        text = _text(request)
        plan = plan_of(request.user, read_file(text))
    except FileRefused as refused:
        return render(request, "agents/import.html", {"faults": refused.faults, "text": text}, status=422)
    mark = mark_of(text, plan)
    if request.POST.get("do") != "import":
        return _preview(request, text, plan, mark)
    if request.POST.get("plan") != mark or not import_planned(plan):
        return _preview(request, text, plan, mark, is_outdated=True)
    words = ngettext("%(count)s agent was imported.", "%(count)s agents were imported.", len(plan))
    messages.info(request, words % {"count": len(plan)})
    return redirect("runs:agents")


def _sent(text: str, name: str, media_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _text(request: PageRequest) -> str:
    """The text of the uploaded file, or the typed one. Raises `FileRefused` for too many bytes or no UTF-8."""
    sent = request.FILES.get("file")
    if sent is None:
        text: str = request.POST.get("document", "")
        if not text.strip():
            raise FileRefused([FileFault(1, _("Choose a file, or paste its text."))])
        # Browsers send the line ends of a text area as CR LF.
        return text.replace("\r\n", "\n")
    if (sent.size or 0) > MAX_FILE_BYTES:
        raise FileRefused([FileFault(1, _("The file has more than %(most)s KiB.") % {"most": MAX_FILE_BYTES // 1024})])
    try:
        return str(sent.read(), "utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise FileRefused([FileFault(1, _("The file is not text in UTF-8."))]) from error


def _preview(
    request: PageRequest, text: str, plan: list[PlannedAgent], mark: str, *, is_outdated: bool = False
) -> HttpResponse:
    context = {
        "text": text,
        "plan": plan,
        "mark": mark,
        "is_outdated": is_outdated,
        "changed": sum(each.is_new or bool(each.changes) for each in plan),
    }
    return render(request, "agents/import_preview.html", context, status=422 if is_outdated else 200)
