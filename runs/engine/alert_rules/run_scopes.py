"""Which runs an alert rule is over: by whom, with which agent and version, of which schedule."""

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from runs.models import AgentLabel, AlertRule

ANY: Final = -1
"""In a scope: every one, and none. No key and no number is negative."""


class RunScope(NamedTuple):
    """The columns that the runs of a rule have; `ANY` where it does not matter. A label is its version of now."""

    user: int | None = ANY
    agent: int | None = ANY
    version: int | None = ANY
    schedule: UUID | int | None = ANY

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that matter."""
        return tuple(name for name, value in zip(self._fields, self, strict=True) if value != ANY)

    def of_columns(self, columns: tuple[str, ...]) -> "RunScope":
        """The same, as far as those columns go."""
        return RunScope(**{name: getattr(self, name) for name in columns})


def scopes_of(rules: Iterable[AlertRule]) -> dict[UUID, RunScope | None]:
    """The scope of each rule by its id; None for one whose label is gone. At most one query."""
    rules = list(rules)
    numbers = _numbers({(rule.agent_id, rule.label) for rule in rules if rule.label and rule.agent_id is not None})
    scopes: dict[UUID, RunScope | None] = {}
    for rule in rules:
        agent = ANY if rule.agent_id is None else rule.agent_id
        version = numbers.get((agent, rule.label)) if rule.label else ANY
        user = ANY if rule.is_for_all else rule.user_id
        schedule = ANY if rule.schedule_id is None else rule.schedule_id
        scopes[rule.pk] = None if version is None else RunScope(user, agent, version, schedule)
    return scopes


def _numbers(labels: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The versions that the labels point at."""
    if not labels:
        return {}
    agents, names = {agent for agent, _ in labels}, {name for _, name in labels}
    rows = AgentLabel.objects.filter(agent__in=agents, name__in=names).values_list("agent", "name", "number")
    return {(agent, name): number for agent, name, number in rows}
