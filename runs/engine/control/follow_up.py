"""Following up a run that has ended, and asking again in its place."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from runs.agent.json_data.json_types import JsonObject
from runs.engine.control.agent_choice import choice_of
from runs.engine.control.ceilings import ceilings_after, ceilings_of
from runs.engine.control.launch import create_run
from runs.engine.control.overrides import changed, launched_like, overrides_after
from runs.engine.control.run_versions import origin_like
from runs.engine.files.attachments import MOST_ATTACHED
from runs.engine.files.visibility import given_to
from runs.models import Agent, Run


class NotFinished(ValueError):
    """The run has not ended, so it cannot be continued."""


def continue_run(
    run_id: UUID,
    *,
    by: Any,
    message: str,
    overrides: JsonObject | None = None,
    files: Sequence[UUID] = (),
    agent: Agent | None = None,
    version: str = "",
) -> Run:
    """A new run of `message`, launched by `by`; its model sees the conversation of the earlier run and its
    predecessors.

    It has the earlier run's configuration with `overrides` (as of `run_again`), or that of another `agent` and its
    `version` (as of `launch`); totals of its own, and may read the files of the conversation as well as `files`.
    Raises `NotFinished`, `ValueError` for an empty message, `Run.DoesNotExist`, and what `run_again` and `launch`
    raise.
    """
    if not message.strip():
        raise ValueError("A follow-up needs a message.")
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    if not earlier.is_finished:
        raise NotFinished("The run has not ended yet. Wait for it, or stop it, and then follow it up.")
    columns = _columns_after(earlier, by, overrides, agent, version)
    place: dict[str, Any] = {"continues": earlier, "thread": earlier.thread_id}
    return create_run(user=by, task=message, files=files, **columns, **place)


def ask_again(
    run_id: UUID,
    *,
    by: Any,
    message: str | None = None,
    overrides: JsonObject | None = None,
    files: Sequence[UUID] | None = None,
    agent: Agent | None = None,
    version: str = "",
) -> Run:
    """A new run in the place of another one of its thread: with the same past, and `message` instead of its message.
    The thread branches there. None for the message and the files means those of the other run, which may still be in
    progress.

    Raises as `continue_run`, except `NotFinished`.
    """
    if message is not None and not message.strip():
        raise ValueError("A follow-up needs a message.")
    other = Run.objects.select_related("agent", "continues").get(pk=run_id)
    if files is None:
        files = [file.pk for file in given_to(other)][:MOST_ATTACHED]
    columns = _columns_after(other, by, overrides, agent, version)
    if message is None or message == other.task:
        columns["rerun_of"] = other
    place: dict[str, Any] = {"continues": other.continues, "thread": other.thread_id}
    return create_run(user=by, task=other.task if message is None else message, files=files, **columns, **place)


def _columns_after(
    earlier: Run, by: Any, overrides: JsonObject | None, agent: Agent | None, version: str
) -> dict[str, Any]:
    """Agent and configuration of a run in the thread of an earlier one."""
    if agent is None or (agent.pk == earlier.agent_id and not version):
        config = changed(launched_like(earlier, by=by), overrides, by=by, ceilings=ceilings_after(earlier, by=by))
        given = overrides_after(earlier, overrides)
        kept = origin_like(earlier, config, given)
        return {"agent": earlier.agent, "config": config, "overrides": given, **kept}
    chosen = choice_of(agent, version, by=by)
    ceilings = ceilings_of(chosen.configured, by=by)
    config = changed(chosen.configured.snapshot(), overrides, by=by, ceilings=ceilings)
    return {"agent": agent, "config": config, "overrides": overrides or {}, "version": chosen.version}
