"""The runs of a thread as its page shows them: what a person wrote, what was done, and what came of it."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Left
from django.utils.safestring import SafeString

from runs.live.rendering import fragments
from runs.live.rendering.run_lines import add_lines, with_starts
from runs.live.rendering.step_views import StepView, step_view
from runs.models import Run, Step, ToolCall
from runs.models.permissions import may_decide, may_stop
from runs.web.thread_tree import Branch, Thread, ThreadRun

MESSAGE_CHARS: Final = 4_000
"""Characters of a message that are shown; the page of its run shows all."""


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """A run of a thread, or the place of one that the user may not see."""

    run: Run | None
    """With its line; None for a run of somebody else."""
    number: int
    """Of the run in its conversation, from 1."""
    branch: Branch | None = None
    message: str = ""
    is_cut: bool = False
    """True if the message is longer."""
    calls: int = 0
    answer: Step | None = None
    card: StepView | None = None
    """The answer as a step; None without one."""
    question: SafeString = field(default_factory=SafeString)
    """The cards of the calls that a person is asked about."""
    may_not: tuple[str, ...] = ()
    """Names of the actions that the user may not take: run.css hides their buttons."""

    @property
    def is_going(self) -> bool:
        """True if a host works on the run, or will without anybody's help."""
        return self.run is not None and not self.run.is_finished


def entries_of(user: Any, thread: Thread, path: list[ThreadRun], *, first: int = 1) -> list[ThreadEntry]:
    """The entries of a part of a conversation, whose first run has the number `first`. At most eight queries."""
    ids = [each.pk for each in path if each.is_seen]
    runs = _runs(ids)
    answers = _answers(ids)
    calls = dict(ToolCall.objects.filter(run__in=ids).order_by().values_list("run").annotate(Count("pk")))
    entries = []
    for number, each in enumerate(path, first):
        run = runs.get(each.pk)
        if run is None:
            entries.append(ThreadEntry(None, number))
            continue
        answer = answers.get(run.pk)
        entries.append(
            ThreadEntry(
                run,
                number,
                branch=thread.branch_of(each),
                message=run.message[:MESSAGE_CHARS],  # type: ignore[attr-defined]
                is_cut=len(run.message) > MESSAGE_CHARS,  # type: ignore[attr-defined]
                calls=calls.get(run.pk, 0),
                answer=answer,
                card=None if answer is None else step_view(answer),
                question=_question(run),
                may_not=_may_not(user, run),
            )
        )
    return entries


def _runs(ids: list[UUID]) -> dict[UUID, Run]:
    found = with_starts(Run.objects.select_related("agent", "user")).annotate(message=Left("task", MESSAGE_CHARS + 1))
    runs = found.in_bulk(ids)
    add_lines(list(runs.values()))
    return runs


def _answers(ids: list[UUID]) -> dict[UUID, Step]:
    steps = Step.objects.filter(run__in=ids, kind=Step.Kind.ANSWER).defer("replay").order_by("run", "sequence")
    return {step.run_id: step for step in steps}


def _question(run: Run) -> SafeString:
    """What a waiting run asks, as its own page shows it."""
    if run.waiting_for not in Run.ASKING or run.cancel_requested_at is not None:
        return SafeString("")
    return fragments.stage_html(run)


def _may_not(user: Any, run: Run) -> tuple[str, ...]:
    questions = {"stop": may_stop, "decide": may_decide}
    return tuple(name for name, may in questions.items() if not may(user, run))
