"""Pages that create, edit, duplicate and delete a template of an agent."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from runs.agent.task_templates.places import escaped, read_task
from runs.live.rendering.formatting import counted_text
from runs.models import Agent, TaskTemplate
from runs.models.permissions import may_change_agents, may_launch
from runs.web.access import PageRequest, go_to, id_in, only_if, run_or_404
from runs.web.agents_page import agent_or_404
from runs.web.template_editor import TYPES, TemplateEditor, samples_in
from runs.web.template_form import template_or_404


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_change_agents)
def new_template(request: PageRequest, agent_id: int) -> HttpResponse:
    """GET shows an empty form, with `?from=` the task of a run, with `?copy=` another template. POST creates the
    template; 422 with the form if it is invalid."""
    agent = agent_or_404(agent_id)
    if request.method == "POST":
        return _sent(request, TaskTemplate(agent=agent))
    return _show(request, _begun(request), TaskTemplate(agent=agent))


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_change_agents)
def edit_template(request: PageRequest, template_id: int) -> HttpResponse:
    """GET shows the template's form. POST saves it; 422 with the form if it is invalid, or if another person has saved
    it since the form was opened: what was typed is kept, and the next save wins."""
    template = template_or_404(str(template_id))
    if request.method == "POST":
        return _sent(request, template)
    return _show(request, TemplateEditor.of_template(template), template)


@require_POST
@only_if(may_change_agents)
def delete_template(request: PageRequest, template_id: int) -> HttpResponse:
    """Delete a template. Its runs stay."""
    template = template_or_404(str(template_id))
    template.delete()
    return go_to(request, _section_of(template.agent))


def _begun(request: PageRequest) -> TemplateEditor:
    if run_id := request.GET.get("from", ""):
        pk = id_in(run_id)
        if pk is None:
            raise Http404(gettext("There is no such run."))
        return _of_run(request, pk)
    if copied := request.GET.get("copy", ""):
        original = template_or_404(copied)
        editor = TemplateEditor.of_template(original)
        editor.name = (gettext("Copy of %(name)s") % {"name": original.name})[:80]
        return editor
    return TemplateEditor()


def _of_run(request: PageRequest, run_id: UUID) -> TemplateEditor:
    run = run_or_404(request, run_id)
    if run.template is not None:
        return TemplateEditor.of_template(run.template)
    return TemplateEditor(task=escaped(run.task))


def _sent(request: PageRequest, template: TaskTemplate) -> HttpResponse:
    editor = TemplateEditor.sent(request.POST)
    verb, _dash, name = request.POST.get("do", "").partition("-")
    new = editor.find_inputs(samples_in(request.POST, read_task(editor.task).places))
    if verb == "find":
        editor.check_task()
        return _show(request, editor, template, new=new)
    if verb in ("up", "down"):
        editor.move(name, up=verb == "up")
        return _show(request, editor, template)
    if new:
        # Nobody has seen them yet.
        return _show(request, editor, template, new=new, status=422)
    if template.pk and request.POST.get("seen") != template.updated_at.isoformat():
        return _show(request, editor, template, status=422, is_changed=True)
    try:
        is_saved = editor.save(template)
    except IntegrityError as error:
        raise Http404(gettext("There is no such agent.")) from error
    if not is_saved:
        return _show(request, editor, template, status=422)
    wants_launch = verb == "launch" and may_launch(request.user)
    return go_to(request, template.get_absolute_url() if wants_launch else _section_of(template.agent))


def _section_of(agent: Agent) -> str:
    return f"{reverse('runs:agent', args=[agent.pk])}#templates"


def _show(
    request: PageRequest,
    editor: TemplateEditor,
    template: TaskTemplate,
    *,
    status: int = 200,
    new: int = 0,
    is_changed: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {
        "editor": editor,
        "template": template if template.pk else None,
        "agent": template.agent,
        "types": TYPES,
        "found": _found(new) if new else "",
        "was_sought": request.POST.get("do") == "find",
        "is_changed": is_changed,
        "may_launch": may_launch(request.user),
    }
    return render(request, "task_templates/edit.html", context, status=status)


def _found(new: int) -> str:
    words = ngettext("%(n)s input was found.", "%(n)s inputs were found.", new) % {"n": counted_text(new)}
    return f"{words} {gettext('Say what is asked for, then save.')}"
