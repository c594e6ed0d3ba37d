"""What a list says about a run beside its task: how it ended, what it waits for, what it does."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.utils.translation import gettext

from runs.live.rendering.first_lines import first_line
from runs.live.rendering.stored_words import error_words, words_of
from runs.models import Question, Run, Step, ToolCall
from runs.models.run_queries import RunQuerySet

PARKED: Final = Q(status=Run.Status.WAITING, owner__isnull=True) & ~Q(waiting_for=Run.WaitingFor.CHILD)
"""Of unfinished runs: those that only a person can move on."""
START_CHARS: Final = 240
"""Characters of a task, an answer and an error that are read for a row: a task may have 256 KiB."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """The line about one run."""

    text: str = ""
    waits_since: datetime | None = None
    """Since when a parked run waits for a person."""


def with_starts(runs: RunQuerySet) -> RunQuerySet:
    """The runs with the beginnings of their texts, and without the texts."""
    return runs.defer("task", "filled_inputs", "answer", "output", "error").annotate(
        task_start=Left("task", START_CHARS),
        answer_start=Left("answer", START_CHARS),
        error_start=Left(KT("error__message"), START_CHARS),
    )


def list_of(run: Run) -> str:
    """The list of the first page that the run is in: `waiting`, `running` or `finished`."""
    if run.is_finished:
        return "finished"
    is_parked = run.status == Run.Status.WAITING and run.owner is None
    return "waiting" if is_parked and run.waiting_for != Run.WaitingFor.CHILD else "running"


def add_lines(runs: list[Run]) -> list[Run]:
    """Give each of the runs (`with_starts`) its `line`. Two queries if some are unfinished, otherwise none; one
    more if some wait for an answer."""
    going = [run for run in runs if not run.is_finished and run.last_sequence]
    steps = _last_steps(going)
    asking = _asking_calls(run for run in going if run.waiting_for in Run.ASKING)
    asked = _questions(run for run in going if run.waiting_for == Run.WaitingFor.ANSWER)
    for run in runs:
        step, calls = steps.get(run.pk), asking.get(run.pk, [])
        questions = asked.get(run.pk, [])
        run.line = _finished(run) if run.is_finished else _going(run, step, calls, questions)  # type: ignore[attr-defined]
        run.attempt = attempt_of(step) if step and not run.is_finished else ""  # type: ignore[attr-defined]
    return runs


def _finished(run: Run) -> RunLine:
    if run.status == Run.Status.FAILED:
        return RunLine(first_line(error_words(run.error_start or "")))  # type: ignore[attr-defined]
    return RunLine(first_line(run.answer_start or ""))  # type: ignore[attr-defined]


def _going(run: Run, step: Step | None, calls: list[str], questions: list[str]) -> RunLine:
    if step is None:
        return RunLine()
    match run.waiting_for:
        case Run.WaitingFor.APPROVAL:
            names = ", ".join(dict.fromkeys(calls))
            words = gettext("%(tools)s wants to run") if len(calls) == 1 else gettext("%(tools)s want to run")
            return RunLine(words % {"tools": names} if names else "", waits_since=_time_of(step))
        case Run.WaitingFor.DECISION:
            names = ", ".join(dict.fromkeys(calls))
            words = gettext("Did %(tools)s happen?")
            return RunLine(words % {"tools": names} if names else "", waits_since=_time_of(step))
        case Run.WaitingFor.ANSWER:
            return RunLine(questions[0] if questions else "", waits_since=_time_of(step))
        case Run.WaitingFor.RESUME:
            return RunLine(waits_since=_time_of(step))
        case Run.WaitingFor.RETRY:
            return RunLine(first_line(words_of(step)))
    if step.kind == Step.Kind.TOOL_CALL:
        return RunLine(gettext("runs %(tool)s") % {"tool": step.tool_name})
    return RunLine(first_line(words_of(step)))


def attempt_of(step: Step) -> str:
    """The number of a failed attempt and of all: `2/5`; empty for another step."""
    return f"{step.attempt}/{step.max_attempts}" if step.attempt and step.max_attempts else ""


def _last_steps(runs: list[Run]) -> dict[UUID, Step]:
    if not runs:
        return {}
    last = Step.objects.filter(run__in=[run.pk for run in runs], sequence=F("run__next_sequence") - 1).order_by()
    columns = ("run", "kind", "tool_name", "attempt", "max_attempts", "started_at", "ended_at", "metadata")
    last = last.only(*columns).annotate(start=Left("content", START_CHARS))
    found = {}
    for step in last:
        step.content = step.start  # type: ignore[attr-defined]
        found[step.run_id] = step
    return found


def _asking_calls(runs: Iterable[Run]) -> dict[UUID, list[str]]:
    ids = [run.pk for run in runs]
    if not ids:
        return {}
    names: dict[UUID, list[str]] = {}
    calls = ToolCall.objects.asking().filter(run__in=ids).order_by("run", "turn", "index", "position")
    for run_id, name in calls.values_list("run_id", "tool_name"):
        names.setdefault(run_id, []).append(name)
    return names


def _questions(runs: Iterable[Run]) -> dict[UUID, list[str]]:
    """The first lines of what the runs ask, the oldest question first."""
    ids = [run.pk for run in runs]
    if not ids:
        return {}
    found: dict[UUID, list[str]] = {}
    open_ones = Question.objects.filter(call__run__in=ids, state=Question.State.OPEN).order_by("asked_at", "pk")
    for run_id, text in open_ones.values_list("call__run", Left("text", START_CHARS)):
        found.setdefault(run_id, []).append(first_line(text))
    return found


def _time_of(step: Step) -> datetime | None:
    return step.ended_at or step.started_at
