"""The form with the tools of a source: which are on, what they do, and which changes are approved."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.utils.translation import gettext, ngettext

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.function_tool import EFFECTS
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import ChangedSince, set_effect, turn_off, turn_on, turn_on_all
from runs.live.rendering.formatting import counted_text
from runs.models import StoredTool, ToolSource
from runs.web.access import PageRequest
from runs.web.server_rows import ServerRow, ServerToolRow
from runs.web.source_agents import agents_with_tools_of


def source_or_404(name: str, sources: Iterable[ToolSource], words: str) -> ToolSource:
    """The source of that name. Raises `Http404` with `words` if there is none."""
    source = next((each for each in sources if each.name == name), None)
    if source is None:
        raise Http404(words)
    return source


def source_context(source: ToolSource) -> JsonObject:
    """What a page with the form shows: changed tools first."""
    tools = [ServerToolRow(tool) for tool in source.tools.select_related("approved_by")]
    return {
        "server": ServerRow.of(source, tools),
        "tools": sorted(tools, key=lambda row: (not row.tool.is_changed, row.tool.name)),
        "new": sum(row.state == "new" for row in tools),
        "agents": agents_with_tools_of(source),
    }


def change_tools(request: PageRequest, source: ToolSource) -> None:
    """Store the effects of the form, and do what its button says."""
    _save_effects(request, source)
    match request.POST.get("do", "").split():
        case ["on", tool_id, seen_hash]:
            _turn_on(request, source, tool_id, seen_hash)
        case ["off", tool_id]:
            tool = turn_off(_tool_or_404(source, tool_id).pk)
            messages.success(request, gettext("%(tool)s is off.") % {"tool": tool.name})
        case ["all-on"]:
            number = turn_on_all(source, seen=request.POST.getlist("seen"), by=request.user)
            words = ngettext("%(number)s tool was turned on.", "%(number)s tools were turned on.", number)
            messages.success(request, words % {"number": counted_text(number)})
        case _:
            messages.success(request, gettext("The effects were saved."))
    refresh_tools()


def _turn_on(request: PageRequest, source: ToolSource, tool_id: str, seen_hash: str) -> None:
    tool = _tool_or_404(source, tool_id)
    try:
        turn_on(tool.pk, seen_hash=seen_hash, by=request.user)
    except ChangedSince:
        words = gettext("%(tool)s has changed since this page was shown. Look at it again.")
        messages.error(request, words % {"tool": tool.name})
    except ValueError:
        messages.error(request, gettext("%(tool)s cannot be offered.") % {"tool": tool.name})
    else:
        messages.success(request, gettext("%(tool)s is on.") % {"tool": tool.name})


def _save_effects(request: PageRequest, source: ToolSource) -> None:
    for tool in source.tools.only("pk", "effect"):
        effect: Any = request.POST.get(f"effect-{tool.pk}")
        if effect in EFFECTS and effect != tool.effect:
            set_effect(tool.pk, effect)


def _tool_or_404(source: ToolSource, tool_id: str) -> StoredTool:
    tool = source.tools.filter(pk=int(tool_id)).first() if tool_id.isascii() and tool_id.isdigit() else None
    if tool is None:
        raise Http404(gettext("There is no such tool."))
    return tool
