"""What a run of a thread did, cut where somebody said something: work that is folded, decisions, messages, and answers
after which the run went on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import Q

from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.notes import SoFarPayload
from runs.agent.payloads.steps import DecisionPayload, MessagePayload, QuestionPayload
from runs.engine import control
from runs.live.rendering.approval_views import QuestionView, question_of
from runs.live.rendering.step_views import StepView, step_view
from runs.markdown import visible
from runs.models import Run, Step
from runs.models.step import SO_FAR

MOST_SAID: Final = 40
"""Decisions, messages and answers of one run that its thread shows: the last ones. The page of the run has all."""
MESSAGE_CHARS: Final = 4_000
"""Characters of a message to a run in progress that its thread shows."""
READ: Final = (Step.Kind.ANSWER, Step.Kind.ERROR, Step.Kind.APPROVAL, Step.Kind.MESSAGE)


@dataclass(frozen=True, slots=True)
class WorkPart:
    """Steps that follow each other without a word of a person."""

    after: int
    """The sequence before its first step."""
    until: int
    steps: int
    calls: int
    is_last: bool
    is_cut: bool = False
    """True if decisions are among its steps, because there were too many."""

    is_work = True
    is_answer = False


@dataclass(frozen=True, slots=True)
class SaidPart:
    """A person's decision about a call, answer to its question, or message to the run."""

    step: Step
    view: QuestionView | None = None
    """The decision; None for a message."""
    sender: str = ""
    """The person who sent a message."""
    asked: str = ""
    """What the agent asked; empty for a decision about a call."""
    answer: str = ""
    """The answer or the message, or its beginning; empty if nobody gave one."""

    is_work = False
    is_answer = False

    @property
    def by(self) -> str:
        """The person; empty for nobody."""
        return self.sender if self.view is None else self.view.by


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """An answer after which the run went on, because a person had said something."""

    step: Step
    card: StepView

    is_work = False
    is_answer = True


Part = WorkPart | SaidPart | AnswerPart


@dataclass(slots=True)
class RunWords:
    """The steps of a run that a conversation shows as they are."""

    answer: Step | None = None
    error: Step | None = None
    said: list[Step] = field(default_factory=list)
    """Questions, decisions, messages and the answers before them, in order."""


def words_of_runs(ids: Iterable[UUID]) -> dict[UUID, RunWords]:
    """What these runs and people said. One query."""
    steps = Step.objects.filter(SO_FAR | Q(kind__in=READ), run__in=list(ids)).defer("replay", "tool_output")
    found: dict[UUID, RunWords] = defaultdict(RunWords)
    for step in steps.order_by("run", "sequence"):
        words = found[step.run_id]
        match step.kind:
            case Step.Kind.ANSWER:
                words.answer = step
            case Step.Kind.ERROR:
                words.error = step
            case _:
                words.said.append(step)
    return found


def parts_of(runs: Sequence[Run], words: dict[UUID, RunWords]) -> dict[UUID, list[Part]]:
    """The parts of each run, in order. One query, which counts calls."""
    calls = _calls_of(runs)
    return {run.pk: _parts(run, _said_of(words.get(run.pk)), calls.get(run.pk, [])) for run in runs}


def _calls_of(runs: Sequence[Run]) -> dict[UUID, list[int]]:
    """The sequences of the steps with a call, by run. Those that a script makes count too."""
    rows = Step.objects.filter(run__in=[run.pk for run in runs], kind=Step.Kind.TOOL_CALL)
    found: dict[UUID, list[int]] = defaultdict(list)
    for run_id, sequence in rows.order_by("run", "sequence").values_list("run", "sequence"):
        found[run_id].append(sequence)
    return found


def _said_of(words: RunWords | None) -> list[SaidPart | AnswerPart]:
    asked: dict[UUID | None, str] = {}
    found: list[SaidPart | AnswerPart] = []
    for step in words.said if words is not None else ():
        view = question_of(step)
        match step.payload:
            case QuestionPayload(question=question) if question is not None:
                asked[step.call_id] = visible(question.text)
            case DecisionPayload() as decision if view is not None:
                text = asked.get(step.call_id, "") if decision.question_id else ""
                answer = "" if decision.answer is ABSENT else visible(control.shown_answer(decision.answer))
                found.append(SaidPart(step, view, asked=text, answer=answer))
            case MessagePayload(by=by):
                said = visible(step.content[:MESSAGE_CHARS])
                found.append(SaidPart(step, sender=visible(by or ""), answer=said))
            case SoFarPayload():
                found.append(AnswerPart(step, step_view(step)))
    return found


def _parts(run: Run, said: Sequence[SaidPart | AnswerPart], calls: list[int]) -> list[Part]:
    shown = said[-MOST_SAID:]
    parts: list[Part] = []
    at = 0
    for number, part in enumerate(shown):
        sequence = part.step.sequence
        is_cut = not number and len(said) > len(shown)
        parts += [*_work(at, sequence - 1, calls, is_cut=is_cut), part]
        at = sequence
    last = run.last_sequence
    parts.append(WorkPart(at, last, last - at, _count(calls, at, last), is_last=True))
    return parts


def _work(after: int, until: int, calls: list[int], *, is_cut: bool) -> list[WorkPart]:
    """The steps between two words; nothing if there are none."""
    if until <= after:
        return []
    return [WorkPart(after, until, until - after, _count(calls, after, until), is_last=False, is_cut=is_cut)]


def _count(calls: list[int], after: int, until: int) -> int:
    return sum(after < each <= until for each in calls)
