"""What an import of agents would change, agent by agent, and the import of all of it or nothing."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from runs.agent.json_data.json_types import JsonObject
from runs.agent_configs.agent_editor import AgentEditor, ChangedMeanwhile
from runs.agent_configs.agent_file import AgentEntry, FileFault, FileRefused, entry_of, form_data
from runs.agent_configs.agent_templates import KEY as TEMPLATES
from runs.agent_configs.agent_templates import (
    TemplatesRefused,
    checked_templates,
    store_templates,
    template_as_written,
    templates_of,
)
from runs.agent_configs.config_diff import SettingDiff, config_diff
from runs.models import Agent, TaskTemplate
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
    before: JsonObject
    """The agent as in a file, without empty parts; empty for a new one."""
    after: JsonObject
    templates: list[TaskTemplate] | None
    """The templates that it gets; None if the file says nothing about them."""

    @property
    def is_new(self) -> bool:
        """True if no agent has this name yet."""
        return not self.seen

    @property
    def changes(self) -> list[ValueChange]:
        """The values that differ, shortened."""
        return changes_between(self.before, self.after)

    @property
    def differences(self) -> list[SettingDiff]:
        """What differs, line by line."""
        return config_diff(self.before, self.after)

    @property
    def state(self) -> list[Any]:
        """What the plan was made for. It is another one if the agent was changed since."""
        return [self.name, self.seen, self.before.get(TEMPLATES)]


def changes_between(before: JsonObject, after: JsonObject) -> list[ValueChange]:
    """The values that differ between two agents as in a file."""
    return [ValueChange(key, _shown(before.get(key)), _shown(after.get(key))) for key in changed_keys(before, after)]


def plan_of(user: Any, entries: list[AgentEntry]) -> list[PlannedAgent]:
    """What the import would do, agent by agent; `user` None is the command line. Raises `FileRefused` with
    everything that cannot be saved."""
    names = {each.name.strip() for each in entries}
    found = Agent.objects.filter(name__in=names).prefetch_related("templates")
    existing = {agent.name: agent for agent in found}
    plan: list[PlannedAgent] = []
    faults: list[FileFault] = []
    for entry in entries:
        agent = existing.get(entry.name.strip())
        if agent is not None and user is not None and not may_change_agents(user):
            words = _("There is an agent “%(name)s”, and you may not change agents.") % {"name": agent.name}
            faults.append(FileFault(entry.line_of("name"), words))
        else:
            planned, wrong = _planned(entry, agent, names, by=user)
            plan += [planned] if planned else []
            faults += wrong
    if faults:
        raise FileRefused(faults)
    return plan


def mark_of(text: str, plan: list[PlannedAgent]) -> str:
    """A hash of the file and of the agents it would change."""
    told = json.dumps([text, [each.state for each in plan]])
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


def _planned(
    entry: AgentEntry, agent: Agent | None, names: set[str], *, by: Any
) -> tuple[PlannedAgent | None, list[FileFault]]:
    """The plan for one agent; None, and why, if it cannot be saved. `names` are those of all agents of the file."""
    before = {} if agent is None else _without_empty(entry_of(agent))
    seen = "" if agent is None else agent.updated_at.isoformat()
    data = form_data(entry.values, is_default=agent is not None and agent.is_default)
    form = AgentEditor(data, instance=agent or Agent(), by=by, beside=names)
    faults = [
        FileFault(entry.line_of(column), f"{entry.name[:80]}: {words}")
        for column, errors in form.errors.items()
        for words in errors
    ]
    templates = None
    try:
        if entry.values.get(TEMPLATES) is not None:
            templates = checked_templates(entry.values[TEMPLATES])
    except TemplatesRefused as refused:
        faults += [FileFault(entry.line_of(TEMPLATES), f"{entry.name[:80]}: {words}") for words in refused.faults]
    if faults:
        return None, faults
    written = before.get(TEMPLATES, []) if templates is None else list(map(template_as_written, templates))
    after = _without_empty(config_of(form.instance) | {TEMPLATES: written})
    return PlannedAgent(form, form.instance.name, seen, before, after, templates), []


def _without_empty(entry: JsonObject) -> JsonObject:
    return entry if entry[TEMPLATES] else {key: value for key, value in entry.items() if key != TEMPLATES}


def import_planned(plan: list[PlannedAgent], *, message: str = "", author: Any = None) -> bool:
    """Save all agents of the plan, or none of them: False if one was changed since the plan was made."""
    try:
        with transaction.atomic():
            for each in plan:
                if each.is_new or each.before != each.after:
                    _save(each, message=message, author=author)
    except (ChangedMeanwhile, IntegrityError):  # `IntegrityError`: another agent took the name.
        return False
    return True


def _save(planned: PlannedAgent, *, message: str, author: Any) -> None:
    """Raises `ChangedMeanwhile`."""
    agent = planned.form.save_checked(seen=planned.seen, message=message, author=author)
    if planned.templates is None:
        return
    if templates_of(Agent.objects.get(pk=agent.pk)) != planned.before.get(TEMPLATES, []):
        raise ChangedMeanwhile
    store_templates(agent, planned.templates)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
