"""Launching a run, and running one again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.json_data.json_types import JsonObject
from runs.engine.control.agent_choice import choice_of
from runs.engine.control.ceilings import ceilings_after, ceilings_of
from runs.engine.control.overrides import changed, launched_like, overrides_after
from runs.engine.control.run_versions import origin_like
from runs.engine.control.threads import take_from_archive
from runs.engine.files.attachments import MOST_ATTACHED, attach, documents_to_attach, with_files
from runs.engine.files.visibility import given_to, inherited_by
from runs.engine.limits.daily_budget import check_daily_limits
from runs.engine.limits.launch_rate import check_launch_limits
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import announce, dispatch
from runs.models import Agent, Run, Schedule, TaskTemplate, Trigger
from runs.models.permissions import NOT_LAUNCHED, may_launch


def launch(
    *,
    user: Any,
    task: str,
    agent: Agent | None = None,
    overrides: JsonObject | None = None,
    version: str = "",
    rerun_of: Run | None = None,
    files: Sequence[UUID] = (),
    template: TaskTemplate | None = None,
    filled_inputs: JsonObject | None = None,
    schedule: Schedule | None = None,
    trigger: Trigger | None = None,
) -> Run:
    """A new run of `task`, queued and dispatched in one transaction. `agent` None means the default agent.

    `version` is the number of one of the agent's versions, or a label; empty for the current one.
    `files` are the ids of uploaded documents that it may read; `template` and `filled_inputs` say where the task comes
    from, see `launch_template`; `schedule` or `trigger` is the one that launches it.
    `overrides` replaces keys of the agent's snapshot, those of `OVERRIDES`; an amount of money is a decimal string.
    Raises `ValueError` for an empty task or an unknown key; its subclasses `DailyLimitReached` if the person's runs
    have used up the daily limit, `TooManyLaunches` if the person launches too fast or has too many runs queued,
    `DocumentRefused` for a file that is not theirs or a picture that a model cannot see, `OverrideRefused`, and
    `AgentRefused` for an archived agent, or a version that there is not or that is not for them; `PermissionDenied` if
    the person may not launch; `Agent.DoesNotExist` without a default agent.
    """
    check_task(task)
    if agent is None:
        agent = Agent.objects.get(is_default=True)
    columns = columns_of_agent(agent, version, by=user, overrides=overrides)
    columns |= {"template": template, "filled_inputs": filled_inputs, "schedule": schedule, "trigger": trigger}
    return create_run(user=user, task=task, agent=agent, rerun_of=rerun_of, files=files, **columns)


def check_task(task: str) -> None:
    """Raise `ValueError` for a text without words."""
    if not task.strip():
        raise ValueError("A run needs a task.")


def columns_of_agent(agent: Agent, version: str, *, by: Any, overrides: JsonObject | None = None) -> dict[str, Any]:
    """The columns of a new run that come from its agent and the overrides.

    Raises `AgentRefused`, `OverrideRefused`, and `ValueError` for an unknown key.
    """
    chosen = choice_of(agent, version, by=by)
    ceilings = ceilings_of(chosen.configured, by=by)
    config = changed(chosen.configured.snapshot(), overrides, by=by, ceilings=ceilings)
    return {"config": config, "overrides": overrides or {}, "version": chosen.version}


def run_again(run_id: UUID, *, by: Any, overrides: JsonObject | None = None) -> Run:
    """A new run of the same task, launched by `by`, with the same configuration and `overrides` (as of `launch`).

    It has the earlier run's files and those of its conversation, up to `MOST_ATTACHED` (`files_left_out`). Tools,
    ceilings and approval rules are those of its agent today. Raises `ValueError` for an unknown key,
    `PermissionDenied`, `OverrideRefused`, `DocumentRefused`, `DailyLimitReached`, `TooManyLaunches`, and
    `Run.DoesNotExist`.
    """
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    config = changed(launched_like(earlier, by=by), overrides, by=by, ceilings=ceilings_after(earlier, by=by))
    given = overrides_after(earlier, overrides)
    columns = {"config": config, "overrides": given, **origin_like(earlier, config, given)}
    columns |= {"template_id": earlier.template_id, "filled_inputs": earlier.filled_inputs}
    files = _files_of(earlier, by)[:MOST_ATTACHED]
    return create_run(user=by, task=earlier.task, agent=earlier.agent, rerun_of=earlier, files=files, **columns)


def files_left_out(earlier: Run, *, by: Any) -> int:
    """The number of files that a run does not get when `by` runs `earlier` again, because there are too many."""
    return max(len(_files_of(earlier, by)) - MOST_ATTACHED, 0)


def _files_of(earlier: Run, by: Any) -> list[UUID]:
    return [file.pk for file in (*given_to(earlier), *inherited_by(earlier, user=by))]


@transaction.atomic
def create_run(*, user: Any, agent: Agent | None, files: Sequence[UUID] = (), **columns: Any) -> Run:
    """A new run, queued and dispatched.

    Raises `PermissionDenied`, `DailyLimitReached`, `TooManyLaunches` and `DocumentRefused`.
    """
    if not may_launch(user):
        raise PermissionDenied(NOT_LAUNCHED)
    check_launch_limits(user)
    check_daily_limits(user)
    priority = agent.priority if agent is not None else 0
    documents = documents_to_attach(files, user=user, models=columns["config"]["models"])
    columns["config"] = with_files(columns["config"], documents, columns.get("continues"))
    run = Run.objects.create(user=user, agent=agent, priority=priority, **columns)
    attach(run, documents)
    if run.thread is not None:
        take_from_archive(run.thread)
    fault_points.at_commit("launch")
    dispatch(run.pk)
    announce(run.pk, 0)
    return run
