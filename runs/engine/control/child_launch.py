"""Launching the child run of a call, and its answer for the call."""

from typing import Any
from uuid import UUID

from django.db import transaction

from runs.agent.errors import call_sentences as sentences
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.notes import CancelledAtOncePayload, CancelledPayload, ChildPayload
from runs.agent.tools.child_runs import CALL_AGENT, MAX_DEPTH, ChildAwaited
from runs.agent.wording import Wording
from runs.engine.control.decision_log import without_secrets
from runs.engine.control.step_log import add_step, place_of
from runs.engine.control.tree_pauses import pause_with
from runs.engine.limits.child_limits import limits_for_child
from runs.engine.limits.configured_limits import limits_of
from runs.engine.limits.daily_budget import DailyLimitReached, check_daily_limits
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import adopt, announce, dispatch
from runs.models import Agent, Run, Step, ToolCall
from runs.models.permissions import may_launch


def answer_of_child(run_id: UUID, *, epoch: int, call_id: UUID, agent: str, task: str) -> Any:
    """The answer of the call's child run: its output if it has a schema for one, else its text. Launches the run the
    first time; `epoch` is that of the claim under which the call is made.

    Raises `ChildAwaited` until it has ended, and `ToolFailed` if it has no answer, or may not be launched.
    """
    child = Run.objects.filter(parent_call=call_id).first()
    if child is None:
        child = _launch(run_id, epoch, call_id, agent, task)
    return _answer_of(child)


def times_of_child(call_id: UUID) -> tuple[float, float] | None:
    """When the call's child run was launched and ended, in seconds since 1970; None if it has not."""
    child = Run.objects.filter(parent_call=call_id).only("created_at", "ended_at").first()
    if child is None or child.ended_at is None:
        return None
    return child.created_at.timestamp(), child.ended_at.timestamp()


def _answer_of(child: Run) -> Any:
    name = str(child.config.get("agent", ""))
    match child.status:
        case Run.Status.COMPLETED:
            return child.answer if child.output is None else child.output
        case Run.Status.CANCELLED:
            if by := _stopped_by(child):
                raise ToolFailed(sentences.CHILD_STOPPED_BY.made(agent=name, name=by))
            raise ToolFailed(sentences.CHILD_STOPPED.made(agent=name))
        case Run.Status.FAILED:
            why = str((child.error or {}).get("message", ""))
            raise ToolFailed(sentences.CHILD_FAILED.made(agent=name, message=why))
        case _:
            raise ChildAwaited


def _stopped_by(child: Run) -> str:
    last = child.steps.only("kind", "metadata").order_by("-sequence").first()
    match last.payload if last is not None else None:
        case CancelledPayload(by=by) | CancelledAtOncePayload(by=by):
            return by or ""
        case _:
            return ""


@transaction.atomic
def _launch(run_id: UUID, epoch: int, call_id: UUID, agent_name: str, task: str) -> Run:
    parent, root = _locked(run_id)
    # The process that held the row before may have launched it, and have died.
    if (there := Run.objects.filter(parent_call=call_id).first()) is not None:
        return there
    _check_parent(parent, root, epoch)
    agent = _agent_named(agent_name, parent)
    child = Run.objects.create(
        user_id=parent.user_id,
        agent=agent,
        task=without_secrets(task),
        config=limits_for_child(parent, _config_of(agent, parent)),
        overrides={},
        version=agent.version,
        parent_call_id=call_id,
        root=parent.root_id,
        depth=parent.depth + 1,
        priority=max(agent.priority, parent.priority),
    )
    _tell(parent, child, ToolCall.objects.get(pk=call_id))
    fault_points.at_commit("launch_child")
    adopt(child.pk)
    if parent.pause_requested_at is None:
        dispatch(child.pk)
    else:
        pause_with(parent, child)
    announce(child.pk, 0)
    return child


def _locked(run_id: UUID) -> tuple[Run, Run]:
    """The run and the first of its tree. The second row's lock counts the children of the tree one by one."""
    root_id = Run.objects.values_list("root", flat=True).get(pk=run_id) or run_id
    rows = Run.objects.select_for_update().filter(pk__in={run_id, root_id}).order_by("pk")
    by_id = {row.pk: row for row in rows}
    return by_id[run_id], by_id[root_id]


def _check_parent(parent: Run, root: Run, epoch: int) -> None:
    """Raise `ToolFailed` if the run may launch no child run now."""
    if parent.epoch != epoch or parent.owner is None or parent.cancel_requested_at is not None:
        raise ToolFailed(sentences.RUN_STOPS.made())
    if parent.depth >= MAX_DEPTH:
        raise ToolFailed(sentences.TOO_DEEP.made(count=parent.depth))
    most = limits_of(root.config).max_child_runs
    if Run.objects.filter(root=root.pk).count() >= most:
        raise ToolFailed(sentences.TOO_MANY_CHILDREN.made(count=most))
    if not may_launch(parent.user):
        raise ToolFailed(sentences.MAY_NOT_LAUNCH.made())
    try:
        check_daily_limits(parent.user)
    except DailyLimitReached as reached:
        raise ToolFailed(sentences.NOT_LAUNCHED.made(message=str(reached))) from reached


def _agent_named(name: str, parent: Run) -> Agent:
    if name not in (parent.config.get("agents") or []):
        raise ToolFailed(sentences.NOT_CALLABLE.made(agent=name))
    agent = Agent.objects.in_use().filter(name=name).first()
    if agent is None:
        raise ToolFailed(sentences.NO_SUCH_AGENT.made(agent=name))
    chain = _agents_above(parent)
    if agent.pk in [pk for pk, _ in chain]:
        path = " → ".join([*(each for _, each in reversed(chain)), name])
        raise ToolFailed(sentences.AGENTS_IN_A_LOOP.made(agents=path))
    return agent


def _agents_above(run: Run) -> list[tuple[int | None, str]]:
    """The agents of the run and of those above it, from the run up: id and name."""
    chain = [(run.agent_id, str(run.config.get("agent", "")))]
    call_id = run.parent_call_id
    while call_id is not None:
        above = Run.objects.only("agent", "config", "parent_call").get(calls=call_id)
        chain.append((above.agent_id, str(above.config.get("agent", ""))))
        call_id = above.parent_call_id
    return chain


def _config_of(agent: Agent, parent: Run) -> JsonObject:
    """The agent's configuration. A rule for approvals that was set at the launch of the tree holds in all of it."""
    floor = parent.config.get("approval_floor")
    return agent.snapshot() | ({} if floor is None else {"approval_floor": floor})


def _tell(parent: Run, child: Run, call: ToolCall) -> None:
    """Add the step that the call has launched its run."""
    agent = str(child.config["agent"])
    words = Wording("%(tool)s launched a run of %(agent)s.", tool=CALL_AGENT, agent=agent)
    payload = ChildPayload(child_id=str(child.pk), agent=agent)
    add_step(parent, Step.Kind.NOTE, words, payload, **place_of(call))
    parent.save(update_fields=["next_sequence"])
    announce(parent.pk, parent.last_sequence)
