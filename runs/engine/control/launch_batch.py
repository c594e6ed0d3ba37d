"""Launching many runs in one transaction: what their people may do and what their agents are is read once for all."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied

from runs.engine.control.launch import check_task, columns_of_agent
from runs.engine.files.attachments import with_files
from runs.engine.limits.daily_budget import check_daily_limits
from runs.engine.limits.launch_rate import check_launch_limits, launches_left
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import dispatch_new
from runs.models import Agent, Run
from runs.models.permissions import NOT_LAUNCHED, may_launch


class NoLaunchLeft(Exception):
    """The person has reached a launch limit with the runs of this batch."""


class LaunchBatch:
    """Runs without files that are launched together, in the open transaction. Of one batch only `create` writes."""

    def __init__(self, users: Collection[Any]) -> None:
        """`users` are the people whose runs may be added; their rows are locked."""
        self._left = launches_left(users)
        self._checked: dict[int | None, ValueError | PermissionDenied | None] = {}
        self._of_agents: dict[tuple[int, str, int | None], dict[str, Any]] = {}
        self._runs: list[Run] = []

    def add(self, *, user: Any, task: str, agent: Agent, version: str, **columns: Any) -> Run:
        """A new run, which is stored by `create`. `user` None is the command line.

        Raises `NoLaunchLeft` if the runs of this batch have reached a launch limit, and what `launch` raises.
        """
        check_task(task)
        self._check(user)
        of_user = None if user is None else user.pk
        key = (agent.pk, version, of_user)
        if key not in self._of_agents:
            found = columns_of_agent(agent, version, by=user)
            self._of_agents[key] = found | {"config": with_files(found["config"], (), None)}
        if of_user is not None:
            if self._left[of_user] <= 0:
                raise NoLaunchLeft
            self._left[of_user] -= 1
        run = Run(user=user, task=task, agent=agent, priority=agent.priority, **self._of_agents[key], **columns)
        self._runs.append(run)
        return run

    def create(self) -> None:
        """Store the runs, queued, and wake the hosts and the dashboards once after the commit."""
        if not self._runs:
            return
        Run.objects.bulk_create(self._runs)
        fault_points.at_commit("launch")
        dispatch_new([run.pk for run in self._runs])

    def _check(self, user: Any) -> None:
        """Raise what keeps the person from launching, found once for all their runs."""
        of_user = None if user is None else user.pk
        if of_user not in self._checked:
            self._checked[of_user] = _what_forbids(user, is_at_limit=of_user is not None and not self._left[of_user])
        if (refusal := self._checked[of_user]) is not None:
            raise refusal


def _what_forbids(user: Any, *, is_at_limit: bool) -> ValueError | PermissionDenied | None:
    if not may_launch(user):
        return PermissionDenied(NOT_LAUNCHED)
    try:
        if is_at_limit:
            check_launch_limits(user)
        check_daily_limits(user)
    except ValueError as reached:
        return reached
    return None
