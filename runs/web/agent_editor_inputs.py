"""The inputs of the agent's form, as its template shows them: rows, units, choices, and what is folded."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from django import forms
from django.utils.translation import gettext as _

from runs.agent.all_settings import SETTINGS
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.setting import Group
from runs.agent.tools.child_runs import CALL_AGENT
from runs.agent.tools.registry import offered_tools, registered_tools
from runs.agent_configs.agent_editor import APPROVALS, EXPIRIES, TOOL_CHOICES, AgentEditor
from runs.agent_configs.agent_editor_fields import unit_of
from runs.models import Agent
from runs.web.agent_callees import agent_choices
from runs.web.agent_facts import RULES, STRATEGIES, ToolFact, tool_fact
from runs.web.libraries import library_choices
from runs.web.model_rows import ModelRow, row_of
from runs.web.skills import skill_choices

FOLDED: Final = (
    ("model", [each.agent_column for each in SETTINGS.values() if each.group == "model"]),
    ("timeouts", [each.agent_column for each in SETTINGS.values() if each.group == "timeouts"]),
    ("queue", ["priority", "max_runs_at_once"]),
)
"""Groups of fields that are folded unless one of them has a value."""


class NumberField(NamedTuple):
    """A number with its unit."""

    field: forms.BoundField
    unit: str


class ModelInput(NamedTuple):
    """One row of the models."""

    at: int
    name: str
    row: ModelRow | None
    """What is known of the model; None for an empty row."""
    is_first: bool
    is_last: bool


class ToolInput(NamedTuple):
    """One row of the tools."""

    tool: ToolFact
    is_ticked: bool
    rule: str


def model_inputs(form: AgentEditor, rows: Sequence[str] | None) -> dict[str, Any]:
    """The inputs of the models, with `rows` in place of the form's own, and of what is asked of them."""
    return {
        "models": list(_rows(form["model_names"].value() or [""] if rows is None else rows)),
        "suggestions": available_models(),
        "strategies": [(value, *words) for value, words in STRATEGIES.items()],
        "model_numbers": list(_numbers(form, "model")),
        "efforts": [("", _("The provider's default")), *Agent.ReasoningEffort.choices],
    }


def tool_inputs(form: AgentEditor) -> dict[str, Any]:
    """The inputs of the tools, of their approvals, and of the libraries, skills and agents that they use."""
    return {
        "tool_choices": TOOL_CHOICES,
        "tool_groups": _tool_groups(form),
        "rules": [("", _("Default")), *RULES.items()],
        "approvals": APPROVALS,
        "expiries": EXPIRIES,
        "deadline": NumberField(form["approval_seconds"], "s"),
        "libraries": library_choices(form["libraries"].value() or []),
        "skills": skill_choices(form["skills"].value() or []),
        "agents": agent_choices(form["agents"].value() or [], form.instance.name),
        "calls_rule": (form["tool_approvals"].value() or {}).get(CALL_AGENT, ""),
    }


def limit_inputs(form: AgentEditor) -> dict[str, Any]:
    """The inputs of the limits, and which groups of fields are open."""
    return {
        "limits": [*_numbers(form, "limits"), NumberField(form["max_attempts"], "")],
        "timeouts": list(_numbers(form, "timeouts")),
        "queue": [NumberField(form[name], "") for name in ("priority", "max_runs_at_once")],
        "raises": Agent.MayRaise.choices,
        "opened": {
            group: any(form[name].value() not in (None, "", 0, {}) for name in names) for group, names in FOLDED
        },
        "may_default": "is_default" in form.fields,
    }


def faults(form: AgentEditor) -> dict[str, Any]:
    """How many fields have errors, and the HTML name of the first one, which gets the focus."""
    faulty = [form[name] for name in form.fields if form[name].errors]
    return {"focus": faulty[0].html_name if faulty else "", "faults": len(faulty)}


def _rows(names: Sequence[str]) -> Iterator[ModelInput]:
    last = len(names) - 1
    for index, name in enumerate(names):
        yield ModelInput(index, name, row_of(name) if name else None, index == 0, index == last)


def _tool_groups(form: AgentEditor) -> list[tuple[str, list[ToolInput]]]:
    """The offered and the ticked tools by their module, those that are no longer registered last."""
    ticked, rules = form["tools"].value() or [], form["tool_approvals"].value() or {}
    approval = form["approval"].value() or Agent.Approval.UNSAFE
    known = registered_tools()
    offered = offered_tools()
    names = [*offered, *(name for name in ticked if name not in offered)]
    groups: dict[str, list[ToolInput]] = {}
    for name in names:
        fact = tool_fact(name, known.get(name), str(approval), rules)
        group = (fact.source or _("Built in")) if fact.effect else _("Gone: untick them")
        groups.setdefault(group, []).append(ToolInput(fact, name in ticked, rules.get(name, "")))
    return list(groups.items())


def _numbers(form: AgentEditor, group: Group) -> Iterator[NumberField]:
    for setting in SETTINGS.values():
        if setting.group == group and setting.kind not in ("choice", "json"):
            yield NumberField(form[setting.agent_column], unit_of(setting))
