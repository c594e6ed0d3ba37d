"""Why tools that agents name cannot be called now, for people."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.agent.tools.registry import declared_tools, offered_tools, registered_tools
from runs.models import Agent, StoredTool, ToolSource
from runs.web.agent_facts import ToolFact
from runs.web.server_rows import ServerRow, ServerToolRow

NAMES_TOLD: Final = 6
GONE: Final = gettext_lazy("this site no longer has it")
NOT_SET_UP: Final = gettext_lazy("this site is not set up for it")
_BY_STATE: Final = {
    "gone": gettext_lazy("its source no longer lists it"),
    "refused": gettext_lazy("it cannot be offered as it is"),
    "changed": gettext_lazy("changed: it waits until staff approve the change"),
    "new": gettext_lazy("off: nobody has turned it on"),
    "off": gettext_lazy("off: staff turned it off"),
}
"""For a stored tool that is not offered, by the state of its row."""
_BY_SOURCE: Final = {
    ToolSource.State.FAILED: gettext_lazy("its server could not be reached"),
    ToolSource.State.SIGNED_OUT: gettext_lazy("its server needs a sign-in"),
}
"""For a stored tool whose calls are likely to fail, by the state of its server."""


def why_not_now(names: Iterable[str]) -> dict[str, str]:
    """Why each of these tools cannot be called now, without those that can. One query if one of them may be stored."""
    declared, known, offered = declared_tools(), registered_tools(), offered_tools()
    wanted = list(names)
    others = [name for name in wanted if name not in declared]
    rows = StoredTool.objects.filter(name__in=others).select_related("source").defer("schema") if others else ()
    stored = {row.name: _why_not_stored(row) for row in rows}
    found = {
        name: stored.get(name, "" if name in offered else str(NOT_SET_UP if name in known else GONE)) for name in wanted
    }
    return {name: words for name, words in found.items() if words}


def _why_not_stored(tool: StoredTool) -> str:
    state, source = ServerToolRow(tool).state, tool.source
    if state != "on":
        return str(_BY_STATE[state])
    if source.kind == ToolSource.Kind.OPENAPI:
        return "" if ServerRow(source, 0, 0, 0).is_set_up else gettext("its API has no address that may be called")
    return str(_BY_SOURCE.get(ToolSource.State(source.state), ""))


def with_availability(facts: Sequence[ToolFact]) -> list[ToolFact]:
    """The tools, each with why it cannot be called now."""
    found = why_not_now(fact.name for fact in facts)
    return [replace(fact, not_now=found.get(fact.name, "")) for fact in facts]


def launch_note(agent: Agent | None) -> str:
    """The tools that a run of the agent would go without; empty for none, and for an agent that names no tools."""
    found = why_not_now(map(str, agent.tools)) if agent is not None and agent.tools else {}
    if not found:
        return ""
    told = [f"{name} ({words})" for name, words in list(found.items())[:NAMES_TOLD]]
    words = ngettext(
        "One of its tools cannot be called now: %(tools)s.",
        "%(n)s of its tools cannot be called now: %(tools)s.",
        len(found),
    )
    return words % {"n": len(found), "tools": ", ".join(told) + (", …" if len(found) > NAMES_TOLD else "")}
