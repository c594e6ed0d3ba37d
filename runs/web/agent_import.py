"""Export and import of agents as one file, with a preview of what an import would change."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from runs.agent.json_data.json_types import JsonObject
from runs.models import Agent
from runs.models.agent_config import changed_keys, config_of
from runs.models.permissions import may_add_agents, may_change_agents, may_read_agents
from runs.web.access import PageRequest, only_if
from runs.web.agent_editor import AgentEditor, ChangedMeanwhile
from runs.web.agent_file import (
    MAX_FILE_BYTES,
    AgentEntry,
    FileFault,
    FileRefused,
    document,
    form_data,
    read_file,
)
from runs.web.agents_page import agent_or_404
from runs.web.fresh_tools import with_fresh_tools

SHOWN_CHARS = 160
"""Characters of a value in a preview."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value that an import, or a save, would change."""

    key: str
    before: str
    """Empty for a value that is new."""
    after: str


@dataclass(frozen=True, slots=True)
class PlannedAgent:
    """What an import would do with one agent."""

    form: AgentEditor
    name: str
    seen: str
    """When the existing agent was saved last; empty for a new one."""
    changes: list[ValueChange]

    @property
    def is_new(self) -> bool:
        """True if no agent has this name yet."""
        return not self.seen


def changes_between(before: JsonObject, after: JsonObject) -> list[ValueChange]:
    """The values that differ between two agents as in a file."""
    return [ValueChange(key, _shown(before.get(key)), _shown(after.get(key))) for key in changed_keys(before, after)]


@require_safe
@only_if(may_read_agents)
def export_agent(request: PageRequest, agent_id: int) -> HttpResponse:  # noqa: ARG001  Django passes it
    """One agent as a file. 404 for a missing one."""
    agent = agent_or_404(agent_id)
    return _file([agent], f"agent-{slugify(agent.name) or agent.pk}.json")


@require_safe
@only_if(may_read_agents)
def export_agents(request: PageRequest) -> HttpResponse:  # noqa: ARG001  Django passes it
    """All agents as a file."""
    return _file(list(Agent.objects.all()), "agents.json")


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
        plan = _plan(request.user, read_file(text))
    except FileRefused as refused:
        return render(request, "agents/import.html", {"faults": refused.faults, "text": text}, status=422)
    mark = _mark_of(text, plan)
    if request.POST.get("do") != "import":
        return _preview(request, text, plan, mark)
    if request.POST.get("plan") != mark or not _imported(plan):
        return _preview(request, text, plan, mark, is_outdated=True)
    words = ngettext("%(count)s agent was imported.", "%(count)s agents were imported.", len(plan))
    messages.info(request, words % {"count": len(plan)})
    return redirect("runs:agents")


def _file(agents: list[Agent], name: str) -> HttpResponse:
    response = HttpResponse(document(agents), content_type="application/json; charset=utf-8")
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


def _plan(user: Any, entries: list[AgentEntry]) -> list[PlannedAgent]:
    """What the import would do, agent by agent. Raises `FileRefused` with everything that cannot be saved."""
    existing = {agent.name: agent for agent in Agent.objects.filter(name__in=[each.name.strip() for each in entries])}
    names = {each.name.strip() for each in entries}
    plan, faults = [], []
    for entry in entries:
        agent = existing.get(entry.name.strip())
        if agent is not None and not may_change_agents(user):
            words = _("There is an agent “%(name)s”, and you may not change agents.") % {"name": agent.name}
            faults.append(FileFault(entry.line_of("name"), words))
            continue
        before = {} if agent is None else config_of(agent)
        seen = "" if agent is None else agent.updated_at.isoformat()
        data = form_data(entry.values, is_default=agent is not None and agent.is_default)
        form = AgentEditor(data, instance=agent or Agent(), by=user, beside=names)
        if form.is_valid():
            plan.append(PlannedAgent(form, form.instance.name, seen, changes_between(before, config_of(form.instance))))
        else:
            faults += [
                FileFault(entry.line_of(column), f"{entry.name[:80]}: {words}")
                for column, errors in form.errors.items()
                for words in errors
            ]
    if faults:
        raise FileRefused(faults)
    return plan


def _imported(plan: list[PlannedAgent]) -> bool:
    """Save all agents of the plan, or none of them: False if one was changed since the plan was made."""
    try:
        with transaction.atomic():
            for each in plan:
                if each.is_new or each.changes:
                    each.form.save_checked(seen=each.seen)
    except (ChangedMeanwhile, IntegrityError):  # `IntegrityError`: another agent took the name.
        return False
    return True


def _mark_of(text: str, plan: list[PlannedAgent]) -> str:
    """A hash of the file and of the agents it would change."""
    told = json.dumps([text, [[each.name, each.seen] for each in plan]])
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


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


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
