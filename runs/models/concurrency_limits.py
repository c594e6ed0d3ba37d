"""Concurrency limits: how many runs of an agent, or of a person, may be hosted at once."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.db.models import Count, F, Q

from runs.models.agent import Agent
from runs.models.run import Run


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A limit that applies to a run. Parked runs do not count: they hold no slot."""

    of: Literal["agent", "user"]
    key: int
    """The id of the agent or user."""
    most: int

    def others(self, run: Run) -> int:
        """The number of hosted runs that count against the limit, without this one."""
        return Run.objects.filter(**{self.of: self.key}, owner__isnull=False).exclude(pk=run.pk).count()


def limits_for(run: Run, agents_most: int | None) -> list[AtOnce]:
    """The limits that apply to a run; `agents_most` is its agent's `max_runs_at_once`."""
    limits = []
    if agents_most is not None and run.agent_id is not None:
        limits.append(AtOnce("agent", run.agent_id, agents_most))
    persons_most: int | None = settings.AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER
    if persons_most is not None and run.user_id is not None:
        limits.append(AtOnce("user", run.user_id, persons_most))
    return limits


def limit_reached(run: Run) -> AtOnce | None:
    """The limit a queued run waits for now; None if it waits for a free host only."""
    if run.status != Run.Status.IDLE:
        return None
    agents_most = Agent.objects.filter(runs=run).values_list("max_runs_at_once", flat=True).first()
    return next((limit for limit in limits_for(run, agents_most) if limit.others(run) >= limit.most), None)


class Places:
    """The free slots under the limits at one moment, to be taken one by one."""

    def __init__(self) -> None:
        counted = Agent.objects.filter(max_runs_at_once__isnull=False).annotate(
            hosted=Count("runs", filter=Q(runs__owner__isnull=False))
        )
        self._of_agents = dict(counted.values_list("pk", F("max_runs_at_once") - F("hosted")))
        self._persons_most: int | None = settings.AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER
        self._of_users: Counter[int] = Counter()
        if self._persons_most is not None:
            hosted = Run.objects.filter(owner__isnull=False, user__isnull=False).values_list("user").order_by()
            self._of_users.update(dict(hosted.annotate(hosted=Count("pk"))))

    @property
    def are_limited(self) -> bool:
        """False if no limit is set."""
        return bool(self._of_agents) or self._persons_most is not None

    @property
    def full(self) -> Q:
        """The runs without a free slot."""
        agents = [key for key, free in self._of_agents.items() if free <= 0]
        users = [key for key, hosted in self._of_users.items() if hosted >= (self._persons_most or 0)]
        return Q(agent__in=agents) | Q(user__in=users)

    def take(self, agent: int | None, user: int | None) -> bool:
        """Take a slot for a run of this agent and this person; False if there is none."""
        if agent in self._of_agents and self._of_agents[agent] <= 0:
            return False
        if self._persons_most is not None and user is not None and self._of_users[user] >= self._persons_most:
            return False
        if agent in self._of_agents:
            self._of_agents[agent] -= 1
        if self._persons_most is not None and user is not None:
            self._of_users[user] += 1
        return True
