"""Saving agents for programs: the values of a file are checked and saved as the editor does it."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from runs.agent.json_data.json_types import JsonObject
from runs.agent_configs.agent_editor import AgentEditor, ChangedMeanwhile
from runs.agent_configs.agent_file import form_data, key_of
from runs.models import Agent
from runs.models.agent_config import config_of


class AgentInvalid(ValueError):
    """The agent cannot be saved; `fields` says why, by the key of the file."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("\n".join(f"{key}: {words}" for key, words in fields.items()))
        self.fields = fields


def create_agent(values: JsonObject, *, by: Any, message: str = "", is_default: bool = False) -> Agent:
    """A new agent with the values of a file. Raises `AgentInvalid`."""
    return _saved(Agent(), values, by=by, message=message, is_default=is_default)


def change_agent(
    agent_id: int,
    values: JsonObject,
    *,
    by: Any,
    message: str = "",
    based_on: int | None = None,
    is_default: bool | None = None,
) -> Agent:
    """The agent with these values in place of its own, and a new version if it has changed.

    Raises `Agent.DoesNotExist`, `AgentInvalid`, and `ChangedMeanwhile` if it has another version than `based_on`, or
    is saved by somebody else at the same time.
    """
    agent = Agent.objects.get(pk=agent_id)
    if based_on is not None and agent.version != based_on:
        raise ChangedMeanwhile
    seen, marked = agent.updated_at.isoformat(), agent.is_default if is_default is None else is_default
    return _saved(agent, config_of(agent) | values, by=by, message=message, is_default=marked, seen=seen)


def copied_name(agent: Agent) -> str:
    """The name of a copy of the agent."""
    name: str = _("Copy of %(name)s") % {"name": agent.name}
    return name[: Agent._meta.get_field("name").max_length]


def _saved(agent: Agent, values: JsonObject, *, by: Any, message: str, is_default: bool, seen: str = "") -> Agent:
    data = form_data(values, is_default=is_default)
    data["message"] = message
    form = AgentEditor(data, instance=agent, by=by)
    if not form.is_valid():
        raise AgentInvalid({key_of(field): " ".join(map(str, errors)) for field, errors in form.errors.items()})
    try:
        with transaction.atomic():
            return form.save_checked(seen=seen)
    except IntegrityError as error:  # Another agent took the name meanwhile, or became the default.
        raise AgentInvalid({"name": _("Another agent has this name. Choose another one.")}) from error
