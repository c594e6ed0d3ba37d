"""The tools: the list of all, the page of one, and a form that tries it."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.registry import registered_tools
from runs.agent.tools.validation import validated
from runs.engine.mcp.servers import known_servers
from runs.engine.openapi.apis import known_apis
from runs.live.rendering.schema_form import SchemaForm
from runs.models.permissions import may_change_agents, may_see_agents, may_see_all, may_try_tools
from runs.web.access import PageRequest, only_if
from runs.web.fresh_tools import with_fresh_tools
from runs.web.server_rows import server_rows
from runs.web.tool_calls import EndedCallRow
from runs.web.tool_facts import ToolRow, rows_of, sections_of, users_of
from runs.web.tool_trial import Trial, TrialGoesOn, run_trial
from runs.web.tool_use import NEWEST_RUNS, SAMPLED, ToolUses, ended_calls, uses_for

LAST_CALLS: Final = 8
MOST_TYPED: Final = 200
"""Characters that are read of a search."""
CONFIRM: Final = "sure"
"""The name of the field that confirms a call with an effect. No field of an argument has it: those have a prefix."""


class TrialForm(SchemaForm):
    """The arguments of a tool that is tried; an unsafe one asks to be confirmed."""

    def __init__(self, tool: FunctionTool, data: JsonMapping | None = None) -> None:
        """`data` None shows empty fields."""
        self.is_sure = data is not None and CONFIRM in data
        super().__init__(tool.get_schema(), {}, data, prefix="trial", has_long_texts=True, is_new=True)


@require_safe
@only_if(may_see_agents)
@with_fresh_tools
def show_tools(request: PageRequest) -> HttpResponse:
    """List the registered tools, those with the words `?q=`, by source, with the calls of runs the user may see."""
    q = request.GET.get("q", "").replace("\x00", "").strip()[:MOST_TYPED]
    uses = _uses(request)
    context = {
        "sections": sections_of(rows_of(uses, q)),
        "q": q,
        "sees_all": may_see_all(request.user),
        "newest_runs": NEWEST_RUNS if uses.is_partial else None,
        "servers": server_rows(known_servers()) if may_change_agents(request.user) else None,
        "apis": server_rows(known_apis()) if may_change_agents(request.user) else None,
    }
    return render(request, "tools/list.html", context)


@require_safe
@only_if(may_see_agents)
@with_fresh_tools
def show_tool(request: PageRequest, name: str) -> HttpResponse:
    """Show what a tool is, how its calls went, its agents, its last calls, and the form that tries it."""
    row = _row_or_404(request, name)
    form = TrialForm(row.tool) if may_try_tools(request.user) and not row.not_alone else None
    return _page(request, row, form)


@require_POST
@only_if(may_try_tools)
@with_fresh_tools
def try_tool(request: PageRequest, name: str) -> HttpResponse:
    """Call the tool once with the arguments of the form, and show the result; 422 with the form if it is not called.
    To htmx only the form with the result."""
    row = _row_or_404(request, name)
    if row.not_alone:
        return _page(request, row, None, status=422)
    form = TrialForm(row.tool, request.POST)
    trial = _trial(request, row, form) if form.is_valid() else None
    return _page(request, row, form, trial, status=422 if trial is None else 200)


NOT_SURE: Final = gettext_lazy("Confirm that it may change things outside.")
GOES_ON: Final = gettext_lazy("Your last try has not ended. Wait for it, then try again.")


def _trial(request: PageRequest, row: ToolRow, form: TrialForm) -> Trial | None:
    """The result; None, with the reason in the form, if the tool was not called."""
    arguments = form.arguments()
    try:
        validated(row.tool, arguments)
    except InvalidArguments as misfit:
        form.refuse_misfit(misfit)
        return None
    if row.effect == "unsafe" and not form.is_sure:
        form.refuse(str(NOT_SURE))
        return None
    try:
        return run_trial(row.tool, arguments, timeout_s=row.timeout_s, user=request.user)
    except TrialGoesOn:
        form.refuse(str(GOES_ON))
        return None


def _page(
    request: PageRequest, row: ToolRow, form: TrialForm | None, trial: Trial | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"row": row, "form": form, "trial": trial, "confirm": CONFIRM}
    if request.htmx and request.method == "POST" and form is not None:
        return render(request, "tools/partials/try_it.html", context, status=status)
    context |= {
        "users": users_of(row.tool),
        "calls": [EndedCallRow.of(call) for call in ended_calls(request.user, row.name, LAST_CALLS)],
        "sampled": SAMPLED,
        "sees_all": may_see_all(request.user),
        "may_try": may_try_tools(request.user),
    }
    return render(request, "tools/tool.html", context, status=status)


def _row_or_404(request: PageRequest, name: str) -> ToolRow:
    tool = registered_tools().get(name)
    if tool is None:
        raise Http404(gettext("There is no such tool."))
    return ToolRow(tool, _uses(request).of(name))


def _uses(request: PageRequest) -> ToolUses:
    return uses_for(request.user, list(registered_tools()))
