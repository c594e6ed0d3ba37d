"""Trying a draft: a run with the settings of an agent that are not saved."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext

from runs.agent.wording import Wording
from runs.engine.control.agent_changes import AgentRefused
from runs.engine.control.ceilings import ceilings_of
from runs.engine.control.launch import create_run
from runs.engine.control.overrides import changed
from runs.models import Agent, AgentDraft, Run
from runs.models.agent_config import config_of
from runs.models.permissions import may_add_agents, may_change_agents


@dataclass(frozen=True, slots=True)
class Draft:
    """What the editor has, valid and not saved."""

    configured: Agent
    """An agent with the configuration, which is not saved."""
    agent: Agent | None
    """The saved agent that it is a draft of; None for a new one."""
    message: str = ""
    is_default: bool = False
    seen: str = ""
    """As of `AgentDraft`."""


@transaction.atomic
def launch_draft(draft: Draft, *, user: Any, task: str) -> Run:
    """A new run of `task` with the draft's configuration, which it keeps like any run; the agent stays as it is.

    Raises as `launch`, and `PermissionDenied` for a person who may not save the draft either.
    """
    if not task.strip():
        raise ValueError("A run needs a task.")
    agent = draft.agent
    if not (may_add_agents(user) if agent is None else may_change_agents(user)):
        raise PermissionDenied(gettext("Your account may not change agents."))
    if agent is not None and agent.archived_at is not None:
        raise AgentRefused(Wording("%(agent)s is archived. No run is launched with it.", agent=agent.name))
    ceilings = ceilings_of(draft.configured, by=user)
    config = changed(draft.configured.snapshot(), None, by=user, ceilings=ceilings)
    base = 0 if agent is None else agent.version or 0
    run = create_run(user=user, task=task, agent=agent, config=config, overrides={}, draft_base=base)
    AgentDraft.objects.create(
        run=run,
        config=config_of(draft.configured),
        message=draft.message,
        is_default=draft.is_default,
        seen=draft.seen,
    )
    return run
