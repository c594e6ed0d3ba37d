"""What an import of agents would change, agent by agent, and the import of all of it or nothing."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from runs.agent.json_data.json_types import JsonObject
from runs.agent_configs.agent_editor import AgentEditor, ChangedMeanwhile
from runs.agent_configs.agent_file import AgentEntry, FileFault, FileRefused, form_data
from runs.models import Agent
from runs.models.agent_config import changed_keys, config_of
from runs.models.permissions import may_change_agents

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


def plan_of(user: Any, entries: list[AgentEntry]) -> list[PlannedAgent]:
    """What the import would do, agent by agent; `user` None is the command line. Raises `FileRefused` with
    everything that cannot be saved."""
    existing = {agent.name: agent for agent in Agent.objects.filter(name__in=[each.name.strip() for each in entries])}
    names = {each.name.strip() for each in entries}
    plan, faults = [], []
    for entry in entries:
        agent = existing.get(entry.name.strip())
        if agent is not None and user is not None and not may_change_agents(user):
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


def import_planned(plan: list[PlannedAgent], *, message: str = "", author: Any = None) -> bool:
    """Save all agents of the plan, or none of them: False if one was changed since the plan was made."""
    try:
        with transaction.atomic():
            for each in plan:
                if each.is_new or each.changes:
                    each.form.save_checked(seen=each.seen, message=message, author=author)
    except (ChangedMeanwhile, IntegrityError):  # `IntegrityError`: another agent took the name.
        return False
    return True


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
