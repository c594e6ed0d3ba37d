"""The plan of a task: its goals in order, or the reason for having none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs.agent.files.file_info import FileInfo
from runs.agent.messages import ToolRequest, Turn
from runs.agent.providers.offline.clauses import MAX_CLAUSE_LENGTH, MAX_TASK_LENGTH, MAX_UNQUOTED_LENGTH, Task, halves
from runs.agent.providers.offline.goals import Goal, TaskRefused
from runs.agent.providers.offline.grammar import read_clause

MAX_READINGS = 400
"""Limit of attempts to read a clause per task. A task that matches needs a few; this bounds any other."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason for a task without a plan."""

    clause: str
    """The part that was not understood, in the user's words."""
    reason: str = ""
    """A specific reason; empty if simply no rule matches."""


def read_task(text: str, before: Sequence[Goal] = (), files: Sequence[FileInfo] = ()) -> tuple[Goal, ...] | Refusal:
    """The goals of a task about `files`, in its order. References may also point to the goals `before` it.

    A single clause that is not understood refuses the whole task: it may change the meaning of the others.
    """
    if len(text) > MAX_TASK_LENGTH:
        return Refusal(text[:80] + "…", f"it is longer than the {MAX_TASK_LENGTH} characters that the rules allow")
    task = Task(text, files)
    if task.is_too_long:
        most = f"{MAX_UNQUOTED_LENGTH:,} characters outside of quotation marks"
        return Refusal(text[:80] + "…", f"it is longer than the {most} that the rules allow")
    if "#" in task.text:
        # `#0` is the planner's own notation for the result of goal 0.
        return Refusal(text, "the sign # has no meaning outside a quoted text")
    reading = _PlanReader(task)
    goals: tuple[Goal, ...] = ()
    for statement in task.statements():
        found = reading.statement(statement, (*before, *goals))
        if isinstance(found, Refusal):
            return found
        goals += found
    return goals or Refusal(text)


class _PlanReader:
    """The search for the goals of each sentence, and the most specific reason if there are none."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._tries = 0
        self._rest = ""
        self._refused: Refusal | None = None

    def statement(self, statement: str, earlier: Sequence[Goal]) -> tuple[Goal, ...] | Refusal:
        """The goals of what stands between full stops: those of its sentences in order; else those of the whole, where
        "then" or "next" is a word of what is asked: "the next working day"."""
        goals: tuple[Goal, ...] = ()
        for sentence in self._task.sentences(statement):
            found = self.goals(sentence, (*earlier, *goals))
            if found is None:
                refused = self.refusal(sentence)
                whole = None if sentence == statement else self.goals(statement, earlier)
                return refused if whole is None else whole
            goals += found
        return goals

    def goals(self, sentence: str, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
        """The goals of a sentence: as one clause if a rule matches, else split where both parts match."""
        if (whole := self._clause(sentence, earlier)) is not None:
            return whole
        for first, rest in halves(sentence):
            goals = self._clause(first, earlier)
            if goals is None or _may_go_on(goals[-1], rest):
                continue
            if (others := self.goals(rest, (*earlier, *goals))) is not None:
                return goals + others
            self._rest = min(filter(None, (self._rest, rest)), key=len)
        return None

    def refusal(self, sentence: str) -> Refusal:
        """The refusal for a sentence that no rule matches."""
        if self._refused is not None:
            return self._refused
        return Refusal(self._task.in_full(self._rest or sentence))

    def _clause(self, said: str, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
        self._tries += 1
        if self._tries > MAX_READINGS or len(said) > MAX_CLAUSE_LENGTH:
            return None
        clause = self._task.clause(said)
        try:
            return read_clause(clause, earlier)
        except TaskRefused as refused:
            self._refused = Refusal(clause.said, str(refused))
            return None


def _may_go_on(goal: Goal, rest: str) -> bool:
    """True if the rest after an "and" may belong to the list before it: "average of 2 and 4 and 6 divided by 2"."""
    is_list = re.search(
        r"\b(?:sum|total|product|average|mean|median|add|multiply|min\w*|max\w*|small\w*|larg\w*|low\w*|high\w*|big\w*)\b",
        goal.clause,
        re.IGNORECASE,
    )
    return goal.tool_name == "calculator" and is_list is not None and re.match(r"[-\d(]", rest) is not None


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """The outcome of a goal: an output, or the reason for having none."""

    output: Any = None
    told: str = ""
    """The result as a sentence of the answer."""
    failure: str = ""


@dataclass(slots=True)
class Progress:
    """The progress of a plan after the turns so far."""

    goals: tuple[Goal, ...]
    outcomes: dict[int, ToolOutcome] = field(default_factory=dict)
    first: int = 0
    """The index of the task's first goal; those before it belong to an earlier task."""

    @classmethod
    def after(
        cls, goals: tuple[Goal, ...], turns: Sequence[Turn], reached: Sequence[tuple[Goal, ToolOutcome]] = ()
    ) -> "Progress":
        """The progress after `turns`; each result goes to the first goal whose call is equal.

        `reached` are the goals and outcomes of an earlier task, put in front of `goals`.
        """
        known = {place: outcome for place, (_, outcome) in enumerate(reached)}
        progress = cls((*(goal for goal, _ in reached), *goals), known, len(reached))
        for turn in turns:
            for request, result in zip(turn.reply.calls, turn.results, strict=False):
                place = progress._asking_for(request)
                if place is not None:
                    failure = result.error.message if result.error is not None else ""
                    progress.outcomes[place] = progress._outcome(place, result.output, failure)
        return progress

    @property
    def values(self) -> Mapping[int, Any]:
        """The values for later goals, by index."""
        return {
            place: self.goals[place].value(outcome.output)
            for place, outcome in self.outcomes.items()
            if not outcome.failure
        }

    @property
    def has_failed(self) -> bool:
        """True if a goal of this task failed, or was left out because of that."""
        places = range(self.first, len(self.goals))
        return any((outcome := self.outcomes.get(place)) is None or outcome.failure for place in places)

    def ready(self) -> dict[int, ToolRequest]:
        """The calls that are not made yet and have all their values, by goal index.

        A goal for which the values leave no single correct call fails here.
        """
        values = self.values
        requests: dict[int, ToolRequest] = {}
        for place, goal in enumerate(self.goals):
            if place in self.outcomes or not goal.needs <= values.keys():
                continue
            try:
                requests[place] = ToolRequest(goal.tool_name, goal.filled(values))
            except TaskRefused as refused:
                self.outcomes[place] = ToolOutcome(failure=f"{refused}.")
        return requests

    def _asking_for(self, request: ToolRequest) -> int | None:
        return next((place for place, ready in self.ready().items() if ready == request), None)

    def _outcome(self, place: int, output: Any, failure: str) -> ToolOutcome:
        if failure:
            return ToolOutcome(failure=failure)
        goal = self.goals[place]
        try:
            goal.value(output)
            return ToolOutcome(output, goal.say(goal.filled(self.values), output))
        except TaskRefused as refused:
            return ToolOutcome(failure=f"{refused}.")
        except (TypeError, ValueError, KeyError, AttributeError):
            # A custom tool of the same name may return another structure.
            return ToolOutcome(failure=f"`{goal.tool_name}` returned {output!r:.80}, which I cannot read.")
